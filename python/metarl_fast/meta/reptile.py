"""Reptile on action values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.tables import TableMeta, mean_of_available


@dataclass(frozen=True, kw_only=True)
class Reptile(TableMeta):
    """theta <- theta + step_size * mean_T(U_T(theta) - theta).

    U_T(theta) is the table learned on task T from theta; the mean is over the tasks T in which the action is
    available. Theta begins as what the learner starts from.
    Nichol, Achiam and Schulman, "On first-order meta-learning algorithms", 2018 (arXiv 1803.02999), with
    a tabular learner inside, such as Q-learning.

    Parameters
    ----------
    step_size
        Above 0, at most 1.
    """

    step_size: float = 0.2
    tasks_per_iteration: int = 64
    default_iterations: ClassVar[int | None] = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "step_size", checks.real, 0.0, 1.0, open_low=True)

    def blank(self, start: NDArray[np.float64]) -> State:
        """Return theta before any task was seen."""
        return {"theta": start}

    def start(self, state: State) -> NDArray[np.float64]:
        """Return theta."""
        return state["theta"]

    def student(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from theta."""
        return self.apply(state, learner)

    def learned(self, state: State, tables: NDArray[np.float64]) -> State:
        """Return theta after a step towards the mean of the tables."""
        theta = state["theta"]
        mean, _ = mean_of_available(tables, theta)
        # Of actions that are not available the learner may say -inf, and keeps it.
        towards = np.subtract(mean, theta, out=np.zeros(mean.shape), where=theta > -np.inf)
        return {"theta": theta + self.step_size * towards}
