"""Reptile on softmax policies: towards where exact steps of the policy gradient lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.meta.fitted import State
from metarl_fast.meta.policy_start import Float, PolicyStart, Returns, climbed


@dataclass(frozen=True, kw_only=True)
class PolicyReptile(PolicyStart):
    """theta <- theta + step_size mean_T(U_T(theta) - theta), nothing of it sampled.

    U_T(theta) are the preferences after `num_episodes` steps theta + learning_rate dJ_T/dtheta on task T, as
    in `PolicyMaml`, of whose cost it saves the way back. Where the steps themselves are to be a learner's,
    with its luck, `Reptile` is the one to take: it takes `Reinforce` as it takes any learner with a table.

    Nichol, Achiam and Schulman, "On first-order meta-learning algorithms", 2018 (arXiv 1803.02999).

    Parameters
    ----------
    step_size
        Above 0, at most 1.
    """

    step_size: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "step_size", checks.real, 0.0, 1.0, open_low=True)

    def num_evaluations(self, num_steps: int) -> int:
        """Return how often `adapted` asks for returns, at most."""
        return num_steps + 1

    def adapted(
        self, returns_of: Returns, theta: Float, learning_rate: float, num_steps: int
    ) -> tuple[Float, Float, Float]:
        """Return theta - U(theta), J when adapted, and before each step."""
        path, returns = climbed(returns_of, theta, learning_rate, num_steps)
        shift = np.subtract(theta, path[-1], out=np.zeros(theta.shape), where=theta > -np.inf)
        return shift, returns_of(path[-1]).returns, returns

    def moved(self, state: State, gradient: NDArray[np.float64]) -> State:
        """Return the entries of the state after a step that is no more than the mean difference."""
        return {
            "theta": state["theta"] - self.step_size * gradient,
            "mean": gradient,
            "square": state["square"],
            "kept": 0.0 * state["kept"],
        }
