"""How far states of a task lie apart: the diameter of Jaksch, Ortner and Auer (2010)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metarl_fast.data import from_arrays
from metarl_fast.planning import policy_iteration
from metarl_fast.tasks import Tasks

_LARGEST = 64
"""States of tasks whose diameter is worked out: it takes a plan for every state."""


def mean_diameter(tasks: Tasks, num_threads: int | None) -> float | None:
    """Return the mean over tasks of the longest way there is, in expected steps of the best policy."""
    if tasks.num_states > _LARGEST or not tasks.available.all():
        return None
    if tasks.terminal.any():
        return math.inf
    return float(np.mean([_longest_way(task.transitions, num_threads) for task in tasks]))


def _longest_way(transitions: NDArray[np.float64], num_threads: int | None) -> float:
    """Return max over s and s' of the least expected number of steps from s to s'."""
    s, a, _ = transitions.shape
    reached = np.eye(s, dtype=bool) | (transitions.sum(axis=1) > 0.0)
    for _ in range(s.bit_length()):
        reached = (reached[:, :, None] & reached).any(axis=1)  # in twice as many steps
    if not reached.all():
        return math.inf
    aims = np.eye(s, dtype=bool)
    each = np.broadcast_to(transitions, (s, s, a, s))
    ways = from_arrays(each, np.full((s, s, a), -1.0), terminal=aims, start=0)
    return float(-policy_iteration(ways, 1.0, num_threads=num_threads).values.min())
