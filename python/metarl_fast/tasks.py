"""Batches of tasks, lazy or in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.runtime import thread_count

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

    @property
    def num_bytes(self) -> int:
        """Memory that the arrays take."""
        arrays = (self.probability, self.next_state, self.reward, self.terminated, self.start)
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
        )


@dataclass(frozen=True, eq=False)
class Tasks:
    """N tasks of S states and A actions; nothing is generated until somebody looks.

    Families make these (`TaskDistribution(...).sample(n, rng=seed)`); `from_arrays`, `from_outcomes` and
    `from_gymnasium` make them from data. Indexing with an integer gives a `Task`, with a slice or an array
    of integers a batch of those tasks. A task keeps its id, which names its random streams, so a part of a
    batch learns exactly what it learned in the whole.
    """

    recipe: Recipe
    horizon: int | None = None
    """Steps of an episode, the default of `train`; None if the tasks do not say."""
    _core_batch: list[_core.TaskBatch] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if not hasattr(self.recipe, "build"):
            raise TypeError(
                f"recipe is {self.recipe!r}: make tasks with a family's sample(n, rng=...), from_arrays or "
                "from_outcomes"
            )
        if self.horizon is not None:
            object.__setattr__(self, "horizon", checks.integer(self.horizon, "horizon", 1))

    @property
    def core(self) -> _core.TaskBatch:
        """The C++ batch, made at first use. It checks the data."""
        if not self._core_batch:
            self._core_batch.append(self.recipe.build())
        return self._core_batch[0]

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the recipe; the C++ side is rebuilt from it."""
        return {"recipe": self.recipe, "horizon": self.horizon}

    def __setstate__(self, state: dict[str, Any]) -> None:
        object.__setattr__(self, "recipe", state["recipe"])
        object.__setattr__(self, "horizon", state["horizon"])
        object.__setattr__(self, "_core_batch", [])

    def __repr__(self) -> str:
        lazy = "" if isinstance(self.recipe, StoredRecipe) else ", lazy"
        return (
            f"Tasks(num_tasks={len(self)}, num_states={self.num_states}, num_actions={self.num_actions}, "
            f"horizon={self.horizon}{lazy})"
        )

    @property
    def num_tasks(self) -> int:
        """N."""
        return len(self.recipe.ids)

    @property
    def num_states(self) -> int:
        """S."""
        return self.core.num_states

    @property
    def num_actions(self) -> int:
        """A."""
        return self.core.num_actions

    @property
    def reward_noise(self) -> float:
        """Standard deviation of the Gaussian noise added to each sampled reward."""
        return self.core.reward_noise

    @property
    def ids(self) -> NDArray[np.uint64]:
        """The integers [N] that name the tasks."""
        return explicit_ids(self.recipe.ids).copy()

    def __len__(self) -> int:
        return self.num_tasks

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> Tasks: ...
    def __getitem__(self, index: int | slice | Sequence[int] | NDArray[Any]) -> Task | Tasks:
        ids = self.recipe.ids
        if isinstance(index, slice):
            part = ids[index]
            kept = part if isinstance(part, range) and part.step == 1 else explicit_ids(part)
            return Tasks(self.recipe.take(index, kept), self.horizon)
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            if not -len(self) <= index < len(self):
                raise IndexError(f"task {index} of a batch of {len(self)}")
            place = int(index) % len(self)
            return Task(self[place : place + 1])
        raw = np.asarray(index)
        chosen = np.flatnonzero(raw) if raw.dtype == bool else checks.array(raw, "index", np.int64)
        if raw.dtype == bool:
            checks.shape(raw, "index", (len(self),))
        checks.shape(chosen, "index", (chosen.size,))
        if chosen.size and not (-len(self) <= chosen.min() and chosen.max() < len(self)):
            raise IndexError(f"index from {chosen.min()} to {chosen.max()} in a batch of {len(self)} tasks")
        chosen = chosen % max(len(self), 1)
        kept = (ids.start + chosen).astype(np.uint64) if isinstance(ids, range) else ids[chosen]
        return Tasks(self.recipe.take(chosen, kept), self.horizon)

    def __iter__(self) -> Iterator[Task]:
        return (self[k] for k in range(len(self)))

    def _materialise(self, *wanted: str) -> dict[str, NDArray[Any]]:
        batch = self.core
        n, s, a, k = len(self), batch.num_states, batch.num_actions, batch.num_outcomes
        outcomes = (n, s, a, k)
        layout: dict[str, tuple[tuple[int, ...], type]] = {
            "probability": (outcomes, np.float64),
            "next_state": (outcomes, np.int32),
            "reward": ((n, s, a) if batch.dense else outcomes, np.float64),
            "terminated": ((n, s) if batch.dense else outcomes, np.uint8),
            "start": ((n, s), np.float64),
        }
        size = sum(
            int(np.prod(layout[name][0], dtype=object)) * np.dtype(layout[name][1]).itemsize
            for name in wanted
        )
        checks.memory(size, f"writing out {', '.join(wanted)} of {n} tasks")
        check_scratch(self, thread_count(), 1, 0)
        arrays: dict[str, Any] = {
            name: np.empty(*layout[name]) if name in wanted else None for name in layout
        }
        if batch.dense:
            arrays["next_state"] = None
        _core.materialise(batch, num_threads=thread_count(), **arrays)
        return {name: found for name, found in arrays.items() if found is not None}

    @property
    def transitions(self) -> Float:
        """Transition probabilities [N, S, A, S], float64, written out anew."""
        if self.core.dense:
            return self._materialise("probability")["probability"]
        outcomes = self._materialise("probability", "next_state")
        n, s, a, k = outcomes["probability"].shape
        checks.memory(n * s * a * s * 8, f"the dense transitions of {n} tasks")
        dense = np.zeros((n * s * a, s))
        rows = np.repeat(np.arange(n * s * a), k)
        np.add.at(dense, (rows, outcomes["next_state"].ravel()), outcomes["probability"].ravel())
        return dense.reshape(n, s, a, s)

    @property
    def rewards(self) -> Float:
        """Expected rewards [N, S, A], float64, written out anew."""
        if self.core.dense:
            return self._materialise("reward")["reward"]
        outcomes = self._materialise("probability", "reward")
        return np.asarray((outcomes["probability"] * outcomes["reward"]).sum(axis=-1), dtype=np.float64)

    @property
    def start(self) -> Float:
        """Start-state distribution [N, S], float64, written out anew."""
        return self._materialise("start")["start"]

    @property
    def outcomes(self) -> dict[str, NDArray[Any]]:
        """The outcome lists: `probability`, `next_state`, `reward` and `terminated`, each [N, S, A, K].

        Places that a (state, action) does not use hold probability 0.
        """
        if not self.core.dense:
            found = self._materialise("probability", "next_state", "reward", "terminated")
            return {**found, "terminated": found["terminated"].astype(bool)}
        found = self._materialise("probability", "reward", "terminated")
        shape = found["probability"].shape
        return {
            "probability": found["probability"],
            "next_state": np.broadcast_to(np.arange(shape[-1], dtype=np.int32), shape),
            "reward": np.broadcast_to(found["reward"][..., None], shape),
            "terminated": np.broadcast_to(found["terminated"].astype(bool)[:, None, None, :], shape),
        }

    def materialise(self) -> Tasks:
        """Return the same tasks held in memory; learning on them gives the same bits."""
        if isinstance(self.recipe, StoredRecipe):
            return self
        names = ["probability", "reward", "terminated", "start"]
        found = self._materialise(*names) if self.core.dense else self._materialise("next_state", *names)
        stored = StoredRecipe(
            found["probability"],
            found.get("next_state"),
            found["reward"],
            found["terminated"],
            found["start"],
            self.reward_noise,
            self.recipe.ids,
        )
        return Tasks(stored, self.horizon)


