"""How tasks are judged: a discount and a horizon, and what they are where nothing is said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.tasks import Tasks, checked_horizon

Horizon: TypeAlias = "int | float | ArrayLike | None"

DISCOUNT = 0.95
"""Of planners and learners that are not told otherwise."""


@dataclass(frozen=True, eq=False)
class Criterion:
    """A discount and the steps of an episode.

    The rule for what is left out, the same in all planners and scores:

    * discount: that of the learner where there is one; else 1 if a horizon is given, and 0.95 if not.
    * horizon: with discount 1 that of the tasks, if they have one; else none. `math.inf` always means none.

    Attributes
    ----------
    discount
        0 to 1.
    horizon
        Steps of an episode, for all tasks or for each [N]; None for no time limit.
    """

    discount: float
    horizon: int | NDArray[np.int64] | None

    @classmethod
    def of(cls, tasks: Tasks, discount: Any = None, horizon: Any = None) -> Criterion:
        """Return the criterion that `discount` and `horizon` mean for these tasks.

        Raises
        ------
        ValueError, TypeError
            For numbers out of range, or arrays of another length than the tasks.
        """
        endless = isinstance(horizon, (float, np.floating)) and math.isinf(horizon) and horizon > 0
        if discount is None:
            discount = DISCOUNT if horizon is None or endless else 1.0
        gamma = checks.real(discount, "discount", 0.0, 1.0)
        if endless:
            return cls(gamma, None)
        if horizon is None and gamma == 1.0:
            horizon = tasks.horizon
        return cls(gamma, checked_horizon(horizon, len(tasks)))

    @property
    def discount_of_tables(self) -> float:
        """The discount of tables and of look-ahead: without one, sooner would be no better than later."""
        return self.discount if self.discount < 1.0 else DISCOUNT

    def part(self, places: slice) -> Criterion:
        """Return the criterion of some of the tasks."""
        steps = self.horizon
        return Criterion(self.discount, steps[places] if isinstance(steps, np.ndarray) else steps)

    def steps(self, num_tasks: int) -> NDArray[np.int64] | None:
        """Return the horizon of each task [N], as the core wants it; None for no time limit."""
        if self.horizon is None:
            return None
        return np.ascontiguousarray(np.broadcast_to(np.asarray(self.horizon, np.int64), (num_tasks,)))


def planning_horizon(tasks: Tasks, horizon: Any) -> int | NDArray[np.int64]:
    """Return `horizon`, else the tasks' own, for what cannot do without."""
    if horizon is None and tasks.horizon is None:
        raise ValueError("these tasks have no horizon: give one")
    found = checked_horizon(tasks.horizon if horizon is None else horizon, len(tasks))
    assert found is not None
    return found
