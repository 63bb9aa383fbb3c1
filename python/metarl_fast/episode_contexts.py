"""Contexts of whole episodes: the sequence that a network reads, one token for every state that was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.history import History, narrowest
from metarl_fast.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class EpisodeContexts(Result):
    """B sequences of L tokens: K whole episodes each, one after the other.

    An episode of T steps has T + 1 tokens: one for each state that was seen, the last one, in which nothing
    was done, among them; so the reward of the last step is not lost. A token knows what led to its state.

    Attributes
    ----------
    state
        [B, L]; zeros, here and elsewhere, behind the last token.
    previous_action
        [B, L]: what led there; A, the number of actions, where an episode begins.
    previous_reward
        [B, L] float32: what that gave; 0 where an episode begins.
    reset
        [B, L]: whether an episode begins.
    step
        [B, L]: in the episode, from 0.
    episode
        [B, L]: in the lifetime, from 0; of a subsample the numbers have gaps.
    place
        [B, L]: of the episode in the context, from 0.
    action
        [B, L]: what was done there.
    decides
        [B, L]: whether something was done there; not in an episode's last state.
    mask
        [B, L]: whether there is a token.
    label
        [B, L, A] float32: what the teacher would have done, where `decides`; None without a teacher.
    task
        [B] ids of the tasks.
    """

    state: NDArray[Any]
    previous_action: NDArray[Any]
    previous_reward: NDArray[np.float32]
    reset: NDArray[np.bool_]
    step: NDArray[np.int32]
    episode: NDArray[np.int32]
    place: NDArray[np.int32]
    action: NDArray[Any]
    decides: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    label: NDArray[np.float32] | None
    task: NDArray[np.uint64]

    def _contents(self) -> Iterator[tuple[str, Any]]:
        names = ("state", "previous_action", "previous_reward", "action", "label", "task")
        return ((name, getattr(self, name)) for name in names)


class Episodes:
    """The episodes of some lifetimes: where each begins, and how many steps it has.

    Parameters
    ----------
    history
        N lifetimes.
    num_actions
        A.
    label
        [N, T, A], or None.
    numbers
        Of the k-th episode in a row: k times this.
    """

    def __init__(
        self, history: History, num_actions: int, label: NDArray[np.float32] | None = None, every: int = 1
    ) -> None:
        self.history, self.label, self.num_actions, self.every = history, label, num_actions, every
        n, length = len(history.length), history.length
        ends = (history.terminated | history.truncated) & history.mask
        rows = np.flatnonzero(length > 0)
        ends[rows, length[rows] - 1] = True  # an episode that is still under way counts
        self._of, last = np.nonzero(ends)
        self.count: NDArray[np.int64] = np.bincount(self._of, minlength=n)
        self._offset = np.cumsum(self.count) - self.count
        first = np.empty_like(last)
        first[1:] = last[:-1] + 1
        first[self._offset[rows]] = 0
        self._first, self._size = first, last + 1 - first
        self.longest = int(self._size.max(initial=1))

    def draw(
        self, num_episodes: int, consecutive: bool, generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows [B] and sorted episodes [B, K], as many as hold about all of a lifetime; -1: none.

        Consecutive ones begin anywhere; others are drawn from anywhere, no two the same.
        """
        count, size = self.count, num_episodes
        rows = np.repeat(np.arange(len(count)), -(-count // size))
        number = count[rows]
        begins = np.maximum(number - size, 0)[:, None] + 1
        draws = generator.integers(0, begins, (len(rows), 1 if consecutive else size))
        found = np.sort(draws, axis=1) + np.arange(size)
        return rows, np.where(found < number[:, None], found, -1)

    def contexts(
        self, rows: NDArray[np.int64], episodes: NDArray[np.int64], ids: NDArray[np.uint64], room: int
    ) -> EpisodeContexts:
        """Return the tokens [B, room] of episodes [B, K] of the rows; -1 is none."""
        there = episodes >= 0
        flat = np.where(there, self._offset[rows][:, None] + episodes, 0)
        size = np.where(there, self._size[flat], -1)
        ends = np.cumsum(size + 1, axis=1)
        token = np.arange(room)
        mask = token < ends[:, -1:]
        place = np.minimum((token[None, :, None] >= ends[:, None, :]).sum(axis=2), episodes.shape[1] - 1)
        at = np.arange(len(rows))[:, None], place
        step = np.where(mask, token - (ends - size - 1)[at], 0)
        decides = mask & (step < size[at])
        reset = mask & (step == 0)
        moved = mask & ~reset
        now = self._first[flat][at] + step
        row, before = rows[:, None], np.maximum(now - 1, 0)
        now = np.where(decides, now, 0)
        past, none = self.history, narrowest(self.num_actions + 1)
        entered = past.next_state[row, before]
        action = np.where(decides, past.action[row, now], 0)
        led = np.where(moved, past.action[row, before], np.where(reset, self.num_actions, 0))
        label = None
        if self.label is not None:
            label = np.where(decides[..., None], self.label[row, now], np.float32(0))
        return EpisodeContexts(
            state=np.where(decides, past.state[row, now], np.where(mask, entered, 0)).astype(
                past.state.dtype
            ),
            previous_action=led.astype(none),
            previous_reward=np.where(moved, past.reward[row, before], 0.0).astype(np.float32),
            reset=reset,
            step=step.astype(np.int32),
            episode=np.where(mask, episodes[at] * self.every, 0).astype(np.int32),
            place=np.where(mask, place, 0).astype(np.int32),
            action=action.astype(past.action.dtype),
            decides=decides,
            mask=mask,
            label=label,
            task=ids,
        )
