"""Tasks that are another draw of a family every so many episodes."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core
from metarl_fast.families.base import Family
from metarl_fast.families.changing import Changing
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

    Notes
    -----
    `train` runs through the segments: the task changes between two episodes, at the time limit also where
    `continuing` keeps the state. Everything else, planning and scores among it, sees segment 0, or the one
    that `tasks.segment(k)` returns.
    """

    family: Family
    every: int = 10
    segment: int | None = None

    def _view(self, key: int, ids: Ids) -> _core.Family:
        segment = -1 if self.segment is None else self.segment
        return _core.Switching(family=self.family._view(key, ids), every=self.every, segment=segment)

    def _inside(self, key: int, ids: Ids) -> Tasks:
        return super()._inside(_core.key_of_part(key, self.segment or 0), ids)
