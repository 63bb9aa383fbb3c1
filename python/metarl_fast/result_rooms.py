"""Where what is learned will stand: the arrays of a run's results, before there is anything in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.history import History
from metarl_fast.shards import mean_of_sums


@dataclass(frozen=True, eq=False)
class Rooms:
    """Arrays with a row for each of N * R learners.

    Attributes
    ----------
    kept
        What was asked for, by the names of `TrainResult`.
    sums
        Of returns, with a row for each shard; None if their mean was not asked for.
    after
        What a run that goes on needs beside the tables, by the names of `RunState`.
    history
        Every step; None if it was not asked for.
    """

    kept: Mapping[str, NDArray[Any]]
    sums: NDArray[np.float64] | None
    after: Mapping[str, NDArray[Any]]
    history: History | None

    def flat(self) -> dict[str, NDArray[Any]]:
        """Return all but the sums, by the names of `TrainResult.flat`."""
        found = {**self.kept, **{f"state.{name}": array for name, array in self.after.items()}}
        if self.history is not None:
            steps = self.history.rows(slice(None))
            found |= {f"history.{name}": array for name, array in steps.items()}
        return found

    def arrays(self, num_learners: int, num_runs: int | None) -> dict[str, NDArray[Any]]:
        """Return what `TrainResult` holds: runs on an axis of their own, and the mean of the sums."""
        found = dict(self.kept)
        if num_runs is not None:
            runs = num_learners // num_runs, num_runs
            found = {name: array.reshape(*runs, *array.shape[1:]) for name, array in found.items()}
        if self.sums is not None:
            found |= {"return_sums": self.sums, "mean_returns": mean_of_sums(self.sums, num_learners)}
        return found
