"""What a batch of tasks is made of: a key and ids, or arrays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks, written_out

if TYPE_CHECKING:
    from typing_extensions import Self

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


def shifted(ids: Ids, by: int) -> Ids:
    """Return ids that are larger by some number."""
    return range(ids.start + by, ids.stop + by) if isinstance(ids, range) else ids + np.uint64(by)


def joined_ids(parts: Sequence[Ids]) -> Ids:
    """Put ids one after the other; a run of consecutive ones stays one."""
    filled = [ids for ids in parts if len(ids)]
    ranges = [ids for ids in filled if isinstance(ids, range)]
    if len(ranges) == len(filled) and all(a.stop == b.start for a, b in pairwise(ranges)):
        return range(ranges[0].start, ranges[-1].stop) if ranges else range(0)
    return np.concatenate([explicit_ids(ids) for ids in parts])


def same_ids(one: Ids, other: Ids) -> bool:
    """Return whether two sequences of ids are the same."""
    if isinstance(one, range) and isinstance(other, range):
        return one == other
    return len(one) == len(other) and np.array_equal(explicit_ids(one), explicit_ids(other))


class Frozen:
    """A dataclass whose arrays are read-only, also when unpickled: the core relies on what it has checked."""

    def __post_init__(self) -> None:
        for array in self._arrays():
            array.setflags(write=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        Frozen.__post_init__(self)

    def _arrays(self) -> list[NDArray[Any]]:
        return [value for value in vars(self).values() if isinstance(value, np.ndarray)]


class Recipe(Protocol):
    """What a batch is made of; `Tasks` gives it a face."""

    @property
    def ids(self) -> Ids:
        """The integers that name the tasks."""

    @property
    def at_once(self) -> int | None:
        """How many of the tasks can be built at once; None for any number."""

    @property
    def shape(self) -> tuple[int, int]:
        """(S, A), known without drawing."""

    @property
    def places(self) -> NDArray[np.int64] | None:
        """Where a picture draws each state, (row, column) [S, 2]."""

    @property
    def episodes_per_segment(self) -> int:
        """After how many episodes the tasks change; 0 if they do not."""

    def build(self) -> _core.TaskBatch:
        """Make the core's view of the batch."""

    def stored(self) -> StoredRecipe:
        """Write the tasks out."""

    def in_segment(self, segment: int) -> Recipe:
        """Return the recipe of the tasks as they stay in a segment of their time."""

    def same(self, other: Recipe) -> bool:
        """Return whether the other has the same tasks."""

    def take(self, places: Places, ids: Ids) -> Recipe:
        """Return the recipe of the tasks at `places`, whose ids are `ids`."""

    def join(self, others: Sequence[Recipe]) -> Recipe:
        """Return the recipe of these tasks and then the others'; ValueError if there is none."""


def parts_of(recipe: Recipe) -> list[slice]:
    """Return the places of what can be built at once: all the tasks, or a part after the other."""
    n, size = len(recipe.ids), recipe.at_once
    if size is None or n <= size:
        return [slice(0, n)]
    return [slice(k, min(k + size, n)) for k in range(0, n, size)]


def shape_of(family: Any) -> tuple[int, int]:
    """Return a family's (S, A), which one written in Python may have forgotten or got wrong."""
    name = type(family).__name__
    s = checks.integer(getattr(family, "num_states", None), f"{name}.num_states", 1)
    return s, checks.integer(getattr(family, "num_actions", None), f"{name}.num_actions", 1)