@dataclass(frozen=True, eq=False)
class Task:
    """One task; indexes like its transition array [S, A, S] (float64), as in the tutorial's programs."""

    batch: Tasks

    def __post_init__(self) -> None:
        if not isinstance(self.batch, Tasks) or len(self.batch) != 1:
            raise TypeError(f"batch is {self.batch!r}, expected Tasks that hold one task")

    @cached_property
    def transitions(self) -> Float:
        """Transition probabilities [S, A, S]."""
        return np.asarray(self.batch.transitions[0])

    @cached_property
    def rewards(self) -> Float:
        """Expected rewards [S, A]."""
        return np.asarray(self.batch.rewards[0])

    @cached_property
    def start(self) -> Float:
        """Start-state distribution [S]."""
        return np.asarray(self.batch.start[0])

    @property
    def id(self) -> int:
        """The integer that names the task."""
        return int(self.batch.ids[0])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, A, S)."""
        return (self.batch.num_states, self.batch.num_actions, self.batch.num_states)

    @property
    def dtype(self) -> np.dtype[np.float64]:
        """float64."""
        return np.dtype(np.float64)

    @property
    def ndim(self) -> int:
        """3."""
        return 3

    def __len__(self) -> int:
        return self.batch.num_states

    def __getitem__(self, index: Any) -> Any:
        return self.transitions[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.transitions, dtype=dtype, copy=True if copy is None else copy)

    def __repr__(self) -> str:
        return f"Task(id={self.id}, num_states={self.batch.num_states}, num_actions={self.batch.num_actions})"


def _start_distribution(start: ArrayLike | None, num_tasks: int, num_states: int) -> Float:
    """Return distributions [S] or [N, S] from those, a state, or a state per task; None is state 0."""
    values = np.asarray(0 if start is None else start)
    if values.dtype.kind in "iu" and values.ndim <= 1:
        if values.ndim == 1:
            checks.shape(values, "start", (num_tasks,))
        if values.size and not (0 <= values.min() and values.max() < num_states):
            worst = values.min() if values.min() < 0 else values.max()
            raise ValueError(f"start is state {worst}, expected 0 to {num_states - 1}")
        return one_hot(values, num_states)
    found = checks.array(values, "start", np.float64)
    return checks.shape(found, "start", (num_states,), (num_tasks, num_states))


def one_hot(values: NDArray[Any], size: int) -> Float:
    """Return an array [..., size] that is 1 at `values` [...], else 0."""
    checks.memory(values.size * size * 8, f"{values.size} distributions over {size} values")
    table = np.zeros((values.size, size))
    table[np.arange(values.size), values.ravel()] = 1.0
    return table.reshape((*values.shape, size))


def check_scratch(batch: Tasks, num_threads: int, side_by_side: int, bytes_per_outcome: int) -> None:
    """Refuse tasks of which every thread cannot hold one as generated and up to `side_by_side` in work."""
    core = batch.core
    # Rows are padded to at most 15 outcomes more; a generated outcome has 8 + 4 + 8 + 1 bytes.
    outcomes = core.num_states * core.num_actions * (core.num_outcomes + 15)
    threads = min(num_threads, math.ceil(len(batch) / side_by_side))
    lanes = min(side_by_side, len(batch))
    checks.memory(
        threads * outcomes * (21 + lanes * bytes_per_outcome),
        f"work on tasks of {core.num_states} states, {core.num_actions} actions and {core.num_outcomes} "
        f"outcomes on {threads} threads",
    )


def from_arrays(
    transitions: ArrayLike,
    rewards: ArrayLike,
    *,
    start: ArrayLike | None = None,
    terminal: ArrayLike | None = None,
    horizon: int | None = None,
    reward_noise: float = 0.0,
) -> Tasks:
    """Make tasks from transition and reward arrays.

    Parameters
    ----------
    transitions
        Probabilities [N, S, A, S], or [S, A, S] for one task; rows sum to 1 within 1e-5.
    rewards
        [N, S, A] by pair, or [N, S, A, S] by transition; without N for all tasks alike.
    start
        A state, a distribution [S], or [N, S] distributions; default state 0.
    terminal
        Booleans [S] or [N, S]: entering such a state ends the episode.
    horizon
        Steps of an episode, the default of `train`.
    reward_noise
        Standard deviation of Gaussian noise on each sampled reward.

    Returns
    -------
    Tasks
        With ids 0 to N-1. Float64 C-ordered arrays are used where they are, without a copy.

    Raises
    ------
    ValueError, TypeError
        For wrong shapes or types, rows that are not distributions, and values that are not finite.
    """
    probability = checks.array(transitions, "transitions", np.float64)
    if probability.ndim == 3:
        probability = probability[None]
    if probability.ndim != 4 or probability.shape[1] != probability.shape[3]:
        raise ValueError(f"transitions has shape {np.shape(transitions)}, expected (N, S, A, S) or (S, A, S)")
    n, s, a, _ = probability.shape
    if 0 in (s, a):
        raise ValueError(
            f"transitions has shape {np.shape(transitions)}: at least one state and action are needed"
        )
    reward = checks.array(rewards, "rewards", np.float64)
    checks.shape(reward, "rewards", (n, s, a), (n, s, a, s), (s, a), (s, a, s))
    by_transition = reward.shape in ((n, s, a, s), (s, a, s)) and reward.shape != (n, s, a)
    full = (n, s, a, s) if by_transition else (n, s, a)
    checks.memory(math.prod(full) * 8, f"the rewards of {n} tasks")
    reward = np.ascontiguousarray(np.broadcast_to(reward, full))
    ends = checks.array(np.zeros(s, bool) if terminal is None else terminal, "terminal", np.uint8)
    checks.shape(ends, "terminal", (s,), (n, s))
    if (ends > 1).any():
        raise ValueError(f"terminal has the value {ends.max()}, expected booleans")
    next_state = None
    if by_transition:
        checks.memory(probability.size * 5, "rewards by transition")
        next_state = np.ascontiguousarray(np.broadcast_to(np.arange(s, dtype=np.int32), full))
        ends = np.ascontiguousarray(np.broadcast_to(ends.reshape(-1, 1, 1, s), full))
    recipe = StoredRecipe(
        probability,
        next_state,
        reward,
        ends,
        _start_distribution(start, n, s),
        checks.real(reward_noise, "reward_noise", 0.0),
        range(n),
    )
    tasks = Tasks(recipe, horizon)
    _ = tasks.core  # bad data is refused here, not at first use
    return tasks


OutcomeTable: TypeAlias = "Mapping[int, Mapping[int, Sequence[tuple[float, int, float, bool]]]]"


def _count_states_and_actions(tables: Sequence[OutcomeTable]) -> tuple[int, int]:
    if not tables:
        raise ValueError("tables is empty, expected at least one outcome table")
    for index, table in enumerate(tables):
        if not isinstance(table, Mapping):
            raise TypeError(f"tables[{index}] is a {type(table).__name__}, expected a dict of states")
    s = len(tables[0])
    a = len(tables[0][0]) if 0 in tables[0] else 0
    if a == 0:
        raise ValueError("tables[0] has no actions in state 0")
    for index, table in enumerate(tables):
        for state in range(s):
            missing = [act for act in range(a) if state not in table or act not in table[state]]
            if missing or len(table) != s or len(table[state]) != a:
                raise ValueError(
                    f"outcomes[task={index}, state={state}] does not list actions 0 to {a - 1}, "
                    f"or there are not {s} states"
                )
    return s, a


def from_outcomes(
    tables: OutcomeTable | Sequence[OutcomeTable],
    *,
    start: ArrayLike | None = None,
    horizon: int | None = None,
    reward_noise: float = 0.0,
) -> Tasks:
    """Make tasks from outcome lists in the form of Gymnasium's toy-text `P`.

    Parameters
    ----------
    tables
        `table[state][action]` is a list of (probability, next state, reward, terminated); one table, or a
        list of N tables with the same states and actions. A next state may occur more than once. Lists of
        fewer outcomes are padded with probability 0.
    start, horizon, reward_noise
        As in `from_arrays`.

    Returns
    -------
    Tasks
        With ids 0 to N-1.

    Raises
    ------
    ValueError, TypeError
        For missing entries, probabilities that do not sum to 1, and states out of range.
    """
    batch: list[OutcomeTable] = [tables] if isinstance(tables, Mapping) else list(tables)
    s, a = _count_states_and_actions(batch)
    k = max(len(table[state][action]) for table in batch for state in range(s) for action in range(a))
    if k == 0:
        raise ValueError("the outcome lists are empty")
    shape = (len(batch), s, a, k)
    checks.memory(int(np.prod(shape, dtype=object)) * 21, f"{len(batch)} outcome tables")
    probability = np.zeros(shape)
    next_state = np.zeros(shape, np.int32)
    reward = np.zeros(shape)
    terminated = np.zeros(shape, np.uint8)
    for index, table in enumerate(batch):
        for state in range(s):
            for action in range(a):
                name = f"outcomes[task={index}, state={state}, action={action}]"
                for place, outcome in enumerate(table[state][action]):
                    if len(outcome) != 4:
                        raise ValueError(
                            f"{name} holds {outcome!r}, "
                            "expected (probability, next state, reward, terminated)"
                        )
                    where = (index, state, action, place)
                    probability[where] = checks.real(outcome[0], f"a probability of {name}")
                    next_state[where] = checks.integer(outcome[1], f"a next state of {name}", 0, s - 1)
                    reward[where] = checks.real(outcome[2], f"a reward of {name}")
                    terminated[where] = checks.flag(outcome[3], f"a termination of {name}")
    recipe = StoredRecipe(
        probability,
        next_state,
        reward,
        terminated,
        _start_distribution(start, len(batch), s),
        checks.real(reward_noise, "reward_noise", 0.0),
        range(len(batch)),
    )
    tasks = Tasks(recipe, horizon)
    _ = tasks.core  # bad data is refused here, not at first use
    return tasks
