"""Key to door: a dark room in which a key pays once, and after it a door, which ends the episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.cells import Cell, Start, checked_start, inside, row_by_row, sides, start_number
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Grid
from metarl_fast.families.splitting import checked_path, held_out_of, replaced
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class KeyToDoor(Grid, CoreFamily):
    """A room with a hidden key and a hidden door; actions are stay, up, right, down, left.

    States are the C cells, row by row from the top left, without the key, and then the cells with it: state
    C + c is cell c with the key. A step that ends in the key's cell takes the key, which pays once; with it,
    a step that ends in the door's cell pays and ends the episode. A door in the key's cell takes a second
    step.

    Parameters
    ----------
    size
        Side of a square room, or (height, width).
    start
        Where episodes begin: (row, column), "centre", or None: in any cell, evenly.
    horizon
        Steps of an episode.
    pairs
        Cells of key and door, ((key row, key column), (door row, door column)), of which every task has one
        pair, evenly; None for all pairs of cells.
    key_reward, door_reward
        Rewards for taking the key, and for opening the door with it.
    split_path
        Which part of which splits this family is, as `split` writes it: 0 for training, 1 for held out, one
        split after the other. Different parts draw different numbers for the same seed.

    Notes
    -----
    Dark Key-to-Door of Laskin et al., "In-context reinforcement learning with algorithm distillation", arXiv
    2210.14215: 9 x 9 cells, 6,561 tasks, 50 steps. Re-implementations differ in where episodes begin; the
    default, the centre, is that of most. The optimal return of every task is 2.
    """

    group = "Grids"

    size: int | tuple[int, int] = 9
    start: Start = "centre"
    horizon: int | None = 50
    pairs: tuple[tuple[Cell, Cell], ...] | None = None
    key_reward: float = 1.0
    door_reward: float = 1.0
    split_path: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sides(self.size))
        checks.keep(self, "start", checked_start, *self.shape)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)
        if self.pairs is not None:
            object.__setattr__(self, "pairs", self._checked_pairs())
        checks.keep(self, "key_reward", checks.real)
        checks.keep(self, "door_reward", checks.real)
        checks.keep(self, "split_path", checked_path)

    def _checked_pairs(self) -> tuple[tuple[Cell, Cell], ...]:
        if not isinstance(self.pairs, (list, tuple)):
            raise TypeError(f"pairs is {checks.shown(self.pairs)}, expected a tuple of cells of key and door")
        if not self.pairs:
            raise ValueError("pairs is empty, expected cells of key and door")
        checked: list[tuple[Cell, Cell]] = []
        for pair in self.pairs:
            if not (isinstance(pair, (list, tuple)) and len(pair) == 2):
                raise TypeError(f"a pair is {checks.shown(pair)}, expected the cells of key and door")
            checked.append((inside(pair[0], "a key", *self.shape), inside(pair[1], "a door", *self.shape)))
        if len(set(checked)) < len(checked):
            raise ValueError("pairs has the same pair twice, expected different ones")
        return tuple(checked)

    @property
    def places(self) -> NDArray[np.int64]:
        """(row, column) [S, 2] of each state: the room without the key, and to its right with it."""
        cells = row_by_row(*self.shape)
        return np.concatenate([cells, cells + np.array([0, self.shape[1] + 1])])

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """S, twice the number of cells."""
        return 2 * self.shape[0] * self.shape[1]

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """5."""
        return 5

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Self, Self]:
        """Return (training family, held-out family) with disjoint pairs of key and door.

        Both know all keys and all doors, nearly always; the pairs are what is new.

        Parameters
        ----------
        held_out
            Fraction of the pairs to hold out, at least one of them and not all.
        rng
            Decides which; the default holds out the same on every call.

        Raises
        ------
        ValueError
            If there are fewer than two pairs.
        """
        numbers = self._pair_numbers()
        if not len(numbers):
            cells = self.num_states // 2
            checks.memory(cells * cells * 400, f"a list of {cells * cells} pairs of cells")
            numbers = np.arange(cells * cells)
        unseen = held_out_of(len(numbers), held_out, rng, "pairs of key and door")
        return replaced(self, ({"pairs": self._pairs(numbers[part])} for part in (~unseen, unseen)))

    def _pair_numbers(self) -> NDArray[np.int64]:
        """Return the pairs as the core has them, key * cells + door; none where all are meant."""
        width, cells = self.shape[1], self.num_states // 2
        pairs = np.array(self.pairs or [], np.int64).reshape(-1, 2, 2)
        places = pairs[..., 0] * width + pairs[..., 1]
        return places[:, 0] * cells + places[:, 1]

    def _pairs(self, numbers: NDArray[np.int64]) -> tuple[tuple[Cell, Cell], ...]:
        width, cells = self.shape[1], self.num_states // 2
        both = zip((numbers // cells).tolist(), (numbers % cells).tolist(), strict=True)
        return tuple((divmod(key, width), divmod(door, width)) for key, door in both)

    def _core_family(self) -> _core.Family:
        height, width = self.shape
        return _core.KeyToDoor(
            height=height,
            width=width,
            pairs=self._pair_numbers(),
            start=start_number(self.start, height, width),
            key_reward=self.key_reward,
            door_reward=self.door_reward,
        )
