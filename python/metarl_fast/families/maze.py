"""Mazes: each task has walls of its own that leave exactly one way between each two rooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.cells import (
    Anywhere,
    Cell,
    Cells,
    Region,
    checked_goals,
    goal_law,
    inside,
    sides,
    start_number,
)
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Grid
from metarl_fast.families.splitting import checked_path, divided_by, endings, held_out_of, replaced
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Tasks

# Smaller mazes have so few rooms, below five in a row, that two tasks would often be the same.
_SIDE = 9
_CARVINGS = ("prim", "depth_first", "binary_tree")


@dataclass(frozen=True)
class Maze(Grid, CoreFamily):
    """A maze drawn for each task: actions up, right, down, left; entering the goal ends the episode.

    States are all cells, row by row from the top left, walls too, so that a state is the same place in every
    task. Rooms lie in even rows and columns, and a cell between two rooms is a wall or a passage. There is
    exactly one way between each two rooms. A move into a wall or the border stays where it is. (A T-maze,
    whose walls are the same in every task, is `GridWorld.t_maze()`.)

    Parameters
    ----------
    size
        Odd: cells along a side of a square maze, or (height, width).
    carving
        How passages are drawn, from the first room on. "prim": evenly any of those that lead from a room that
        is joined to one that is not; many short dead ends. "depth_first": evenly one of those that lead on
        from the room that was joined last, and where there is none from the one before; long winding ways.
        "binary_tree": each room joins the one above it or the one to its left, evenly; so up and left lead
        from anywhere to the first room, one of them at a time. Such a maze need not be written out, and an
        agent may live in one of a million cells.
    goals
        Law of the goal, a room that is not the start: `Anywhere()`, `Region(rows, columns)` or
        `Cells(cells, weights)`.
    start
        A room, (row, column).
    slip
        Probability of moving at a right angle to the action, half to each side.
    goal_reward, step_reward
        Reward on entering the goal, and on every step.
    horizon
        Steps of an episode; default height * width, which is enough for the longest way.
    split_path
        Which part of which splits this family is, as `split` writes it: 0 for training, 1 for held out, one
        split after the other. It enters the random streams, so that parts drawn with one seed share no walls.

    Notes
    -----
    Randomised versions of Prim's algorithm and of depth-first search, and the binary tree of Buck, "Mazes for
    Programmers" (2015). 13 x 13 is the size of the mazes in
    Jackson et al., "Discovering general reinforcement learning algorithms with adversarial environment
    design", NeurIPS 2023.
    """

    group = "Grids"

    size: int | tuple[int, int] = 13
    carving: Literal["prim", "depth_first", "binary_tree"] = "prim"
    goals: Anywhere | Region | Cells = Anywhere()
    start: Cell = (0, 0)
    slip: float = 0.0
    goal_reward: float = 1.0
    step_reward: float = 0.0
    horizon: int | None = None
    split_path: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sides(self.size))
        height, width = self.shape
        if not (height % 2 and width % 2):
            raise ValueError(f"size is {self.size}, expected odd numbers")
        if self.carving not in _CARVINGS:
            raise ValueError(
                f"carving is {checks.shown(self.carving)}, expected 'prim', 'depth_first' or 'binary_tree'"
            )
        checks.keep(self, "start", inside, height, width)
        if self.start[0] % 2 or self.start[1] % 2:
            raise ValueError(f"start is {self.start}, expected a room, in an even row and column")
        checks.keep(self, "goals", checked_goals)
        if not self.goal_weights().any():
            raise ValueError(f"goals is {checks.shown(self.goals)}, which leaves no room for the goal")
        checks.keep(self, "slip", checks.real, 0.0, 1.0)
        checks.keep(self, "goal_reward", checks.real)
        checks.keep(self, "step_reward", checks.real)
        checks.real(self.goal_reward + self.step_reward, "goal_reward + step_reward")
        if self.horizon is None:
            object.__setattr__(self, "horizon", height * width)
        checks.keep(self, "horizon", checks.integer, 1)
        checks.keep(self, "split_path", checked_path)

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """4."""
        return 4

    def goal_weights(self) -> NDArray[np.float64]:
        """Return the weight [height, width] with which each cell holds the goal."""
        rooms = np.zeros(self.shape, bool)
        rooms[::2, ::2] = True
        rooms[self.start] = False
        return np.where(rooms, self.goals.weights(*self.shape), 0.0)

    def split(
        self, held_out: float = 0.2, *, rng: Seed = 0, by: Literal["maze", "goal"] = "maze"
    ) -> tuple[Family, Family]:
        """Return (training family, held-out family), with other walls and, if told apart by it, other goals.

        Parameters
        ----------
        held_out
            By goal, the fraction of the goals to hold out, at least one of them and not all.
        rng
            Decides which; the default holds out the same on every call.
        by
            "maze": each half has half of the ids, and walls that the other one never has, but the same goals.
            "goal": the halves have no goal in common.

        Raises
        ------
        ValueError
            By maze, if a side is below 9, for which there are too few mazes; by goal, if there are fewer than
            two goals.
        """
        weights = self.goal_weights()
        if divided_by(by, ("maze", "goal")) == "maze":
            if min(self.shape) < _SIDE:
                raise ValueError(f"size is {self.size}: so small mazes recur, expected at least 9 x 9 cells")
            return super().split(held_out, rng=rng)
        goals = np.argwhere(weights > 0)
        unseen = held_out_of(len(goals), held_out, rng, "goals")
        return replaced(
            self, ({"goals": Cells.of(part, weights)} for part in (goals[~unseen], goals[unseen]))
        )

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return the cell of the goal [N] of each task."""
        return endings(tasks)

    def _core_family(self) -> _core.Family:
        height, width = self.shape
        return _core.Maze(
            height=height,
            width=width,
            carving=self.carving,
            slip=self.slip,
            **goal_law(self.goal_weights()),
            start=start_number(self.start, height, width),
            goal_reward=self.goal_reward,
            step_reward=self.step_reward,
        )
