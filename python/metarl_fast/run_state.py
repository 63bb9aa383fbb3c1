"""What a run keeps so that another can continue it: where each learner stands between two episodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.recipes import Recipe
from metarl_fast.settings import Settings
from metarl_fast.shards import alike


@dataclass(frozen=True, eq=False)
class RunState:
    """Beside the action values: streams, states, visits, second tables and traces of N * R learners.

    Attributes
    ----------
    recipe
        The tasks.
    learner, dtype, num_runs, continuing
        As `train` was told; a run that continues this one has the same.
    num_steps
        Time limit of an episode, of all tasks or of each [N]; the default of a run that continues this one.
    num_episodes
        How many there were, those of earlier runs included.
    arrays
        In the core's layout, `cpp/carried.hpp`: `standing` [N * R, 8] and what else the learner has.
    """

    recipe: Recipe
    learner: Any
    dtype: np.dtype[Any]
    num_runs: int | None
    continuing: bool
    num_steps: int | NDArray[np.int64]
    num_episodes: int
    arrays: Mapping[str, NDArray[Any]]

    def check(self, **now: Any) -> None:
        """Refuse to continue with other settings than these, given by name."""
        for name, value in now.items():
            own = getattr(self, name)
            if value != own:
                # Of a learner's many settings those that differ are to be read.
                what, *both = next(_differences(name, value, own))
                given, had = map(checks.shown, both)
                raise ValueError(f"{what} is {given}, but resume is a run with {had}")

    def check_tasks(self, recipe: Recipe) -> None:
        """Refuse other tasks."""
        n, own = len(recipe.ids), len(self.recipe.ids)
        if recipe is not self.recipe and not self.recipe.same(recipe):
            raise ValueError(f"resume is a run of {own} other tasks, expected one of these {n}")

    def carried(self, q_table: NDArray[Any], num_learners: int) -> dict[str, NDArray[Any]]:
        """Return what the core goes on from; of a single table that is the result itself."""
        tables = np.ascontiguousarray(q_table).reshape(num_learners, 1, *q_table.shape[-2:])
        return {"tables": tables, **self.arrays}

    def part(self, places: slice, recipe: Recipe) -> RunState:
        """Return the state of some of the tasks, whose recipe is given."""
        runs = self.num_runs or 1
        rows = slice(places.start * runs, places.stop * runs)
        steps = self.num_steps[places] if isinstance(self.num_steps, np.ndarray) else self.num_steps
        arrays = {name: array[rows] for name, array in self.arrays.items()}
        return replace(self, recipe=recipe, num_steps=steps, arrays=arrays)

    @classmethod
    def joined(cls, parts: Sequence[RunState]) -> RunState:
        """Put the states of parts of a batch together."""
        first = parts[0]
        for name in ("learner", "dtype", "num_runs", "continuing", "num_episodes"):
            for part in parts:
                part.check(**{name: getattr(first, name)})
        arrays = {name: np.concatenate([part.arrays[name] for part in parts]) for name in first.arrays}
        recipe = first.recipe.join([part.recipe for part in parts[1:]])
        if any(isinstance(part.num_steps, np.ndarray) for part in parts):
            each = [np.broadcast_to(part.num_steps, (len(part.recipe.ids),)) for part in parts]
            return replace(first, recipe=recipe, arrays=arrays, num_steps=np.concatenate(each))
        return replace(first, recipe=recipe, arrays=arrays, num_steps=alike(parts, "num_steps"))


def _differences(name: str, value: Any, own: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the settings in which two values differ, by name, or the values themselves."""
    if isinstance(value, Settings) and type(value) is type(own):
        for f in fields(value):  # type: ignore[arg-type]
            if getattr(value, f.name) != getattr(own, f.name):
                yield f"{name}.{f.name}", getattr(value, f.name), getattr(own, f.name)
    yield name, value, own


def room_to_carry(
    sizes: tuple[int, int, int], num_learners: int, table: tuple[int, int], real: np.dtype[Any]
) -> dict[str, NDArray[Any]]:
    """Return arrays for what another run would need to go on, beside the q_table; none if it could not.

    `sizes` are the core's `CarriedSizes`: how many tables, tables of visits, and traces.
    """
    tables, visits, traces = sizes
    n, s, a = num_learners, *table
    if tables == 0:
        return {}
    size = real.itemsize
    entries = s * a * ((tables if tables > 1 else 0) + visits)
    checks.memory(n * (32 + entries * size + traces * (4 + size)), lambda: f"where {n} learners stand")
    room: dict[str, NDArray[Any]] = {"standing": np.empty((n, 8), np.uint32)}
    if tables > 1:
        room["tables"] = np.empty((n, tables, s, a), real)
    if visits:
        room["visits"] = np.empty((n, visits, s, a), np.int32 if size == 4 else np.int64)
    if traces:
        # Zeros: what lies beyond a learner's own traces is not written.
        room |= {"trace_cells": np.zeros((n, traces), np.int32), "traces": np.zeros((n, traces), real)}
    return room
