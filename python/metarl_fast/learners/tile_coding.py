"""Tile coding: features of states that are points with whole coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import _core, checks
from metarl_fast.learners.features import Features

_MOST = 2**31 - 1


@dataclass(frozen=True)
class TileCoding(Features):
    """Boxes of coordinates: each of several tilings cuts the space, and a state's features are its boxes.

    States are points with whole coordinates, numbered as NumPy numbers the entries of an array of shape
    `size`: the cells of a grid, row by row, are those of `size=(height, width)`. With one tiling of boxes of
    length 1 there is a feature for each state, and what learns on it is a table. Several tilings lie
    displaced, so that states share as many features as they are near (Sutton and Barto, 2nd ed., section
    9.5.4, with their displacements by odd numbers).

    Each feature has the value 1 / num_tilings, so that q(s, a) is the mean of the weights of a state's boxes
    and weights are numbers like action values.

    Parameters
    ----------
    size
        Of each coordinate: those are 0 to size - 1.
    tile
        How long a box is along each coordinate; one number for all.
    num_tilings
        T, at least 1.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> mf.TileCoding((1000, 1000), 40, 8).num_features
    5408
    """

    size: tuple[int, ...] | int
    tile: tuple[int, ...] | int = 1
    num_tilings: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", size_of_space(self.size))
        checks.keep(self, "num_tilings", checks.integer, 1, 2**16)
        if not checks.single(self.tile):
            object.__setattr__(self, "tile", lengths(self.tile, "tile"))
            if len(self._tile) != len(self._size):
                raise ValueError(f"tile is {self.tile}, expected a number, or {len(self._size)} of them")
        else:
            checks.keep(self, "tile", checks.integer, 1, _MOST)

    @property
    def _size(self) -> tuple[int, ...]:
        assert isinstance(self.size, tuple)
        return self.size

    @property
    def _tile(self) -> tuple[int, ...]:
        return self.tile if isinstance(self.tile, tuple) else (self.tile,) * len(self._size)

    def _new_core(self) -> _core.Features:
        odd = 2 * np.arange(len(self._size)) + 1
        tile = np.array(self._tile, np.int64)
        steps = np.arange(self.num_tilings)[:, None] * odd
        offsets = steps * tile // self.num_tilings % tile
        return _core.TileCoding(
            sizes=np.array(self._size, np.int64),
            tiles=np.tile(tile, self.num_tilings),
            offsets=offsets.ravel().astype(np.int64),
        )


def lengths(value: Any, name: str) -> tuple[int, ...]:
    """Return lengths along each coordinate, given one or several."""
    if checks.single(value):
        return (checks.integer(value, name, 1, _MOST),)
    checks.sequence(value, name)
    found = tuple(checks.integer(length, f"{name}[{k}]", 1, _MOST) for k, length in enumerate(value))
    if not found:
        raise ValueError(f"{name} is empty, expected a length along each coordinate")
    return found


def size_of_space(value: Any) -> tuple[int, ...]:
    """Return the lengths of a space whose points are states."""
    size = lengths(value, "size")
    if math.prod(size) > _MOST:
        raise ValueError(
            f"size is {checks.shown(size)}, of {math.prod(size)} states, expected at most {_MOST}"
        )
    return size
