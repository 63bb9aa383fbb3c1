"""The average of the tables learned on the training tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast.meta.fitted import State
from metarl_fast.meta.tables import TableMeta, mean_of_available


@dataclass(frozen=True, kw_only=True)
class AverageQ(TableMeta):
    """Start from the mean over tasks of the learned action values.

    An action counts in the tasks where it is available; where it never was, its value stays that of the
    learner.

    A cheap relative of the average MDP, whose optimal policy is the best fixed one when tasks differ in their
    rewards alone (Abel et al., "Policy and value transfer in lifelong reinforcement learning", ICML 2018).
    """

    def blank(self, start: NDArray[np.float64]) -> State:
        """Return the mean of no tables."""
        return {"mean": start, "num_tasks": np.zeros(())}

    def start(self, state: State) -> NDArray[np.float64]:
        """Return the mean."""
        return state["mean"]

    def learned(self, state: State, tables: NDArray[np.float64]) -> State:
        """Average in some more tables."""
        mean, number = mean_of_available(tables, state["mean"], state["num_tasks"])
        return {"mean": mean, "num_tasks": number}
