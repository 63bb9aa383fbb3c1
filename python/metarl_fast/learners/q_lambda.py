"""Q(lambda)."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast.learners.traces import TraceLearner


@dataclass(frozen=True)
class QLambda(TraceLearner):
    """Tabular Q(lambda), Watkins's: Q-learning whose errors reach back to the last exploratory action.

    The error of a step is r + discount * max_a' q(s', a') - q(s, a), its second term dropped when the episode
    terminated. An action that was not a best one ends the path before it: what follows says nothing of the
    greedy policy's values there (Watkins 1989; Sutton and Barto, 2nd ed., section 12.10).

    Parameters
    ----------
    trace_decay
        Lambda, 0 to 1: 0 is Q-learning.
    trace_kind
        "replacing", which also ends the traces of the state's other actions, or "accumulating".
    """

    _rule = "q_lambda"

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
        q = self.q_table
        if q[state, action] < q[state].max():
            self.traces[:] = 0.0
        ahead = 0.0 if terminated else self.discount * q[next_state].max()
        self._learn(state, action, reward + ahead, terminated)
