"""What is learned from, as a table in the core's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.learners.table import Table
from metarl_fast.tasks import Tasks

_LARGEST = {np.dtype(np.float32): 2.0**126, np.dtype(np.float64): 2.0**1022}
"""The largest action value of each type of table, which the core never exceeds."""


def initial_values(
    start: ArrayLike | Table, name: str, tasks: Tasks, dtype: np.dtype[Any], shape: tuple[int, int]
) -> NDArray[Any]:
    """Return a number, a table or an array, called `name`, as [S, A] for all tasks or [N, S, A].

    `shape` is (S, A), or that of the weights that a learner has in place of tables.

    Raises
    ------
    ValueError, TypeError
        For another shape, and for numbers that tables of this type do not hold.
    """
    limit = _LARGEST[dtype]
    if not isinstance(start, Table) and checks.single(start):
        table = np.empty(shape, dtype)
        table.fill(checks.real(start, name, -limit, limit))
        return table
    given = checks.array(start.values if isinstance(start, Table) else start, name, dtype.type)
    checks.shape(given, name, shape, (len(tasks), *shape))
    # The core knows which actions are not available, and where -inf is right.
    drawn_later = tasks.recipe.at_once is not None
    is_table = shape == (tasks.num_states, tasks.num_actions)
    missing_allowed = is_table and (drawn_later or tasks.core.masked)
    numbers = np.where(np.isneginf(given), 0.0, given) if missing_allowed else given
    checks.finite(numbers, name)
    largest = float(np.abs(numbers).max(initial=0.0))
    checks.real(largest, f"the largest entry of {name}", 0.0, limit)
    return given
