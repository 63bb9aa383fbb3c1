"""GridNavi: the small grid of VariBAD, a dark room in which every step away from the goal costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from metarl_fast.families.cells import Anywhere, Cells, Region, Start
from metarl_fast.families.darkroom import Darkroom

_FAR = Cells(tuple(cell for cell in product(range(5), range(5)) if max(cell) > 1))


@dataclass(frozen=True)
class GridNavi(Darkroom):
    """A room of 5 x 5 cells: -0.1 for a step that ends away from the goal, 1 for one that ends in it.

    It is a `Darkroom` with other defaults, and has its parameters. Episodes of 15 steps begin in the corner
    (0, 0); the goal is none of the four cells around it, so that 21 are left. A learner is given four
    episodes in each task. The mean of the optimal returns over all tasks is 11.0714.

    Notes
    -----
    Zintgraf et al., "VariBAD: a very good method for Bayes-adaptive deep RL via meta-learning", arXiv
    1910.08348; the numbers are those of its repository.
    """

    size: int | tuple[int, int] = 5
    start: Start = (0, 0)
    horizon: int | None = 15
    goals: Anywhere | Region | Cells = _FAR
    away_reward: float = -0.1
