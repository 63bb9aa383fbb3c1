"""The average of the tables learned on the training tasks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast.meta.start import TableObserver, mean_of_available


class AverageQ(TableObserver):
    """Start from the mean over tasks of the learned action values.

    An action counts in the tasks where it is available; where it never was its value is 0.

    A cheap relative of the average MDP, whose optimal policy is the best fixed one when tasks differ in their
    rewards alone (Abel et al., "Policy and value transfer in lifelong reinforcement learning", ICML 2018).

    Parameters
    ----------
    num_states, num_actions
        S and A.

    Attributes
    ----------
    table : ndarray of float64, shape (S, A)
        The mean so far, zero at first.
    """

    def __init__(self, num_states: int, num_actions: int) -> None:
        super().__init__(num_states, num_actions)
        self.table = np.zeros((num_states, num_actions))
        self._num_seen = np.zeros((num_states, num_actions))

    @property
    def initial_table(self) -> NDArray[np.float64]:
        """The mean table [S, A]."""
        return np.array(self.table)

    def observe(self, q_tables: ArrayLike) -> None:
        """Average in the action values [N, S, A] learned on N more tasks; -inf: not available."""
        tables = self._check_tables(q_tables)
        self.table, self._num_seen = mean_of_available(tables, self.table, self._num_seen)

    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        return {"table": self.table, "_num_seen": self._num_seen}
