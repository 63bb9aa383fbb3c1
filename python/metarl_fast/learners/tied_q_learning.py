"""Q-learning in which pairs that behave alike share what is learned of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metarl_fast import _core, checks
from metarl_fast.learners.base import Learner
from metarl_fast.learners.table import Table


@dataclass(frozen=True)
class TiedQLearning(Learner):
    """Q-learning with one entry for each class c(s, a) of pairs (state, action) that behave alike.

        Q(c(s, a)) <- Q(c(s, a)) + learning_rate (r + discount max_b Q(c(s', b)) - Q(c(s, a))).

    Of all the steps into a cell, say, one is enough to know what lies there. When an episode ends it is gone
    through `num_replays` times more, from its last step to its first (Lin, Machine Learning 8, 1992), so that
    what was found at its end is known at its beginning. It takes an action of the largest value, of several
    a random one, and with probability `epsilon` any. The meta-learner `TiedQ` finds the classes.

    It learns in float64; `q_table` holds Q(c(s, a)). Of episodes of more than 4,096 steps the last ones are
    replayed.

    Parameters
    ----------
    ties
        Classes of the pairs [S, A], integers from 0 to S A - 1, as an array or a `Table`. None: each pair is
        a class of its own, and this is Q-learning.
    learning_rate, discount
        0 to 1.
    epsilon
        Of the first episode, 0 to 1.
    epsilon_decay
        By which epsilon is multiplied after each episode, 0 to 1.
    num_replays
        At least 0.
    initial_q
        A number that all entries begin as.
    """

    ties: Table | ArrayLike | None = None
    learning_rate: float = 0.5
    discount: float = 0.95
    epsilon: float = 0.0
    epsilon_decay: float = 1.0
    num_replays: int = 1
    initial_q: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ties is not None:
            object.__setattr__(self, "ties", _accepted(self.ties))
        for name in ("learning_rate", "discount", "epsilon", "epsilon_decay"):
            checks.keep(self, name, checks.real, 0.0, 1.0)
        checks.keep(self, "num_replays", checks.integer, 0, 2**20)
        checks.keep(self, "initial_q", checks.real, -(2.0**126), 2.0**126)

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        ties = self.ties
        classes = ties.values.astype(np.int32).ravel() if isinstance(ties, Table) else np.empty(0, np.int32)
        return _core.TiedQLearning(
            classes=classes,
            learning_rate=float(self.learning_rate),
            discount=float(self.discount),
            epsilon=float(self.epsilon),
            epsilon_decay=float(self.epsilon_decay),
            num_replays=int(self.num_replays),
        )

    def check_sizes(self, num_states: int, num_actions: int) -> None:
        """Refuse tasks of S states and A actions that are not those of the ties."""
        super().check_sizes(num_states, num_actions)
        if isinstance(self.ties, Table) and self.ties.values.shape != (num_states, num_actions):
            s, a = self.ties.values.shape
            raise ValueError(
                f"the learner's ties have {s} states and {a} actions, the tasks "
                f"{num_states} and {num_actions}"
            )


def _accepted(ties: Table | ArrayLike) -> Table:
    """Return classes as a table."""
    values = ties.values if isinstance(ties, Table) else checks.array(ties, "ties", np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"ties has shape {values.shape}, expected (S, A)")
    checks.finite(values, "ties")
    bad = (values < 0) | (values >= values.size) | (values != np.floor(values))
    last = values.size - 1
    for place in np.argwhere(bad)[:1].tolist():
        raise ValueError(f"ties{place} is {values[tuple(place)]}, expected an integer from 0 to {last}")
    return Table(values)
