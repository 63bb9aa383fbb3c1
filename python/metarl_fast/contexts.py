"""Pieces of lifetimes, cut from what a run recorded, with what would have been optimal in each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.history import History
from metarl_fast.result import Result
from metarl_fast.runtime import thread_count

_COPIED = ("state", "action", "reward", "next_state", "terminated", "truncated")
"""What pieces have of a history as it is; the states first, from which best actions are looked up."""

_STEPS_AT_ONCE = 2**17
"""Steps that are cut in one call: some megabytes, which stay in a processor's cache until they are read."""


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

    def part(self, some: slice) -> Contexts:
        """Return some of the pieces, views of these arrays."""
        if some.start == 0 and some.stop >= len(self.task):
            return self
        return Contexts(*[array[some] for array in vars(self).values()])

    def _contents(self) -> Iterator[tuple[str, Any]]:
        names = ("state", "action", "reward", "optimal_action", "task")
        return ((name, getattr(self, name)) for name in names)


class Lifetimes:
    """The lifetimes of some tasks."""

    def __init__(
        self, history: History, ids: NDArray[np.uint64], policy: NDArray[np.int32], every: int
    ) -> None:
        """Hold a history [N, T] of every so many-th episode, and the first best actions [N, S]."""
        self.history, self.ids, self.every = history, ids, every
        self.best = policy.astype(history.action.dtype)
        self._ends: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def ends(self, num_threads: int | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the steps that end an episode, as places in [N, T], and how many are of the tasks before."""
        if self._ends is None:
            past = self.history
            self._ends = _core.find_endings(
                past.terminated, past.truncated, past.length, thread_count(num_threads)
            )
        return self._ends

    @property
    def optimal_action(self) -> NDArray[Any]:
        """The first best action of each step [N, T]; zeros behind the end of a lifetime."""
        n, longest = self.history.state.shape
        return self.contexts(np.arange(n), np.zeros(n, np.int64), longest).optimal_action

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
        self, size: int, batch: int, draws: np.random.Generator | None, num_threads: int | None = None
    ) -> Iterator[tuple[NDArray[np.int64], Contexts]]:
        """Yield all steps once: the rows of up to `batch` pieces, and the pieces."""
        rows, starts = self.cut(size, draws)
        at_once = batch * max(1, _STEPS_AT_ONCE // (batch * size))
        for first in range(0, len(rows), at_once):
            some = rows[first : first + at_once]
            cut = self.contexts(some, starts[first : first + at_once], size, num_threads)
            for place in range(0, len(some), batch):
                part = slice(place, place + batch)
                yield some[part], cut.part(part)

    def contexts(
        self, rows: NDArray[np.int64], starts: NDArray[np.int64], size: int, num_threads: int | None = None
    ) -> Contexts:
        """Return pieces of the rows; one that starts before the first step holds the first steps alone."""
        past, shape = self.history, (len(rows), size)
        begins = np.maximum(starts, 0)
        length = np.clip(np.minimum(starts + size, past.length[rows]) - begins, 0, None)
        whole = {name: getattr(past, name) for name in _COPIED}
        each = sum(array.itemsize for array in whole.values()) + self.best.itemsize + 5
        checks.memory(len(rows) * size * each, lambda: f"{len(rows)} pieces of {size} steps")
        steps = {name: np.empty(shape, array.dtype) for name, array in whole.items()}
        best = np.empty(shape, self.best.dtype)
        episode, mask = np.empty(shape, np.int32), np.empty(shape, np.bool_)
        _core.cut_contexts(
            [(whole[name], steps[name]) for name in _COPIED],
            self.best,
            best,
            *self.ends(num_threads),
            self.every,
            episode,
            mask,
            rows,
            np.minimum(begins, past.state.shape[1]),
            length,
            thread_count(num_threads),
        )
        return Contexts(
            **steps, optimal_action=best, episode=episode, mask=mask, task=self.ids[rows], start=begins
        )


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
    for name, array in history.arrays().items():
        if name != "length":
            found = np.take_along_axis(array, order[:, :longest], axis=1)
            arrays[name] = np.where(mask, found, 0).astype(found.dtype)
    return replace(history, **arrays, length=length)
