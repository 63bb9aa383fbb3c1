"""Cells of a grid: its sides, places in it, and laws of where a goal lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks

Cell: TypeAlias = tuple[int, int]
Start: TypeAlias = Cell | Literal["centre"] | None


def sides(size: Any) -> tuple[int, int]:
    """Return (height, width) of a grid of at least two cells, given one side of a square or both sides."""
    both = (size, size) if checks.single(size) else size
    height, width = checks.pair(both, "size", 1, 2**14)
    checks.memory(height * width * 100, f"a grid of {height} x {width} cells")
    if height * width < 2:
        raise ValueError(f"size is {(height, width)}, expected at least two cells")
    return height, width


def row_by_row(height: int, width: int) -> NDArray[np.int64]:
    """Return the place (row, column) of each cell [height * width, 2]."""
    return np.argwhere(np.ones((height, width), bool))


def _is_cell(value: Any) -> bool:
    """Whether `value` is what it should be already: large grids are split into very many cells."""
    right = type(value) is tuple and len(value) == 2 and type(value[0]) is int and type(value[1]) is int
    return right and min(value) >= 0


def inside(value: Any, name: str, height: int, width: int) -> Cell:
    """Return `value` as a cell of the grid."""
    row, column = cell = value if _is_cell(value) else checks.pair(value, name, 0)
    if not (row < height and column < width):
        raise ValueError(f"{name} is {cell}, which lies outside the {height} x {width} grid")
    return cell


def checked_start(value: Any, name: str, height: int, width: int) -> Start:
    """Return `value` as where episodes of an open grid begin: a cell, its centre, or None, anywhere."""
    if value is None:
        return None
    if isinstance(value, str):
        if value != "centre":
            raise ValueError(f"{name} is {checks.shown(value)}, expected a cell, 'centre' or None")
        return "centre"
    return inside(value, name, height, width)


def start_number(start: Start, height: int, width: int) -> int:
    """Return the start as the core has it: the number of its cell, or -1 for all of them evenly."""
    if start is None:
        return -1
    row, column = (height // 2, width // 2) if isinstance(start, str) else start
    return row * width + column


def checked_walls(value: Any, name: str, height: int, width: int) -> tuple[str, ...] | None:
    """Return `value` as a map of walls: a row of text for each row of cells, or None for no walls."""
    if value is None:
        return None
    if not (isinstance(value, (list, tuple)) and all(isinstance(row, str) for row in value)):
        raise TypeError(f"{name} is {checks.shown(value)}, expected rows of text")
    if len(value) != height or any(len(row) != width for row in value):
        raise ValueError(
            f"{name} are {len(value)} rows of text, expected {height} rows of {width} characters"
        )
    return tuple(value)


def blocked(walls: tuple[str, ...] | None, height: int, width: int) -> NDArray[np.bool_]:
    """Return which cells [height, width] of a map of walls are '#'."""
    if walls is None:
        return np.zeros((height, width), bool)
    return np.array([[character == "#" for character in row] for row in walls])


@dataclass(frozen=True)
class Anywhere:
    """Every cell that can hold the goal is equally likely to."""

    def weights(self, height: int, width: int) -> NDArray[np.float64]:
        """Return the weight [height, width] of each cell."""
        return np.ones((height, width))


@dataclass(frozen=True)
class Region:
    """Goals lie in a rectangle, uniformly; rows and columns as half-open ranges (first, end)."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    def __post_init__(self) -> None:
        for name, given in (("rows", self.rows), ("columns", self.columns)):
            first, end = checks.pair(given, name, 0)
            if not first < end:
                raise ValueError(f"{name} is ({first}, {end}), expected first < end")
            object.__setattr__(self, name, (first, end))

    def weights(self, height: int, width: int) -> NDArray[np.float64]:
        """Return the weight [height, width] of each cell."""
        if not (self.rows[1] <= height and self.columns[1] <= width):
            raise ValueError(f"goals {self} lie outside the {height} x {width} grid")
        weights = np.zeros((height, width))
        weights[slice(*self.rows), slice(*self.columns)] = 1.0
        return weights


def _cell(value: Any) -> Cell:
    return value if _is_cell(value) else checks.pair(value, "a goal cell", 0)


def _weight(value: Any) -> float:
    right = type(value) is float and 0.0 <= value < math.inf
    return value if right else checks.real(value, "cell_weights", 0.0)


@dataclass(frozen=True)
class Cells:
    """Goals lie in the cells named, with the weights given (default: equal)."""

    cells: tuple[Cell, ...]
    cell_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        checks.sequence(self.cells, "cells")
        cells = tuple(map(_cell, self.cells))
        object.__setattr__(self, "cells", cells)
        if self.cell_weights is None:
            return
        checks.sequence(self.cell_weights, "cell_weights")
        weights = tuple(map(_weight, self.cell_weights))
        if len(weights) != len(cells):
            raise ValueError(f"{len(weights)} cell_weights for {len(cells)} cells, expected as many")
        checks.real(sum(weights), "the sum of cell_weights")
        object.__setattr__(self, "cell_weights", weights)

    @classmethod
    def of(cls, places: NDArray[np.int64], weights: NDArray[np.float64]) -> Cells:
        """Return the law of the cells in some places [N, 2], with their weights of [height, width]."""
        cells = tuple((row, column) for row, column in places.tolist())
        return cls(cells, tuple(weights[tuple(places.T)].tolist()))

    def weights(self, height: int, width: int) -> NDArray[np.float64]:
        """Return the weight [height, width] of each cell."""
        given = [1.0] * len(self.cells) if self.cell_weights is None else self.cell_weights
        weights = np.zeros((height, width))
        for (row, column), weight in zip(self.cells, given, strict=True):
            if not (row < height and column < width):
                raise ValueError(f"goal cell ({row}, {column}) lies outside the {height} x {width} grid")
            weights[row, column] += weight
        return weights


def checked_goals(value: Any, name: str) -> Anywhere | Region | Cells:
    """Return `value` as a law of where a goal lies."""
    if not isinstance(value, (Anywhere, Region, Cells)):
        raise TypeError(f"{name} is {checks.shown(value)}, expected Anywhere(), Region or Cells")
    return value


def goal_law(weights: NDArray[np.float64]) -> dict[str, Any]:
    """Return weights [height, width] of the goal as the core has them: cells, cumulative probabilities."""
    flat = weights.ravel()
    goals = np.flatnonzero(flat)
    cumulative = np.cumsum(flat[goals])
    return {"goals": goals.astype(np.int64), "goal_cumulative": cumulative / cumulative[-1:]}
