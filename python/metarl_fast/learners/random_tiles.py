"""Random features of states that are points with whole coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metarl_fast import _core, checks
from metarl_fast.learners.features import Features
from metarl_fast.learners.tile_coding import size_of_space
from metarl_fast.seeding import child


@dataclass(frozen=True)
class RandomTiles(Features):
    """Random features: tilings whose boxes have random lengths and random displacements.

    What two states have in common falls with their distance, about as a kernel would have it (Rahimi and
    Recht, "Random features for large-scale kernel machines", 2007, section 4, with lengths that are uniform).
    They are for spaces whose scale is not known: short boxes tell neighbours apart, long ones generalise.

    Parameters
    ----------
    size
        Of each coordinate, as in `TileCoding`.
    tile
        (shortest, longest) that a box is along a coordinate.
    num_tilings
        T, at least 1; each feature has the value 1/T.
    seed
        Which of all such features, at least 0.
    """

    size: tuple[int, ...] | int
    tile: tuple[int, int] = (1, 64)
    num_tilings: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", size_of_space(self.size))
        checks.keep(self, "tile", checks.pair, 1, 2**31 - 1)
        if self.tile[0] > self.tile[1]:
            raise ValueError(f"tile is {self.tile}, expected the shortest length first")
        checks.keep(self, "num_tilings", checks.integer, 1, 2**16)
        checks.keep(self, "seed", checks.integer, 0)

    def _new_core(self) -> _core.Features:
        assert isinstance(self.size, tuple)
        generator = np.random.default_rng(child(self.seed, 0))
        count = self.num_tilings * len(self.size)
        shortest, longest = self.tile
        tiles = generator.integers(shortest, longest, count, np.int64, endpoint=True)
        offsets = generator.integers(0, tiles, dtype=np.int64)
        return _core.TileCoding(sizes=np.array(self.size, np.int64), tiles=tiles, offsets=offsets)
