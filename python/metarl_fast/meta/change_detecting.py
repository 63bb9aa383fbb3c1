"""Change detection: a meta-learner that begins anew when what it made does worse than it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.fitted import State, outer_loss
from metarl_fast.meta.restarting import Restarting

_REMEMBERED = 0.2
"""Weight of a loss in the mean of those before the next, at least."""
_ALLOWED = 0.5
"""Standard deviations by which losses may lie above their mean without being evidence."""
_LEAST_SPREAD = 0.05
"""Of losses, in parts of their range so far: those of tasks that are alike hardly differ."""


@dataclass(frozen=True, kw_only=True)
class ChangeDetecting(Restarting):
    """Makes any meta-learner begin anew when the tasks' law has changed, by a cumulative sum of losses.

    A loss is minus the mean return on a meta-batch before it was learned from. With z how many standard
    deviations it lies above the mean of those since the last change, recent ones weighing more, evidence
    grows as g <- max(0, g + z - 1/2). Where it is above `threshold` the inner meta-learner begins anew, with
    this meta-batch the first of the new law::

        ChangeDetecting(meta=EmpiricalBayes()).fit(Switching(GoalGrid(8), 20, along="tasks"), rng=0)

    Page, "Continuous inspection schemes", Biometrika 41 (1954).

    Parameters
    ----------
    threshold
        Of the evidence, above 0, in standard deviations: the higher, the fewer false alarms, and the later.
    """

    threshold: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "threshold", checks.real, 0.0, open_low=True)

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen.

        `changes` are those found so far, `number`, `mean` and `variance` those of the losses since the last,
        where -1 says that the next loss is of what has learned nothing; `range` are the smallest and the
        largest loss so far, and `evidence` is g.
        """
        return {
            **self.fresh("inner", learner),
            "changes": np.zeros(()),
            "number": np.asarray(-1.0),
            "mean": np.zeros(()),
            "variance": np.zeros(()),
            "range": np.zeros(2),
            "evidence": np.zeros(()),
            "returns": np.empty(0),
        }

    def moved(
        self,
        state: State,
        learner: Learner,
        returns: NDArray[np.float64],
        learned: Callable[[State], State],
    ) -> State:
        """Return the state after a meta-batch."""
        watched = _watched(state, float(outer_loss(returns)))
        inner = self.unpacked("inner", state, learner)
        if watched["evidence"] > self.threshold:
            inner = self.meta.init(learner)
            none = np.zeros(())
            watched |= {"number": none, "mean": none, "variance": none, "evidence": none}
            watched["changes"] = state["changes"] + 1.0
        return {**self.packed("inner", learned(inner)), "changes": state["changes"], **watched}

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner as the inner meta-learner makes it."""
        return self.meta.apply(self.unpacked("inner", state, learner), learner)


def _watched(state: State, loss: float) -> State:
    """Return what is known of losses after one more: their moments, their range, and the evidence."""
    number, mean, variance = (float(state[name]) for name in ("number", "mean", "variance"))
    begun = number < 0.0
    low, high = (loss, loss) if begun else state["range"].tolist()
    low, high = min(low, loss), max(high, loss)
    found = {"range": np.array([low, high]), "evidence": state["evidence"]}
    if begun:
        return {**found, "number": np.zeros(()), "mean": np.zeros(()), "variance": np.zeros(())}
    if number > 0.0:
        spread = np.sqrt(variance + np.square(_LEAST_SPREAD * (high - low)))
        z = (loss - mean) / spread if spread > 0.0 else 0.0
        found["evidence"] = np.asarray(np.maximum(0.0, state["evidence"] + z - _ALLOWED))
    weight = max(1.0 / (number + 1.0), _REMEMBERED)
    step = loss - mean
    found["number"] = np.asarray(number + 1.0)
    found["mean"] = np.asarray(mean + weight * step)
    found["variance"] = np.asarray((1.0 - weight) * (variance + weight * step * step))
    return found
