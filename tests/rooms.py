"""Grids without walls in plain Python, for the twins of their families: cells are numbered row by row."""

from __future__ import annotations

import numpy as np

MOVES = ((0, 0), (-1, 0), (0, 1), (1, 0), (0, -1))
"""Stay, up, right, down, left: the actions of dark rooms."""


def move(cell, action, height, width):
    """The cell entered from `cell`; the border leaves one where one is."""
    row, column = divmod(cell, width)
    row, column = row + MOVES[action][0], column + MOVES[action][1]
    return row * width + column if 0 <= row < height and 0 <= column < width else cell


def start(family, num_states):
    """Where episodes of a dark room begin [S]."""
    height, width = family.size
    probability = np.zeros(num_states)
    if family.start is None:
        probability[: height * width] = 1.0 / (height * width)
    else:
        row, column = (height // 2, width // 2) if family.start == "centre" else family.start
        probability[row * width + column] = 1.0
    return probability


def steps(size, start):
    """Steps [height, width] from a cell to every other."""
    rows, columns = np.indices(size)
    return np.abs(rows - start[0]) + np.abs(columns - start[1])
