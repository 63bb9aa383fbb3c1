"""Batches of tasks, lazy or in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks, written_out
from metarl_fast.pictures import draw_task
from metarl_fast.recipes import Float, Ids, Recipe, StoredRecipe, explicit_ids, parts_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Horizon: TypeAlias = "int | Sequence[int] | NDArray[np.int64] | None"
"""Steps of an episode, or of each task's, [N]."""


def checked_horizon(value: Any, num_tasks: int) -> int | NDArray[np.int64] | None:
    """Return the steps of an episode: an integer if all tasks have the same, else a read-only array [N]."""
    if value is None or checks.single(value):
        return None if value is None else checks.integer(value, "horizon", 1)
    if checks.numeric(value, "horizon").dtype.kind == "b":
        raise TypeError("horizon has dtype bool, expected integers")
    found = checks.shape(checks.array(value, "horizon", np.int64), "horizon", (num_tasks,))
    for place in np.flatnonzero(found < 1)[:1]:
        raise ValueError(f"horizon[{place}] is {found[place]}, expected at least 1")
    if found.size and found.min() == found.max():
        return checks.integer(int(found[0]), "horizon", 1)
    return _frozen(found.copy())


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    """Make an array read-only: changes of it would not reach the tasks."""
    values.setflags(write=False)
    return values


