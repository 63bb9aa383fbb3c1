"""Empirical Bayes: a prior over tasks, learned from training tasks, for a learner that plans by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from metarl_fast import checks
from metarl_fast.learners import Learner, PosteriorPlanner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.model_meta import ModelMeta
from metarl_fast.meta.prior_of_models import Goals, Smoothing, noise_of, prior_of, reward_scale


@dataclass(frozen=True)
class Candidate:
    """Settings to choose from: what of the prior to believe, and what the planner makes of it."""

    goals: Goals = "support"
    everywhere: float = 0.003
    bonus: float = 0.0005
    """In units of `reward_scale`."""
    bonus_decay: float = 0.5
    transition_strength: float = 0.01
    trust: float = 0.0
    """Times noise / variance between tasks is what prior rewards are worth; without noise not tried."""


CANDIDATES = (
    Candidate(),
    Candidate(goals="mean"),
    Candidate(everywhere=100.0),
    Candidate(bonus=0.02),
    Candidate(goals="mean", bonus=0.02),
    Candidate(transition_strength=1.0),
    Candidate(transition_strength=10.0),
    Candidate(transition_strength=10.0, bonus=0.1, bonus_decay=1.0),
    Candidate(transition_strength=10.0, bonus=0.5, bonus_decay=2.0),
    Candidate(transition_strength=10.0, bonus=1.0, bonus_decay=2.0),
    Candidate(transition_strength=3.0, bonus=2.0, bonus_decay=2.0),
    Candidate(bonus=0.5, bonus_decay=1.0, trust=0.03),
    Candidate(bonus=0.1, trust=1.0),
)
"""The first one does well nearly everywhere, and is what is taken if there are too few tasks to choose."""


@dataclass(frozen=True, kw_only=True)
class EmpiricalBayes(ModelMeta):
    """Learns what tasks have in common, as the prior of a `PosteriorPlanner`.

    From the exact models of the training tasks it takes which pairs (state, action) behave alike in all of
    them, where they lead on average, what rewards depend on and where they may lie, and how episodes end. The
    means are smoothed: what no training task rewarded may be the goal of a new one. (Robbins, "An empirical
    Bayes approach to statistics", 1956; of priors over MDPs Wilson et al., ICML 2007.)

    Where rewards are noisy, it tells what differs from what is chance by an analysis of variance, so that
    `experience` finds what rewards depend on, and tries how many rewards the prior is worth: noise / variance
    between tasks, times a part, for goals are rarer than a normal law has them.

    Which settings suit the family is chosen on an inner split of the training tasks.

        fitted = EmpiricalBayes().fit(training, rng=0)
        compare({"scratch": QLearning(), "empirical Bayes": fitted}, held_out, (0, 1, 5), rng=1)

    Parameters
    ----------
    neighbours
        Part of a state's reward that is believed of the states that lead there, 0 to 1.
    """

    neighbours: float = 0.3

    candidates: ClassVar[tuple[Candidate, ...]] = CANDIDATES

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "neighbours", checks.real, 0.0, 1.0)

    def default_learner(self) -> Learner:
        """Return the planner without a prior."""
        return PosteriorPlanner()

    def product(self, sums: State, chosen: Any, learner: Learner) -> PosteriorPlanner:
        """Return the planner with the prior of these sums and with these settings."""
        base = learner
        if not isinstance(base, PosteriorPlanner):
            base = PosteriorPlanner(learner.num_states, learner.num_actions, discount=learner.discount)
        if chosen.trust and noise_of(sums) == 0.0:
            chosen = self.candidates[0]
        bonus = chosen.bonus * reward_scale(sums)
        smoothing = Smoothing(chosen.goals, self.neighbours, chosen.everywhere)
        return base.replace(
            prior=prior_of(sums, smoothing, base.discount, bonus, chosen.trust, base.reward_strength),
            bonus=bonus,
            bonus_decay=chosen.bonus_decay,
            transition_strength=chosen.transition_strength,
        )
