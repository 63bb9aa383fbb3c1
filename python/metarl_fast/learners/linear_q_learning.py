"""Q-learning with linear values."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast.learners.linear import LinearLearner


@dataclass(frozen=True)
class LinearQLearning(LinearLearner):
    """Q-learning with linear values: the target is r + discount * max_a' q(s', a').

    The second term is dropped when the episode terminated. Of what is off-policy and learns from values of
    its own making no linear method need converge (Sutton and Barto, 2nd ed., section 11.3); weights are held
    within the numbers that a table holds.
    """

    _rule = "q_learning"
