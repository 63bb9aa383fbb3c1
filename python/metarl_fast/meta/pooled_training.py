"""One table for all tasks, which is not changed any more."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast.learners import Learner
from metarl_fast.meta.fine_tuning import FineTuning
from metarl_fast.meta.fitted import State

_STANDSTILL = {
    "learning_rate": 0.0,
    "epsilon": 0.0,
    "epsilon_decay": 1.0,
    "epsilon_min": 0.0,
    "temperature": None,
    "bonus": 0.0,
}
"""Settings with which a learner is greedy and learns nothing, of those that have them."""


@dataclass(frozen=True, kw_only=True)
class PooledTraining(FineTuning):
    """One policy for all tasks: the table of `FineTuning`, and no learning on a new task.

    What a contender must beat to say that it adapts; where all tasks have one optimal policy nothing does.
    """

    adapts: ClassVar[bool] = False

    def blank(self, start: NDArray[np.float64]) -> State:
        """Return what the learner starts from by itself."""
        return {**super().blank(start), "num_tasks": np.zeros(())}

    def student(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from what was learned last, and learns."""
        return super().apply(state, learner)

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner at a standstill, once there is a table."""
        found = super().apply(state, learner)
        if not state["num_tasks"] > 0.0:
            return found
        own = {f.name for f in fields(found) if f.init}
        return found.replace(**{name: value for name, value in _STANDSTILL.items() if name in own})

    def learned(self, state: State, tables: NDArray[np.float64]) -> State:
        """Return the new table, and of how many tasks it is."""
        return {**super().learned(state, tables), "num_tasks": np.asarray(state["num_tasks"] + len(tables))}
