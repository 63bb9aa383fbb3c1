"""The maze of Sutton and Barto's example 8.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask
from metarl_fast.families.grid import Grid
from metarl_fast.families.grid_moves import FOUR_MOVES, moved

_MAP = (
    ".......#G",
    "..#....#.",
    "S.#....#.",
    "..#......",
    ".....#...",
    ".........",
)
_SIZE = len(_MAP), len(_MAP[0])


@dataclass(frozen=True)
class DynaMaze(Grid, FixedTask):
    """A maze of 6 x 9 cells with three walls; entering the goal pays 1 and ends the episode.

    Actions are up, right, down, left; moves into walls stay. The way from start to goal takes 14 steps
    (Sutton and Barto, 2018, figure 8.2, with a discount of 0.95).

    Parameters
    ----------
    horizon
        Steps of an episode.
    """

    horizon: int | None = 2000

    shape, num_actions = _SIZE, 4

    def __post_init__(self) -> None:
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists."""
        marks = {divmod(k, _SIZE[1]): mark for k, mark in enumerate("".join(_MAP))}
        places = {cell: state for state, cell in enumerate(marks)}
        walls = {cell for cell, mark in marks.items() if mark == "#"}
        table: dict[int, Any] = {state: {} for state in places.values()}
        for cell, state in places.items():
            for action, move in enumerate(FOUR_MOVES):
                to = moved(_SIZE, cell, move, walls)
                wins = marks[to] == "G"
                table[state][action] = [(1.0, places[to], float(wins), wins)]
        ends = [mark in "#G" for mark in marks.values()]
        start = next(state for cell, state in places.items() if marks[cell] == "S")
        return {"outcomes": table, "start": start, "terminal": ends}
