"""Tasks that go through a few draws of a family in turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.changing import Changing
from metarl_fast.recipes import Ids
from metarl_fast.tasks import Tasks


@dataclass(frozen=True)
class Seasonal(Changing):
    """Tasks that go through a few draws of a family in turn, again and again; what was learned stays.

    Parameters
    ----------
    family
        What each season of a task is drawn from; a family that the core draws and whose tasks do not change
        themselves.
    every
        Episodes of a season.
    seasons
        After so many the first one comes again.
    segment
        None, or the segment in which time stands still; see `Tasks.segment`.
    along
        "episodes": a task changes while it is learned. "tasks": tasks do not change, but differ along the
        batch as task 0 does along its time, so that a learner that meets them one by one, or a meta-learner,
        meets a world that changes; `every` counts tasks.

    Notes
    -----
    As `Switching`, whose draws never come again: segment k is that of season k modulo `seasons`.
    """

    group = "Changing in time"

    family: Family
    every: int = 10
    seasons: int = 2
    segment: int | None = None
    along: str = "episodes"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "seasons", checks.integer, 1, 2**31 - 1)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        family = self.family._view(key, ids)
        return _core.Seasonal(family=family, seasons=self.seasons, **self._time)

    def _inside(self, key: int, ids: Ids) -> Tasks:
        return super()._inside(_core.key_of_part(key, (self.segment or 0) % self.seasons), ids)

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return the family's labels of the tasks that these were made of, or labels of the same tasks."""
        return super().clusters(tasks) if self.along == "episodes" else Family.clusters(self, tasks)
