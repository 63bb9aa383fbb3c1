"""Pictures of a task and the state that it is in: rows of characters, or pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.tasks import Task

_PIXELS = 16
"""Side of a cell."""
_LARGEST = 1024
"""Side of a picture; larger ones have smaller cells."""

_COLOURS = {
    ".": (235, 235, 235),
    "S": (190, 215, 240),
    "#": (60, 60, 60),
    "G": (60, 160, 75),
    "H": (45, 60, 110),
    "@": (215, 60, 40),
}
"""Free, start, wall, goal, hole, and where the agent is."""


def cells(task: Task) -> NDArray[np.int64]:
    """Return (row, column) [S, 2] of each state: its place, else in rows of a square."""
    if task.places is not None:
        return np.asarray(task.places - task.places.min(axis=0))
    width = math.isqrt(task.num_states - 1) + 1
    return np.stack(np.divmod(np.arange(task.num_states), width), axis=1)


def tiles(task: Task) -> NDArray[np.str_]:
    """Return a character [height, width] at the cell of each state; cells of no state are blank.

    `G` is a state that ends episodes and is worth entering, `H` another that ends them, `S` one where they
    start, `#` one that is neither entered from another nor left: a wall; `.` any other.
    """
    outcomes, start = task.outcomes, task.start
    probability, next_state = outcomes["probability"], outcomes["next_state"]
    s = task.num_states
    here = np.arange(s)[:, None, None]
    moves = (probability > 0) & (next_state != here)
    entered, worth, ends = np.zeros(s, bool), np.full(s, -np.inf), np.zeros(s, bool)
    entered[next_state[moves]] = True
    np.maximum.at(worth, next_state[moves], outcomes["reward"][moves])
    ends[next_state[moves & outcomes["terminated"].astype(bool)]] = True
    ends |= task.terminal
    alone = ~entered & ~moves.any(axis=(1, 2)) & (start == 0)
    kinds = np.full(s, ".")
    kinds[start > 0] = "S" if (start > 0).sum() < s else "."
    kinds[ends] = "H"
    kinds[ends & (worth > 0)] = "G"
    kinds[alone] = "#"
    where = cells(task)
    shown = np.full(where.max(axis=0) + 1, " ")
    shown[tuple(where.T)] = kinds
    return shown


def text(task: Task, state: int) -> str:
    """Return rows of characters, with `@` where the agent is."""
    shown = tiles(task)
    shown[tuple(cells(task)[state])] = "@"
    return "\n".join("".join(row) for row in shown)


def pixels(task: Task, state: int) -> NDArray[np.uint8]:
    """Return a picture [height, width, 3] with the agent's cell inset in the colour of what it stands on."""
    shown = tiles(task)
    side = max(3, min(_PIXELS, _LARGEST // max(shown.shape)))
    colours = np.array([[_COLOURS.get(kind, (255, 255, 255)) for kind in row] for row in shown], np.uint8)
    picture = colours.repeat(side, axis=0).repeat(side, axis=1)
    picture[::side, :] = picture[:, ::side] = 200
    inner = side // 4 + 1
    rows, columns = (slice(k * side + inner, (k + 1) * side - inner + 1) for k in cells(task)[state])
    picture[rows, columns] = _COLOURS["@"]
    return picture


def picture(task: Task, state: int, render_mode: str | None) -> Any:
    """Return what `render` returns in a mode of rendering."""
    if render_mode is None:
        return None
    return text(task, state) if render_mode == "ansi" else pixels(task, state)
