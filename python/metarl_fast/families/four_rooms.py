"""Four rooms: the grid of the options framework, with a goal that differs from task to task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from metarl_fast.families.cells import Anywhere, Cells, Region
from metarl_fast.families.grid_world import GridWorld

_ROOMS = (
    ".....#.....",
    ".....#.....",
    "...........",
    ".....#.....",
    ".....#.....",
    "#.####.....",
    ".....###.##",
    ".....#.....",
    ".....#.....",
    "...........",
    ".....#.....",
)


@dataclass(frozen=True)
class FourRooms(GridWorld):
    """Four rooms with a hallway between each two neighbours: 104 cells, actions up, right, down, left.

    It is a `GridWorld` with other defaults, and has its parameters. A move goes as intended with probability
    2/3 and else in one of the other three directions, evenly. Each task has its own goal, anywhere, which
    pays 1 and ends the episode; episodes begin in any other cell.

    Notes
    -----
    Sutton, Precup and Singh, "Between MDPs and semi-MDPs: a framework for temporal abstraction in
    reinforcement learning", Artificial Intelligence 112 (1999). They fix a goal and have no horizon; 500
    steps is what later benchmarks take.
    """

    rows: tuple[str, ...] = _ROOMS
    rewards: Mapping[str, float] | tuple[tuple[str, float], ...] = ()
    slip: float = 1.0 / 3.0
    slip_to: Literal["sides", "others"] = "others"
    goals: Anywhere | Region | Cells | None = Anywhere()
    horizon: int | None = 500
