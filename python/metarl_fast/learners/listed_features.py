"""Features of one's own, listed state by state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.learners.array_settings import ArraySettings
from metarl_fast.learners.features import Features

_SHORTEST = 2.0**-40
"""The least sum of the squares of a state's features: steps are divided by it."""


@dataclass(frozen=True, eq=False, repr=False)
class ListedFeatures(ArraySettings, Features):
    """Features as arrays: for each state which of F numbers are not 0, and what they are.

    Equal if all numbers are.

    Parameters
    ----------
    indices
        Which features a state has [S, K], 0 to F - 1, in a row none twice, but for those of value 0. F is one
        more than the largest.
    values
        What they are [S, K], within -1 and 1; 0 where a state has fewer.

    Raises
    ------
    ValueError, TypeError
        For other shapes and numbers, and for a state all of whose features are (nearly) 0.
    """

    indices: NDArray[np.int32]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        indices = checks.array(self.indices, "indices", np.int32)
        if indices.ndim != 2 or 0 in indices.shape:
            raise ValueError(f"indices has shape {indices.shape}, expected (S, K)")
        values = checks.shape(checks.array(self.values, "values", np.float64), "values", indices.shape)
        checks.finite(values, "values")
        if indices.min() < 0:
            raise ValueError(f"indices has {indices.min()}, expected at least 0")
        if np.abs(values).max() > 1.0:
            raise ValueError(f"values reach {np.abs(values).max():g}, sign aside, expected at most 1")
        squares = (values * values).sum(axis=1)
        if squares.min() < _SHORTEST:
            raise ValueError(
                f"values[{squares.argmin()}] has squares that sum to {squares.min():g}, "
                "expected at least 2^-40"
            )
        self._check_none_twice(indices, values)
        for name, numbers in (("indices", indices), ("values", values)):
            self._keep(name, np.ascontiguousarray(numbers))

    @staticmethod
    def _check_none_twice(indices: NDArray[np.int32], values: NDArray[np.float64]) -> None:
        places = np.where(values != 0.0, indices, -1 - np.arange(indices.shape[1], dtype=np.int64))
        places.sort(axis=1)
        twice = (places[:, 1:] == places[:, :-1]).any(axis=1)
        if twice.any():
            state = int(twice.argmax())
            raise ValueError(f"indices[{state}] is {checks.shown(indices[state])}, which has a feature twice")

    def _new_core(self) -> _core.Features:
        return _core.ListedFeatures(
            num_features=int(self.indices.max()) + 1,
            length=self.indices.shape[1],
            indices=self.indices,
            values=self.values,
        )

    def __repr__(self) -> str:
        return f"ListedFeatures(shape={self.indices.shape}, num_features={int(self.indices.max()) + 1})"
