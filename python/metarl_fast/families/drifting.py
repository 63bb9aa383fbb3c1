"""Tasks that move slowly from one draw of a family to the next."""

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
class Drifting(Changing):
    """Tasks whose rows, rewards and starts move slowly from one draw of a family to the next.

    Draws D_0, D_1, ... are `steps` segments apart. In segment j * steps + r each step of a task goes as in
    D_{j+1} with probability w = r / steps, else as in D_j, so that its rows are (1 - w) P_j + w P_{j+1}, and
    its expected rewards and starts likewise. Outcome lists stand one after the other, twice as long. A state
    that is terminal in one of the two draws goes as in the other, and is terminal where it is in both.

    Parameters
    ----------
    family
        What is drawn; a family that the core draws and whose tasks do not change themselves.
    every
        Episodes of a segment.
    steps
        Segments from one draw to the next; at 1 the task switches.
    segment
        None, or the segment in which time stands still; see `Tasks.segment`.

    Notes
    -----
    `train` runs through the segments, what was learned stays; everything else, planning and scores among it,
    sees segment 0, or the one that `tasks.segment(k)` returns. Tasks have the same label in `clusters` if
    they are the same where they are looked at.
    """

    family: Family
    every: int = 1
    steps: int = 10
    segment: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "steps", checks.integer, 1, 2**31 - 1)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        segment = -1 if self.segment is None else self.segment
        family = self.family._view(key, ids)
        return _core.Drifting(family=family, every=self.every, steps=self.steps, segment=segment)

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return labels [N], alike for tasks that are the same where they are looked at."""
        return Family.clusters(self, tasks)
