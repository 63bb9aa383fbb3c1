"""What `train` returns: the arrays that were asked for, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.history import History
from metarl_fast.recipes import Recipe
from metarl_fast.result import Result
from metarl_fast.run_state import RunState
from metarl_fast.shards import alike, end_to_end, mean_of_sums

_HOW = {"snapshots": "snapshot_episodes=[...]", "return_sums": "mean_returns=True", "history": "record=True"}
"""What `train` has to be told to keep an array, where that is not NAME=True."""


@dataclass(frozen=True, eq=False, repr=False)
class TrainResult(Result):
    """What N learners learned.

    What was not asked for is no attribute: asking for it says what `train` should have been told. With
    `num_runs=R` every array but the last two has an axis R after N.

    Attributes
    ----------
    q_table
        Action values [N, S, A]; -inf for actions that are not available. Learners with features have their
        weights here, and in `snapshots`, [N, F, A]: `learner.action_values` makes action values of them.
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
    return_sums
        What it is the mean of: sums over each 1,024 tasks (`shards`) and their runs, in order, [shards, E].
    history
        Every step of every task, a `History`.
    """

    arrays: Mapping[str, NDArray[Any]]
    """What was kept, by the names above."""
    snapshot_episodes: tuple[int, ...] = ()
    num_learners: int = 0
    """N, or N * R: how many learned."""
    state: RunState | None = None
    """What `train(..., resume=...)` goes on from; None if `q_table` was not kept."""
    steps: History | None = None
    """What `history` returns, if it was kept."""

    @classmethod
    def joined(cls, parts: Sequence[TrainResult]) -> TrainResult:
        """Put the results of parts of a batch together: `shards.join`."""
        names = list(parts[0].arrays)
        for place, part in enumerate(parts):
            if list(part.arrays) != names:
                raise ValueError(f"results[{place}] has {list(part.arrays)}, results[0] has {names}")
        arrays = {name: end_to_end(parts, name) for name in names}
        num_learners = sum(part.num_learners for part in parts)
        if "return_sums" in arrays:
            arrays["mean_returns"] = mean_of_sums(arrays["return_sums"], num_learners)
        states = [part.state for part in parts if part.state is not None]
        state = RunState.joined(states) if len(states) == len(parts) else None
        steps = [part.steps for part in parts if part.steps is not None]
        if 0 < len(steps) < len(parts):
            raise ValueError(f"{len(steps)} of {len(parts)} results have a history, expected all or none")
        history = History.joined(steps) if steps else None
        return cls(arrays, alike(parts, "snapshot_episodes"), num_learners, state, history)

    def to_resume(self, places: slice, recipe: Recipe) -> TrainResult:
        """Return what a run of some of the tasks, of that recipe, goes on from."""
        assert self.state is not None
        return TrainResult({"q_table": self.q_table[places]}, state=self.state.part(places, recipe))

    def flat(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by name, also those of the state and of the history, as files hold them."""
        found = {name: array for name, array in self.arrays.items() if name != "mean_returns"}
        if self.state is not None:
            found |= {f"state.{name}": array for name, array in self.state.arrays.items()}
        if self.steps is not None:
            found |= {f"history.{name}": array for name, array in self.steps.arrays().items()}
        return found

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

    @property
    def return_sums(self) -> NDArray[np.float64]:
        """Sums of returns over the tasks of each shard [shards, E]."""
        return self._kept("return_sums")

    @property
    def history(self) -> History:
        """Every step of every task."""
        return self.steps if self.steps is not None else self._kept("history")  # type: ignore[return-value]

    def get_policy(self) -> NDArray[np.int32]:
        """Return the first best action of each state [N, S]."""
        return self.policy

    def _contents(self) -> Iterator[tuple[str, Any]]:
        yield from self.arrays.items()
        yield "history", self.steps

    def _kept(self, name: str) -> NDArray[Any]:
        if name not in self.arrays:
            raise AttributeError(f"{name} was not kept: tell train {_HOW.get(name, f'{name}=True')}")
        return self.arrays[name]
