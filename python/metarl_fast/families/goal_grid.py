"""Grids whose goal differs from task to task."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.cells import (
    Anywhere,
    Cell,
    Cells,
    Region,
    blocked,
    checked_goals,
    checked_walls,
    goal_law,
    inside,
    sides,
    start_number,
)
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Grid
from metarl_fast.families.splitting import checked_path, endings, fraction, replaced
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Tasks


@dataclass(frozen=True)
class GoalGrid(Grid, CoreFamily):
    """A grid with a hidden goal: actions up, right, down, left; entering the goal ends the episode.

    States are cells, row by row from the top left. A move into a wall or the border stays where it is.

    Parameters
    ----------
    size
        Side of a square grid, or (height, width).
    walls
        Rows of text, '#' for a wall and any other character for a free cell; None for no walls.
    wall_density
        Fraction of the cells that are walls too, of those that are free but the start and the goal; drawn for
        each task anew. Their number is rounded up or down at random, so that its mean is right. They are
        taken in random order, but one that would cut the last way from start to goal is passed over; where
        those passed over leave too few, a shortest way, drawn at random, stays open instead. Without a start
        the way is one to any neighbour of the goal.
    slip
        Probability of moving at a right angle to the action, half to each side.
    goals
        Law of the goal: `Anywhere()`, every free cell but the start, `Region(rows, columns)` or
        `Cells(cells, weights)`.
    start
        (row, column), or None: uniform over the cells that reach the goal.
    goal_reward, step_reward
        Reward on entering the goal, and on every step.
    horizon
        Steps of an episode; default 4 * (height + width).
    split_path
        Which part of which splits this family is, as `split` writes it: 0 for training, 1 for held out, one
        split after the other. It enters the random streams, so that parts drawn with one seed share no walls.
    """

    group = "Grids"

    size: int | tuple[int, int] = 9
    walls: tuple[str, ...] | None = None
    wall_density: float = 0.0
    slip: float = 0.0
    goals: Anywhere | Region | Cells = Anywhere()
    start: Cell | None = (0, 0)
    goal_reward: float = 1.0
    step_reward: float = 0.0
    horizon: int | None = None
    split_path: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        height, width = sides(self.size)
        object.__setattr__(self, "size", (height, width))
        checks.keep(self, "walls", checked_walls, height, width)
        checks.keep(self, "wall_density", checks.real, 0.0, 0.9)
        checks.keep(self, "slip", checks.real, 0.0, 1.0)
        checks.keep(self, "goal_reward", checks.real)
        checks.keep(self, "step_reward", checks.real)
        checks.real(self.goal_reward + self.step_reward, "goal_reward + step_reward")
        checks.keep(self, "goals", checked_goals)
        if self.start is not None:
            checks.keep(self, "start", inside, height, width)
            if self._blocked()[self.start]:
                raise ValueError(f"start is {self.start}, which is a wall")
        if self.horizon is None:
            object.__setattr__(self, "horizon", 4 * (height + width))
        checks.keep(self, "horizon", checks.integer, 1)
        checks.keep(self, "split_path", checked_path)
        weights = self.goal_weights()
        if not weights.any():
            raise ValueError(f"goals {self.goals} leave no free cell for the goal that the start can reach")
        self._check_wall_density(weights > 0)

    def _check_wall_density(self, goals: NDArray[np.bool_]) -> None:
        """Refuse more walls than leave a way to every goal."""
        if self.wall_density == 0.0:
            return
        moves = np.where(goals, 2 if self.start is None else self._moves(), 0)
        farthest = np.unravel_index(int(moves.argmax()), moves.shape)
        way = int(moves[farthest]) - 1
        could_be = int(np.count_nonzero(~self._blocked())) - (1 if self.start is None else 2)
        if self.wall_density * could_be > could_be - way:
            limit = math.floor(1e4 * (could_be - way) / could_be) / 1e4
            raise ValueError(
                f"wall_density is {self.wall_density}, expected at most {limit:g}: of {could_be} cells {way} "
                f"stay free for a way to a goal in {tuple(map(int, farthest))}"
            )

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """4."""
        return 4

    def _blocked(self) -> NDArray[np.bool_]:
        return blocked(self.walls, *self.shape)

    def _moves(self) -> NDArray[np.int64]:
        """Return the fewest moves [height, width] from the start to each cell, -1 where there is no way."""
        assert self.start is not None
        padded = np.pad(~self._blocked(), 1)
        stride = padded.shape[1]
        is_free, moves = padded.ravel(), np.full(padded.size, -1)
        frontier = np.array([(self.start[0] + 1) * stride + self.start[1] + 1])
        distance = 0
        while frontier.size:
            moves[frontier] = distance
            around = np.unique(frontier[:, None] + [-stride, 1, stride, -1])
            frontier = around[is_free[around] & (moves[around] < 0)]
            distance += 1
        return moves.reshape(padded.shape)[1:-1, 1:-1]

    def _reachable(self) -> NDArray[np.bool_]:
        """Free cells connected to the start; without a start, those with a free neighbour."""
        if self.start is not None:
            return self._moves() >= 0
        free = ~self._blocked()
        return free & _neighbours(free)

    def goal_weights(self) -> NDArray[np.float64]:
        """Return the weight [height, width] with which each cell holds the goal."""
        weights = np.where(self._reachable(), self.goals.weights(*self.shape), 0.0)
        if self.start is not None:
            weights[self.start] = 0.0
        return weights

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[GoalGrid, GoalGrid]:
        """Return (training family, held-out family) with disjoint goals.

        Held-out goals lie inside the training goals' region: none is the neighbour of another, and those with
        the most training goals around them are taken first.

        Parameters
        ----------
        held_out
            Fraction of the goal cells to hold out, at least one cell.
        rng
            Decides which; the default holds out the same on every call.

        Raises
        ------
        ValueError
            If there are fewer than two goal cells, or no way to hold out that many.
        """
        share = fraction(held_out)
        generator = np.random.Generator(np.random.PCG64(make_key(rng)))
        weights = self.goal_weights()
        possible = weights > 0
        total = int(possible.sum())
        if total < 2:
            raise ValueError(f"a split needs two goal cells or more, this family has {total}")
        wanted = min(max(1, round(share * total)), total - 1)
        rank = np.empty(self.shape, np.int64)
        order = generator.permutation(weights.size)
        surrounded = _count_neighbours(possible).ravel()
        rank.ravel()[order[np.argsort(-surrounded[order], kind="stable")]] = np.arange(weights.size)
        # Every other cell, as on a chessboard, are more than can be had one after the other.
        even = np.add.outer(np.arange(self.shape[0]), np.arange(self.shape[1])) % 2 == 0
        found = [_apart(possible, rank), possible & even, possible & ~even]
        most = max(int(cells.sum()) for cells in found)
        if most < wanted:
            raise ValueError(
                f"held_out is {held_out}: of {total} goal cells at most {most} can be held out, none the "
                "neighbour of another"
            )
        enough = next(cells for cells in found if cells.sum() >= wanted)
        last = np.sort(rank[enough])[wanted - 1]
        chosen = enough & (rank <= last)
        parts = (np.argwhere(where) for where in (possible & ~chosen, chosen))
        return replaced(self, ({"goals": Cells.of(part, weights)} for part in parts))

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return the cell of the goal [N] of each task, states as in the task."""
        return endings(tasks)

    def _core_family(self) -> _core.Family:
        height, width = self.shape
        return _core.GoalGrid(
            height=height,
            width=width,
            walls=self._blocked().astype(np.uint8).ravel(),
            wall_density=self.wall_density,
            slip=self.slip,
            **goal_law(self.goal_weights()),
            start=start_number(self.start, height, width),
            goal_reward=self.goal_reward,
            step_reward=self.step_reward,
        )


def _count_neighbours(marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    padded = np.pad(marked.astype(np.int64), 1)
    return padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]


def _neighbours(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return _count_neighbours(marked) > 0


def _apart(possible: NDArray[np.bool_], rank: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the cells that are taken in the order of their rank, if no neighbour was taken before."""
    chosen, open_ = np.zeros_like(possible), possible.copy()
    last = rank.size
    while open_.any():
        waiting = np.pad(np.where(open_, rank, last), 1, constant_values=last)
        around = (waiting[:-2, 1:-1], waiting[2:, 1:-1], waiting[1:-1, :-2], waiting[1:-1, 2:])
        first = open_ & (rank < np.minimum.reduce(around))  # of all its neighbours that are open
        chosen |= first
        open_ &= ~(first | _neighbours(first))
    return chosen
