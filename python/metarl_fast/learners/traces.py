"""What learners with eligibility traces share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners.td import TdLearner

_SMALLEST_TRACE = 2.0**-20
"""Traces below this are dropped: what they would still teach is lost in rounding, and lists stay short."""


@dataclass(frozen=True)
class TraceLearner(TdLearner):
    """Base of learners that carry each step's error back along the path.

    On each step every trace decays by discount * trace_decay, that of the pair just taken is renewed, and all
    pairs move by learning rate * error * trace. Replacing traces: it becomes 1, and those of the state's
    other actions end (Singh and Sutton 1996; Sutton and Barto, 1st ed., section 7.8). Accumulating traces: it
    grows by 1 (Sutton and Barto, 2nd ed., section 12.2). Traces below 2^-20 are dropped. They end with the
    episode, but survive the time limit of a continuing task.

    Parameters
    ----------
    trace_decay
        Lambda, 0 to 1: 0 is the one-step learner.
    trace_kind
        "replacing" or "accumulating".
    """

    trace_decay: float = 0.9
    trace_kind: Literal["replacing", "accumulating"] = "replacing"
    _made_when_wanted: ClassVar[tuple[str, ...]] = ("_tables", "traces")

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "trace_decay", checks.real, 0.0, 1.0)
        if self.trace_kind not in ("replacing", "accumulating"):
            raise ValueError(f"trace_kind is {self.trace_kind!r}, expected 'replacing' or 'accumulating'")

    @cached_property
    def traces(self) -> NDArray[np.float64]:
        """The step-by-step learner's traces [S, A]."""
        table: NDArray[np.float64] = self._new_tables(1, 0.0)[0]
        return table

    @property
    def _trace_decay(self) -> float:
        return float(self.trace_decay)

    @property
    def _trace_kind(self) -> str:
        return self.trace_kind

    def end_episode(self) -> None:
        """Forget the path, when an episode ends otherwise than by `terminated`."""
        self.traces[:] = 0.0

    def _learn(self, state: int, action: int, target: float, terminated: bool) -> None:
        """Move all pairs on the path by this step's error."""
        q, traces = self.q_table, self.traces
        traces *= self.discount * self.trace_decay
        traces[traces < _SMALLEST_TRACE] = 0.0
        if self.trace_kind == "replacing":
            traces[state] = 0.0
        traces[state, action] += 1.0
        q += self._rate(state, action) * (target - q[state, action]) * traces
        if terminated:
            self.end_episode()
