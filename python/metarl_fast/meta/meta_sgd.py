"""Meta-SGD: a table to start from and a learning rate of each entry, by gradients through updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner, Table, TdSettings
from metarl_fast.meta.fitted import State, check_state
from metarl_fast.meta.gradient import adam_step
from metarl_fast.meta.maml import Maml

_MOMENTS = "mean_rates", "square_rates"
"""Entries of the state: Adam's averages of the gradient with respect to the rates."""


@dataclass(frozen=True, kw_only=True)
class MetaSgd(Maml):
    """As `Maml`, and beside the table a learning rate of each pair, from the same way back.

    theta <- theta - step_size d/dtheta L, alpha <- alpha - rate_step_size d/dalpha L, both in steps of Adam,
    with L = mean_T L_T(U_T(theta, alpha)); each alpha(s, a) is held within 0 and 1. What is made is a learner
    whose `learning_rate` is a `Table`. An entry that is the same in all training tasks is learned once, and
    its rate falls; what differs is left to learn quickly.

    Li, Zhou, Chen and Li, "Meta-SGD: learning to learn quickly for few-shot learning", 2017 (arXiv
    1707.09835). `first_order` leaves out how the table moves with what led to it, and so all rates.

    Parameters
    ----------
    rate_step_size
        The most by which a learning rate moves in a step, about; above 0, at most 1.
    """

    rate_step_size: float = 0.01
    learns_rates: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "rate_step_size", checks.real, 0.0, 1.0, open_low=True)
        if self.first_order:
            raise ValueError("first_order is True, expected False: to the first order no rate moves anything")

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen: where the learner starts, and its rates."""
        if not isinstance(learner, TdSettings):
            name = type(learner).__name__
            raise ValueError(f"{name} cannot be replayed: QLearning, ExpectedSarsa and Sarsa can")
        begun = super().init(learner)
        rates = np.array(learner.learning_rate, np.float64)
        return {**begun, "rates": rates, **dict.fromkeys(_MOMENTS, np.zeros(rates.shape))}

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from theta and learns by the rates."""
        check_state(state, dict.fromkeys(("rates", *_MOMENTS), np.zeros(())))
        rates = state["rates"]
        found = super().apply(state, learner)
        return found.replace(learning_rate=Table(rates) if rates.ndim else float(rates))

    def descended(self, state: State, gradients: list[NDArray[np.float64]]) -> State:
        """Return theta and the rates after a step down."""
        moved = adam_step(state, "rates", _MOMENTS, gradients[1], self.rate_step_size)
        return {**super().descended(state, gradients), **moved, "rates": np.clip(moved["rates"], 0.0, 1.0)}
