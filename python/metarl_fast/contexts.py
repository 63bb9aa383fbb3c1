"""Pieces of lifetimes, cut from what a run recorded, with what would have been optimal in each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.history import History
from metarl_fast.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class Contexts(Result):
    """Pieces of B lifetimes, C steps each.

    Attributes
    ----------
    state, action, reward, next_state, terminated, truncated
        [B, C], as in `History`; zeros behind the end of a lifetime.
    optimal_action
        [B, C]: the first best action in each state, of the task itself.
    episode
        [B, C]: the episode that a step belongs to, counted from the beginning of the lifetime.
    mask
        [B, C]: which places hold a step.
    task
        [B] ids of the tasks.
    start
        [B]: where in its lifetime each piece begins.
    """

    state: NDArray[Any]
    action: NDArray[Any]
    reward: NDArray[Any]
    next_state: NDArray[Any]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    optimal_action: NDArray[Any]
    episode: NDArray[np.int32]
    mask: NDArray[np.bool_]
    task: NDArray[np.uint64]
    start: NDArray[np.int64]

    def _contents(self) -> Iterator[tuple[str, Any]]:
        names = ("state", "action", "reward", "optimal_action", "task")
        return ((name, getattr(self, name)) for name in names)


class Lifetimes:
    """The lifetimes of some tasks."""

    def __init__(
        self, history: History, ids: NDArray[np.uint64], policy: NDArray[np.int32], every: int
    ) -> None:
        """Hold a history [N, T] of every so many-th episode, and the first best actions [N, S]."""
        self.history, self.ids = history, ids
        self.best = policy.astype(history.action.dtype)
        ended = history.terminated | history.truncated
        before = np.cumsum(ended, axis=1, dtype=np.int32) - ended
        self.episode = np.where(history.mask, before * every, 0).astype(np.int32)
        self._room, self._windows = -1, dict[str, NDArray[Any]]()

    @property
    def optimal_action(self) -> NDArray[Any]:
        """The first best action of each step [N, T]."""
        found = np.take_along_axis(self.best, self.history.state.astype(np.intp), axis=1)
        return np.where(self.history.mask, found, 0).astype(found.dtype)

    def cut(
        self, size: int, draws: np.random.Generator | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows and first steps of pieces that hold all steps once."""
        length = self.history.length
        # A first piece that is shorter by chance: pieces then begin anywhere.
        lead = np.zeros_like(length) if draws is None else draws.integers(0, size, len(length))
        count = -(-(length + lead) // size)
        rows = np.repeat(np.arange(len(length)), count)
        number = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
        starts = number * size - lead[rows]
        if draws is not None:
            order = draws.permutation(len(rows))
            rows, starts = rows[order], starts[order]
        return rows, starts

    def cut_up(
        self, size: int, batch: int, draws: np.random.Generator | None
    ) -> Iterator[tuple[NDArray[np.int64], Contexts]]:
        """Yield all steps once: the rows of up to `batch` pieces, and the pieces."""
        rows, starts = self.cut(size, draws)
        for first in range(0, len(rows), batch):
            some = slice(first, first + batch)
            yield rows[some], self.contexts(rows[some], starts[some], size)

    def contexts(self, rows: NDArray[np.int64], starts: NDArray[np.int64], size: int) -> Contexts:
        """Return pieces of the rows; one that starts before the first step holds the first steps alone."""
        begins = np.maximum(starts, 0)
        first = np.minimum(begins, self.history.state.shape[1])
        ends = np.minimum(starts + size, self.history.length[rows])
        mask = begins[:, None] + np.arange(size) < ends[:, None]
        # Behind the end of a lifetime there are zeros anyway; behind a piece cut short there are steps.
        short = np.flatnonzero((starts < 0) & (ends < self.history.length[rows]))
        behind = ~mask[short]
        steps = {}
        for name, windows in self._windows_of(size).items():
            steps[name] = windows[rows, first]
            if short.size:
                steps[name][short] = np.where(behind, 0, steps[name][short])
        best = self._best_in(rows, steps["state"])
        if not mask.all():
            best *= mask
        return Contexts(**steps, optimal_action=best, mask=mask, task=self.ids[rows], start=begins)

    def _best_in(self, rows: NDArray[np.int64], state: NDArray[Any]) -> NDArray[Any]:
        """Return the first best actions of the rows' tasks in states [B, C]."""
        num_states = self.best.shape[1]
        return np.asarray(self.best.ravel().take((rows * num_states)[:, None] + state))

    def _windows_of(self, size: int) -> dict[str, NDArray[Any]]:
        """Return the windows [N, T + 1, size] of memory that a piece may be: it is copied at once.

        There is as much room behind the longest lifetime as a piece may need.
        """
        if self._room != size:
            n, longest = self.history.state.shape
            checks.memory(n * (longest + size) * 20, lambda: f"{n} lifetimes in pieces of {size} steps")
            past = {f.name: getattr(self.history, f.name) for f in fields(History) if f.name != "length"}
            past["episode"] = self.episode
            padded = {name: np.pad(array, ((0, 0), (0, size))) for name, array in past.items()}
            self._windows = {name: sliding_window_view(a, size, axis=1) for name, a in padded.items()}
            self._room = size
        return self._windows


def every_episode(history: History, every: int) -> History:
    """Return a history of every so many-th episode alone."""
    ended = history.terminated | history.truncated
    episode: NDArray[np.int64] = np.cumsum(ended, axis=1) - ended
    kept = history.mask & (episode % every == 0)
    order = np.argsort(~kept, axis=1, kind="stable")
    length = kept.sum(axis=1)
    longest = int(length.max(initial=0))
    mask = np.arange(longest) < length[:, None]
    arrays = {}
    for f in fields(history):
        if f.name != "length":
            found = np.take_along_axis(getattr(history, f.name), order[:, :longest], axis=1)
            arrays[f.name] = np.where(mask, found, 0).astype(found.dtype)
    return replace(history, **arrays, length=length)
