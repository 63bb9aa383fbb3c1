"""What meta-learners share that go down a gradient with respect to what the learner starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.base import Meta
from metarl_fast.meta.fitted import State, check_state
from metarl_fast.meta.tables import start_of, starting_from
from metarl_fast.shards import in_order, shard_sums

_MOMENTS = 0.9, 0.999
"""How much Adam keeps of its two averages."""


@dataclass(frozen=True, kw_only=True)
class GradientMeta(Meta):
    """Base of meta-learners that move theta, the table to start from, by steps of Adam.

    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Parameters
    ----------
    step_size
        The most by which an entry of theta moves in a step, about; above 0.
    """

    step_size: float = 0.05
    tasks_per_iteration: int = 64
    recorded: ClassVar[tuple[str, ...]] = ("returns", "loss")
    default_iterations: ClassVar[int | None] = 100
    default_episodes: ClassVar[int] = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "step_size", checks.real, 0.0, open_low=True)

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen: what the learner starts from by itself."""
        start = start_of(learner)
        return {
            "theta": start,
            **dict.fromkeys(("mean", "square"), np.zeros(start.shape)),
            "kept": np.ones(2),
            "returns": np.empty(0),
            "loss": np.zeros(()),
        }

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from theta."""
        check_state(state, dict.fromkeys(("theta", "mean", "square", "kept"), np.zeros(())))
        return starting_from(state["theta"], learner)

    def moved(self, state: State, gradient: NDArray[np.float64]) -> State:
        """Return the entries of the state after one step of Adam down the gradient."""
        return {
            **adam_step(state, "theta", ("mean", "square"), gradient, self.step_size),
            "kept": state["kept"] * _MOMENTS,
        }


def adam_step(
    state: State, of: str, moments: tuple[str, str], gradient: NDArray[np.float64], step_size: float
) -> State:
    """Return the entry `of` of a state, and its two averages, after one step of Adam down the gradient."""
    kept = state["kept"] * _MOMENTS
    mean = _MOMENTS[0] * state[moments[0]] + (1.0 - _MOMENTS[0]) * gradient
    square = _MOMENTS[1] * state[moments[1]] + (1.0 - _MOMENTS[1]) * gradient * gradient
    size = np.sqrt(square / (1.0 - kept[1])) + 1e-12
    after = state[of] - step_size * (mean / (1.0 - kept[0])) / size
    return {of: after, moments[0]: mean, moments[1]: square}


def mean_over_tasks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over tasks [N, ...], summed by shards, in order."""
    return np.asarray(in_order(shard_sums(values)) / max(1, len(values)))
