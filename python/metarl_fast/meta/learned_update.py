"""A learned update rule: weights of the network that updates agents' tables, by evolution strategies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import LearnedPolicyGradient, Learner, Table
from metarl_fast.meta.base import Meta
from metarl_fast.meta.candidates import directions, lives
from metarl_fast.meta.fitted import State, check_state
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.seeding import child, make_key

_LARGEST = 2.0**20
_MEAN_DECAY, _SQUARE_DECAY = 0.95, 0.99
"""Of the running moments of the slope."""


@dataclass(frozen=True, kw_only=True)
class LearnedUpdate(Meta):
    """Evolves an update rule: the network of `LearnedPolicyGradient`, so that agents earn most in a lifetime.

    Each step draws `num_pairs` directions z, and lets agents with the weights w + spread u z and
    w - spread u z, u = 1 + 2 abs(w), live in the tasks of the meta-batch, with the same random numbers. How
    much more the one earned than the other, in units of the spread between candidates on the same task, tells
    the slope along z (antithetic evolution strategies: Salimans et al., arXiv 1703.03864). The weights follow
    the running mean of slopes, divided by their root mean square::

        training = LpgGrid.random("small")
        fitted = LearnedUpdate().fit(training, num_episodes=20, num_tasks=4096, rng=0)

    The search begins at the learner's own weights, by default those of an actor-critic. The rule knows
    neither states nor actions, so it goes to tasks of any size. Every task counts alike, however large its
    rewards are. Oh et al. (NeurIPS 2020, arXiv 2007.08794) follow the gradient through the agent's updates
    instead; Jackson et al. ("Discovering temporally-aware reinforcement learning algorithms", ICLR 2024)
    evolve.

    Parameters
    ----------
    num_pairs
        Of candidates in a step.
    spread
        Of candidates about the weights: the standard deviation of each, in units of u.
    step_size
        How far a step goes, in units of u.
    """

    num_pairs: int = 8
    spread: float = 0.03
    step_size: float = 0.004
    tasks_per_iteration: int = 8

    default_iterations: ClassVar[int | None] = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "num_pairs", checks.integer, 1)
        checks.keep(self, "spread", checks.real, 0.0)
        checks.keep(self, "step_size", checks.real, 0.0)

    def default_learner(self) -> Learner:
        """Return the learner that an actor-critic updates."""
        return LearnedPolicyGradient()

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen."""
        start = _weights_of(_updated(learner))
        return {
            "steps": np.zeros(1),
            "weights": start,
            "slope": np.zeros_like(start),
            "square": np.zeros(1),
            "returns": np.empty(0),
        }

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch.

        `returns` are the mean of those of all candidates.
        """
        base, weights = self._begun_from(state, learner)
        base.check_sizes(batch.tasks.num_states, batch.tasks.num_actions)
        key = make_key(batch.rng)
        tried = directions(np.random.default_rng(child(key, 0)), self.num_pairs, *weights.shape)
        unit = 1.0 + 2.0 * abs(weights)
        sides = (self.spread, -self.spread)
        candidates = (_with(base, weights + side * unit * z) for z in tried for side in sides)
        runs = lives(candidates, 2 * self.num_pairs, batch, rng=child(key, 1))
        returns = np.stack([run.returns for run in runs])  # [2 pairs, N, E]
        slope = (_gains(returns)[:, None, None] * tried).mean(axis=0)
        steps = state["steps"] + 1.0
        mean = _MEAN_DECAY * state["slope"] + (1.0 - _MEAN_DECAY) * slope
        square = _SQUARE_DECAY * state["square"] + (1.0 - _SQUARE_DECAY) * (slope * slope).mean()
        scale = math.sqrt(square[0] / (1.0 - _SQUARE_DECAY ** steps[0])) or 1.0
        change = mean / (1.0 - _MEAN_DECAY ** steps[0]) / scale
        return {
            "steps": steps,
            "weights": np.clip(weights + self.step_size * unit * change, -_LARGEST, _LARGEST),
            "slope": mean,
            "square": square,
            "returns": returns.mean(axis=(0, 1)),
        }

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner with the weights that were found; of another kind, with its discount."""
        base, weights = self._begun_from(state, learner)
        return _with(base, weights) if state["steps"].any() else learner

    def _begun_from(
        self, state: State, learner: Learner
    ) -> tuple[LearnedPolicyGradient, NDArray[np.float64]]:
        """Return the learner that a network updates, and the weights that were reached."""
        check_state(state, self.init(learner))
        base = _updated(learner)
        return base, checks.shape(state["weights"], "weights", _weights_of(base).shape)

    def cost(self, num_tasks: int, num_episodes: int, num_iterations: int | None = None) -> int:
        """Return how many episodes in training tasks `fit` takes, those of all candidates."""
        steps = self.default_iterations if num_iterations is None else num_iterations
        return 2 * self.num_pairs * super().cost(num_tasks, num_episodes, steps)


def _updated(learner: Learner) -> LearnedPolicyGradient:
    """Return the learner, or one with its sizes and discount that a network updates."""
    if isinstance(learner, LearnedPolicyGradient):
        return learner
    return LearnedPolicyGradient(learner.num_states, learner.num_actions, discount=learner.discount)


def _weights_of(learner: LearnedPolicyGradient) -> NDArray[np.float64]:
    assert isinstance(learner.weights, Table)
    return np.array(learner.weights.values)


def _with(learner: LearnedPolicyGradient, weights: NDArray[np.float64]) -> LearnedPolicyGradient:
    return learner.replace(weights=Table(np.clip(weights, -_LARGEST, _LARGEST)))


def _gains(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much more the first of each pair [P] earned than the other, of returns [2 P, N, E]."""
    lifetime = returns.mean(axis=2) if returns.shape[2] else np.zeros(returns.shape[:2])
    spread = lifetime.std(axis=0)
    ahead = lifetime[0::2] - lifetime[1::2]
    gains: NDArray[np.float64] = (ahead / np.where(spread > 0.0, spread, 1.0)).mean(axis=1)
    return gains
