"""One-step actor-critic."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.learners.policy_gradient import PolicyGradientLearner


@dataclass(frozen=True)
class ActorCritic(PolicyGradientLearner):
    """Policy gradient by the temporal-difference error of each step.

    After each step::

        delta = r + discount v(s') - v(s), v(s') = 0 if the episode terminated
        v(s) <- v(s) + value_learning_rate delta
        h    <- h + learning_rate discount^t delta grad ln pi(a | s)

    (Sutton and Barto, 2nd ed., section 13.5.)

    Parameters
    ----------
    discounts_steps
        Whether step t of an episode moves the preferences by discount^t: the gradient of the discounted
        return from the start on, as in the book. Without it all steps count alike, which is no gradient, but
        often quicker; and right where episodes go on for ever (`train(..., continuing=True)`).
    """

    discounts_steps: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "discounts_steps", checks.flag)

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        return _core.ActorCritic(**self._shared(), discounts_steps=self.discounts_steps)
