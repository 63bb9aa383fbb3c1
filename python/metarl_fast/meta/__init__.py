"""Meta-learners: they look across tasks and give the learner a start on new ones; one a file."""

from typing import TYPE_CHECKING

from metarl_fast.listing import public_names
from metarl_fast.meta.average_q import AverageQ as AverageQ
from metarl_fast.meta.policy_prior import MetaLearner as MetaLearner
from metarl_fast.meta.reptile import Reptile as Reptile
from metarl_fast.meta.start import load as load

if not TYPE_CHECKING:  # checkers read the import lines themselves
    __all__ = sorted(public_names(globals()))
