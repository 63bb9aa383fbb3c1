"""Cliff walking, example 6.6 of Sutton and Barto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask
from metarl_fast.families.grid import Grid
from metarl_fast.families.grid_moves import FOUR_MOVES, moved


@dataclass(frozen=True)
class CliffWalking(Grid, FixedTask):
    """A grid with a cliff between start and goal, at both ends of its last row; every step costs 1.

    Stepping into the cliff costs `fall` and leads back to the start. Actions are up, right, down, left. The
    optimum walks along the edge, 13 steps of the published size; SARSA, which explores while it learns,
    learns the safer way further up (Sutton and Barto, 2018, example 6.6).

    Parameters
    ----------
    size
        Rows and columns.
    fall
        Reward for stepping into the cliff.
    horizon
        Steps of an episode.
    """

    size: tuple[int, int] = (4, 12)
    fall: float = -100.0
    horizon: int | None = 1000

    num_actions = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checks.pair(self.size, "size", 2, 1000))
        checks.keep(self, "fall", checks.real)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists."""
        _height, width = self.size
        start, goal = self.num_states - width, self.num_states - 1
        table: dict[int, Any] = {state: {} for state in range(self.num_states)}
        for state, actions in table.items():
            for action, move in enumerate(FOUR_MOVES):
                row, column = moved(self.size, divmod(state, width), move)
                to = row * width + column
                falls = start < to < goal
                outcome = (1.0, start, self.fall, False) if falls else (1.0, to, -1.0, to == goal)
                actions[action] = [outcome]
        # Nobody is ever in the cliff.
        ends = [state > start for state in table]
        return {"outcomes": table, "start": start, "terminal": ends}
