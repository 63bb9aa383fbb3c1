"""What a batch of tasks is made of: a key and ids, or arrays in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks

Ids: TypeAlias = "range | NDArray[np.uint64]"
Float: TypeAlias = "NDArray[np.float64]"
Places: TypeAlias = "slice | NDArray[np.int64]"


def core_ids(ids: Ids) -> _core.TaskIds:
    """Hand ids to the core: a run of consecutive ones takes no memory."""
    if isinstance(ids, range):
        return _core.TaskIds(ids.start, len(ids), None)
    return _core.TaskIds(0, len(ids), np.ascontiguousarray(ids))


def explicit_ids(ids: Ids) -> NDArray[np.uint64]:
    """Write ids out."""
    if not isinstance(ids, range):
        return ids
    checks.memory(len(ids) * 8, f"the ids of {len(ids)} tasks")
    return (ids.start + ids.step * np.arange(len(ids))).astype(np.uint64)


class Recipe(Protocol):
    """What a batch is made of; `Tasks` gives it a face."""

    @property
    def ids(self) -> Ids:
        """The integers that name the tasks."""

    def build(self) -> _core.TaskBatch:
        """Make the core's view of the batch."""

    def take(self, places: Places, ids: Ids) -> Recipe:
        """Return the recipe of the tasks at `places`, whose ids are `ids`."""


@dataclass(frozen=True)
class GeneratedRecipe:
    """Tasks drawn by the core from (key, id) when somebody looks."""

    builder: Callable[[int, _core.TaskIds], _core.TaskBatch]
    key: int
    ids: Ids

    def build(self) -> _core.TaskBatch:
        """Make the lazy batch."""
        return self.builder(self.key, core_ids(self.ids))

    def take(self, places: Places, ids: Ids) -> GeneratedRecipe:
        """Name the tasks: they follow from their ids."""
        return replace(self, ids=ids)


@dataclass(frozen=True)
class StoredRecipe:
    """Tasks in memory, in the core's layout (`cpp/mdp.hpp`): dense when `next_state` is None."""

    probability: Float  # [N, S, A, S] or [N, S, A, K]
    next_state: NDArray[np.int32] | None
    reward: Float  # [N, S, A] or [N, S, A, K]
    terminated: NDArray[np.uint8]  # [S] or [N, S] when dense, else [N, S, A, K]
    start: Float  # [S] or [N, S]
    reward_noise: float
    ids: Ids
    scale: Float | None = None  # [N, S, A] when outcomes are drawn by rejection

    @property
    def num_bytes(self) -> int:
        """Memory that the arrays take."""
        arrays = (self.probability, self.next_state, self.reward, self.terminated, self.start, self.scale)
        return sum(array.nbytes for array in arrays if array is not None)

    def build(self) -> _core.TaskBatch:
        """Hand the arrays to the core, which checks them."""
        return _core.stored_tasks(
            core_ids(self.ids),
            self.probability,
            self.next_state,
            self.reward,
            self.terminated,
            self.start,
            self.scale,
            self.reward_noise,
        )

    def take(self, places: Places, ids: Ids) -> StoredRecipe:
        """Copy the part of the arrays."""

        def part(values: NDArray[Any], shared_axes: int) -> NDArray[Any]:
            return values if values.ndim == shared_axes else np.ascontiguousarray(values[places])

        return StoredRecipe(
            part(self.probability, 0),
            None if self.next_state is None else part(self.next_state, 0),
            part(self.reward, 0),
            part(self.terminated, 1),
            part(self.start, 1),
            self.reward_noise,
            ids,
            None if self.scale is None else part(self.scale, 0),
        )
