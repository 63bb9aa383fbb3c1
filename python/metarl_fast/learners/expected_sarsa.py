"""Expected SARSA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core
from metarl_fast.learners.td import TdLearner


@dataclass(frozen=True)
class ExpectedSarsa(TdLearner):
    """Tabular expected SARSA: like SARSA, with the mean over the next actions in place of the one drawn.

    q(s, a) moves by the learning rate towards r + discount * sum_a' pi(a' | s') q(s', a'), pi being the
    behaviour; the second term is dropped when the episode terminated (van Seijen, van Hasselt, Whiteson and
    Wiering 2009; Sutton and Barto, 2nd ed., equation 6.9).

    The step-by-step learner takes pi to be the behaviour of the first episode, without a bonus.
    """

    _rule = "expected_sarsa"

    def update(
        self, state: int, action: int, reward: float, next_state: int, terminated: bool = False
    ) -> None:
        """Learn from one transition, at the constant learning rate; `terminated` if it ended the episode.

        Raises
        ------
        ValueError, TypeError
            For states and actions out of range, or a reward that is not finite.
        """
        self._check_transition(state, action, reward, next_state, terminated)
        q, rate = self.q_table, self._rate(state, action)
        ahead = 0.0 if terminated else self.discount * self._expected(q[next_state])
        q[state, action] = (1.0 - rate) * q[state, action] + rate * (reward + ahead)

    def _expected(self, values: NDArray[np.float64]) -> float:
        """Return the mean of a state's values [A] under the behaviour of the first episode."""
        values = values[values > -np.inf]  # of the actions that are available
        if self.temperature is None:
            epsilon = self.epsilons(1)[0]
            return float(epsilon * values.mean() + (1.0 - epsilon) * values.max())
        weights = _core.exp((values - values.max()) / self.temperatures(1))
        return float((weights * values).sum() / weights.sum())
