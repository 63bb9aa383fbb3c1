"""Laws from which a family draws rows and rewards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks


@dataclass(frozen=True)
class Uniform:
    """Uniform on [low, high).

    For transitions: weights uniform on [0, 1), normalised (the tutorial's law). For starts: every state
    alike.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        checks.keep(self, "low", checks.real)
        checks.keep(self, "high", checks.real, self.low)
        checks.real(float(self.high) - float(self.low), "high - low")

    @property
    def largest(self) -> float:
        """A bound of the absolute value."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True)
class Normal:
    """Gaussian rewards; Normal(1, 1) is RL²'s law (Duan et al. 2016, arXiv 1611.02779)."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        checks.keep(self, "mean", checks.real)
        checks.keep(self, "std", checks.real, 0.0)
        checks.real(self.largest, "abs(mean) + 7 * std")

    @property
    def largest(self) -> float:
        """A bound of the absolute value: of 32 random bits, none is 7 standard deviations off."""
        return abs(self.mean) + 7.0 * self.std


@dataclass(frozen=True)
class Dirichlet:
    """Rows from a symmetric Dirichlet law; alpha = 1 is RL²'s."""

    alpha: float = 1.0

    def __post_init__(self) -> None:
        checks.keep(self, "alpha", checks.real, 1e-3, 1e9)


@dataclass(frozen=True)
class Garnet:
    """`branching` distinct next states a row, probabilities between sorted uniform cut points.

    Archibald, McKinnon and Thomas, "On the generation of Markov decision processes", JORS 46 (1995).

    Parameters
    ----------
    branching
        Next states of a pair.
    by_pair
        Draw each pair's row from random numbers of its own: the same law, in other tasks. With one state to
        start from such a task need not be written out, and an agent may live in one of any size.
    """

    branching: int
    by_pair: bool = False

    def __post_init__(self) -> None:
        checks.keep(self, "branching", checks.integer, 1)
        checks.keep(self, "by_pair", checks.flag)


@dataclass(frozen=True, eq=False)
class Fixed:
    """The same values in every task: a number, or [S, A] numbers, of which it keeps a copy."""

    values: Any

    def __post_init__(self) -> None:
        values = np.array(checks.finite(checks.array(self.values, "values", np.float64), "values"))
        values.flags.writeable = False
        object.__setattr__(self, "values", values if values.ndim else float(values))

    @property
    def largest(self) -> float:
        """A bound of the absolute value."""
        return float(np.abs(self.values).max(initial=0.0))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((np.asarray(self.values) + 0.0).tobytes())  # -0.0 equals 0.0


@dataclass(frozen=True)
class LogUniform:
    """Uniform by the logarithm, on [low, high]: as likely from 0.01 to 0.1 as from 0.1 to 1."""

    low: float
    high: float

    def __post_init__(self) -> None:
        checks.keep(self, "low", checks.real, 0.0, open_low=True)
        checks.keep(self, "high", checks.real, self.low)


RewardLaw: TypeAlias = Uniform | Normal | Fixed


def drawn_from(law: RewardLaw) -> dict[str, Any]:
    """Return how the core calls a law of rewards, and its two numbers."""
    if isinstance(law, Fixed):
        return {"reward_law": "fixed", "reward_a": 0.0, "reward_b": 0.0}
    if isinstance(law, Normal):
        return {"reward_law": "normal", "reward_a": law.mean, "reward_b": law.std}
    return {"reward_law": "uniform", "reward_a": law.low, "reward_b": law.high}


def fixed_values(law: RewardLaw, *shape: int) -> NDArray[np.float64]:
    """Return the values of `Fixed` in a shape; of another law none."""
    return np.array(np.broadcast_to(law.values, shape), np.float64) if isinstance(law, Fixed) else np.empty(0)
