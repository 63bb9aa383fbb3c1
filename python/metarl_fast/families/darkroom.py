"""Dark rooms: a grid without walls in which each task pays for being in another cell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.cells import (
    Anywhere,
    Cells,
    Region,
    Start,
    checked_goals,
    checked_start,
    goal_law,
    sides,
    start_number,
)
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Grid
from metarl_fast.families.splitting import checked_path, divided_by, held_out_of, replaced
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self

_ORDERS = tuple(permutations(range(5)))


@dataclass(frozen=True)
class Darkroom(Grid, CoreFamily):
    """A room with a hidden goal that pays in each step which ends there: stay, up, right, down, left.

    States are cells, row by row from the top left. A move against the border stays where it is. The reward is
    paid for the cell entered, so that a goal d > 0 steps away can be paid `horizon` - d + 1 times, and one
    where episodes begin `horizon` times.

    Parameters
    ----------
    size
        Side of a square room, or (height, width).
    start
        Where episodes begin: (row, column), "centre", or None: in any cell, evenly, the goal's too.
    horizon
        Steps of an episode.
    goals
        Law of the goal: `Anywhere()`, every cell alike, the start's too, `Region(rows, columns)` or
        `Cells(cells, weights)`.
    action_orders
        Orders of the five actions, of which every task has one, evenly: places, 0 to 119, in the list of
        permutations of `itertools.permutations(range(5))`. In order p action a does what action p[a] does in
        order 0, which changes nothing.
    goal_reward, away_reward
        Reward of a step that ends in the goal's cell, and of one that does not.
    goal_ends
        Whether a step that ends in the goal ends the episode, so that the goal pays once.
    split_path
        Which part of which splits this family is, as `split` writes it: 0 for training, 1 for held out, one
        split after the other. Different parts draw different numbers for the same seed.

    Notes
    -----
    Repositories differ in size, start and horizon; the presets are those of their papers, with the mean of
    the optimal returns over all tasks:

    =================== =========================================================  =======
    `Darkroom.ad()`     9 x 9, from the centre, 20 steps                           16.5432
    `Darkroom.ad_hard`  17 x 17, from the centre, 20 steps, the goal pays once     1
    `Darkroom.dpt`      10 x 10, from the corner (0, 0), 100 steps                 91.99
    `Darkroom.permuted` the goal in the other corner, 120 orders of the actions    83
    `Darkroom.toymeta`  9 x 9, from anywhere, 20 steps                             15.0617
    =================== =========================================================  =======
    """

    group = "Grids"

    size: int | tuple[int, int] = 9
    start: Start = "centre"
    horizon: int | None = 20
    goals: Anywhere | Region | Cells = Anywhere()
    action_orders: tuple[int, ...] = (0,)
    goal_reward: float = 1.0
    away_reward: float = 0.0
    goal_ends: bool = False
    split_path: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sides(self.size))
        checks.keep(self, "start", checked_start, *self.shape)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)
        checks.keep(self, "goals", checked_goals)
        if not self.goal_weights().any():
            raise ValueError(f"goals is {checks.shown(self.goals)}, which leaves no cell for the goal")
        orders = checks.increasing(self.action_orders, "action_orders", len(_ORDERS) - 1)
        object.__setattr__(self, "action_orders", tuple(orders))
        checks.keep(self, "goal_reward", checks.real)
        checks.keep(self, "away_reward", checks.real)
        checks.keep(self, "goal_ends", checks.flag)
        checks.keep(self, "split_path", checked_path)

    @classmethod
    def ad(cls) -> Darkroom:
        """Return Algorithm Distillation's Dark Room: 9 x 9, from the centre, 20 steps.

        Laskin et al., "In-context reinforcement learning with algorithm distillation", arXiv 2210.14215.
        """
        return Darkroom(9, "centre", 20)

    @classmethod
    def ad_hard(cls) -> Darkroom:
        """Return Algorithm Distillation's Dark Room Hard: 17 x 17, and the goal pays once.

        An episode ends with it, which loses nothing: no step after it would be paid.
        """
        return Darkroom(17, "centre", 20, goal_ends=True)

    @classmethod
    def dpt(cls) -> Darkroom:
        """Return the Darkroom of decision-pretrained transformers: 10 x 10, from the corner, 100 steps.

        Lee et al., "Supervised pretraining can learn in-context reinforcement learning", arXiv 2306.14892.
        Their goals are divided 80 to 20: `Darkroom.dpt().split(0.2)`.
        """
        return Darkroom(10, (0, 0), 100)

    @classmethod
    def permuted(cls, size: int = 10, horizon: int = 100) -> Darkroom:
        """Return the Darkroom whose tasks differ in what the actions do: 120 orders of them.

        Episodes begin in one corner, and the goal is the opposite one. The defaults are those of
        decision-pretrained transformers; others take a size of 9 and 50 steps.
        """
        side = checks.integer(size, "size", 2, 2**14)
        corner = Cells(((side - 1, side - 1),))
        return Darkroom(side, (0, 0), horizon, corner, tuple(range(len(_ORDERS))))

    @classmethod
    def toymeta(cls) -> Darkroom:
        """Return the Dark Room of toymeta: 9 x 9, from a random cell; it says no horizon, here AD's 20."""
        return Darkroom(9, None, 20)

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """5."""
        return 5

    def goal_weights(self) -> NDArray[np.float64]:
        """Return the weight [height, width] with which each cell holds the goal."""
        return self.goals.weights(*self.shape)

    def split(
        self, held_out: float = 0.2, *, rng: Seed = 0, by: Literal["goal", "actions"] | None = None
    ) -> tuple[Self, Self]:
        """Return (training family, held-out family), which have no goal or no order of actions in common.

        Parameters
        ----------
        held_out
            Fraction of the goals or orders to hold out, at least one of them and not all.
        rng
            Decides which; the default holds out the same on every call.
        by
            What is held out: goals, whatever the order of actions, or orders, whatever the goal. None: goals
            if there are several, else orders.

        Raises
        ------
        ValueError
            If there are fewer than two of what is to be divided.
        """
        weights = self.goal_weights()
        goals = np.argwhere(weights > 0)
        if by is None:
            by = "goal" if len(goals) > 1 or len(self.action_orders) == 1 else "actions"
        settings: list[dict[str, Any]]
        if divided_by(by, ("goal", "actions")) == "goal":
            unseen = held_out_of(len(goals), held_out, rng, "goals")
            settings = [{"goals": Cells.of(part, weights)} for part in (goals[~unseen], goals[unseen])]
        else:
            unseen = held_out_of(len(self.action_orders), held_out, rng, "orders of actions")
            orders = np.array(self.action_orders)
            settings = [{"action_orders": tuple(orders[part].tolist())} for part in (~unseen, unseen)]
        return replaced(self, settings)

    def _core_family(self) -> _core.Family:
        height, width = self.shape
        return _core.Darkroom(
            height=height,
            width=width,
            **goal_law(self.goal_weights()),
            orders=np.array([_ORDERS[place] for place in self.action_orders], np.int64).ravel(),
            start=start_number(self.start, height, width),
            goal_reward=self.goal_reward,
            away_reward=self.away_reward,
            goal_ends=int(self.goal_ends),
        )
