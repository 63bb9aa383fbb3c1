"""Meta-reinforcement learning on tabular Markov decision processes, fast.

Notation used throughout: N tasks, S states, A actions, K outcomes of a (state, action), E episodes.
A task is an outcome list: each (state, action) has outcomes (probability, next state, reward,
terminated). See `Tasks` for the arrays.
"""

from __future__ import annotations

from importlib.metadata import version as _version

try:
    from metarl_fast import _core as _core
except ImportError as error:
    if hasattr(error, "add_note"):
        error.add_note(
            "metarl_fast's compiled core is missing or was built for another Python. "
            "Build it with `pip install .` in the source folder."
        )
    raise

from metarl_fast.compat.cassandra import MdpFile, read_mdp
from metarl_fast.compat.gymnasium import from_gymnasium
from metarl_fast.data import from_arrays, from_outcomes
from metarl_fast.engine import TrainResult, train
from metarl_fast.evaluate import AdaptationCurve, Bounds, adapt, bounds, score
from metarl_fast.families import (
    Anywhere,
    Cells,
    Dirichlet,
    Family,
    FamilyPart,
    Fixed,
    FrozenLakeMaps,
    Garnet,
    GoalGrid,
    Normal,
    Region,
    TaskDistribution,
    Uniform,
)
from metarl_fast.learners import (
    DoubleQLearning,
    ExpectedSarsa,
    Linear,
    QLambda,
    QLearning,
    Sarsa,
    SarsaLambda,
)
from metarl_fast.meta import AverageQ, MetaLearner, Reptile, load
from metarl_fast.planning import (
    PolicyValues,
    Solution,
    backward_induction,
    policy_evaluation,
    policy_iteration,
    value_iteration,
)
from metarl_fast.policies import greedy_policy
from metarl_fast.runtime import build_info
from metarl_fast.statistics import Interval, bootstrap_mean
from metarl_fast.tasks import Task, Tasks, concatenate

__version__ = _version("metarl-fast")

__all__ = [
    "AdaptationCurve",
    "Anywhere",
    "AverageQ",
    "Bounds",
    "Cells",
    "Dirichlet",
    "DoubleQLearning",
    "ExpectedSarsa",
    "Family",
    "FamilyPart",
    "Fixed",
    "FrozenLakeMaps",
    "Garnet",
    "GoalGrid",
    "Interval",
    "Linear",
    "MdpFile",
    "MetaLearner",
    "Normal",
    "PolicyValues",
    "QLambda",
    "QLearning",
    "Region",
    "Reptile",
    "Sarsa",
    "SarsaLambda",
    "Solution",
    "Task",
    "TaskDistribution",
    "Tasks",
    "TrainResult",
    "Uniform",
    "__version__",
    "adapt",
    "backward_induction",
    "bootstrap_mean",
    "bounds",
    "build_info",
    "concatenate",
    "from_arrays",
    "from_gymnasium",
    "from_outcomes",
    "greedy_policy",
    "load",
    "policy_evaluation",
    "policy_iteration",
    "read_mdp",
    "score",
    "train",
    "value_iteration",
]
