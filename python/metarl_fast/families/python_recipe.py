"""Batches of families written in Python: tasks that a family's `task` method draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.data import from_arrays, from_outcomes
from metarl_fast.families.drawn_tasks import DrawnTasks
from metarl_fast.recipes import DrawnRecipe, StoredRecipe, shape_of


@dataclass(frozen=True)
class PythonRecipe(DrawnRecipe):
    """Tasks drawn by a family's `task` method when somebody looks, a shard at a time."""

    drawn: DrawnTasks = field(default=None, repr=False, compare=False)  # type: ignore[assignment]
    """What was drawn already, by whatever batch of this family and this key."""
    at_once: ClassVar[int] = _core.TASKS_PER_SHARD

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.drawn is None:
            object.__setattr__(self, "drawn", DrawnTasks(self.family, self.key, draw))

    def same_family(self, other: DrawnRecipe) -> bool:
        """Return whether the other draws from the same copy of a family, pickled or not."""
        return (
            isinstance(other, PythonRecipe) and other.drawn.name == self.drawn.name
        ) or super().same_family(other)

    def stored(self) -> StoredRecipe:
        """Draw them."""
        size = self.at_once
        if len(self.ids) <= size:
            return self.drawn.stored(self.ids)
        # Twice while they are put together.
        one = self.drawn.stored(self.ids[:1]).num_bytes
        checks.memory(2 * len(self.ids) * one, f"{len(self.ids)} tasks drawn in Python")
        shards = [self.drawn.stored(self.ids[k : k + size]) for k in range(0, len(self.ids), size)]
        return shards[0].join(shards[1:])

    def build(self) -> _core.TaskBatch:
        """Draw them and hand them to the core."""
        return self.stored().build()


def draw(family: Any, key: int, ids: Sequence[int]) -> StoredRecipe:
    """Draw tasks in the way of their family."""
    drawn: StoredRecipe = family._draw(key, ids)
    return drawn


def draw_tasks(family: Any, key: int, ids: Sequence[int]) -> StoredRecipe:
    """Draw tasks by `Family.task`, each from a stream that its id names."""
    drawn: list[Mapping[str, Any]] = []
    for task_id in ids:
        drawn.append(_drawn(family, key, task_id))
        if len(drawn) == 1:
            first = stack(drawn, ids[:1], family)
            # Twice while they are stacked; outcome lists of Python objects take ten times their arrays.
            copies = 2 if first.next_state is None else 12
            checks.memory(len(ids) * copies * first.num_bytes, f"{len(ids)} tasks drawn in Python")
    return first if len(drawn) == 1 else stack(drawn, ids, family)


def _drawn(family: Any, key: int, task_id: int) -> Any:
    """Return a copy of what `Family.task` returns; its errors say which task they are about."""
    stream = np.random.Philox(key=np.array([key, task_id], dtype=np.uint64))
    try:
        return own_copy(family.task(np.random.Generator(stream)))
    except Exception as error:
        if hasattr(error, "add_note"):  # Python 3.11
            error.add_note(f"while task {task_id} of {type(family).__name__} was drawn")
        raise


def own_copy(task: Any) -> Any:
    """Copy arrays, dicts and lists, at every depth: a family may fill the same ones for its next task."""
    if isinstance(task, np.ndarray):
        return task.copy()
    if isinstance(task, Mapping):
        return {name: own_copy(value) for name, value in task.items()}
    return [own_copy(value) for value in task] if isinstance(task, list) else task


def _columns(drawn: Sequence[Mapping[str, Any]], ids: Sequence[int], who: str) -> dict[str, Any]:
    """Return what `Family.task` returned by name; refuse what does not go together."""
    for task in drawn:
        if not isinstance(task, Mapping):
            needs = "a dict: of transitions and rewards, or of outcomes"
            raise TypeError(f"{who} returned {checks.shown(task)}, expected {needs}")
    names = set(drawn[0])
    if "horizon" in names:
        raise ValueError(f"{who} returned a horizon: it belongs to the family, as its attribute")
    needed = {"outcomes"} if "outcomes" in names else {"transitions", "rewards"}
    more = {"start", "terminal", "reward_noise"}
    if not needed <= names <= needed | more:
        raise TypeError(
            f"{who} returned {sorted(names)}, expected {sorted(needed)} and perhaps some of {sorted(more)}"
        )
    for task_id, task in zip(ids, drawn, strict=True):
        if set(task) != names:
            family = who.removesuffix(".task")
            raise ValueError(f"task {task_id} of {family} returned {sorted(task)}, expected {sorted(names)}")
    columns: dict[str, Any] = {name: [task[name] for task in drawn] for name in names}
    for name in columns.keys() - {"outcomes"}:
        shapes = {np.shape(value) for value in columns[name]}
        if len(shapes) > 1:
            raise ValueError(f"{who} returned {name} of the shapes {sorted(shapes)}, expected one shape")
    return columns


