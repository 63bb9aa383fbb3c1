"""Families whose states have places: the cells of a grid, row by row, or one row of them, a chain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.families.base import Family
from metarl_fast.families.cells import row_by_row


class Grid(Family):
    """Base of families whose states are cells, row by row from the top left."""

    size: Any
    """(height, width), where a family does not say its `shape` otherwise."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.size
        return height, width

    @property
    def places(self) -> NDArray[np.int64]:
        """(row, column) [S, 2] of each state."""
        return row_by_row(*self.shape)

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """S, the number of cells."""
        return self.shape[0] * self.shape[1]


class Chain(Family):
    """Base of families whose states stand in a row."""

    @property
    def places(self) -> NDArray[np.int64]:
        """(row, column) [S, 2] of each state."""
        return row_by_row(1, self.num_states)
