"""Meta-reinforcement learning on tabular Markov decision processes, fast.

Notation used throughout: N tasks, S states, A actions, K outcomes of a (state, action), E episodes.
A task is an outcome list: each (state, action) has outcomes (probability, next state, reward,
terminated). See `Tasks` for the arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

try:
    from metarl_fast import _core as _core
except ImportError as error:
    if hasattr(error, "add_note"):
        error.add_note(
            "metarl_fast's compiled core is missing or was built for another Python. "
            "Build it with `pip install .` in the source folder."
        )
    raise

from metarl_fast import shards as shards
from metarl_fast.average_reward import LongRun as LongRun
from metarl_fast.average_reward import LongRunSolution as LongRunSolution
from metarl_fast.average_reward import average_reward as average_reward
from metarl_fast.average_reward import gain_and_bias as gain_and_bias
from metarl_fast.citation import cite as cite
from metarl_fast.citation import from_citation as from_citation
from metarl_fast.compare import compare as compare
from metarl_fast.comparison import Comparison as Comparison
from metarl_fast.compat import *
from metarl_fast.conjugate import dirichlet_from_counts as dirichlet_from_counts
from metarl_fast.conjugate import dirichlet_from_probabilities as dirichlet_from_probabilities
from metarl_fast.conjugate import normal_from_means as normal_from_means
from metarl_fast.contexts import Contexts as Contexts
from metarl_fast.data import from_arrays as from_arrays
from metarl_fast.data import from_outcomes as from_outcomes
from metarl_fast.describe import MeasureCard as MeasureCard
from metarl_fast.describe import describe as describe
from metarl_fast.diagnose import diagnose as diagnose
from metarl_fast.diagnosis import Diagnosis as Diagnosis
from metarl_fast.dynamic_regret import DynamicRegret as DynamicRegret
from metarl_fast.dynamic_regret import dynamic_regret as dynamic_regret
from metarl_fast.dynamic_regret import regret_of_returns as regret_of_returns
from metarl_fast.engine import train as train
from metarl_fast.episode_contexts import EpisodeContexts as EpisodeContexts
from metarl_fast.evaluate import AdaptationCurve as AdaptationCurve
from metarl_fast.evaluate import Bounds as Bounds
from metarl_fast.evaluate import adapt as adapt
from metarl_fast.evaluate import bounds as bounds
from metarl_fast.evaluate import score as score
from metarl_fast.factors import factors as factors
from metarl_fast.families import *
from metarl_fast.histories import Histories as Histories
from metarl_fast.history import History as History
from metarl_fast.in_context import InContext as InContext
from metarl_fast.in_context import act_in_context as act_in_context
from metarl_fast.joining import concatenate as concatenate
from metarl_fast.known_tasks import known_tasks as known_tasks
from metarl_fast.learners import *
from metarl_fast.listing import public_names as _public_names
from metarl_fast.meta import *
from metarl_fast.modified_policy_iteration import modified_policy_iteration as modified_policy_iteration
from metarl_fast.noise import Noise as Noise
from metarl_fast.occupancy import long_run_occupancy as long_run_occupancy
from metarl_fast.occupancy import occupancy as occupancy
from metarl_fast.planning import backward_induction as backward_induction
from metarl_fast.planning import policy_evaluation as policy_evaluation
from metarl_fast.planning import policy_iteration as policy_iteration
from metarl_fast.planning import value_iteration as value_iteration
from metarl_fast.policies import greedy_policy as greedy_policy
from metarl_fast.policies import softmax_policy as softmax_policy
from metarl_fast.policy_gradient import PolicyGradient as PolicyGradient
from metarl_fast.policy_gradient import policy_gradient as policy_gradient
from metarl_fast.progress_bar import ProgressBar as ProgressBar
from metarl_fast.queries import Queries as Queries
from metarl_fast.relabelling import relabel as relabel
from metarl_fast.replay import ReplayGradient as ReplayGradient
from metarl_fast.replay import replay as replay
from metarl_fast.replay import replay_gradient as replay_gradient
from metarl_fast.robust_statistics import interquartile_mean as interquartile_mean
from metarl_fast.robust_statistics import optimality_gap as optimality_gap
from metarl_fast.robust_statistics import performance_profile as performance_profile
from metarl_fast.robust_statistics import probability_of_improvement as probability_of_improvement
from metarl_fast.runtime import build_info as build_info
from metarl_fast.simulator import Simulator as Simulator
from metarl_fast.solutions import BoundedSolution as BoundedSolution
from metarl_fast.solutions import PolicyValues as PolicyValues
from metarl_fast.solutions import Solution as Solution
from metarl_fast.solutions import SolverInfo as SolverInfo
from metarl_fast.statistics import Interval as Interval
from metarl_fast.statistics import bootstrap_mean as bootstrap_mean
from metarl_fast.stay_probabilities import StayProbabilities as StayProbabilities
from metarl_fast.stay_probabilities import stay_probabilities as stay_probabilities
from metarl_fast.store import load as load
from metarl_fast.store import save as save
from metarl_fast.tasks import Task as Task
from metarl_fast.tasks import Tasks as Tasks
from metarl_fast.train_result import TrainResult as TrainResult
from metarl_fast.tuning import Tuning as Tuning
from metarl_fast.tuning import tune as tune
from metarl_fast.when_imported import when_imported as _when_imported

__version__: str = build_info()["version"]

if not _TYPE_CHECKING:  # checkers read the import lines themselves
    __all__ = sorted([*_public_names(globals()), "__version__", "shards"])


def _register_environments() -> None:
    """Make ids of environments known to Gymnasium, unless it is too old for them."""
    from contextlib import suppress
    from importlib import import_module

    with suppress(Exception):
        import_module("metarl_fast.envs")


# `gymnasium.make("metarl_fast:metarl/RL2MDP-v0")` imports this package, or finds it imported already.
_when_imported("gymnasium", _register_environments)


def __getattr__(name: str) -> _Any:
    """Import what needs an extra when it is named."""
    if name in ("distributed", "envs"):
        from importlib import import_module

        return import_module(f"metarl_fast.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Show the public names alone, to who presses Tab."""
    return sorted([*_public_names(globals()), "__version__", "shards"])
