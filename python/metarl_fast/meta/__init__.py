"""Meta-learners: they look across tasks and give the learner a start on new ones; one a file."""

from metarl_fast.meta.average_q import AverageQ
from metarl_fast.meta.policy_prior import MetaLearner
from metarl_fast.meta.reptile import Reptile
from metarl_fast.meta.start import load

__all__ = ["AverageQ", "MetaLearner", "Reptile", "load"]
