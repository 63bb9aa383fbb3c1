"""Posterior sampling over known tasks that stays with the task it drew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.learners.base import Learner
from metarl_fast.learners.task_library import TaskLibrary


@dataclass(frozen=True)
class CommittedThompson(Learner):
    """Draws one of the tasks that it knows, acts as is best in it, and draws anew when it is refuted.

    Of each task l of its library it keeps the posterior::

        w(l) <- w(l) P_l(r, s', end | s, a) / sum over all tasks.

    It draws a task by w, and takes the best action in it, ties at random, until what was seen leaves the task
    `doubt` of its posterior when it was drawn, or less; then it draws again. Where all that can happen is
    certain that is when the task is refuted. So it is posterior sampling (Thompson 1933; Strens, ICML 2000)
    that does not waver: to draw anew at every step is to turn back half-way. Where no task of the library
    explains a step the posterior begins anew, so in tasks of another kind it wanders. It is a teacher, too::

        library = known_tasks(training.sample(1000, rng=0))
        labels = relabel(history, None, tasks, CommittedThompson(library=library))

    Before the first step of a history it says what is best on average: nothing is drawn yet. `q_table` holds
    q* of the task that it drew.

    Parameters
    ----------
    library
        What it knows. None: nothing, and any action is as good as any other.
    doubt
        0 to 1. 0: a task is given up only when it is impossible; 1: unless it has become likelier.
    """

    library: TaskLibrary | None = None
    doubt: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.library is not None and not isinstance(self.library, TaskLibrary):
            raise TypeError(f"library is {checks.shown(self.library)}, expected a TaskLibrary or None")
        checks.keep(self, "doubt", checks.real, 0.0, 1.0)

    @property
    def discount(self) -> float:
        """That of the library's values."""
        return TaskLibrary.discount if self.library is None else self.library.discount

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        known, numbers, integers = self.library, np.empty(0), np.empty(0, np.int32)

        def by_pair(values: NDArray[Any]) -> NDArray[Any]:
            return np.ascontiguousarray(values.transpose(1, 2, 0, 3))

        return _core.CommittedThompson(
            doubt=float(self.doubt),
            outcomes=0 if known is None else known.probabilities.shape[-1],
            weight=numbers if known is None else known.weights,
            probability=numbers if known is None else by_pair(known.probabilities),
            next_state=integers if known is None else by_pair(known.next_states),
            reward=numbers if known is None else by_pair(known.rewards),
            termination=integers if known is None else by_pair(known.terminations),
            reward_noise=numbers if known is None else known.reward_noise,
            value=numbers if known is None else known.values,
        )

    def check_sizes(self, num_states: int, num_actions: int) -> None:
        """Refuse tasks of S states and A actions that are not those of the library."""
        super().check_sizes(num_states, num_actions)
        if self.library is not None:
            self._check_sizes_of("library", num_states, num_actions)
