"""A planner for tasks of several kinds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metarl_fast import _core, checks
from metarl_fast.learners.base import Learner
from metarl_fast.learners.posterior_planner import PosteriorPlanner


@dataclass(frozen=True)
class MixturePlanner(Learner):
    """Finds out which kind its task is of, and plans as one who was told.

    Of each kind k a `PosteriorPlanner` keeps a model, whose prior is of that kind alone. How likely the kind
    is follows from how well its models foretold each step, by Bayes' rule::

        w(k) <- w(k) P_k(s' | s, a) P_k(r | s, a, s') P_k(end | s') / sum over all kinds

    where the P_k are those of the models after all earlier steps: of Dirichlet priors for next states, of
    beta priors for ends, both mixed with a little of the uniform law, and of normal priors for mean rewards::

        P_k(s' | s, a) = (k_T ((1 - surprise) p0(s' | c) + surprise / S) + n(c, s')) / (k_T + n(c))
        P_k(end | s') = (k_R ((1 - surprise) tau0(s') + surprise / 2) + ends) / (k_R + number)
        P_k(r | ...) = N(r; (k m + sum) / (k + number), noise^2 (1 + 1 / (k + number))),  k = (noise / dev)^2

    It takes the action of the largest sum_k w(k) U_k(s, a), ties at random (as QMDP does: Littman, Cassandra
    and Kaelbling, ICML 1995). Kinds of less than a millionth are left out of it, and cost little.

    `q_table` holds that sum. `EmpiricalBayes(num_kinds=2)` makes one of training tasks.

    Parameters
    ----------
    planners
        Instances of `PosteriorPlanner` [K], one for each kind of tasks.
    weights
        How often each kind is met [K], above 0, of any sum; None: all alike.
    surprise
        What part of outcomes no prior knows of, above 0, at most 0.5.
    reward_deviation
        Standard deviation of a mean reward between tasks of a kind, above 0.
    reward_noise
        Of one reward about its mean, above 0.
    """

    planners: tuple[PosteriorPlanner, ...] = (PosteriorPlanner(),)
    weights: tuple[float, ...] | None = None
    surprise: float = 0.001
    reward_deviation: float = 1.0
    reward_noise: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.planners, (list, tuple)) or not self.planners:
            raise TypeError(
                f"planners is {checks.shown(self.planners)}, expected a tuple of PosteriorPlanners"
            )
        for k, planner in enumerate(self.planners):
            if not isinstance(planner, PosteriorPlanner):
                raise TypeError(f"planners[{k}] is {checks.shown(planner)}, expected a PosteriorPlanner")
        object.__setattr__(self, "planners", tuple(self.planners))
        if self.weights is not None:
            object.__setattr__(self, "weights", self._checked_weights())
        checks.keep(self, "surprise", checks.real, 0.0, 0.5, open_low=True)
        for name in ("reward_deviation", "reward_noise"):
            checks.keep(self, name, checks.real, 0.0, open_low=True)

    def _checked_weights(self) -> tuple[float, ...]:
        if not isinstance(self.weights, (list, tuple)):
            raise TypeError(f"weights is {checks.shown(self.weights)}, expected a tuple of numbers")
        if len(self.weights) != len(self.planners):
            raise ValueError(
                f"{len(self.weights)} weights for {len(self.planners)} planners, expected as many"
            )
        return tuple(
            checks.real(weight, f"weights[{k}]", 0.0, open_low=True) for k, weight in enumerate(self.weights)
        )

    @property
    def discount(self) -> float:
        """That of the first planner."""
        return self.planners[0].discount

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        even = (1.0,) * len(self.planners)
        return _core.MixturePlanner(
            planners=[planner.core(num_episodes) for planner in self.planners],
            weights=np.array(even if self.weights is None else self.weights, np.float64),
            surprise=float(self.surprise),
            reward_deviation=float(self.reward_deviation),
            reward_noise=float(self.reward_noise),
        )

    def check_sizes(self, num_states: int, num_actions: int) -> None:
        """Refuse tasks of S states and A actions that are not those of all planners."""
        super().check_sizes(num_states, num_actions)
        for planner in self.planners:
            planner.check_sizes(num_states, num_actions)
