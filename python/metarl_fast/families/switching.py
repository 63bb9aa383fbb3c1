"""Tasks that are another draw of a family every so many episodes, or by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.changing import Changing, word
from metarl_fast.recipes import Ids
from metarl_fast.tasks import Tasks


@dataclass(frozen=True)
class Switching(Changing):
    """Tasks that are drawn anew from a family every so many episodes; what was learned stays.

    Parameters
    ----------
    family
        What each segment of a task's time is drawn from; a family that the core draws and whose tasks do not
        change themselves.
    every
        Episodes of a segment.
    segment
        None, or the segment in which time stands still; see `Tasks.segment`.
    probability
        With which a segment draws anew; at 1 each does. Above 0.
    modes
        None, or the number of draws that come again: then a segment that draws takes one of them evenly,
        maybe that which it was in. The modes are a Markov chain that stays with probability
        1 - probability (1 - 1 / modes). In turn they come in `Seasonal`.
    along
        "episodes": a task changes while it is learned. "tasks": tasks do not change, but differ along the
        batch as task 0 does along its time, so that a learner that meets them one by one, or a meta-learner,
        meets a world that changes; `every` counts tasks.
    by
        What draws anew: the "task", or each "state" for itself, and what is done there goes as in its own
        draw; starts and noise are then those of the first draw, and what enters a terminal state ends. States
        that draw in the same segment draw the same, unless there are `modes`: with neither these nor a
        `probability` below 1 "state" is as good as "task".

    Notes
    -----
    `train` runs through the segments: the task changes between two episodes, at the time limit also where
    `continuing` keeps the state. Everything else, planning and scores among it, sees segment 0, or the one
    that `tasks.segment(k)` returns.
    """

    family: Family
    every: int = 10
    segment: int | None = None
    probability: float = 1.0
    modes: int | None = None
    along: str = "episodes"
    by: str = "task"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "probability", checks.real, 0.0, 1.0, open_low=True)
        if self.modes is not None:
            checks.keep(self, "modes", checks.integer, 1, 2**30)
        checks.keep(self, "by", word, ("task", "state"))

    def _view(self, key: int, ids: Ids) -> _core.Family:
        law = {"probability": self.probability, "modes": self.modes or 0, "by": self.by}
        return _core.Switching(family=self.family._view(key, ids), **law, **self._time)

    def _inside(self, key: int, ids: Ids) -> Tasks:
        return super()._inside(_core.key_of_part(key, self.segment or 0), ids)

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return the family's labels of the tasks that these were made of, or labels of the same tasks."""
        anew = self.probability == 1.0 and self.modes is None
        plain = anew and self.along == "episodes" and self.by == "task"
        return super().clusters(tasks) if plain else Family.clusters(self, tasks)
