"""What learners with linear values share: weights of features in place of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.learners.features import Features
from metarl_fast.learners.table import Table
from metarl_fast.learners.td_settings import TdSettings


@dataclass(frozen=True)
class LinearLearner(TdSettings):
    """Base of learners whose action values are linear in features of the state, with weights of each action.

    What it learns are the weights theta of features x::

        q(s, a) = sum_k x_k(s) theta(k, a)
        theta(k, a) <- theta(k, a) + learning_rate (target - q(s, a)) x_k(s) / sum_j x_j(s)^2

    (Sutton and Barto, 2nd ed., equations 9.7 and 10.1). Divided by the length of x squared, the learning rate
    is the part of the error that a step takes away, as in a table; the textbook's step size is
    learning_rate / sum_j x_j^2. For tiles whose features are 1, not 1/T, that is its learning_rate / T (its
    section 9.6), with weights a T-th of these.

    A learner has memory for theta [F, A] alone, however many states there are. What is called a table means
    theta here: `initial_q`, `initial_table`, and the `q_table` and `snapshots` of `train`, are [F, A];
    `action_values` makes a table of them. So meta-learners of tables learn theta. Visits, of which a rate
    that decays and a bonus are made, are counted for each weight: N(s, a) is their mean over the state's
    features. `train` also gives the greedy policy [N, S], if `policy` is not False. Runs on
    features cannot be continued.

    Parameters
    ----------
    initial_q
        What is learned from: the value of every weight, or a `Table` [F, A], or [N, F, A].
    features
        Such as `TileCoding`; None: one for each state, which is a table [S, A] and learns what the tabular
        learner does, bit for bit.
    """

    features: Features | None = None

    def __post_init__(self) -> None:
        found = self.features
        if found is not None and not isinstance(found, Features):
            raise TypeError(f"features is {checks.shown(found)}, expected some such as TileCoding, or None")
        super().__post_init__()
        if found is not None and self.num_states not in (None, found.num_states):
            raise ValueError(
                f"num_states is {self.num_states}, but the features are of {found.num_states} states"
            )

    def _check_table(self, table: Table) -> None:
        if self.features is None:
            return super()._check_table(table)
        rows, actions = self.table_shape(0, self.num_actions or table.num_actions)
        if table.shape[-2:] != (rows, actions):
            raise ValueError(
                f"initial_q has the shape {table.shape}, expected ({rows}, {actions}): a row for each feature"
            )
        return None

    def _new_view(self, num_episodes: int) -> _core.Learner:
        of_table = super()._new_view(num_episodes)
        return of_table if self.features is None else _core.LinearLearner(of_table, self.features.core)

    def table_shape(self, num_states: int, num_actions: int) -> tuple[int, int]:
        """Return (F, A)."""
        return (num_states if self.features is None else self.features.num_features), num_actions

    def action_values(self, learned: NDArray[Any], num_states: int) -> NDArray[Any]:
        """Return q(s, a) [..., S, A] of weights [..., F, A]."""
        return (
            learned if self.features is None else self.features.action_values(learned, np.arange(num_states))
        )

    def check_sizes(self, num_states: int, num_actions: int) -> None:
        """Refuse tasks of S states and A actions that are not the learner's."""
        super().check_sizes(num_states, num_actions)
        if self.features is not None and self.features.num_states != num_states:
            raise ValueError(
                f"the learner's features are of {self.features.num_states} states, "
                f"the tasks have {num_states}"
            )
