"""What changes from episode to episode: epsilon and the temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.settings import Settings


@dataclass(frozen=True)
class Linear(Settings):
    """From `first` in the first episode in equal steps to `last` after `num_episodes`, and `last` from there.

    Episode e has first + (last - first) * min(e / num_episodes, 1), however many episodes a run has.

    Parameters
    ----------
    first, last
        Finite numbers.
    num_episodes
        At least 1.
    """

    first: float
    last: float
    num_episodes: int

    def __post_init__(self) -> None:
        checks.keep(self, "first", checks.real)
        checks.keep(self, "last", checks.real)
        checks.keep(self, "num_episodes", checks.integer, 1)

    def values(self, count: int) -> NDArray[np.float64]:
        """Return the numbers of the first `count` episodes."""
        share = np.minimum(np.arange(count) / self.num_episodes, 1.0)
        return (1.0 - share) * self.first + share * self.last


Schedule: TypeAlias = float | Linear | Sequence[float] | NDArray[Any]
"""A number; `Linear`; or a number for each episode, of which the last one holds from there on."""


def accepted(value: Any, name: str, low: float, high: float, *, open_low: bool = False) -> Any:
    """Return a number and `Linear` as they are, a sequence as a tuple; all their numbers must be in range."""
    if isinstance(value, Linear):
        checks.real(value.first, f"{name}.first", low, high, open_low=open_low)
        checks.real(value.last, f"{name}.last", low, high, open_low=open_low)
        return value
    listed = isinstance(value, (Sequence, np.ndarray)) and getattr(value, "ndim", 1) > 0
    if not listed or isinstance(value, (str, bytes)):
        return checks.real(value, name, low, high, open_low=open_low)
    numbers = checks.array(value, name, np.float64)
    if numbers.ndim != 1 or numbers.size == 0:
        raise ValueError(f"{name} has shape {numbers.shape}, expected (E,), a number for each episode")
    return tuple(
        checks.real(number, f"{name}[{episode}]", low, high, open_low=open_low)
        for episode, number in enumerate(numbers.tolist())
    )


def decaying(first: float, decay: float, lowest: float, count: int) -> NDArray[np.float64]:
    """Return `first`, `first * decay`, ... [count]; values below `lowest` are held there, unless all are."""
    if decay == 1.0:
        return np.full(count, float(first))
    factors = np.full(count, float(decay))
    factors[:1] = first
    return np.maximum(np.multiply.accumulate(factors), min(lowest, first))


def shortest(schedule: Schedule, decay: float, count: int) -> int:
    """Return after how many of `count` episodes the numbers are the same for good."""
    if isinstance(schedule, Linear):
        return min(count, schedule.num_episodes + 1)
    if isinstance(schedule, tuple):
        return min(count, len(schedule))
    return min(count, 1) if decay == 1.0 else count


def values(schedule: Schedule, decay: float, lowest: float, count: int) -> NDArray[np.float64]:
    """Return the numbers of `count` episodes; only plain numbers decay."""
    if isinstance(schedule, Linear):
        return schedule.values(count)
    if isinstance(schedule, tuple):
        return np.asarray(schedule, np.float64)[np.minimum(np.arange(count), len(schedule) - 1)]
    assert isinstance(schedule, (int, float))
    return decaying(schedule, decay, lowest, count)
