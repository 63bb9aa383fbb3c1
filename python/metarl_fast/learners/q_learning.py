"""Q-learning."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast.learners.td import TdLearner


@dataclass(frozen=True)
class QLearning(TdLearner):
    """Tabular Q-learning.

    q(s, a) moves by the learning rate towards r + discount * max_a' q(s', a'); the second term is dropped
    when the episode terminated (Watkins 1989; Sutton and Barto, 2nd ed., equation 6.8). With
    `learning_rate=1, discount=1` the update is exactly q[s, a] = r + max q[s'].
    """

    _rule = "q_learning"

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
        ahead = 0.0 if terminated else self.discount * q[next_state].max()
        q[state, action] = (1.0 - rate) * q[state, action] + rate * (reward + ahead)
