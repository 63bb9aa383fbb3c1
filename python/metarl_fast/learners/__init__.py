"""Learners: small frozen dataclasses of hyper-parameters, one a file."""

from metarl_fast.learners.q_learning import QLearning

__all__ = ["QLearning"]