@dataclass(frozen=True, eq=False)
class Tasks:
    """N tasks of S states and A actions; nothing is generated until somebody looks.

    Families make these (`TaskDistribution(...).sample(n, rng=seed)`); `from_arrays`, `from_outcomes` and
    `from_gymnasium` make them from data. Indexing with an integer gives a `Task`, with a slice or an array
    of integers a batch of those tasks; `concatenate` puts batches together. A task keeps its id, which names
    its random streams, so a part of a batch learns exactly what it learned in the whole.

    Arrays that these hand out are read-only: changing them would not change the tasks.
    """

    recipe: Recipe
    horizon: int | NDArray[np.int64] | None = None
    """Steps of an episode, the default of `train`: for all tasks, or [N]; None if the tasks do not say."""
    _core_batch: list[_core.TaskBatch] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if not hasattr(self.recipe, "build"):
            raise TypeError(
                f"recipe is {checks.shown(self.recipe)}: make tasks with a family's sample(n, rng=...), "
                "from_arrays or from_outcomes"
            )
        object.__setattr__(self, "horizon", checked_horizon(self.horizon, len(self.recipe.ids)))

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
        object.__setattr__(self, "horizon", checked_horizon(state["horizon"], len(self.recipe.ids)))
        object.__setattr__(self, "_core_batch", [])

    def __repr__(self) -> str:
        lazy = "" if isinstance(self.recipe, StoredRecipe) else ", lazy"
        return (
            f"Tasks(num_tasks={len(self)}, num_states={self.num_states}, num_actions={self.num_actions}, "
            f"horizon={self._horizons}{lazy})"
        )

    @property
    def _horizons(self) -> str:
        """The horizon, or the range of horizons."""
        if not isinstance(self.horizon, np.ndarray) or not self.horizon.size:
            return "None" if isinstance(self.horizon, np.ndarray) else str(self.horizon)
        return f"{self.horizon.min()}..{self.horizon.max()}"

    @property
    def num_tasks(self) -> int:
        """N."""
        return len(self.recipe.ids)

    @property
    def num_states(self) -> int:
        """S."""
        return self.recipe.shape[0]

    @property
    def num_actions(self) -> int:
        """A."""
        return self.recipe.shape[1]

    @property
    def reward_noise(self) -> float | Float:
        """Standard deviation of the Gaussian noise added to each sampled reward: of all tasks, or [N]."""
        if isinstance(self.recipe, StoredRecipe):
            noise = self.recipe.reward_noise
        elif self.recipe.at_once is None:
            return self.core.reward_noise  # the family's
        else:
            noise = self._read(written_out.reward_noise)
        return float(noise.max(initial=0.0)) if noise.size == 0 or noise.min() == noise.max() else noise

    @property
    def ids(self) -> NDArray[np.uint64]:
        """The integers [N] that name the tasks."""
        return _frozen(explicit_ids(self.recipe.ids))

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
            return self._part(index, kept)
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            if not -len(self) <= index < len(self):
                raise IndexError(f"task {index} of a batch of {len(self)}")
            place = int(index) % len(self)
            return Task(self[place : place + 1])
        raw = checks.numeric(index, "index")
        chosen = np.flatnonzero(raw) if raw.dtype == bool else checks.array(raw, "index", np.int64)
        if raw.dtype == bool:
            checks.shape(raw, "index", (len(self),))
        checks.shape(chosen, "index", (chosen.size,))
        if chosen.size and not (-len(self) <= chosen.min() and chosen.max() < len(self)):
            raise IndexError(f"index from {chosen.min()} to {chosen.max()} in a batch of {len(self)} tasks")
        chosen = chosen % max(len(self), 1)
        kept = (ids.start + chosen).astype(np.uint64) if isinstance(ids, range) else ids[chosen]
        return self._part(chosen, kept)

    def _part(self, places: slice | NDArray[np.int64], ids: Ids) -> Tasks:
        horizon = self.horizon[places] if isinstance(self.horizon, np.ndarray) else self.horizon
        return Tasks(self.recipe.take(places, ids), horizon)

    def __iter__(self) -> Iterator[Task]:
        return (self[k] for k in range(len(self)))

    def _read(self, read: Callable[[_core.TaskBatch], NDArray[Any]]) -> NDArray[Any]:
        """Return what is read off all tasks [N, ...], a part after the other if the core cannot have all."""
        parts = parts_of(self.recipe)
        if len(parts) == 1:
            return _frozen(read(self.core))
        found = read(self[parts[0]].core)
        checks.memory(found.nbytes // len(found) * len(self), f"what is read off {len(self)} tasks")
        whole = np.empty((len(self), *found.shape[1:]), found.dtype)
        for places in parts:
            whole[places] = read(self[places].core)
        return _frozen(whole)

    @property
    def transitions(self) -> Float:
        """Transition probabilities [N, S, A, S], float64, written out anew and read-only."""
        return self._read(written_out.transitions)

    @property
    def rewards(self) -> Float:
        """Expected rewards [N, S, A], float64, written out anew and read-only."""
        return self._read(written_out.rewards)

    @property
    def start(self) -> Float:
        """Start-state distribution [N, S], float64, written out anew and read-only."""
        return self._read(written_out.start)

    @property
    def terminal(self) -> NDArray[np.bool_]:
        """Whether a state ends the episode [N, S]: nothing is done there, and its value is 0."""
        return self._read(written_out.terminal)

    @property
    def available(self) -> NDArray[np.bool_]:
        """Whether an action can be taken in a state [N, S, A]."""
        return self._read(written_out.available)

    @property
    def outcomes(self) -> dict[str, NDArray[Any]]:
        """The outcome lists: `probability`, `next_state`, `reward` and `terminated`, each [N, S, A, K].

        Places that a (state, action) does not use hold probability 0.
        """
        found = written_out.outcomes(self.core)
        return {name: _frozen(values) for name, values in found.items()}

    def segment(self, segment: int) -> Tasks:
        """Return the tasks as they are in a segment of their time, and stay: for planning and for scores.

        Tasks that do not change, all but those of `Switching`, `Drifting` and what is made of them, are the
        same in every segment.
        """
        number = checks.integer(segment, "segment", 0, 2**31 - 1)
        return Tasks(self.recipe.in_segment(number), self.horizon)

    def materialise(self) -> Tasks:
        """Return the same tasks held in memory; learning on them gives the same bits.

        Raises
        ------
        ValueError
            For tasks that change: `segment` says when.
        """
        return self if isinstance(self.recipe, StoredRecipe) else Tasks(self.recipe.stored(), self.horizon)


@dataclass(frozen=True, eq=False)
class Task:
    """One task; indexes like its transition array [S, A, S] (float64), as in the tutorial's programs."""

    batch: Tasks

    def __post_init__(self) -> None:
        if not isinstance(self.batch, Tasks) or len(self.batch) != 1:
            raise TypeError(f"batch is {checks.shown(self.batch)}, expected Tasks that hold one task")

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
    def terminal(self) -> NDArray[np.bool_]:
        """Whether a state ends the episode [S]."""
        return np.asarray(self.batch.terminal[0])

    @property
    def available(self) -> NDArray[np.bool_]:
        """Whether an action can be taken in a state [S, A]."""
        return np.asarray(self.batch.available[0])

    @property
    def outcomes(self) -> dict[str, NDArray[Any]]:
        """The outcome lists, each [S, A, K]."""
        return {name: values[0] for name, values in self.batch.outcomes.items()}

    @property
    def num_states(self) -> int:
        """S."""
        return self.batch.num_states

    @property
    def num_actions(self) -> int:
        """A."""
        return self.batch.num_actions

    @property
    def horizon(self) -> int | None:
        """Steps of an episode, or None if the task does not say."""
        return self.batch.horizon  # type: ignore[return-value]  # all of one are alike

    @property
    def reward_noise(self) -> float:
        """Standard deviation of the Gaussian noise added to each sampled reward."""
        return self.batch.reward_noise  # type: ignore[return-value]

    @property
    def id(self) -> int:
        """The integer that names the task."""
        return int(self.batch.ids[0])

    def segment(self, segment: int) -> Task:
        """Return the task as it is in a segment of its time, and stays."""
        return Task(self.batch.segment(segment))

    def materialise(self) -> Task:
        """Return the same task held in memory."""
        return Task(self.batch.materialise())

    @property
    def places(self) -> NDArray[np.int64] | None:
        """Where a picture draws each state, (row, column) [S, 2]; None where states have no places."""
        return self.batch.recipe.places

    def plot(
        self,
        *,
        values: ArrayLike | None = None,
        policy: ArrayLike | None = None,
        path: Sequence[int] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the task; needs the extra `plot`.

        A map, where the family knows where its states are: green is worth entering and orange costs, a frame
        is where episodes end, S is where they begin, dark is a wall. A bandit's arms. Else a graph.

        Parameters
        ----------
        values
            A number for each state [S], as a colour in place of what states pay.
        policy
            Actions [S], or probabilities [S, A]: an arrow to where each state expects to go.
        path
            States in the order in which they were visited.
        ax
            Where to draw; default: the axes of a new figure, which no window shows.
            `ax.figure.savefig("task.png")` writes it.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError, TypeError
            For arguments of other shapes, and more than 30 states without places.
        """
        return draw_task(self, values=values, policy=policy, path=path, ax=ax)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, A, S)."""
        return (self.num_states, self.num_actions, self.num_states)

    @property
    def dtype(self) -> np.dtype[np.float64]:
        """float64."""
        return np.dtype(np.float64)

    @property
    def ndim(self) -> int:
        """3."""
        return 3

    def __len__(self) -> int:
        return self.num_states

    def __getitem__(self, index: Any) -> Any:
        return self.transitions[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.transitions, dtype=dtype, copy=True if copy is None else copy)

    def __repr__(self) -> str:
        return f"Task(id={self.id}, num_states={self.num_states}, num_actions={self.num_actions})"


def as_batch(tasks: Tasks | Task) -> Tasks:
    """Return a batch; a single task becomes a batch of one."""
    if isinstance(tasks, Task):
        return tasks.batch
    if not isinstance(tasks, Tasks):
        raise TypeError(
            f"tasks is a {type(tasks).__name__}, expected Tasks: draw them with a family's "
            "sample(n, rng=...) or make them with from_arrays"
        )
    return tasks
