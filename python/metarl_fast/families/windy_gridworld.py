"""The windy gridworld of Sutton and Barto, example 6.5 and exercises 6.9 and 6.10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask
from metarl_fast.families.grid import Grid
from metarl_fast.families.grid_moves import FOUR_MOVES, KINGS_MOVES, moved

_SIZE, _START, _GOAL = (7, 10), (3, 0), (3, 7)
_WIND = 0, 0, 0, 1, 1, 1, 2, 2, 1, 0
_MOVES = {4: FOUR_MOVES, 8: KINGS_MOVES, 9: (*KINGS_MOVES, (0, 0))}


@dataclass(frozen=True)
class WindyGridworld(Grid, FixedTask):
    """A grid of 7 x 10 cells with a wind that blows upwards in its middle; every step costs 1.

    A move is made together with the wind of the column that it begins in. Episodes start at the left of the
    fourth row and end in its eighth cell. The way there takes 15 steps, and 7 of a king's moves.

    Parameters
    ----------
    moves
        4: up, right, down, left; 8: diagonals as well (exercise 6.9); 9: and staying.
    stochastic
        Whether, in columns with a wind, it is one more or one less than its mean a third of the time each
        (exercise 6.10).
    horizon
        Steps of an episode.
    """

    moves: int = 4
    stochastic: bool = False
    horizon: int | None = 1000

    shape = _SIZE

    def __post_init__(self) -> None:
        checks.keep(self, "moves", checks.integer, 0)
        if self.moves not in _MOVES:
            raise ValueError(f"moves is {self.moves}, expected 4, 8 or 9")
        checks.keep(self, "stochastic", checks.flag)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """The number of moves."""
        return self.moves

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists."""
        table: dict[int, Any] = {state: {} for state in range(self.num_states)}
        for state, actions in table.items():
            cell = divmod(state, _SIZE[1])
            mean = _WIND[cell[1]]
            winds = (mean - 1, mean, mean + 1) if self.stochastic and mean else (mean,)
            for action, (down, right) in enumerate(_MOVES[self.moves]):
                entered = [moved(_SIZE, cell, (down - wind, right)) for wind in winds]
                actions[action] = [
                    (1.0 / len(winds), row * _SIZE[1] + column, -1.0, (row, column) == _GOAL)
                    for row, column in entered
                ]
        ends = [divmod(state, _SIZE[1]) == _GOAL for state in table]
        return {"outcomes": table, "start": _START[0] * _SIZE[1] + _START[1], "terminal": ends}
