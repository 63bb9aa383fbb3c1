"""Double Q-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners.td import TdLearner


@dataclass(frozen=True)
class DoubleQLearning(TdLearner):
    """Tabular double Q-learning: two tables, so that no value is the largest of its own errors.

    On each step a fair coin says which table learns, L, and which one judges, O: L(s, a) moves by the
    learning rate towards r + discount * O(s', a*), a* being the first best action of L in s'; the second term
    is dropped when the episode terminated (van Hasselt 2010; Sutton and Barto, 2nd ed., equation 6.10). The
    behaviour goes by the sum of both tables. Each table counts its own updates for the decay of the learning
    rate; the bonus counts those of both.
    """

    _rule = "double_q_learning"
    _num_tables: ClassVar[int] = 2

    @property
    def q_tables(self) -> NDArray[np.float64]:
        """The step-by-step learner's two tables [2, S, A]. `train` does not touch them."""
        return self._tables

    @property
    def q_table(self) -> NDArray[np.float64]:
        """The mean of both tables [S, A], as a copy that cannot be written to."""
        mean: NDArray[np.float64] = (self.q_tables[0] + self.q_tables[1]) * 0.5
        mean.flags.writeable = False
        return mean

    def update(
        self,
        state: int,
        action: int,
        reward: float,
        next_state: int,
        terminated: bool = False,
        *,
        second: bool,
    ) -> None:
        """Learn from one transition, at the constant learning rate; `terminated` if it ended the episode.

        `second` says which table learns: `q_tables[1]`, else `q_tables[0]`. It should be a fair coin.

        Raises
        ------
        ValueError, TypeError
            For states and actions out of range, or a reward that is not finite.
        """
        self._check_transition(state, action, reward, next_state, terminated)
        which = int(checks.flag(second, "second"))
        learning, other = self.q_tables[which], self.q_tables[1 - which]
        ahead = 0.0 if terminated else self.discount * other[next_state, learning[next_state].argmax()]
        rate = self._rate(state, action)
        learning[state, action] = (1.0 - rate) * learning[state, action] + rate * (reward + ahead)
