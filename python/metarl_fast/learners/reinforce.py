"""REINFORCE with a baseline."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.learners.policy_gradient import PolicyGradientLearner


@dataclass(frozen=True)
class Reinforce(PolicyGradientLearner):
    """Monte Carlo policy gradient, with a value of each state as the baseline.

    When an episode ends, for each of its steps t, G being the discounted sum of rewards from there on::

        v(s) <- v(s) + value_learning_rate (G - v(s))
        h    <- h + learning_rate discount^t (G - v(s)) grad ln pi(a | s)

    (Williams 1992; Sutton and Barto, 2nd ed., section 13.4). Without a baseline where `value_learning_rate`
    is 0. A time limit ends an episode: nothing is expected of what would have come. Episodes of more than
    4,096 steps are learned from in such pieces.

    Parameters
    ----------
    discounts_steps
        Whether step t moves the preferences by discount^t: the gradient of the discounted return from the
        start on, as in the book. Without it all steps count alike, which is no gradient, but often quicker.
    """

    discounts_steps: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "discounts_steps", checks.flag)

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        return _core.Reinforce(**self._shared(), discounts_steps=self.discounts_steps)
