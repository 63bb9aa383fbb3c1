"""What learners share that climb the gradient of their return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.learners.base import Learner
from metarl_fast.learners.table import Table
from metarl_fast.policies import softmax_policy

_MOST = 2.0**126
"""Preferences and values are held within this."""


@dataclass(frozen=True)
class PolicyGradientLearner(Learner):
    """Base of learners of a softmax policy, pi(a | s) = exp(h(s, a)) / sum_b exp(h(s, b)).

    They draw their actions from it: it explores by itself, less and less. Beside it they learn values v(s).
    `q_table` holds the preferences h, and `initial_q` those that are learned from: so whatever gives a
    learner a table to start from, such as `Reptile`, gives these a policy to start from. They learn in
    float64.

    Parameters
    ----------
    learning_rate
        Step size of the preferences, at least 0.
    value_learning_rate
        Step size of v, at least 0.
    discount
        0 to 1.
    initial_value
        v(s) of every state, to begin with.
    initial_q
        h, to begin with: the value of every entry, or a `Table` [S, A], or [N, S, A] for each of N tasks.
    """

    learning_rate: float = 0.1
    value_learning_rate: float = 0.1
    discount: float = 0.95
    initial_value: float = 0.0
    initial_q: float | Table = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("learning_rate", "value_learning_rate"):
            checks.keep(self, name, checks.real, 0.0, _MOST)
        checks.keep(self, "discount", checks.real, 0.0, 1.0)
        checks.keep(self, "initial_value", checks.real, -_MOST, _MOST)
        self._accept_initial_q()

    def policies(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the softmax policies [..., S, A] of preferences [..., S, A]."""
        return softmax_policy(values)

    def _shared(self) -> dict[str, float]:
        """Return what the core is told by all of them."""
        return {
            "learning_rate": float(self.learning_rate),
            "value_learning_rate": float(self.value_learning_rate),
            "discount": float(self.discount),
            "initial_value": float(self.initial_value),
        }
