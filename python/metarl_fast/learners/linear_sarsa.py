"""SARSA with linear values."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast.learners.linear import LinearLearner


@dataclass(frozen=True)
class LinearSarsa(LinearLearner):
    """SARSA with linear values: the target is r + discount * q(s', a'), a' being the action taken next.

    The second term is dropped when the episode terminated (Sutton and Barto, 2nd ed., section 10.1, the
    episodic semi-gradient algorithm).
    """

    _rule = "sarsa"
