"""What happened in a run: every step of every learner, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.result import Result

_KINDS = tuple(np.dtype(kind) for kind in (np.uint8, np.uint16, np.uint32))


@dataclass(frozen=True, eq=False, repr=False)
class History(Result):
    """The steps of N learners in the order in which they were taken, one after the other in rows of T.

    T is the longest lifetime. Lifetimes differ where episodes terminate: behind the last step of a row there
    are zeros. An episode ends with a step that is `terminated` or `truncated`, and the next step is the first
    one of the next episode; one that starts in a terminal state has no steps. With `num_runs=R` there is an
    axis R after N.

    Attributes
    ----------
    state, action, next_state
        [N, T], in the narrowest of uint8, uint16 and uint32 that holds them.
    reward
        [N, T], in the type of the tables, as the learner saw it.
    terminated
        [N, T]: the step ended the episode for good; nothing comes after `next_state`.
    truncated
        [N, T]: the time limit cut the episode here. With `continuing` the next step goes on from
        `next_state`.
    length
        [N] how many steps there were.
    next_action
        [N, T], as `action`: what a learner that chooses its actions a step ahead, `Sarsa`, chose in
        `next_state`, and learned from also where the time limit then cut the episode; 0 where the step was
        `terminated`. None for all other learners.
    """

    state: NDArray[Any]
    action: NDArray[Any]
    reward: NDArray[Any]
    next_state: NDArray[Any]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    length: NDArray[np.int64]
    next_action: NDArray[Any] | None = None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which places [N, T] hold a step."""
        return np.arange(self.state.shape[-1]) < self.length[..., None]

    @classmethod
    def room(
        cls,
        num_learners: int,
        num_steps: int,
        num_states: int,
        num_actions: int,
        real: np.dtype[Any],
        chosen_ahead: bool = False,
    ) -> History:
        """Return arrays for so many steps of each learner; MemoryError where they do not fit.

        They are zeros, which take no memory before something is written.
        """
        states, actions = narrowest(num_states), narrowest(num_actions)
        types = {"state": states, "action": actions, "reward": real, "next_state": states}
        types |= {"terminated": np.dtype(bool), "truncated": np.dtype(bool)}
        types |= {"next_action": actions} if chosen_ahead else {}
        size = num_learners * num_steps * sum(kind.itemsize for kind in types.values())
        checks.memory(size, lambda: f"the history of {num_learners} tasks of {num_steps} steps")
        steps = {name: np.zeros((num_learners, num_steps), kind) for name, kind in types.items()}
        return cls(**steps, length=np.zeros(num_learners, np.int64))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays that there are, by name."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: array for name, array in found.items() if array is not None}

    def rows(self, rows: slice) -> dict[str, NDArray[Any]]:
        """Return those learners' arrays by name."""
        return {name: array[rows] for name, array in self.arrays().items()}

    def cut(self, num_runs: int | None) -> History:
        """Return what was written: rows no longer than the longest lifetime, and the runs on an axis."""
        longest = int(self.length.max(initial=0))
        arrays = {name: array[:, :longest] for name, array in self._steps()} | {"length": self.length}
        if num_runs is not None:
            arrays = {name: a.reshape(-1, num_runs, *a.shape[1:]) for name, a in arrays.items()}
        return replace(self, **arrays)

    @classmethod
    def joined(cls, parts: Sequence[History]) -> History:
        """Put the histories of parts of a batch one after the other."""
        longest = max(part.state.shape[-1] for part in parts)
        n = sum(len(part.length) for part in parts)
        size = sum(array[:1].nbytes for _, array in parts[0]._steps())
        checks.memory(n * size, lambda: f"the histories of {n} tasks")
        arrays: dict[str, NDArray[Any]] = {"length": np.concatenate([part.length for part in parts])}
        for name, first in parts[0]._steps():
            whole = np.zeros((n, *first.shape[1:-1], longest), first.dtype)
            place = 0
            for part in parts:
                rows = getattr(part, name)
                whole[place : place + len(rows), ..., : rows.shape[-1]] = rows
                place += len(rows)
            arrays[name] = whole
        return cls(**arrays)

    def _steps(self) -> list[tuple[str, NDArray[Any]]]:
        """Return the arrays of steps, by name."""
        return [(name, array) for name, array in self.arrays().items() if name != "length"]


def narrowest(number: int) -> np.dtype[Any]:
    """Return the type that counts so many things from 0 in the fewest bytes."""
    return next(kind for kind in _KINDS if number <= 1 << 8 * kind.itemsize)
