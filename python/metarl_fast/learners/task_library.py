"""`TaskLibrary`: tasks that are known, as arrays that settings can hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners.array_settings import ArraySettings, check_range


@dataclass(frozen=True, eq=False, repr=False)
class TaskLibrary(ArraySettings):
    """L tasks of S states and A actions, each with its weight, its outcomes and its optimal action values.

    `known_tasks` makes it of tasks. Libraries are equal if all their arrays are.

    Parameters
    ----------
    weights
        How likely a new task is each of them [L], above 0; they are made to sum to 1.
    probabilities
        Of each outcome [L, S, A, K]; 0 in places that are not used.
    next_states, rewards, terminations
        What each outcome is [L, S, A, K]; rewards are means where there is noise.
    reward_noise
        Standard deviations [L]: 0 in all tasks, or in none.
    values
        q* of each task [L, S, A].
    discount
        Of these values, 0 to 1.

    Raises
    ------
    ValueError, TypeError
        For arrays that do not fit together, and for numbers out of range.
    """

    weights: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    next_states: NDArray[np.int32]
    rewards: NDArray[np.float64]
    terminations: NDArray[np.int32]
    reward_noise: NDArray[np.float64]
    values: NDArray[np.float64]
    discount: float = 0.99

    def __post_init__(self) -> None:
        checks.keep(self, "discount", checks.real, 0.0, 1.0)
        for name in ("weights", "probabilities", "rewards", "reward_noise", "values"):
            found = checks.array(getattr(self, name), name, np.float64)
            self._keep(name, checks.finite(found, name))
        for name in ("next_states", "terminations"):
            self._keep(name, checks.array(getattr(self, name), name, np.int32))
        shape = self.probabilities.shape
        if len(shape) != 4 or 0 in shape:
            raise ValueError(f"probabilities has shape {shape}, expected (L, S, A, K)")
        for name in ("next_states", "rewards", "terminations"):
            checks.shape(getattr(self, name), name, shape)
        checks.shape(self.values, "values", shape[:3])
        for name in ("weights", "reward_noise"):
            checks.shape(getattr(self, name), name, shape[:1])
        check_range(self.probabilities, "probabilities", 0, 1)
        check_range(self.next_states, "next_states", 0, self.num_states - 1)
        check_range(self.terminations, "terminations", 0, 1)
        check_range(self.reward_noise, "reward_noise", 0, np.inf)
        if self.weights.min() <= 0.0:
            raise ValueError(f"weights has {self.weights.min()}, expected numbers above 0")
        if 0 < np.count_nonzero(self.reward_noise) < len(self):
            raise ValueError("reward_noise is 0 in some tasks, expected that in all of them, or in none")
        self._keep("weights", self.weights / self.weights.sum())

    def __len__(self) -> int:
        """L."""
        return len(self.weights)

    @property
    def num_states(self) -> int:
        """S."""
        return int(self.values.shape[1])

    @property
    def num_actions(self) -> int:
        """A."""
        return int(self.values.shape[2])

    def __repr__(self) -> str:
        sizes = f"num_states={self.num_states}, num_actions={self.num_actions}"
        return f"TaskLibrary({len(self)} tasks, {sizes}, discount={self.discount})"