def stack(drawn: Sequence[Mapping[str, Any]], ids: Sequence[int], family: Any) -> StoredRecipe:
    """Put single tasks, as `Family.task` returns them, into one recipe."""
    if not drawn:
        s, a = shape_of(family)
        empty = np.zeros((0, s, a, s))
        first_state = checks.one_hot(np.array(0), s)
        no_ends = np.zeros(s, np.uint8)
        nothing = range(0)
        return StoredRecipe(empty, None, empty[..., 0], None, no_ends, first_state, np.array(0.0), nothing)
    columns = _columns(drawn, ids, f"{type(family).__name__}.task")
    try:
        return _accepted(columns, len(drawn), family)
    except (ValueError, TypeError) as error:
        if len(drawn) == 1:
            text = str(error).replace("task=0", f"task={ids[0]}")
            raise type(error)(f"task {ids[0]} of {type(family).__name__}: {text}") from None
        for task, task_id in zip(drawn, ids, strict=True):  # which of them is wrong?
            stack([task], [task_id], family)
        raise


def _together(tables: list[Any]) -> Any:
    """Return outcome tables as `from_outcomes` takes them: dicts of arrays [S, A, K] become one of such."""
    if not all(isinstance(table, Mapping) and all(isinstance(key, str) for key in table) for table in tables):
        return tables
    names = set(tables[0])
    if any(set(table) != names for table in tables):
        raise ValueError(f"outcomes have the arrays {sorted(names)} of one task and others of another")
    return {name: _padded([np.asarray(table[name]) for table in tables], name) for name in names}


def _padded(arrays: list[NDArray[Any]], name: str) -> NDArray[Any]:
    """Return arrays [N, S, A, K] of [S, A, K]; where a task has fewer outcomes than others, zeros."""
    shapes = {array.shape for array in arrays}
    if len({shape[:-1] for shape in shapes}) > 1 or any(len(shape) != 3 for shape in shapes):
        raise ValueError(f"{name} of outcomes has the shapes {sorted(shapes)}, expected (S, A, K)")
    longest = max(shape[-1] for shape in shapes)
    room = np.zeros((len(arrays), *arrays[0].shape[:-1], longest), np.result_type(*arrays))
    for place, array in enumerate(arrays):
        room[place, ..., : array.shape[-1]] = array
    return room


def _accepted(columns: dict[str, Any], num_tasks: int, family: Any) -> StoredRecipe:
    """Make tasks of what was returned by name; its checks are those of data that users give."""
    s, a = shape_of(family)
    tables = columns.pop("outcomes", None)
    if "reward_noise" in columns:
        columns["reward_noise"] = [checks.real(x, "reward_noise", 0.0) for x in columns["reward_noise"]]
    arrays: dict[str, Any] = {name: checks.numeric(values, name) for name, values in columns.items()}
    if tables is not None:
        tasks = from_outcomes(_together(tables), **arrays)
    else:
        if arrays["rewards"].shape in ((num_tasks, s), (num_tasks, s, a)):
            arrays["rewards"] = arrays["rewards"][..., None]  # where N = S = A three axes say too little
        tasks = from_arrays(**arrays)
    if (tasks.num_states, tasks.num_actions) != (s, a):
        raise ValueError(
            f"{type(family).__name__}.task returned {tasks.num_states} states and "
            f"{tasks.num_actions} actions, expected {s} and {a}"
        )
    recipe = tasks.recipe
    assert isinstance(recipe, StoredRecipe)
    return recipe