@dataclass(frozen=True)
class DrawnRecipe(Frozen):
    """Tasks that follow from their family, the key of the seed, and their ids."""

    family: Any
    key: int
    ids: Ids
    at_once: ClassVar[int | None] = None

    @cached_property
    def shape(self) -> tuple[int, int]:
        """What the family says."""
        return shape_of(self.family)

    @property
    def places(self) -> NDArray[np.int64] | None:
        """What the family says."""
        return getattr(self.family, "places", None)

    @property
    def episodes_per_segment(self) -> int:
        """What the family says."""
        return int(getattr(self.family, "_episodes_per_segment", 0))

    def in_segment(self, segment: int) -> Self:
        """Return the recipe: these tasks do not change."""
        return self

    def same(self, other: Recipe) -> bool:
        """Return whether the other is of the same family, key and ids."""
        return (
            isinstance(other, DrawnRecipe)
            and other.key == self.key
            and same_ids(other.ids, self.ids)
            and self.same_family(other)
        )

    def same_family(self, other: DrawnRecipe) -> bool:
        """Return whether the other's tasks follow the same law."""
        return bool(other.family is self.family or other.family == self.family)

    def take(self, places: Places, ids: Ids) -> Self:
        """Name the tasks."""
        return replace(self, ids=ids)

    def join(self, others: Sequence[Recipe]) -> Self:
        """Name all the tasks: those of one family and one key are one lazy batch."""
        ids = [self.ids]
        for place, other in enumerate(others, 1):
            if not isinstance(other, DrawnRecipe):
                raise ValueError(f"batch 0 is lazy and batch {place} is not: materialise() the lazy ones")
            if not self.same_family(other):
                raise ValueError(f"batches 0 and {place} are lazy and of two families: materialise() them")
            if other.key != self.key:
                raise ValueError(f"batches 0 and {place} are lazy and of two seeds: materialise() them")
            ids.append(other.ids)
        return replace(self, ids=joined_ids(ids))


class GeneratedRecipe(DrawnRecipe):
    """Tasks drawn by the core when somebody looks."""

    def build(self) -> _core.TaskBatch:
        """Make the lazy batch."""
        return _core.generate(self.family._view(self.key, self.ids), self.key, core_ids(self.ids))

    def in_segment(self, segment: int) -> Self:
        """Hold the tasks still."""
        return replace(self, family=self.family._in_segment(segment))

    def stored(self) -> StoredRecipe:
        """Generate them all."""
        batch = self.build()
        if batch.episodes_per_segment:
            raise ValueError(
                f"these tasks change every {batch.episodes_per_segment} episodes, and in memory tasks stay "
                "as they are: materialise a segment of them, as in tasks.segment(0).materialise()"
            )
        found = written_out.stored(batch)
        return StoredRecipe(
            found["probability"],
            found.get("next_state"),
            found["reward"],
            found.get("terminated"),
            found["terminal"],
            found["start"],
            found["reward_noise"],
            self.ids,
            found.get("scale"),
            batch.masked,
        )


