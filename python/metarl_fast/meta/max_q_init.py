"""MaxQInit: optimistic, but no more than a training task justifies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.meta.tables import TableMeta
from metarl_fast.planning import policy_iteration


@dataclass(frozen=True, kw_only=True)
class MaxQInit(TableMeta):
    """Start from the largest value that an action has in any training task: max_T Q_T(s, a).

    With optimal values of enough tasks the start is, with high probability, nowhere below the optimal values
    of a new task, so that learners which are optimistic lose nothing of their guarantees (Abel, Jinnai, Guo,
    Konidaris and Littman, "Policy and value transfer in lifelong reinforcement learning", ICML 2018). Where
    an action was never available its value stays that of the learner.

    Parameters
    ----------
    optimal
        Whether Q_T are the optimal action values of the tasks, for the learner's discount and without a
        time limit; else those that the learner learned on them.
    """

    optimal: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "optimal", checks.flag)

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch; optimal values take no episodes."""
        if not self.optimal:
            return super().step_on(batch, state, learner)
        best = policy_iteration(
            batch.tasks, learner.discount, num_threads=batch.num_threads, progress=batch.progress
        )
        return self.observe(state, best.q_values)

    def blank(self, start: NDArray[np.float64]) -> State:
        """Return the maximum over no tables."""
        return {"largest": start, "num_tasks": np.zeros(())}

    def start(self, state: State) -> NDArray[np.float64]:
        """Return the largest values."""
        return state["largest"]

    def learned(self, state: State, tables: NDArray[np.float64]) -> State:
        """Return the maximum over some more tables."""
        number = state["num_tasks"] + (tables > -np.inf).sum(axis=0)
        before = np.where(state["num_tasks"] > 0.0, state["largest"], -np.inf)
        largest = tables.max(axis=0, initial=-np.inf)
        return {
            "largest": np.where(number > 0.0, np.maximum(before, largest), state["largest"]),
            "num_tasks": number,
        }
