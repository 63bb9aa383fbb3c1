"""Grids of textbooks: cells row by row from the top left, and where a move leads."""

from __future__ import annotations

from collections.abc import Collection

from metarl_fast.families.cells import Cell

FOUR_MOVES = (-1, 0), (0, 1), (1, 0), (0, -1)
"""Up, right, down, left."""
KINGS_MOVES = (*FOUR_MOVES, (-1, 1), (1, 1), (1, -1), (-1, -1))
"""And up-right, down-right, down-left, up-left."""


def moved(size: Cell, cell: Cell, move: Cell, blocked: Collection[Cell] = ()) -> Cell:
    """Return the cell that a move leads to: no further than the border, and not into what is blocked."""
    row = min(max(cell[0] + move[0], 0), size[0] - 1)
    column = min(max(cell[1] + move[1], 0), size[1] - 1)
    return cell if (row, column) in blocked else (row, column)
