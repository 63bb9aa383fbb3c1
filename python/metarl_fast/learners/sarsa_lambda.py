"""SARSA(lambda)."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import checks
from metarl_fast.learners.traces import TraceLearner


@dataclass(frozen=True)
class SarsaLambda(TraceLearner):
    """Tabular SARSA(lambda): SARSA whose errors reach back along the whole path of the episode.

    The error of a step is r + discount * q(s', a') - q(s, a), a' being the action taken next; its second term
    is dropped when the episode terminated (Rummery and Niranjan 1994; Sutton and Barto, 2nd ed.,
    section 12.7).

    Parameters
    ----------
    trace_decay
        Lambda, 0 to 1: 0 is SARSA.
    trace_kind
        "replacing", which also ends the traces of the state's other actions, or "accumulating".
    """

    _rule = "sarsa_lambda"

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
        ahead = 0.0 if terminated else self.discount * self.q_table[next_state, next_action]
        self._learn(state, action, reward + ahead, terminated)