@dataclass(frozen=True)
class StoredRecipe(Frozen):
    """Tasks in memory, in the core's layout (`cpp/mdp.hpp`): dense when `next_state` is None."""

    probability: Float  # [N, S, A, S] or [N, S, A, K]
    next_state: NDArray[np.int32] | None  # [N, S, A, K]
    reward: Float  # [N, S, A] or [N, S, A, K]
    terminated: NDArray[np.uint8] | None  # [N, S, A, K]
    terminal: NDArray[np.uint8]  # [S] or [N, S]
    start: Float  # [S] or [N, S]
    reward_noise: Float  # [] or [N]
    ids: Ids
    scale: Float | None = None  # [N, S, A] when outcomes are drawn by rejection
    masked: bool = False  # some actions may not be available: their rows are 0
    at_once: ClassVar[int | None] = None
    places: ClassVar[None] = None
    episodes_per_segment: ClassVar[int] = 0

    @cached_property
    def shape(self) -> tuple[int, int]:
        """That of the arrays."""
        return self.probability.shape[1], self.probability.shape[2]

    @property
    def num_bytes(self) -> int:
        """Memory that the arrays take."""
        return sum(array.nbytes for array in self._arrays())

    def stored(self) -> StoredRecipe:
        """Return these: they are."""
        return self

    @cached_property
    def largest_reward(self) -> tuple[float, int]:
        """The largest reward, sign aside, and the place of its task."""
        if not self.reward.size:
            return 0.0, 0
        at = max((self.reward.argmax(), self.reward.argmin()), key=lambda place: abs(self.reward.flat[place]))
        return abs(float(self.reward.flat[at])), int(at) // (self.reward.size // len(self.reward))

    def build(self) -> _core.TaskBatch:
        """Hand the arrays to the core, which checks them."""
        return _core.stored_tasks(
            core_ids(self.ids),
            self.probability,
            self.next_state,
            self.reward,
            self.terminated,
            self.terminal,
            self.start,
            self.scale,
            self.reward_noise,
            self.masked,
        )

    def same(self, other: Recipe) -> bool:
        """Return whether the other has the same arrays."""
        if not isinstance(other, StoredRecipe) or not same_ids(other.ids, self.ids):
            return False
        mine, others = vars(self), vars(other)
        names = [name for name, value in mine.items() if isinstance(value, np.ndarray) and name != "ids"]
        return all(mine[name] is others[name] or np.array_equal(mine[name], others[name]) for name in names)

    def named(self, ids: Ids) -> StoredRecipe:
        """Return the same tasks under other ids."""
        return replace(self, ids=ids)

    def in_segment(self, segment: int) -> StoredRecipe:
        """Return the recipe: these tasks do not change."""
        return self

    def take(self, places: Places, ids: Ids) -> StoredRecipe:
        """Copy the part of the arrays; consecutive tasks are not copied but looked at."""
        if not isinstance(places, slice) or places.step not in (None, 1):
            checks.memory(self.num_bytes * len(ids) // max(1, len(self.ids)), f"a copy of {len(ids)} tasks")

        def part(values: NDArray[Any], shared_axes: int = -1) -> NDArray[Any]:
            return values if values.ndim == shared_axes else np.ascontiguousarray(values[places])

        return StoredRecipe(
            part(self.probability),
            None if self.next_state is None else part(self.next_state),
            part(self.reward),
            None if self.terminated is None else part(self.terminated),
            part(self.terminal, 1),
            part(self.start, 1),
            part(self.reward_noise, 0),
            ids,
            None if self.scale is None else part(self.scale),
            self.masked,
        )

    def join(self, others: Sequence[Recipe]) -> StoredRecipe:
        """Copy the arrays one after the other; if any are outcome lists, all become such lists."""
        parts = [self]
        for place, other in enumerate(others, 1):
            if not isinstance(other, StoredRecipe):
                raise ValueError(f"batch {place} is lazy and batch 0 is not: materialise() the lazy ones")
            (s, a), shape = self.shape, other.shape
            if shape != (s, a):
                raise ValueError(
                    f"batch {place} has {shape[0]} states and {shape[1]} actions, batch 0 has {s} and {a}"
                )
            if (other.scale is None) != (self.scale is None):
                raise ValueError(
                    f"one of the batches 0 and {place} draws next states by rejection, as from long rows of "
                    "the uniform law: make it anew by from_arrays from its transitions, rewards and start"
                )
            parts.append(other)
        if any(part.next_state is not None for part in parts):
            longest = max(part.probability.shape[-1] for part in parts)
            parts = [part._as_lists(longest) for part in parts]
        checks.memory(sum(part.num_bytes for part in parts), f"{len(parts)} batches in one")
        s = self.probability.shape[1]

        def of_each_task(values: NDArray[Any], part: StoredRecipe, *axes: int) -> NDArray[Any]:
            # The core wants C order, and `concatenate` keeps the order it finds.
            return np.ascontiguousarray(np.broadcast_to(values, (len(part.ids), *axes)))

        next_state = [part.next_state for part in parts if part.next_state is not None]
        terminated = [part.terminated for part in parts if part.terminated is not None]
        scale = [part.scale for part in parts if part.scale is not None]
        return StoredRecipe(
            np.concatenate([part.probability for part in parts]),
            np.concatenate(next_state) if next_state else None,
            np.concatenate([part.reward for part in parts]),
            np.concatenate(terminated) if terminated else None,
            np.concatenate([of_each_task(part.terminal, part, s) for part in parts]),
            np.concatenate([of_each_task(part.start, part, s) for part in parts]),
            np.concatenate([of_each_task(part.reward_noise, part) for part in parts]),
            joined_ids([part.ids for part in parts]),
            np.concatenate(scale) if scale else None,
            any(part.masked for part in parts),
        )

    def _as_lists(self, length: int) -> StoredRecipe:
        """Return outcome lists padded to `length` with probability 0."""
        n, s, a, k = self.probability.shape
        checks.memory(n * s * a * length * 21, f"the outcome lists of {n} tasks")

        def padded(values: NDArray[Any]) -> NDArray[Any]:
            room = np.zeros((n, s, a, length), values.dtype)
            room[..., :k] = values
            return room

        if self.next_state is not None and self.terminated is not None:
            next_state, reward, terminated = self.next_state, self.reward, self.terminated
        else:
            next_state, reward = np.arange(s, dtype=np.int32), self.reward[..., None]
            terminated = self.terminal.reshape(-1, 1, 1, s)
        return replace(
            self,
            probability=padded(self.probability),
            next_state=padded(next_state),
            reward=padded(reward),
            terminated=padded(terminated),
        )
