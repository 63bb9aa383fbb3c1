"""Transfer from one task to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast.learners import Learner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.tables import TableMeta, mean_of_available


@dataclass(frozen=True, kw_only=True)
class Transfer(TableMeta):
    """Start from what was learned on one task, the first of the training tasks.

    With more iterations each further task is learned from what was left by the one before it; with more tasks
    an iteration, what is left is the mean over them. One source may be a lucky or an unlucky one: compare
    several, as in `[Transfer().fit(task, learner, 500, rng=0) for task in training.sample(10, rng=1)]`.
    """

    tasks_per_iteration: int = 1
    default_iterations: ClassVar[int | None] = 1

    def blank(self, start: NDArray[np.float64]) -> State:
        """Return what the learner starts from by itself."""
        return {"table": start}

    def start(self, state: State) -> NDArray[np.float64]:
        """Return what was learned last."""
        return state["table"]

    def student(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from what was learned last."""
        return self.apply(state, learner)

    def learned(self, state: State, tables: NDArray[np.float64]) -> State:
        """Return the new table; what is not available keeps its value."""
        return {"table": mean_of_available(tables, state["table"])[0]}
