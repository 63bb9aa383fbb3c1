"""Tasks given as sparse matrices of scipy's, which need not be installed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.forms import Layout, dense_rewards
from metarl_fast.recipes import Float


def is_sparse(value: Any) -> bool:
    """Whether this is a sparse matrix of scipy's, or a list of such."""
    first = value
    while isinstance(first, (list, tuple)) or (isinstance(first, np.ndarray) and first.dtype == object):
        if len(first) == 0:
            return False
        first = first[0]
    return hasattr(first, "tocsr")


@dataclass(frozen=True)
class SparseRows:
    """The entries of N tasks' rows: outcome `place` of pair `row` of task `task` leads to `next_state`."""

    sizes: tuple[int, int, int]  # (N, S, A)
    row: list[NDArray[np.int64]]  # s * A + a, for each task
    place: list[NDArray[np.int64]]
    next_state: list[NDArray[np.int64]]
    probability: list[Float]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, S, A, K)."""
        return (*self.sizes, 1 + max((int(place.max(initial=0)) for place in self.place), default=0))

    def fill(self, columns: list[NDArray[Any]], room: NDArray[Any]) -> NDArray[Any]:
        """Write the entries' numbers, task by task, into an array [N, S, A, K]."""
        n, s, a, k = room.shape
        for task, (row, place, values) in enumerate(zip(self.row, self.place, columns, strict=True)):
            flat = room.reshape(n, s * a * k)[task]
            flat[row * k + place if row.size < flat.size else slice(None)] = values
        return room


def _matrices_of_tasks(value: Any, name: str) -> list[list[Any]]:
    """Return the matrices of each task: one [S*A, S], or A of [S, S]."""
    items = list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]
    nested = any(isinstance(item, (list, tuple, np.ndarray)) for item in items)
    square = not nested and all(hasattr(m, "shape") and m.shape[0] == m.shape[1] for m in items)
    tasks = [list(item) for item in items] if nested else [items] if square else [[item] for item in items]
    for matrix in (matrix for task in tasks for matrix in task):
        if not hasattr(matrix, "tocsr"):
            raise TypeError(f"{name} holds a {type(matrix).__name__} beside sparse matrices")
    return tasks


def _compressed(matrix: Any) -> Any:
    """Return a matrix's rows one after the other, each in order of its columns and without repetitions."""
    rows = matrix.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return rows


def _pairs_of_rows(action: int | None, s: int, a: int, layout: Layout | None) -> NDArray[np.int64]:
    """Return s * A + a of the rows of an action's matrix, or of a matrix of all pairs."""
    row = np.arange(s if action is not None else s * a)
    if action is not None:
        return row * a + action
    return row if layout != "ass" else row % s * a + row // s


def _entries_by_pair(
    task: list[Any], s: int, a: int, layout: Layout | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Float]:
    """Return pair, place among the pair's entries, next state and probability of each entry, by pairs.

    Entries of a row are in order already, so that they only have to be put where the pair's begin.
    """
    matrices = [_compressed(matrix) for matrix in task]
    by_action = len(task) > 1
    pairs = [_pairs_of_rows(k if by_action else None, s, a, layout) for k in range(len(task))]
    counts = np.zeros(s * a, np.int64)
    for of_matrix, matrix in zip(pairs, matrices, strict=True):
        counts[of_matrix] = np.diff(matrix.indptr)
    begin = np.cumsum(counts) - counts
    row = np.repeat(np.arange(s * a), counts)
    place = np.arange(row.size) - np.repeat(begin, counts)
    next_state, probability = np.empty(row.size, np.int64), np.empty(row.size)
    for of_matrix, matrix in zip(pairs, matrices, strict=True):
        size = int(matrix.indptr[-1])
        moved = np.repeat(begin[of_matrix] - matrix.indptr[:-1], counts[of_matrix])
        target = np.arange(size) + moved if moved.any() else slice(size)
        next_state[target] = matrix.indices[:size]
        probability[target] = checks.array(matrix.data[:size], "transitions", np.float64)
    return row, place, next_state, probability


