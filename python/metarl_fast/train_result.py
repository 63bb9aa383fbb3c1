"""What `train` returns: the arrays that were asked for, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.result import Result

_HOW = {"snapshots": "snapshot_episodes=[...]"}
"""What `train` has to be told to keep an array, where that is not NAME=True."""


@dataclass(frozen=True, eq=False, repr=False)
class TrainResult(Result):
    """What N learners learned.

    What was not asked for is no attribute: asking for it says what `train` should have been told. With
    `num_runs=R` every array but `mean_returns` has an axis R after N.

    Attributes
    ----------
    q_table
        Action values [N, S, A]; -inf for actions that are not available.
    policy
        First best action of each state [N, S].
    returns
        Undiscounted sum of rewards of each episode [N, E], in float64; 0 for one that starts in a terminal
        state, which has no steps.
    snapshots
        Tables [N, len(snapshot_episodes), S, A] as they stood before those episodes.
    snapshot_episodes
        When the snapshots were taken.
    mean_returns
        Mean of `returns` over the tasks and runs [E], in float64; NaN if there are no tasks.
    """

    arrays: Mapping[str, NDArray[Any]]
    """What was kept, by the names above."""
    snapshot_episodes: tuple[int, ...] = ()

    @property
    def q_table(self) -> NDArray[Any]:
        """Action values [N, S, A]."""
        return self._kept("q_table")

    @property
    def policy(self) -> NDArray[np.int32]:
        """First best action of each state [N, S]."""
        return self._kept("policy")

    @property
    def returns(self) -> NDArray[np.float64]:
        """Sum of rewards of each episode [N, E]."""
        return self._kept("returns")

    @property
    def snapshots(self) -> NDArray[Any]:
        """Tables [N, len(snapshot_episodes), S, A]."""
        return self._kept("snapshots")

    @property
    def mean_returns(self) -> NDArray[np.float64]:
        """Mean of `returns` over the tasks and runs [E]."""
        return self._kept("mean_returns")

    def get_policy(self) -> NDArray[np.int32]:
        """Return the first best action of each state [N, S]."""
        return self.policy

    def _contents(self) -> Iterator[tuple[str, Any]]:
        return iter(self.arrays.items())

    def _kept(self, name: str) -> NDArray[Any]:
        if name not in self.arrays:
            raise AttributeError(f"{name} was not kept: tell train {_HOW.get(name, f'{name}=True')}")
        return self.arrays[name]
