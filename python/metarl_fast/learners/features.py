"""Features of states: in each state a few of F numbers are not 0."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.settings import Settings


class Features(Settings, ABC):
    """Base of what learners with linear values see of a state: x(s), of F numbers, most of them 0."""

    @abstractmethod
    def _new_core(self) -> _core.Features:
        """Return the core's view of them."""

    @property
    def core(self) -> _core.Features:
        """The core's view of them, made once."""
        if "_core" not in self.__dict__:
            self.__dict__["_core"] = self._new_core()
        found: _core.Features = self.__dict__["_core"]
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickles and copies hold."""
        return {name: value for name, value in self.__dict__.items() if name != "_core"}

    @property
    def num_states(self) -> int:
        """S."""
        return self.core.num_states

    @property
    def num_features(self) -> int:
        """F."""
        return self.core.num_features

    def lists(self, states: ArrayLike) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return which features are not 0, and their values: two arrays [n, K] for n states.

        Raises
        ------
        ValueError, TypeError
            For what are no states.
        """
        found = checks.array(states, "states", np.int64)
        if found.ndim != 1:
            raise ValueError(f"states has shape {found.shape}, expected (n,)")
        for state in (found.min(initial=0), found.max(initial=0)):
            checks.integer(state, "a state", 0, self.num_states - 1)
        return self.core.lists(np.ascontiguousarray(found))

    def action_values(self, weights: NDArray[Any], states: ArrayLike) -> NDArray[Any]:
        """Return sum_k x_k(s) theta(k, a), [..., n, A], of weights [..., F, A] in n states."""
        which, value = self.lists(states)
        value = value.astype(weights.dtype)[..., None]
        found: NDArray[Any] = value[:, 0] * weights[..., which[:, 0], :]
        for k in range(1, which.shape[1]):
            found += value[:, k] * weights[..., which[:, k], :]
        return found
