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

_NO_BUDGET = float(np.finfo(np.float64).max)


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
    reward_budget, transition_budget
        None, or how much any pair's expected reward, and any row in the sum of its differences, may change
        from one segment to the next (Besbes, Gur and Zeevi 2014; Cheung, Simchi-Levi and Zhu 2020: the sum
        over time is their variation budget). Tasks then move around D_0, from D_0 + a_j (D_j - D_0) to
        D_0 + a_{j+1} (D_{j+1} - D_0), with a_j as large as the budgets allow, at most 1. Dense tasks have an
        a_j for rewards and one for rows, of which 0 stands still; outcome lists have the smaller one for both
        and are three times as long. What D_j knows nothing of goes as in D_0.
    along
        "episodes": a task changes while it is learned. "tasks": tasks do not change, but differ along the
        batch as task 0 does along its time, so that a learner that meets them one by one, or a meta-learner,
        meets a world that changes; `every` counts tasks.

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
    reward_budget: float | None = None
    transition_budget: float | None = None
    along: str = "episodes"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "steps", checks.integer, 1, 2**31 - 1)
        for name in ("reward_budget", "transition_budget"):
            if getattr(self, name) is not None:
                checks.keep(self, name, checks.real, 0.0)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        budgets = {
            name: _NO_BUDGET if getattr(self, name) is None else getattr(self, name)
            for name in ("reward_budget", "transition_budget")
        }
        family = self.family._view(key, ids)
        return _core.Drifting(family=family, steps=self.steps, **budgets, **self._time)

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return labels [N], alike for tasks that are the same where they are looked at."""
        return Family.clusters(self, tasks)
