"""`Table`: action values that settings can hold, such as what a learner starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from metarl_fast import checks
from metarl_fast.settings import Settings


@dataclass(frozen=True, eq=False, repr=False)
class Table(Settings):
    """Action values as a part of settings: read-only, comparable, hashable.

    Tables are equal if they have the same shape and the same numbers.

    Parameters
    ----------
    values
        Numbers [S, A], or [N, S, A] for each of N tasks, which are copied; -inf for actions that are not
        available.

    Attributes
    ----------
    values : ndarray of float64
        The numbers, read-only.

    Raises
    ------
    ValueError, TypeError
        For another number of axes, for what is not finite, and for states in which no action is available.
    """

    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        found = checks.array(self.values, "values", np.float64)
        if found.ndim not in (2, 3) or 0 in found.shape[-2:]:
            raise ValueError(f"values has shape {found.shape}, expected (S, A) or (N, S, A)")
        own = np.array(checks.action_values(found, "values"))
        own.flags.writeable = False
        object.__setattr__(self, "values", own)

    @property
    def shape(self) -> tuple[int, ...]:
        """(S, A) or (N, S, A)."""
        return self.values.shape

    @property
    def num_states(self) -> int:
        """S."""
        return self.shape[-2]

    @property
    def num_actions(self) -> int:
        """A."""
        return self.shape[-1]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False and dtype is not None and np.dtype(dtype) != self.values.dtype:
            raise ValueError(f"values of dtype {self.values.dtype} have to be copied to become {dtype}")
        return np.array(self.values, dtype, copy=True if copy else None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        # 0.0 and -0.0 are equal, and the sum is 0.0 for both.
        return hash((self.shape, (self.values + 0.0).tobytes()))

    def __repr__(self) -> str:
        numbers = self.values[np.isfinite(self.values)]
        spread = f", {numbers.min():g} to {numbers.max():g}" if numbers.size else ""
        return f"Table(shape={self.shape}{spread})"

    def __reduce__(self) -> tuple[type[Table], tuple[NDArray[np.float64]]]:
        return Table, (self.values,)  # arrays lose that they are read-only on the way
