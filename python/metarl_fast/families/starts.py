"""Where episodes start: a state, all alike, or a distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.families.laws import Uniform


def keep_start(family: Any, num_states: int) -> None:
    """Check the field `start` of a frozen dataclass, and keep a distribution as a tuple that sums to 1."""
    if isinstance(family.start, Uniform):
        return
    if checks.single(family.start):
        object.__setattr__(family, "start", checks.integer(family.start, "start", 0, num_states - 1))
        return
    start = checks.shape(checks.array(family.start, "start", np.float64), "start", (num_states,))
    if not (np.all(start >= 0) and abs(start.sum() - 1) <= 1e-5):
        raise ValueError(
            f"start sums to {start.sum():.9g} (smallest {start.min():g}), expected a distribution"
        )
    # Once: what sums to 1 but for rounding stays as it is.
    exact = abs(start.sum() - 1) <= 1e-14
    object.__setattr__(family, "start", tuple((start if exact else start / start.sum()).tolist()))


def start_distribution(start: Any, num_states: int) -> NDArray[np.float64]:
    """Return the probabilities [S] of what `keep_start` kept."""
    if isinstance(start, Uniform):
        return np.full(num_states, 1.0 / num_states)
    if np.ndim(start) == 1:
        return np.ascontiguousarray(start, dtype=np.float64)
    certain = np.zeros(num_states)
    certain[start] = 1.0
    return certain
