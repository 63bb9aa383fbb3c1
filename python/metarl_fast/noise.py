"""Noise of the behaviour that differs from task to task: what learning by imitation needs to recover."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.learners import Learner, Table


@dataclass(frozen=True)
class Noise:
    """Some of a learner's actions are replaced by random ones, in each task another share of them.

    A share `clean` of the tasks has no noise. In the others each action is, with a probability of `most` u^2,
    any of those available, where u is uniform and the task's own. The learner does not know: it learns from
    what happened. Who imitates it sees states that it would not have entered, beside what it would do there.

    Parameters
    ----------
    clean
        0 to 1.
    most
        0 to 1.
    """

    clean: float = 0.4
    most: float = 0.5

    def __post_init__(self) -> None:
        for name in ("clean", "most"):
            checks.keep(self, name, checks.real, 0.0, 1.0)


@dataclass(frozen=True)
class Disturbed(Learner):
    """A learner under noise."""

    learner: Learner | None = None
    noise: Noise = Noise()

    @property
    def _of(self) -> Learner:
        assert self.learner is not None
        return self.learner

    @property
    def discount(self) -> float:
        """The learner's."""
        return self._of.discount

    @property
    def initial_q(self) -> float | Table:
        """The learner's."""
        return self._of.initial_q

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of it."""
        return _core.Disturbed(self._of.core(num_episodes), float(self.noise.clean), float(self.noise.most))

    def check_sizes(self, num_states: int, num_actions: int) -> None:
        """Refuse tasks that are not the learner's."""
        self._of.check_sizes(num_states, num_actions)
