"""What learners with eligibility traces share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners.base import Learner

_SMALLEST_TRACE = 2.0**-20
"""Traces below this are dropped: what they would still teach is lost in rounding, and lists stay short."""


@dataclass(frozen=True)
class TraceLearner(Learner):
    """Base of learners that carry each step's error back along the path.

    On each step every trace decays by discount * trace_decay, that of the pair just taken is renewed, and all
    pairs move by learning rate * error * trace. Replacing traces: it becomes 1, and those of the state's
    other actions end (Singh and Sutton 1996; Sutton and Barto, 1st ed., section 7.8). Accumulating traces: it
    grows by 1 (Sutton and Barto, 2nd ed., section 12.2). Traces below 2^-20 are dropped. They end with the
    episode, but survive the time limit of a continuing task.

    Parameters and behaviour are those of `Learner`, and

    Parameters
    ----------
    trace_decay
        Lambda, 0 to 1: 0 is the one-step learner.
    trace_kind
        "replacing" or "accumulating".

    Attributes
    ----------
    traces : ndarray of float64, shape (S, A)
        The step-by-step learner's traces.
    """

    trace_decay: float = 0.9
    trace_kind: Literal["replacing", "accumulating"] = "replacing"
    traces: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "trace_decay", checks.real, 0.0, 1.0)
        if self.trace_kind not in ("replacing", "accumulating"):
            raise ValueError(f"trace_kind is {self.trace_kind!r}, expected 'replacing' or 'accumulating'")
        object.__setattr__(self, "traces", self._new_tables(1, 0.0)[0])

    @property
    def _trace_decay(self) -> float:
        return float(self.trace_decay)

    @property
    def _trace_kind(self) -> str:
        return self.trace_kind

    def scratch(self, itemsize: int) -> int:
        """Return how many bytes `train` works in for a pair of one task; its numbers have `itemsize`."""
        return super().scratch(itemsize) + 4 + itemsize  # which pair, and its trace

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
        q += self.learning_rate * (target - q[state, action]) * traces
        if terminated:
            self.end_episode()
