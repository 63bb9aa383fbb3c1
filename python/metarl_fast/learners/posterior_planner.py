"""A planner on the mean of the posterior over tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.learners.base import Learner
from metarl_fast.learners.task_prior import TaskPrior


@dataclass(frozen=True)
class PosteriorPlanner(Learner):
    """Keeps a model of its task, whose prior was learned on others, and plans anew after every step.

    Of each class c of pairs (state, action) that behave alike it counts where they led, n(c, s'), and takes

        p(s' | c) = (k_T p0(s' | c) + n(c, s')) / (k_T + n(c)),

    and so for rewards and for ends of episodes, tau(s'), with k_R. After every step up to `num_sweeps` sweeps
    of value iteration, fewer if little changes, go over

        U(c) = bonus / (1 + n(c))^bonus_decay + sum_s' p(s' | c) (r + discount (1 - tau(s')) V(s')),
        V(s) = max_a U(c(s, a)).

    It takes the action of the largest U; of several, a random one. So it is certainty equivalence with a
    Bayesian model (Dearden, Friedman and Andre, UAI 1999), exploring by a bonus as MBIE-EB does (Strehl and
    Littman, JCSS 74, 2008). What makes it fast is the prior, which `EmpiricalBayes` learns.

    `q_table` holds U(c(s, a)), as it acts by.

    Parameters
    ----------
    prior
        What is believed before anything was seen. None: each pair is a class of its own, gives nothing and
        leads nowhere; up to 16 next states of a pair are remembered.
    discount
        0 to 1.
    transition_strength
        k_T, above 0: how many visits the prior of a class is worth, unless it says so itself.
    reward_strength
        k_R, above 0: the same for rewards and ends of episodes.
    bonus
        Of a class that was never tried, at least 0, in units of reward.
    bonus_decay
        Power of 1 + n(c) by which the bonus decays, at least 0.
    num_sweeps
        At least 1.
    """

    prior: TaskPrior | None = None
    discount: float = 0.95
    transition_strength: float = 0.01
    reward_strength: float = 0.003
    bonus: float = 0.0005
    bonus_decay: float = 0.5
    num_sweeps: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prior is not None and not isinstance(self.prior, TaskPrior):
            raise TypeError(f"prior is {checks.shown(self.prior)}, expected a TaskPrior or None")
        checks.keep(self, "discount", checks.real, 0.0, 1.0)
        for name in ("transition_strength", "reward_strength"):
            checks.keep(self, name, checks.real, 0.0, open_low=True)
        checks.keep(self, "bonus", checks.real, 0.0, 2.0**126)
        checks.keep(self, "bonus_decay", checks.real, 0.0)
        checks.keep(self, "num_sweeps", checks.integer, 1, 2**20)

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        prior = self.prior
        nothing, no_numbers = np.empty(0, np.int32), np.empty(0)
        return _core.PosteriorPlanner(
            discount=float(self.discount),
            transition_strength=float(self.transition_strength),
            reward_strength=float(self.reward_strength),
            bonus=float(self.bonus),
            bonus_decay=float(self.bonus_decay),
            num_sweeps=int(self.num_sweeps),
            places=0 if prior is None else prior.next_states.shape[1],
            classes=nothing if prior is None else prior.classes,
            next_state=nothing if prior is None else prior.next_states,
            probability=no_numbers if prior is None else prior.probabilities,
            rewards="pair" if prior is None else prior.rewards,
            reward=no_numbers if prior is None else prior.reward_means,
            termination=no_numbers if prior is None else prior.terminations,
            value=no_numbers if prior is None else prior.values,
            transition_strengths=_given(None if prior is None else prior.transition_strengths),
            end_reward=_given(None if prior is None else prior.end_rewards),
            end_alike=nothing if prior is None or prior.end_alike is None else prior.end_alike,
            reward_strengths=_given(None if prior is None else prior.reward_strengths),
        )

    def check_sizes(self, num_states: int, num_actions: int) -> None:
        """Refuse tasks of S states and A actions that are not those of the prior."""
        super().check_sizes(num_states, num_actions)
        if self.prior is not None:
            self._check_sizes_of("prior", num_states, num_actions)


def _given(values: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return numbers as the core reads them: none at all for None."""
    return np.empty(0) if values is None else values
