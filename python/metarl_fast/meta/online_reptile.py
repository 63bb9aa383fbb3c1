"""Online Reptile: a start that follows tasks as they change, by tables that weigh less the older they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.tables import TableMeta, mean_of_available


@dataclass(frozen=True, kw_only=True)
class OnlineReptile(TableMeta):
    """theta <- theta + (mean_T(U_T(theta)) - theta) / n, with n <- 1 + decay n.

    Reptile for tasks that arrive one by one: theta is the mean of all tables learned so far, in which one of
    k steps ago weighs decay^k. With `decay` 1 it is the plain mean, for tasks of a law that stays: follow the
    average of what was learned. Below 1 it is Reptile whose `step_size` comes down to 1 - decay, and follows
    tasks that change. `history["returns"]` are those of each task before it was learned from.
    Khodak, Balcan and Talwalkar, "Adaptive gradient-based meta-learning methods", NeurIPS 2019: both step
    sizes, and the regret of each.

    Parameters
    ----------
    decay
        0 to 1: by how much a table weighs less with each step.
    """

    decay: float = 0.8
    tasks_per_iteration: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "decay", checks.real, 0.0, 1.0)

    def blank(self, start: NDArray[np.float64]) -> State:
        """Return theta and the weight of what it is made of, before any task was seen."""
        return {"theta": start, "weight": np.zeros(())}

    def start(self, state: State) -> NDArray[np.float64]:
        """Return theta."""
        return state["theta"]

    def student(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from theta."""
        return self.apply(state, learner)

    def learned(self, state: State, tables: NDArray[np.float64]) -> State:
        """Return theta after a step towards the mean of the tables."""
        if not len(tables):
            return {}
        theta = state["theta"]
        weight = 1.0 + self.decay * state["weight"]
        mean, _ = mean_of_available(tables, theta)
        # Of actions that are not available the learner may say -inf, and keeps it.
        towards = np.subtract(mean, theta, out=np.zeros(mean.shape), where=theta > -np.inf)
        return {"theta": theta + towards / weight, "weight": np.asarray(weight)}
