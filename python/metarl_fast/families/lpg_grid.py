"""Grids with objects to collect, which come back: what learned update rules (LPG) are trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.cells import blocked, checked_walls, row_by_row
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Grid
from metarl_fast.families.laws import LogUniform, Uniform
from metarl_fast.families.splitting import checked_path
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self

Reward: TypeAlias = float | Uniform
Chance: TypeAlias = float | LogUniform

_CROSS = tuple(
    "".join("#" if (c == 5 and r not in (0, 7)) or (r == 4 and c not in (2, 8)) else "." for c in range(11))
    for r in range(11)
)
_BESIDES = tuple("....#...." if r not in (1, 7) else "........." for r in range(9))
# Sides, numbers of objects, random walls, and the horizon: the geometric mean of the ends of theirs.
_RANDOM = {
    "small": ((4, 6), (1, 3), 7, 45),
    "medium": ((6, 8), (2, 4), 10, 158),
    "large": ((8, 10), (2, 5), 15, 433),
    "all": ((4, 10), (1, 5), 15, 122),
}


@dataclass(frozen=True)
class LpgGrid(Grid, CoreFamily):
    """A grid with objects that pay or cost when one enters their cell, and come back after some time.

    Each task has its own places of the start and the objects, all in different cells. Entering the cell of
    an object, or staying in it, collects it if it is there; that may end the episode. An object that is not
    there comes back in each step with a probability, but not in the one in which it was collected. Episodes
    begin with all objects there. Actions are stay, up, right, down, left; a move into a wall or the border
    stays.

    States are cell + C * b of a square of C cells, row by row from the top left, where b is the sum of 2**k
    over the objects k that are there.

    Parameters
    ----------
    size
        Side of the largest grid.
    rewards
        What collecting each object pays: numbers, or `Uniform(low, high)`, from which each task draws.
    end_probabilities
        Of the episode's end with it: as many numbers, or `LogUniform(low, high)`.
    respawn_probabilities
        Of coming back in a step: as many numbers, or `LogUniform(low, high)`.
    walls
        Rows of text, '#' for a wall and any other character for a free cell; None for no walls.
    smallest_size
        Each task's grid has a side from this one to `size`, and is the upper left corner of the largest; None
        for `size`.
    fewest_objects
        Each task has from so many objects to all of them, the first ones; None for all.
    random_walls
        So many cells, of as many as the largest grid has, are walls too; those that a smaller grid does not
        have are none, and neither are more than leave places for start and objects. They may cut off objects.
    horizon
        Steps of an episode.
    split_path
        Which part of which splits this family is; different parts draw different numbers for the same seed.

    Notes
    -----
    Oh et al., "Discovering reinforcement learning algorithms", NeurIPS 2020, arXiv 2007.08794, in the form
    with tables. Numbers are those of Jackson et al.'s re-implementation (GROOVE, NeurIPS 2023), with five
    actions and objects that are collected without an action of their own; `longer` has five objects where the
    paper has seven. In its random grids each task has its own horizon, drawn evenly by its logarithm; here
    that is one number, the geometric mean of the ends.
    """

    group = "Grids"

    size: int
    rewards: tuple[Reward, ...]
    end_probabilities: tuple[Chance, ...]
    respawn_probabilities: tuple[Chance, ...]
    walls: tuple[str, ...] | None = None
    smallest_size: int | None = None
    fewest_objects: int | None = None
    random_walls: int = 0
    horizon: int | None = 500
    split_path: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        checks.keep(self, "size", checks.integer, 2, 1024)
        for name, law in _LAWS.items():
            object.__setattr__(self, name, _checked_numbers(getattr(self, name), name, law))
        objects = len(self.rewards)
        if not 1 <= objects <= 8:
            raise ValueError(f"rewards has {objects} numbers, expected 1 to 8, one an object")
        for name in ("end_probabilities", "respawn_probabilities"):
            if len(getattr(self, name)) != objects:
                raise ValueError(
                    f"{name} has {len(getattr(self, name))} numbers, expected {objects}, as rewards"
                )
        checks.memory(
            self.num_states * 5 * 2**objects * 21,
            f"a task of {self.size} x {self.size} cells, {objects} objects",
        )
        checks.keep(self, "walls", checked_walls, *self.shape)
        for name, low, high in (("smallest_size", 2, self.size), ("fewest_objects", 1, objects)):
            if getattr(self, name) is not None:
                checks.keep(self, name, checks.integer, low, high)
        checks.keep(self, "random_walls", checks.integer, 0, self.size**2)
        side = self.smallest_size or self.size
        free = side * side - int(self._blocked()[:side, :side].sum())
        if free <= objects:
            raise ValueError(f"the smallest grid has {free} free cells, expected more than {objects} objects")
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)
        checks.keep(self, "split_path", checked_path)

    @classmethod
    def dense(cls) -> Self:
        """Return 11 x 11 cells, four objects that come back soon, 500 steps."""
        return cls(11, (1.0, 1.0, -1.0, -1.0), (0.0, 0.0, 0.5, 0.0), (0.05, 0.05, 0.1, 0.5))

    @classmethod
    def sparse(cls) -> Self:
        """Return 13 x 13 cells, a good and a bad object, both of which end the episode, 50 steps."""
        return cls(13, (1.0, -1.0), (1.0, 1.0), (0.0, 0.0), horizon=50)

    @classmethod
    def long(cls) -> Self:
        """Return 11 x 11 cells, two good objects that come back late and two bad ones, 1,000 steps."""
        return cls(11, (1.0, 1.0, -1.0, -1.0), (0.0, 0.0, 0.5, 0.5), (0.01, 0.01, 1.0, 1.0), horizon=1000)

    @classmethod
    def longer(cls) -> Self:
        """Return 9 x 9 cells in two halves, all objects of which may end the episode, 2,000 steps."""
        return cls(
            9,
            (1.0, 1.0, -1.0, -1.0, -1.0),
            (0.1, 0.1, 0.8, 0.8, 0.8),
            (0.01, 0.01, 1.0, 1.0, 1.0),
            _BESIDES,
            horizon=2000,
        )

    @classmethod
    def long_dense(cls) -> Self:
        """Return 11 x 11 cells in four rooms, four good objects that come back very late, 2,000 steps."""
        return cls(11, (1.0,) * 4, (0.0,) * 4, (0.005,) * 4, _CROSS, horizon=2000)

    @classmethod
    def random(cls, level: Literal["small", "medium", "large", "all"] = "all") -> Self:
        """Return grids whose size, walls and objects are drawn: a first reward above 0, others of any sign.

        Sides and numbers of objects are 4 to 6 and 1 to 3 (small), 6 to 8 and 2 to 4 (medium), 8 to 10 and 2
        to 5 (large), 4 to 10 and 1 to 5 (all). A task of level "all" has 3,200 states and 10 MB.
        """
        if not isinstance(level, str) or level not in _RANDOM:
            raise ValueError(
                f"level is {checks.shown(level)}, expected one of {', '.join(map(repr, _RANDOM))}"
            )
        (smallest, size), (fewest, objects), walls, horizon = _RANDOM[level]
        return cls(
            size,
            (Uniform(0.0, 1.0), *[Uniform(-1.0, 1.0)] * (objects - 1)),
            (LogUniform(0.01, 1.0),) * objects,
            (LogUniform(0.001, 0.1),) * objects,
            smallest_size=smallest,
            fewest_objects=fewest,
            random_walls=walls,
            horizon=horizon,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the largest grid."""
        return self.size, self.size

    @property
    def places(self) -> NDArray[np.int64]:
        """(row, column) [S, 2] of each state: a map for each set of objects that are there, side by side."""
        sets = np.arange(2 ** len(self.rewards))
        across = 2 ** ((len(self.rewards) + 1) // 2)
        corners = np.stack([sets // across, sets % across], axis=1) * (self.size + 1)
        return np.reshape(corners[:, None] + row_by_row(*self.shape), (-1, 2))

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """S, the cells times the sets of objects that may be there."""
        return self.size**2 << len(self.rewards)

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """5."""
        return 5

    def _blocked(self) -> NDArray[np.bool_]:
        return blocked(self.walls, *self.shape)

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each.

        Raises
        ------
        ValueError
            If the places of start and objects are all that differs, and there are fewer than a million.
        """
        laws = [number for name in _LAWS for number in getattr(self, name)]
        places = math.perm(int((~self._blocked()).sum()), len(self.rewards) + 1)
        if places < 10**6 and all(isinstance(number, float) for number in laws) and not self.random_walls:
            raise ValueError(
                f"parts of a split would draw the same tasks: start and objects have {places} places"
            )
        return super().split(held_out, rng=rng)

    def _core_family(self) -> _core.Family:
        ends = [np.array([_ends_of(number) for number in getattr(self, name)]).ravel() for name in _LAWS]
        return _core.LpgGrid(
            side=self.size,
            smallest_side=self.smallest_size or self.size,
            objects=len(self.rewards),
            fewest_objects=self.fewest_objects or len(self.rewards),
            walls=self._blocked().astype(np.uint8).ravel(),
            random_walls=self.random_walls,
            rewards=ends[0],
            ends=ends[1],
            respawns=ends[2],
        )


_LAWS: dict[str, Any] = {
    "rewards": Uniform,
    "end_probabilities": LogUniform,
    "respawn_probabilities": LogUniform,
}


def _ends_of(number: float | Uniform | LogUniform) -> tuple[float, float]:
    """Return between which numbers a task draws its own."""
    return (number, number) if isinstance(number, float) else (number.low, number.high)


def _checked_numbers(value: Any, name: str, law: type) -> tuple[Any, ...]:
    """Return numbers, or laws of them; all but rewards are probabilities."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} is {checks.shown(value)}, expected a tuple of numbers, one an object")
    limits = () if law is Uniform else (0.0, 1.0)
    found: list[Any] = []
    for number in value:
        if isinstance(number, law):
            for end in _ends_of(number):  # type: ignore[arg-type]
                checks.real(end, f"an end of {name}", *limits)
        found.append(number if isinstance(number, law) else checks.real(number, f"one of {name}", *limits))
    return tuple(found)