def sparse_transitions(value: Any, layout: Layout | None) -> SparseRows:
    """Read A matrices [S, S], or one [S*A, S] with rows s * A + a (a * S + s in layout "ass"); or N times."""
    tasks = _matrices_of_tasks(value, "transitions")
    s = int(tasks[0][0].shape[1])
    a = len(tasks[0]) if len(tasks[0]) > 1 else int(tasks[0][0].shape[0]) // max(s, 1)
    by_action = len(tasks[0]) > 1
    if 0 in (s, a):
        raise ValueError(
            f"transitions has shape {tasks[0][0].shape}: at least one state and action are needed"
        )
    rows: tuple[list[Any], ...] = ([], [], [], [])
    for index, task in enumerate(tasks):
        expected = [(s, s)] * a if by_action else [(s * a, s)]
        if [matrix.shape for matrix in task] != expected:
            raise ValueError(
                f"the sparse transitions of task {index} have the shapes {[m.shape for m in task]!s:.80}, "
                f"expected A matrices (S, S) or one (S * A, S), here {expected!s:.80}"
            )
        for held, column in zip(rows, _entries_by_pair(task, s, a, layout), strict=True):
            held.append(column)
    return SparseRows((len(tasks), s, a), *rows)


def written_out_by_pair(value: Any, s: int, a: int) -> Any:
    """Return sparse rewards by pair, one matrix [S, A], as an array, and everything else as it is."""
    by_pair = hasattr(value, "tocsr") and value.shape == (s, a)
    return value.toarray() if by_pair else value


def rewards_of_entries(value: Any, rows: SparseRows, layout: Layout | None) -> list[Float]:
    """Return the reward of each entry, task by task."""
    n, s, a = rows.sizes
    value = written_out_by_pair(value, s, a)
    if not is_sparse(value):
        dense = np.broadcast_to(dense_rewards(value, rows.sizes, layout or "sas"), (n, s, a, s))
        entries = zip(dense, rows.row, rows.next_state, strict=True)
        return [of_task[row // a, row % a, to] for of_task, row, to in entries]
    tasks = _matrices_of_tasks(value, "rewards")
    tasks = tasks * n if len(tasks) == 1 else tasks
    found = []
    for index, (task, row, to) in enumerate(zip(tasks, rows.row, rows.next_state, strict=False)):
        by_action = len(task) > 1
        expected = [(s, s)] * a if by_action else [(s * a, s)]
        if len(tasks) != n or [matrix.shape for matrix in task] != expected:
            raise ValueError(
                f"the sparse rewards of task {index} of {len(tasks)} have the shapes "
                f"{[m.shape for m in task]!s:.80}, expected {expected!s:.80} as the transitions of {n} tasks"
            )
        values = np.zeros(row.size)
        for action, matrix in enumerate(task):
            of_row = np.flatnonzero(row % a == action) if by_action else np.arange(row.size)
            place = row[of_row] // a
            if not by_action:
                place = row if layout != "ass" else row % a * s + row // a
            values[of_row] = np.asarray(matrix.tocsr()[place, to[of_row]]).ravel()
        found.append(values)
    return found


def dense_of_sparse(value: Any, sizes: tuple[int, int, int], layout: Layout) -> Float:
    """Write sparse rewards out beside dense transitions, [N or 1, S, A, S]."""
    n, s, a = sizes
    tasks = _matrices_of_tasks(value, "rewards")
    checks.memory(math.prod((len(tasks), a, s, s, 8)), "dense rewards")
    shapes = {(s, s)} if len(tasks[0]) > 1 or a == 1 else {(s * a, s)}
    if len(tasks) not in (1, n) or {m.shape for task in tasks for m in task} != shapes:
        raise ValueError(
            f"the sparse rewards of {len(tasks)} tasks do not go with transitions of N={n}, S={s}, A={a}"
        )
    found = np.array([[matrix.toarray() for matrix in task] for task in tasks], np.float64)
    if len(tasks[0]) > 1 or layout == "ass":
        return found.reshape(-1, a, s, s).swapaxes(1, 2)
    return found.reshape(-1, s, a, s)
