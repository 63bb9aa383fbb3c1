"""DeepSea: a treasure that only N times right finds, on a grid whose cells name their actions differently."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Grid
from metarl_fast.seeding import Seed

# Fewer different maps of actions than this, and halves of ids would meet.
_LEAST_CELLS = 64


@dataclass(frozen=True)
class DeepSea(Grid, CoreFamily):
    """N steps down an N x N grid, from its top left cell; each step goes right or left as well.

    Which of the two actions is "right" differs from cell to cell, and from task to task. A step right costs
    `move_cost` / N; right in the last column pays 1. Going right N times earns 1 - move_cost, the optimum,
    and any other way less than nothing or nothing: acting at random finds the treasure once in 2^N episodes.

    Parameters
    ----------
    size
        N. State row * N + column; an episode has N steps and ends after the last row.
    stochastic
        Whether going right leaves one in the column with probability 1/N, and the first and the last cell of
        the last row pay noise.
    mapped
        Whether cells have actions in a random order; else action 1 is right everywhere.
    move_cost
        Of N steps right, together.

    Notes
    -----
    Osband et al., "Deep exploration via randomized value functions" (2017, arXiv 1703.07608), with the
    numbers of bsuite (Osband et al. 2019). Its noise is N(0, 1); here it is one more or one less, evenly: of
    the same mean and variance, and a number that an outcome can hold.
    """

    group = "Chains"

    size: int = 10
    stochastic: bool = False
    mapped: bool = True
    move_cost: float = 0.01

    def __post_init__(self) -> None:
        checks.keep(self, "size", checks.integer, 1, 30000)
        checks.memory(self.num_states * 2 * 2 * 21, f"a task of {self.num_states} states")
        checks.keep(self, "stochastic", checks.flag)
        checks.keep(self, "mapped", checks.flag)
        checks.keep(self, "move_cost", checks.real, -1e300, 1e300)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.size, self.size

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """2."""
        return 2

    @property
    def horizon(self) -> int:  # type: ignore[override]
        """N."""
        return self.size

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each.

        Raises
        ------
        ValueError
            If actions are named alike in all tasks, or there are so few cells that tasks would meet again.
        """
        if not self.mapped or self.num_states < _LEAST_CELLS:
            different = 2**self.num_states if self.mapped else 1
            raise ValueError(
                f"this family has {different} different tasks, so few that the parts of a split would draw "
                "the same ones: let size be 8 or more, and cells be mapped"
            )
        return super().split(held_out, rng=rng)

    def _core_family(self) -> _core.Family:
        return _core.DeepSea(
            size=self.size,
            stochastic=int(self.stochastic),
            mapped=int(self.mapped),
            move_cost=self.move_cost,
        )
