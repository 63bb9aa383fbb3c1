"""The small gridworld of Sutton and Barto, example 4.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask
from metarl_fast.families.grid import Grid
from metarl_fast.families.grid_moves import FOUR_MOVES, moved


@dataclass(frozen=True)
class SmallGridworld(Grid, FixedTask):
    """A square grid whose first and last cell end the episode; every step costs 1.

    Actions are up, right, down, left; moves off the grid stay. Episodes start in any other cell, all alike.
    At side 4 the random policy's values are 0, -14, -20, -22 along the first row (Sutton and Barto, 2018,
    figure 4.1).

    Parameters
    ----------
    side
        Rows and columns.
    horizon
        Steps of an episode.
    """

    side: int = 4
    horizon: int | None = 100

    num_actions = 4

    def __post_init__(self) -> None:
        checks.keep(self, "side", checks.integer, 2, 1000)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.side, self.side

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists."""
        n = self.side
        states = np.arange(n * n)
        ends = (states == 0) | (states == n * n - 1)
        table: dict[int, Any] = {}
        for state in states.tolist():
            cells = (moved((n, n), divmod(state, n), move) for move in FOUR_MOVES)
            entered = [row * n + column for row, column in cells]
            table[state] = {a: [(1.0, to, -1.0, bool(ends[to]))] for a, to in enumerate(entered)}
        return {"outcomes": table, "start": ~ends / (~ends).sum(), "terminal": ends}
