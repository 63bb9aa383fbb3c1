"""Learners: small frozen dataclasses of hyper-parameters, one a file."""

from metarl_fast.learners.base import Learner
from metarl_fast.learners.double_q_learning import DoubleQLearning
from metarl_fast.learners.expected_sarsa import ExpectedSarsa
from metarl_fast.learners.q_lambda import QLambda
from metarl_fast.learners.q_learning import QLearning
from metarl_fast.learners.sarsa import Sarsa
from metarl_fast.learners.sarsa_lambda import SarsaLambda
from metarl_fast.learners.schedules import Linear

__all__ = [
    "DoubleQLearning",
    "ExpectedSarsa",
    "Learner",
    "Linear",
    "QLambda",
    "QLearning",
    "Sarsa",
    "SarsaLambda",
]
