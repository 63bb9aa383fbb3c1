"""SARSA."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import checks
from metarl_fast.learners.td import TdLearner


@dataclass(frozen=True)
class Sarsa(TdLearner):
    """Tabular SARSA: on-policy, it learns the values of its own behaviour, exploration included.

    q(s, a) moves by the learning rate towards r + discount * q(s', a'), a' being the action taken next; the
    second term is dropped when the episode terminated (Rummery and Niranjan 1994; Sutton and Barto, 2nd ed.,
    equation 6.7).
    """

    _rule = "sarsa"
    chooses_ahead = True

    def update(
        self,
        state: int,
        action: int,
        reward: float,
        next_state: int,
        next_action: int,
        terminated: bool = False,
    ) -> None:
        """Learn from one transition, at the constant learning rate; `terminated` if it ended the episode.

        `next_action` is the action that will be taken in `next_state`; when the episode terminated it may be
        any.

        Raises
        ------
        ValueError, TypeError
            For states and actions out of range, or a reward that is not finite.
        """
        self._check_transition(state, action, reward, next_state, terminated)
        checks.integer(next_action, "next_action", 0, self._sizes()[1] - 1)
        q, rate = self.q_table, self._rate(state, action)
        ahead = 0.0 if terminated else self.discount * q[next_state, next_action]
        q[state, action] = (1.0 - rate) * q[state, action] + rate * (reward + ahead)
