"""A sliding window: what a meta-learner learned from the last tasks alone, for tasks whose law drifts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.restarting import Restarting


@dataclass(frozen=True, kw_only=True)
class SlidingWindow(Restarting):
    """Makes any meta-learner follow tasks that change, by what only the last meta-batches have in common.

    Two of its states learn side by side. The younger one begins anew every `window` steps, when the older
    one is given up for it: what is used has seen the last `window` + 1 to 2 `window` meta-batches, all that
    there were if they are fewer. So priors are of recent tasks, too, whose arrays cannot be scaled down::

        SlidingWindow(meta=EmpiricalBayes(), window=8)

    Besbes, Gur and Zeevi, "Stochastic multi-armed bandit problem with non-stationary rewards", NIPS 2014, on
    beginning anew every so often; Cheung, Simchi-Levi and Zhu, ICML 2020, on windows.

    Parameters
    ----------
    window
        Meta-batches, at least 1.
    """

    window: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "window", checks.integer, 1, 2**31 - 1)

    @property
    def learning_at_once(self) -> int:
        """Two."""
        return 2

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen."""
        return {
            **self.fresh("older", learner),
            **self.fresh("younger", learner),
            "steps": np.zeros(()),
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
        steps = float(state["steps"])
        older, younger = (self.unpacked(name, state, learner) for name in ("older", "younger"))
        if steps > 0.0 and steps % self.window == 0.0:
            older, younger = younger, self.meta.init(learner)
        alike = steps < self.window  # both have seen the same so far
        older = learned(older)
        younger = older if alike else learned(younger)
        return {
            **self.packed("older", older),
            **self.packed("younger", younger),
            "steps": np.asarray(steps + 1.0),
        }

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner as the older state makes it."""
        return self.meta.apply(self.unpacked("older", state, learner), learner)
