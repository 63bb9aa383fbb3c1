"""Tied Q-learning: which pairs behave alike in every task, for a learner in which these share an entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from metarl_fast.learners import Learner, Table, TiedQLearning
from metarl_fast.meta.fitted import State
from metarl_fast.meta.model_meta import ModelMeta
from metarl_fast.meta.prior_of_models import reward_scale, ties_of


@dataclass(frozen=True)
class TiedCandidate:
    """Settings of the learner to choose from."""

    initial_q: float = 0.001
    """In units of `reward_scale`, above the smallest reward: what was never tried is better than nothing."""
    learning_rate: float = 1.0
    num_replays: int = 2
    epsilon: float = 0.0


TIED_CANDIDATES = (
    TiedCandidate(),
    TiedCandidate(initial_q=0.02),
    TiedCandidate(initial_q=0.2),
    TiedCandidate(initial_q=1.0),
    TiedCandidate(epsilon=0.03),
    TiedCandidate(initial_q=0.02, epsilon=0.03),
    TiedCandidate(initial_q=0.2, learning_rate=0.5),
    TiedCandidate(initial_q=1.0, learning_rate=0.3),
    TiedCandidate(initial_q=1.0, learning_rate=0.1, num_replays=1),
    TiedCandidate(initial_q=2.0, learning_rate=0.3, num_replays=0),
)
"""The first one suits deterministic families with goals."""


@dataclass(frozen=True, kw_only=True)
class TiedQ(ModelMeta):
    """Learns which pairs (state, action) behave alike in every training task, for `TiedQLearning`.

    Pairs share a class if they lead to the same states with the same probabilities in each task; and, where
    rewards depend on more than the state entered and differ between tasks, if these are alike, too. What is
    seen of one pair is then known of all of its class: of a cell, from whichever side it was entered. That is
    most of what `EmpiricalBayes` knows, at the cost of Q-learning; where tasks share no dynamics nothing is
    tied, and this is Q-learning with replays.

    Initial value, learning rate, replays and exploration are chosen on an inner split of the training tasks.

        fitted = TiedQ().fit(training, rng=0)
    """

    candidates: ClassVar[tuple[TiedCandidate, ...]] = TIED_CANDIDATES

    def default_learner(self) -> Learner:
        """Return the learner without ties."""
        return TiedQLearning()

    def product(self, sums: State, chosen: Any, learner: Learner) -> TiedQLearning:
        """Return the learner with the ties of these sums and with these settings."""
        base = learner
        if not isinstance(base, TiedQLearning):
            base = TiedQLearning(learner.num_states, learner.num_actions, discount=learner.discount)
        return base.replace(
            ties=Table(ties_of(sums)),
            initial_q=float(sums["reward_range"][0]) + chosen.initial_q * reward_scale(sums),
            learning_rate=chosen.learning_rate,
            num_replays=chosen.num_replays,
            epsilon=chosen.epsilon,
            epsilon_decay=0.9,
        )
