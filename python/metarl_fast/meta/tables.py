"""What meta-learners share that look at learned tables and give the learner a table to start from."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner, Table
from metarl_fast.meta.base import Meta
from metarl_fast.meta.fitted import State, check_state
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.shards import in_order, shard_sums


@dataclass(frozen=True, kw_only=True)
class TableMeta(Meta):
    """Base of meta-learners whose product is what the learner starts from, its `initial_q`.

    A step runs the learner on each task of the meta-batch, and observes the tables that it learned.
    """

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen: what the learner starts from by itself."""
        return {**self.blank(start_of(learner)), "returns": np.empty(0)}

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch."""
        self.apply(state, learner).check_sizes(batch.tasks.num_states, batch.tasks.num_actions)
        kept: Any = {"returns": False, "policy": False, "mean_returns": True}
        run = batch.train(self.student(state, learner), rng=batch.rng, **kept)
        return {**self.observe(state, run.q_table), "returns": run.mean_returns}

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from what was meta-learned."""
        check_state(state, self.blank(np.zeros(())))
        return starting_from(self.start(state), learner)

    def student(self, state: State, learner: Learner) -> Learner:
        """Return what learns on the tasks of a meta-batch: the learner as it was given."""
        return learner

    def observe(self, state: State, q_tables: ArrayLike) -> State:
        """Return the state after it has seen tables learned on N tasks.

        Parameters
        ----------
        state
            As it was.
        q_tables
            Action values [N, S, A], or [S, A] of one task; -inf for actions that are not available.

        Raises
        ------
        ValueError, TypeError
            For other numbers, and for other sizes than before.
        """
        check_state(state, self.blank(np.zeros(())))
        tables = checks.array(q_tables, "q_tables", np.float64)
        start = self.start(state)
        empty = tables.ndim < 2 or 0 in tables.shape[-2:]
        if tables.ndim > 3 or empty or (start.ndim and tables.shape[-2:] != start.shape):
            sizes = "S, A" if not start.ndim else f"{start.shape[0]}, {start.shape[1]}"
            raise ValueError(f"q_tables has shape {tables.shape}, expected (N, {sizes}) or ({sizes})")
        checks.action_values(tables, "q_tables")
        return {**state, **self.learned(state, tables.reshape(-1, *tables.shape[-2:]))}

    @abstractmethod
    def blank(self, start: NDArray[np.float64]) -> State:
        """Return the state that makes a learner start from `start`, () or [S, A]."""

    @abstractmethod
    def start(self, state: State) -> NDArray[np.float64]:
        """Return what the learner is to start from, () or [S, A]."""

    @abstractmethod
    def learned(self, state: State, tables: NDArray[np.float64]) -> State:
        """Return the entries of the state that tables [N, S, A] change."""


def start_of(learner: Learner) -> NDArray[np.float64]:
    """Return what a learner starts from by itself, () or [S, A]; TypeError for one that takes no table."""
    with suppress(ValueError):  # of other sizes than the learner's
        try:
            starting_from(np.zeros((1, 1)), learner)
        except TypeError:
            found = checks.shown(learner)
            expected = "one that starts from a table, such as QLearning()"
            raise TypeError(f"learner is {found}, expected {expected}") from None
    start = np.array(learner.initial_q, np.float64)
    if start.ndim > 2:
        raise ValueError(f"the learner's initial_q has shape {start.shape}, expected one table for all tasks")
    return start


def starting_from(start: NDArray[np.float64], learner: Learner) -> Learner:
    """Return the learner that starts from `start`, () or [S, A]."""
    return learner.replace(initial_q=Table(start) if start.ndim else float(start))


def mean_of_available(
    tables: NDArray[np.float64], before: NDArray[np.float64], num_before: NDArray[np.float64] | float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean over tables [N, ...] and `num_before` ones of mean `before`, and over how many it is.

    An action counts where it is available, where its value is not -inf; what is available in none keeps the
    value it had. The mean is finite whatever the size of the values: a sum of values that fit may not fit.
    It is summed by shards, in order.
    """
    available = tables > -np.inf
    number = np.asarray(available.sum(axis=0) + num_before)
    total = np.maximum(number, 1.0)
    smaller = np.ldexp(0.5, -np.frexp(total)[1])  # a power of two: scaling by it rounds nothing
    sums = in_order(shard_sums(np.where(available, tables, 0.0) * smaller))
    with np.errstate(over="ignore"):
        found = (np.where(before > -np.inf, before, 0.0) * smaller * num_before + sums) / (total * smaller)
    old = np.where(np.asarray(num_before) > 0.0, before, np.nan)
    low = np.fmin(np.where(available, tables, np.inf).min(axis=0, initial=np.inf), old)
    high = np.fmax(tables.max(axis=0, initial=-np.inf), old)
    return np.where(number > 0.0, np.clip(found, low, high), before), number
