"""Every public entry refuses bad input by a standard exception with the value in it, and lives on."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

import metarl_fast as mf
from following import MORE
from metarl_fast import checks
from metarl_fast.learners import LEARNERS, TD_LEARNERS
from metarl_fast.learners.traces import TraceLearner
from metarl_fast.listing import concrete
from metarl_fast.meta import METAS
from metarl_fast.result import Result
from refusals import Table

NAN, INF = math.nan, math.inf
S, A, N = 3, 2, 4
ROWS = np.full((N, S, A, S), 1 / S)
REWARDS = np.zeros((N, S, A))
TASKS = mf.from_arrays(ROWS, REWARDS, horizon=5)
ENDLESS = mf.from_arrays(ROWS, REWARDS)
LIMITS = mf.bounds(TASKS, 0.9)
FAMILY = mf.TaskDistribution(S, A, horizon=5)
LEARNER = mf.QLearning(S, A)
FITTED = mf.AverageQ().fit(TASKS, LEARNER, 1, rng=0)
DECAYING = dataclasses.replace(LEARNER, epsilon_decay=0.5)
COOLING = dataclasses.replace(LEARNER, temperature=1.0, temperature_decay=0.5)
POLICY = np.full((S, A), 1 / A)
Q = np.zeros((N, S, A))
STAY = [(1.0, 0, 0.0, False)]
CURVE = mf.AdaptationCurve((0,), np.zeros((N, 1)), np.zeros((N, 0)))

TABLE = Table()
refuses = TABLE.add


def refuses_all(entry, call, rows):
    """`call(value)` refuses each (value, error, text)."""
    for value, error, text in rows:
        refuses(entry, f"{value!r:.60}", partial(call, value), error, text)


# --- numbers --------------------


def refuses_numbers(entry, name, call, low=None, high=None, lists=([0.5], np.array([0.5]))):
    """`call(value)` wants a finite number; `low` and `high` are just out of its range."""
    for value in (True, "0.5", 0.5j, *lists):
        refuses(entry, f"{name}={value!r}", partial(call, value), TypeError, f"{name} is {value!r}")
    for value in (NAN, INF, -INF, low, high):
        if value is not None:
            refuses(entry, f"{name}={value}", partial(call, value), ValueError, f"{name} is {value}")
    refuses(entry, f"{name}=10**400", partial(call, 10**400), ValueError, f"{name} is inf")


def refuses_counts(entry, name, call, low):
    """`call(value)` wants an integer above `low`."""
    for value in (True, np.True_, 2.0, NAN, "2", 2j):
        refuses(entry, f"{name}={value!r}", partial(call, value), TypeError, f"{name} is {value!r}")
    for value in (low, -(2**70), 2**70):
        refuses(entry, f"{name}={value}", partial(call, value), ValueError, f"{name} is {value}")


def with_keyword(function, name, *arguments, **keywords):
    return lambda value: function(*arguments, **{**keywords, name: value})


NUMBERS = (
    ("learning_rate", -0.1, 1.1),
    ("discount", -0.1, 1.1),
    ("epsilon", -0.1, 1.1),
    ("epsilon_decay", -0.1, 1.1),
    ("epsilon_min", -0.1, 1.1),
    ("learning_rate_decay", -0.1, None),
    ("initial_q", None, None),
    ("bonus", -0.1, None),
    ("temperature", 0.0, None),
    ("temperature_decay", 0.0, 1.1),
    ("temperature_min", -0.1, None),
)
for kind in TD_LEARNERS:
    entry, traces = kind.__name__, issubclass(kind, TraceLearner)
    for name, low, high in (*NUMBERS, *([("trace_decay", -0.1, 1.1)] if traces else [])):
        lists = () if name in ("epsilon", "temperature") else ([0.5], np.array([0.5]))  # schedules
        refuses_numbers(entry, name, with_keyword(kind, name, S, A), low, high, lists)
    transition = {"state": 0, "action": 0, "reward": 0.0, "next_state": 0, **MORE.get(kind, {})}
    update = kind(S, A).update
    for name in ("state", "action", "next_state", *({"next_action"} & set(transition))):
        refuses_counts(f"{entry}.update", name, with_keyword(update, name, **transition), -1)
        call = partial(update, **{**transition, name: S})
        refuses(f"{entry}.update", f"{name}=S", call, ValueError, f"{name} is {S}")
    refuses_numbers(f"{entry}.update", "reward", with_keyword(update, "reward", **transition))
    for ended in ("False", 1, None, [True]):
        call = partial(update, **transition, terminated=ended)
        refuses(f"{entry}.update", f"terminated={ended!r}", call, TypeError, f"terminated is {ended!r}")
    refuses_counts(f"{entry}.epsilons", "num_episodes", kind(S, A).epsilons, -1)
    refuses_counts(f"{entry}.temperatures", "num_episodes", kind(S, A, temperature=1.0).temperatures, -1)
    refuses(
        f"{entry}.temperatures",
        "epsilon-greedy",
        lambda k=kind: k(S, A).temperatures(1),
        ValueError,
        "temperature is None",
    )
double = mf.DoubleQLearning(S, A)
for second in (0, 1.0, None):
    call = partial(double.update, 0, 0, 0.0, 0, second=second)
    refuses("DoubleQLearning.update", f"second={second}", call, TypeError, f"second is {second}")
refuses("DoubleQLearning.update", "no second", partial(double.update, 0, 0, 0.0, 0), TypeError, "'second'")
refuses("DoubleQLearning.q_table", "", partial(double.q_table.fill, 1.0), ValueError, "read-only")
for abstract in (mf.Learner, mf.TdLearner, mf.TdSettings, mf.PolicyGradientLearner):
    name = abstract.__name__
    refuses(name, "", partial(abstract, S, A), TypeError, f"abstract class {name}")

refuses("Mixture", "1", lambda: mf.Mixture(1), TypeError, "families is 1, expected a tuple")
refuses("Permuted", "1", lambda: mf.Permuted(1), TypeError, "family is 1, expected a family")
for entry, combination in (("Switching", mf.Switching), ("Drifting", mf.Drifting)):
    refuses(entry, "1", partial(combination, 1, every=2), TypeError, "family is 1, expected a family")
    refuses(entry, "every=0", partial(combination, FAMILY, every=0), ValueError, "every is 0, expected at")
refuses("Darkroom", "0", lambda: mf.Darkroom(0), ValueError, "size is 0, expected at least 1")
refuses("GridNavi", "start", lambda: mf.GridNavi(start=1), TypeError, "start is 1, expected two integers")
refuses("GridWorld", "1", lambda: mf.GridWorld(1), TypeError, "rows is 1, expected rows of text")
refuses("Driving", "roads", lambda: mf.Driving(roads=1), TypeError, "roads is 1, expected a tuple of")
refuses("LpgGrid", "3", lambda: mf.LpgGrid(3, 1, 1, 1), TypeError, "rewards is 1, expected a tuple of")
refuses("LogUniform", "0", lambda: mf.LogUniform(0.0, 1.0), ValueError, "low is 0.0, expected a finite")
refuses("Maze", "2", lambda: mf.Maze(2), ValueError, "size is (2, 2), expected odd numbers")
refuses("FourRooms", "goals", lambda: mf.FourRooms(goals=1), TypeError, "goals is 1, expected Anywhere()")
refuses("KeyToDoor", "pairs", lambda: mf.KeyToDoor(2, pairs=1), TypeError, "pairs is 1, expected")
refuses("RiverSwim", "0", lambda: mf.RiverSwim(0), ValueError, "num_states is 0, expected at least 2")
refuses("Perturbed", "1", lambda: mf.Perturbed(1), TypeError, "base is 1, expected a task or a family")
for combination in (mf.SharedDynamics, mf.SharedRewards, mf.HiddenParameter, mf.BlockMdp):
    refuses(combination.__name__, "1", partial(combination, 1), TypeError, "family is 1, expected a family")
refuses("TwoStep", "2", lambda: mf.TwoStep(2), ValueError, "common is 2")
refuses("stay_probabilities", "5", lambda: mf.stay_probabilities(5), TypeError, "history is a int")
refuses_counts("LowRank", "rank", with_keyword(mf.LowRank, "rank"), 0)
for combination in (
    mf.BernoulliRewards,
    mf.Shaped,
    mf.WithRewards,
    mf.WithStart,
    mf.Slippery,
    mf.TimeInState,
    mf.Seasonal,
):
    given = ((0.0, 0.0, 0.0),) if combination is mf.Shaped else ()
    refuses(combination.__name__, "1", partial(combination, 1, *given), TypeError, "family is 1, expected a")
refuses("FixedTask", "", mf.FixedTask, TypeError, "abstract class FixedTask")
for chain, name in ((mf.NChain, "num_states"), (mf.StochasticChain, "length"), (mf.DeepSea, "size")):
    refuses_counts(chain.__name__, name, chain, 0)
for textbook in (mf.SmallGridworld, mf.WindyGridworld, mf.CliffWalking, mf.DynaMaze, mf.JacksCarRental):
    refuses_counts(textbook.__name__, "horizon", with_keyword(textbook, "horizon"), 0)
refuses_counts("RandomWalk", "num_states", mf.RandomWalk, 0)
refuses_counts("GamblersProblem", "goal", mf.GamblersProblem, 1)
refuses_counts("MaximizationBias", "num_actions", mf.MaximizationBias, 1)
refuses("Blackjack.split", "", lambda: mf.Blackjack().split(), ValueError, "is a single task")
refuses_counts("BernoulliBandit", "num_arms", mf.BernoulliBandit, 0)
refuses_counts("InformativeBandit", "num_arms", mf.InformativeBandit, 1)
refuses("AnyMdp", "7", lambda: mf.AnyMdp(7), ValueError, "num_states is 7, expected at least 8")
refuses("DependentBandit", "()", lambda: mf.DependentBandit(()), ValueError, "first is empty")
refuses_numbers("GaussianBandit", "noise", with_keyword(mf.GaussianBandit, "noise"), -0.1)
refuses_counts("LinearBandit", "dimension", with_keyword(mf.LinearBandit, "dimension"), 0)
refuses("tune", "1", lambda: mf.tune(1, FAMILY), TypeError, "learner is a int, expected one such as")
task = FAMILY.sample(1, rng=0)[0]
for entry, call in (("Simulator", mf.Simulator), ("Agent", LEARNER.agent)):
    refuses(entry, "Tasks", partial(call, task.batch, rng=0), TypeError, "task is a Tasks, expected")
    refuses(entry, "dtype=int", partial(call, task, dtype=int), ValueError, "expected float32 or float64")
    refuses(entry, "rng=-1", partial(call, task, rng=-1), ValueError, "rng is -1")
for entry in (*LEARNERS, mf.TaskDistribution, mf.MetaLearner):
    refuses_counts(entry.__name__, "num_states", with_keyword(entry, "num_states", num_actions=A), 0)
    refuses_counts(entry.__name__, "num_actions", with_keyword(entry, "num_actions", num_states=S), 0)
refuses_numbers("MetaLearner", "learning_rate", with_keyword(mf.MetaLearner, "learning_rate", S, A), 0.0)
refuses_numbers("PolicyPrior", "learning_rate", with_keyword(mf.PolicyPrior, "learning_rate"), 0.0)
refuses_numbers("Maml", "step_size", with_keyword(mf.Maml, "step_size"), 0.0)
refuses_numbers("Maml", "temperature", with_keyword(mf.Maml, "temperature"), 0.0)
refuses_numbers("PolicyMaml", "step_size", with_keyword(mf.PolicyMaml, "step_size"), 0.0)
refuses_numbers("MetaSgd", "rate_step_size", with_keyword(mf.MetaSgd, "rate_step_size"), 0.0, 1.1)
refuses_numbers("PolicyReptile", "step_size", with_keyword(mf.PolicyReptile, "step_size"), 0.0, 1.1)
refuses_numbers("PolicyImaml", "strength", with_keyword(mf.PolicyImaml, "strength"), 0.0)
refuses_counts("PolicyImaml", "num_products", with_keyword(mf.PolicyImaml, "num_products"), -1)
refuses_numbers("EsMaml", "spread", with_keyword(mf.EsMaml, "spread"), 0.0)
refuses_counts("EsMaml", "num_pairs", with_keyword(mf.EsMaml, "num_pairs"), 0)
for name in ("learning_rate", "discount", "trace_decay", "epsilon", "meta_step_size"):
    refuses_numbers("MetaGradientQ", name, with_keyword(mf.MetaGradientQ, name), -0.1, 1.1)
refuses_all(
    "MetaGradientQ",
    lambda adapts: mf.MetaGradientQ(adapts=adapts),
    ((5, TypeError, "adapts is 5, expected some of"), (["x"], ValueError, "adapts has 'x', expected some")),
)
refuses_counts("Maml", "fresh_episodes", with_keyword(mf.Maml, "fresh_episodes"), 0)
refuses_numbers("Reptile", "step_size", with_keyword(mf.Reptile, "step_size"), 0.0, 1.1)
refuses_numbers(
    "ConjugatePrior", "inner_held_out", with_keyword(mf.ConjugatePrior, "inner_held_out"), -0.1, 1.1
)
refuses_counts("ConjugatePrior", "experience", with_keyword(mf.ConjugatePrior, "experience"), -1)
refuses("ConjugatePrior", "shared=5", lambda: mf.ConjugatePrior(shared=5), TypeError, "shared is 5")
refuses(
    "EmpiricalBayes", "end_rewards=5", lambda: mf.EmpiricalBayes(end_rewards=5), TypeError, "end_rewards is 5"
)
for name in ("inner_held_out", "neighbours"):
    refuses_numbers("EmpiricalBayes", name, with_keyword(mf.EmpiricalBayes, name), -0.1, 1.1)
for name, low, high in (
    ("discount", -0.1, 1.1),
    ("transition_strength", 0.0, None),
    ("reward_strength", 0.0, None),
    ("bonus", -0.1, None),
    ("bonus_decay", -0.1, None),
):
    refuses_numbers("PosteriorPlanner", name, with_keyword(mf.PosteriorPlanner, name), low, high)
refuses_counts("DynaQ", "planning_steps", with_keyword(mf.DynaQ, "planning_steps"), -1)
for name, low, high in (("learning_rate", -0.1, 1.1), ("discount", -0.1, 1.1), ("epsilon", -0.1, 1.1)):
    refuses_numbers("TiedQLearning", name, with_keyword(mf.TiedQLearning, name), low, high)
for kind in (mf.Reinforce, mf.ActorCritic, mf.NaturalActorCritic):
    for name, low, high in (
        ("learning_rate", -0.1, None),
        ("value_learning_rate", -0.1, None),
        ("discount", -0.1, 1.1),
        ("initial_value", None, None),
    ):
        refuses_numbers(kind.__name__, name, with_keyword(kind, name), low, high)
refuses_counts("TiedQLearning", "num_replays", with_keyword(mf.TiedQLearning, "num_replays"), -1)
refuses_numbers(
    "LearnedPolicyGradient", "discount", with_keyword(mf.LearnedPolicyGradient, "discount"), -0.1, 1.1
)
refuses_counts(
    "LearnedPolicyGradient", "path_length", with_keyword(mf.LearnedPolicyGradient, "path_length"), 0
)
refuses_counts("LearnedUpdate", "num_pairs", with_keyword(mf.LearnedUpdate, "num_pairs"), 0)
for name in ("spread", "step_size"):
    refuses_numbers("LearnedUpdate", name, with_keyword(mf.LearnedUpdate, name), -0.1)
refuses_counts("PosteriorPlanner", "num_sweeps", with_keyword(mf.PosteriorPlanner, "num_sweeps"), 0)
refuses(
    "PosteriorPlanner", "prior=5", lambda: mf.PosteriorPlanner(prior=5), TypeError, "prior is 5, expected"
)
for name, high in (("surprise", 0.6), ("reward_deviation", None), ("reward_noise", None)):
    refuses_numbers("MixturePlanner", name, with_keyword(mf.MixturePlanner, name), 0.0, high)
refuses_all(
    "MixturePlanner",
    lambda planners: mf.MixturePlanner(planners=planners),
    (
        (5, TypeError, "planners is 5"),
        ((), TypeError, "planners is ()"),
        ([5], TypeError, "planners[0] is 5"),
    ),
)
refuses_all(
    "MixturePlanner",
    lambda weights: mf.MixturePlanner(weights=weights),
    (
        (5, TypeError, "weights is 5"),
        ((1, 2), ValueError, "2 weights for 1 planners"),
        ((0.0,), ValueError, "weights[0] is 0.0, expected a finite number above 0"),
    ),
)
refuses_all(
    "EmpiricalBayes",
    lambda num_kinds: mf.EmpiricalBayes(num_kinds=num_kinds),
    (
        (0, ValueError, "num_kinds is 0, expected"),
        (1.5, TypeError, "num_kinds is 1.5"),
        ((1, 65), ValueError, "num_kinds is 65"),
        ((2, 2), ValueError, "num_kinds is (2, 2), expected different numbers"),
        ((), ValueError, "num_kinds is (), expected"),
    ),
)
refuses_numbers("CommittedThompson", "doubt", with_keyword(mf.CommittedThompson, "doubt"), -0.1, 1.1)
refuses("CommittedThompson", "library=5", lambda: mf.CommittedThompson(library=5), TypeError, "library is 5")
refuses("known_tasks", "5", lambda: mf.known_tasks(5), TypeError, "tasks is a int, expected")
refuses("TaskLibrary", "[]", lambda: mf.TaskLibrary(*[[]] * 7), ValueError, "probabilities has shape (0,)")
refuses(
    "TaskPrior",
    "0 actions",
    lambda: mf.TaskPrior(np.zeros((S, 0)), [[0]], [[1]], "pair", [0], [0] * S, [0] * S),
    ValueError,
    "classes has shape (3, 0)",
)
for kind in (mf.LinearQLearning, mf.LinearSarsa):
    entry = kind.__name__
    refuses(entry, "features=5", lambda k=kind: k(features=5), TypeError, "features is 5, expected some such")
    refuses_numbers(entry, "learning_rate", with_keyword(kind, "learning_rate"), -0.1, 1.1)
for kind in (mf.TileCoding, mf.RandomTiles):
    refuses_counts(kind.__name__, "size", kind, 0)
    refuses_counts(kind.__name__, "num_tilings", with_keyword(kind, "num_tilings", 5), 0)
refuses_counts("TileCoding", "tile", with_keyword(mf.TileCoding, "tile", 5), 0)
refuses_counts("RandomTiles", "seed", with_keyword(mf.RandomTiles, "seed", 5), -1)
refuses("RandomTiles", "tile=5", lambda: mf.RandomTiles(5, 5), TypeError, "tile is 5, expected two integers")
refuses_all(
    "ListedFeatures",
    lambda value: mf.ListedFeatures([[0]], value),
    (
        (None, TypeError, "values has dtype object"),
        ([[NAN]], ValueError, "values[0, 0] is nan"),
        ([[1.0, 1.0]], ValueError, "values has shape (1, 2)"),
        ([[2.0]], ValueError, "values reach 2"),
        ([[0.0]], ValueError, "values[0] has squares that sum to 0"),
    ),
)
refuses_counts("EmpiricalBayes", "experience", with_keyword(mf.EmpiricalBayes, "experience"), -1)
refuses_numbers("OnlineReptile", "decay", with_keyword(mf.OnlineReptile, "decay"), -0.1, 1.1)
refuses_counts("SlidingWindow", "window", with_keyword(mf.SlidingWindow, "window"), 0)
refuses_numbers("ChangeDetecting", "threshold", with_keyword(mf.ChangeDetecting, "threshold"), 0.0)
for kind in (mf.SlidingWindow, mf.ChangeDetecting):
    refuses(kind.__name__, "meta=5", partial(kind, meta=5), TypeError, "meta is 5, expected a meta-learner")
refuses_counts("Tuned", "num_random", with_keyword(mf.Tuned, "num_random"), -1)
refuses_all(
    "Tuned",
    lambda method: mf.Tuned(method=method),
    ((5, TypeError, "method is 5"), ("cmaes", ValueError, "method is 'cmaes', expected 'es' or 'cma'")),
)
refuses("Tuned", "one pair", lambda: mf.Tuned(method="cma", num_pairs=1), ValueError, "num_pairs is 1")
refuses_counts("Tuned", "num_pairs", with_keyword(mf.Tuned, "num_pairs"), 0)
for kind in METAS:
    refuses_counts(kind.__name__, "tasks_per_iteration", with_keyword(kind, "tasks_per_iteration"), 0)

refuses_all(
    "Table",
    mf.Table,
    (
        (None, TypeError, "values has dtype object"),
        (5, ValueError, "values has shape ()"),
        (np.zeros((0, A)), ValueError, "values has shape (0, 2)"),
        ([[NAN]], ValueError, "values[0, 0] is nan"),
        ([[0.0, INF]], ValueError, "values[0, 1] is inf"),
    ),
)
refuses("QLearning.replace", "x=1", lambda: LEARNER.replace(x=1), TypeError, "QLearning has no setting 'x'")

refuses_numbers("Uniform", "low", with_keyword(mf.Uniform, "low"))
refuses_numbers("Uniform", "high", with_keyword(mf.Uniform, "high"), -0.1)
refuses_numbers("Linear", "first", lambda value: mf.Linear(value, 0.1, 5))
refuses_numbers("Linear", "last", lambda value: mf.Linear(0.1, value, 5))
refuses_counts("Linear", "num_episodes", lambda value: mf.Linear(0.1, 0.2, value), 0)
refuses("Uniform", "width", lambda: mf.Uniform(-1e308, 1e308), ValueError, "high - low is inf")
refuses_numbers("Normal", "mean", with_keyword(mf.Normal, "mean"))
refuses_numbers("Normal", "std", with_keyword(mf.Normal, "std"), -0.1)
refuses_numbers("Dirichlet", "alpha", mf.Dirichlet, 0.0)
refuses_counts("Garnet", "branching", mf.Garnet, 0)
refuses_numbers(
    "TaskDistribution", "reward_noise", with_keyword(mf.TaskDistribution, "reward_noise", S, A), -0.1
)
refuses_counts("TaskDistribution", "horizon", with_keyword(mf.TaskDistribution, "horizon", S, A), 0)
refuses_counts("TaskDistribution", "start", with_keyword(mf.TaskDistribution, "start", S, A), -1)

for name, low, high in (
    ("wall_density", -0.1, 0.95),
    ("slip", -0.1, 1.1),
    ("goal_reward", None, None),
    ("step_reward", None, None),
):
    refuses_numbers("GoalGrid", name, with_keyword(mf.GoalGrid, name), low, high)
refuses_counts("GoalGrid", "horizon", with_keyword(mf.GoalGrid, "horizon"), 0)
for name, low, high in (
    ("frozen_probability", 0.0, 1.1),
    ("success_rate", -0.1, 1.1),
    ("held_out", -0.1, 1.1),
):
    refuses_numbers("FrozenLakeMaps", name, with_keyword(mf.FrozenLakeMaps, name), low, high)
refuses_counts("FrozenLakeMaps", "side", mf.FrozenLakeMaps, 1)
refuses(
    "FrozenLakeMaps",
    "part of 9 numbers",
    lambda: mf.FrozenLakeMaps(part=np.zeros(9)),
    ValueError,
    "part is an array of shape (9,)",
)
refuses_counts("FrozenLakeMaps", "horizon", with_keyword(mf.FrozenLakeMaps, "horizon"), 0)
for family in (FAMILY, mf.GoalGrid(3), mf.FrozenLakeMaps()):
    refuses_numbers(f"{type(family).__name__}.split", "held_out", family.split, -0.1, 1.1)
    refuses_counts(f"{type(family).__name__}.sample", "num_tasks", family.sample, -1)

for function, given in ((mf.from_arrays, (ROWS, REWARDS)), (mf.from_outcomes, ({0: {0: STAY}},))):
    call = with_keyword(function, "reward_noise", *given)
    refuses_numbers(function.__name__, "reward_noise", call, -0.1, lists=())  # one a task
    refuses_counts(function.__name__, "horizon", with_keyword(function, "horizon", *given), 0)

train = partial(mf.train, LEARNER, TASKS)
refuses_counts("train", "num_episodes", train, -1)
refuses_counts("train", "num_steps", lambda value: train(1, value), 0)
refuses_counts("train", "num_threads", lambda value: train(1, num_threads=value), 0)
refuses_counts("train", "snapshot_episodes", lambda value: train(1, snapshot_episodes=[value]), -1)
refuses_counts("adapt", "episodes", lambda value: mf.adapt(LEARNER, TASKS, [value]), -1)
evaluate = partial(mf.policy_evaluation, TASKS, POLICY)
for function in (
    partial(mf.policy_iteration, TASKS),
    partial(mf.value_iteration, TASKS),
    partial(mf.modified_policy_iteration, TASKS),
    partial(mf.backward_induction, TASKS),
    partial(mf.occupancy, TASKS, POLICY),
    partial(mf.policy_gradient, TASKS, Q),
    evaluate,
):
    entry = function.func.__name__
    refuses_numbers(entry, "discount", with_keyword(function, "discount"), -0.1, 1.1)
    refuses_counts(entry, "num_threads", with_keyword(function, "num_threads"), 0)
    refuses(entry, "progress=5", partial(function, progress=5), TypeError, "progress is 5")
swept = partial(mf.modified_policy_iteration, TASKS)
refuses_counts("modified_policy_iteration", "num_sweeps", with_keyword(swept, "num_sweeps"), 0)
for function in (partial(mf.value_iteration, TASKS), swept, evaluate):
    refuses_numbers(function.func.__name__, "tolerance", with_keyword(function, "tolerance"), 0.0)
PAID = mf.from_arrays(ROWS, np.ones((N, S, A)))
for function in (partial(mf.policy_iteration, PAID), partial(mf.policy_evaluation, PAID, POLICY)):
    refuses(
        function.func.__name__, "discount=1", partial(function, discount=1), ValueError, "discount is 1.0"
    )
refuses_numbers("bounds", "discount", partial(mf.bounds, TASKS), -0.1, 1.1)
for function in (partial(mf.backward_induction, TASKS), partial(mf.bounds, TASKS), evaluate):
    refuses_counts(function.func.__name__, "horizon", with_keyword(function, "horizon"), 0)
refuses_counts("dynamic_regret", "num_episodes", lambda value: mf.dynamic_regret(TASKS, POLICY, value), 0)
refuses(
    "regret_of_returns",
    "shape",
    lambda: mf.regret_of_returns(TASKS, np.zeros(3)),
    ValueError,
    "returns has shape",
)
refuses("bounds", "discount=1", lambda: mf.bounds(PAID, 1.0), ValueError, "give a horizon")
for function in (mf.backward_induction, partial(mf.train, LEARNER, num_episodes=1)):
    refuses("no horizon", repr(function), lambda f=function: f(tasks=ENDLESS), ValueError, "horizon")
refuses_numbers(
    "bootstrap_mean", "confidence", with_keyword(mf.bootstrap_mean, "confidence", [1.0]), 0.0, 1.1
)
refuses_counts("bootstrap_mean", "num_resamples", with_keyword(mf.bootstrap_mean, "num_resamples", [1.0]), 0)
refuses_numbers("AdaptationCurve", "confidence", with_keyword(CURVE.interval, "confidence"), 0.0, 1.1)

for kind in METAS:
    fit, entry = kind().fit, f"{kind.__name__}.fit"
    refuses_counts(entry, "num_tasks", with_keyword(fit, "num_tasks", FAMILY, LEARNER, 1), -1)
    refuses_counts(entry, "num_episodes", partial(fit, TASKS, LEARNER), -1)
    refuses_counts(entry, "num_iterations", with_keyword(fit, "num_iterations", TASKS, LEARNER, 1), -1)
    refuses(entry, "progress=5", partial(fit, TASKS, LEARNER, 1, progress=5), TypeError, "progress is 5")
    refuses(entry, "callback=5", partial(fit, TASKS, LEARNER, 1, callback=5), TypeError, "callback is 5")
    refuses_counts(entry, "every", with_keyword(fit, "every", TASKS, LEARNER, 1, checkpoint="never.npz"), 0)
    refuses(entry, "resume=5", partial(fit, TASKS, LEARNER, 1, resume=5), TypeError, "resume is a int")
refuses_all(
    "Fitted",
    lambda changes: FITTED.replace(**changes),
    (
        ({"meta": 5}, TypeError, "meta is 5"),
        ({"base": None}, TypeError, "base is None"),
        ({"num_iterations": -1}, ValueError, "num_iterations is -1"),
        ({"num_iterations": 3}, ValueError, "returns has shape (1, 1), expected 3 rows"),
        ({"key": 2**64}, ValueError, "key is 18446744073709551616"),
        ({"context": 5}, TypeError, "context is 5"),
        ({"state": 5}, TypeError, "state is 5, expected a dict of arrays"),
        ({"state": {}}, ValueError, "state has [], expected ['mean', 'num_tasks', 'returns']"),
        ({"state": {**FITTED.state, "mean": [[NAN]]}}, ValueError, "mean[0, 0] is nan"),
        ({"state": {**FITTED.state, "mean": "x"}}, TypeError, "mean has dtype <U1"),
    ),
)
refuses("ProgressBar", "label=5", lambda: mf.ProgressBar(5), TypeError, "label is 5")
refuses("Meta", "", mf.Meta, TypeError, "abstract class Meta")

refuses(
    "GoalGrid",
    "the sum of its rewards",
    lambda: mf.GoalGrid(3, goal_reward=1e308, step_reward=1e308),
    ValueError,
    "goal_reward + step_reward is inf",
)

# --- seeds, tasks, learners, callbacks, switches --------------------

for function in (
    partial(FAMILY.sample, 2),
    partial(train, 1),
    partial(mf.adapt, LEARNER, TASKS, [1]),
    partial(mf.AverageQ().fit, TASKS, LEARNER, 1),
    partial(mf.Reptile().fit, TASKS, LEARNER, 1),
    partial(mf.bootstrap_mean, [1.0]),
):
    entry = getattr(function, "func", function).__qualname__
    for seed in (True, 1.0, "1", [1]):
        refuses(entry, f"rng={seed!r}", partial(function, rng=seed), TypeError, f"rng is {seed!r}")
    refuses(entry, "rng=-1", partial(function, rng=-1), ValueError, "rng is -1")

for function in (
    lambda tasks: mf.train(LEARNER, tasks, 1),
    lambda tasks: mf.adapt(LEARNER, tasks),
    mf.policy_iteration,
    mf.value_iteration,
    mf.modified_policy_iteration,
    mf.average_reward,
    lambda tasks: mf.gain_and_bias(tasks, POLICY),
    lambda tasks: mf.occupancy(tasks, POLICY),
    lambda tasks: mf.dynamic_regret(tasks, POLICY, 1),
    lambda tasks: mf.regret_of_returns(tasks, np.zeros((N, 1))),
    lambda tasks: mf.long_run_occupancy(tasks, POLICY),
    lambda tasks: mf.policy_gradient(tasks, Q[0]),
    mf.backward_induction,
    mf.bounds,
    mf.cite,
    lambda tasks: mf.policy_evaluation(tasks, POLICY),
    lambda tasks: mf.score(tasks, POLICY, LIMITS),
    lambda tasks: mf.AverageQ().fit(tasks, LEARNER, 1),
):
    for tasks in (ROWS, None, [TASKS]):
        text = f"tasks is a {type(tasks).__name__}"
        refuses("tasks", text, partial(function, tasks), TypeError, text)
for function in (
    lambda learner: mf.train(learner, TASKS, 1),
    lambda learner: mf.adapt(learner, TASKS),
    lambda learner: mf.AverageQ().fit(TASKS, learner, 1),
):
    refuses("learner", "'Q'", partial(function, "Q"), TypeError, "learner is a str")
    for kind in TD_LEARNERS:
        text = f"has {S + 1} states"
        refuses("learner", f"{kind.__name__}, S + 1", partial(function, kind(S + 1, A)), ValueError, text)
        refuses("learner", kind.__name__, partial(function, kind), TypeError, "learner is a ABCMeta")

for given, error, text in ((7, TypeError, "citation is 7"), ("{}", ValueError, "the citation lacks family")):
    refuses("from_citation", repr(given), partial(mf.from_citation, given), error, text)
call = partial(mf.from_citation, mf.cite(FAMILY.sample(2, rng=0)), family=3)
refuses("from_citation", "no family", call, TypeError, "family is 3")
refuses_numbers("describe", "precision", with_keyword(mf.describe, "precision", FAMILY), 0.0)
refuses_counts("describe", "most_tasks", with_keyword(mf.describe, "most_tasks", FAMILY), 0)
for name, *low in (("held_out", 0.0, 1.1), ("num_held_out", 0), ("num_splits", 1), ("training_episodes", 0)):
    kind = refuses_numbers if name == "held_out" else refuses_counts
    kind("diagnose", name, with_keyword(mf.diagnose, name, FAMILY), *low)
refuses("diagnose", "7", partial(mf.diagnose, 7), TypeError, "problem is 7, expected")
refuses("describe", "7", partial(mf.describe, 7), TypeError, "tasks is a int")
refuses("describe", "none", partial(mf.describe, TASKS[:0]), ValueError, "there are no tasks")
histories = {"learner": LEARNER, "tasks": TASKS, "num_episodes": 2}
for name in ("num_episodes", "num_steps", "every"):
    refuses_counts("Histories", name, with_keyword(mf.Histories, name, **histories), 0)
for name, made in (("episodes", mf.Histories(**histories, num_steps=3).episodes),):
    for count in ("batch", "num_episodes"):
        given = {"batch": 2, "num_episodes": 2} | {count: 0}
        refuses(
            "Histories", f"{name} {count}", lambda f=made, g=given: next(f(**g)), ValueError, f"{count} is 0"
        )
refuses("relabel", "no tasks", partial(mf.relabel, [0, 1], [0.0], actions=[0]), TypeError, "tasks is None")
acts = partial(mf.act_in_context, LEARNER, TASKS, num_steps=3)
for name in ("num_episodes", "window"):
    given = {"num_episodes": 2, name: 0}
    refuses("act_in_context", f"{name}=0", partial(acts, **given), ValueError, f"{name} is 0")
refuses("Noise", "clean=2", partial(mf.Noise, clean=2), ValueError, "clean is 2")
refuses("factors", "number", partial(mf.factors, 3), TypeError, "expected a family or tasks")
refuses("cite", "arrays", partial(mf.cite, TASKS), ValueError, "these tasks are arrays")
for name in ("returns", "q_table", "policy", "mean_returns", "record", "continuing"):
    refuses("train", f"{name}=1", partial(train, 1, **{name: 1}), TypeError, f"{name} is 1")
refuses("train", "progress=5", partial(train, 1, progress=5), TypeError, "progress is 5")
for arguments, text in (((2**31,), "num_episodes is 2147483648"), ((1, 2**31), "num_steps is 2147483648")):
    refuses("train", text, partial(train, *arguments), ValueError, text)
for dtype, error in ((np.float16, ValueError), (">f4", ValueError), ("text", TypeError), (None, TypeError)):
    refuses(
        "train",
        f"dtype={dtype}",
        partial(train, 1, dtype=dtype),
        error,
        np.dtype(dtype).name if dtype is np.float16 else str(dtype),
    )
for episodes, text in (([2, 1], "[2, 1]"), ([1, 1], "[1, 1]"), ([4], "is 4")):
    refuses("train", f"snapshots {episodes}", partial(train, 3, snapshot_episodes=episodes), ValueError, text)
refuses("adapt", "[]", lambda: mf.adapt(LEARNER, TASKS, []), ValueError, "episodes is empty")
refuses("adapt", "[2, 1]", lambda: mf.adapt(LEARNER, TASKS, [2, 1]), ValueError, "[2, 1]")
refuses("compare", "{}", lambda: mf.compare({}, TASKS), ValueError, "contenders is empty")
refuses("compare", "5", lambda: mf.compare(5, TASKS), TypeError, "contenders is 5")
refuses("compare", "a number", lambda: mf.compare({"a": 5}, TASKS), TypeError, "is a int")
refuses("compare", "no batches", lambda: mf.compare({"a": LEARNER}, []), ValueError, "tasks is an empty list")
refuses("compare", "[2, 1]", lambda: mf.compare({"a": LEARNER}, TASKS, [2, 1]), ValueError, "[2, 1]")
refuses("score", "limits=5", lambda: mf.score(TASKS, POLICY, 5), TypeError, "limits is a int")
refuses(
    "score",
    "limits of 4",
    lambda: mf.score(TASKS[:2], POLICY, LIMITS),
    ValueError,
    "shape (4,), expected (2,)",
)

# --- arrays --------------------


def spoiled(good, value, place=-1):
    bad = np.array(good, np.float64)
    bad.flat[place] = value
    return bad


def refuses_arrays(entry, name, good, call, bad_numbers=(NAN, INF, -INF)):
    """`call(array)` wants finite numbers in the shape of `good`."""
    for value in bad_numbers:
        refuses(entry, f"{name} with {value}", partial(call, spoiled(good, value)), ValueError, str(value))
    for dtype in ("U3", object, complex, "M8[s]", "S3"):
        bad = np.zeros(np.shape(good), "i8").astype(dtype)
        refuses(
            entry, f"{name} of {bad.dtype}", partial(call, bad), TypeError, f"{name} has dtype {bad.dtype}"
        )
    masked = np.ma.array(np.zeros(np.shape(good)), mask=False)
    for bad in (masked, [masked], [[masked, masked]]):
        text = f"{name} is a masked array"
        refuses(entry, f"{name} masked in {type(bad).__name__}", partial(call, bad), TypeError, text)
    refuses(entry, f"{name} with None", partial(call, [[None, 0.5]]), TypeError, f"{name} has dtype object")
    refuses(entry, f"{name} ragged", partial(call, [[0.5], [0.5, 0.5]]), ValueError, "rectangular")
    for shape in ((1,) * 6, (2, 0), (*np.shape(good)[:-1], np.shape(good)[-1] + 1)):
        refuses(entry, f"{name} of {shape}", partial(call, np.zeros(shape)), ValueError, f"shape {shape}")


def row_of(value):
    """Transitions with `value` as probability [task=3, state=1, action=0, next state=1]."""
    rows = ROWS.copy()
    rows[3, 1, 0, 1] = value
    return rows


WHERE = "transitions[task=3, state=1, action=0]"
refuses_arrays("from_arrays", "transitions", ROWS, lambda value: mf.from_arrays(value, REWARDS))
refuses_arrays("from_arrays", "rewards", REWARDS, lambda value: mf.from_arrays(ROWS, value), (NAN, INF))
refuses_arrays("from_arrays", "start", np.eye(S)[0], with_keyword(mf.from_arrays, "start", ROWS, REWARDS))
refuses_all(
    "from_arrays",
    lambda value: mf.from_arrays(row_of(value), REWARDS),
    (
        (1 / 3 - 0.02, ValueError, f"{WHERE} sums to 0.98, expected 1"),
        (1.0, ValueError, f"{WHERE} sums to 1.66666667, expected 1"),
        (-0.25, ValueError, f"{WHERE} has probability -0.25 at position 1"),
        (NAN, ValueError, f"{WHERE} has probability nan"),
        (INF, ValueError, f"{WHERE} has probability inf"),
    ),
)
bad_reward = spoiled(REWARDS, NAN, place=-3)
refuses(
    "from_arrays",
    "NaN",
    lambda: mf.from_arrays(ROWS, bad_reward),
    ValueError,
    "[task=3, state=1, action=1] is nan",
)
refuses_all(
    "from_arrays start",
    with_keyword(mf.from_arrays, "start", ROWS, REWARDS),
    (
        (S, ValueError, f"state {S}, expected 0 to 2"),
        (-1, ValueError, "state -1"),
        ([0, 1], ValueError, "shape (2,)"),
        (True, ValueError, "shape ()"),
        ([0.5, 0.4, 0.0], ValueError, "start[task=0] sums to 0.9"),
        ([1.5, -0.5, 0.0], ValueError, "start[task=0] has probability -0.5"),
    ),
)
refuses_all(
    "from_arrays terminal",
    with_keyword(mf.from_arrays, "terminal", ROWS, REWARDS),
    (
        ([0, 0, 0.5], ValueError, "0.5"),
        ([0, 0, 2], ValueError, "terminal has the value 2"),
        ([0, 0, -1], ValueError, "-1"),
        ([0, 0, NAN], ValueError, "nan"),
        ([[True, False]], ValueError, "shape (1, 2)"),
        (["a", "b", "c"], TypeError, "dtype <U1"),
    ),
)
for shape in ((1, 0, 2, 0), (1, 2, 0, 2)):
    call = partial(mf.from_arrays, np.zeros(shape), np.zeros(shape[:3]))
    refuses("from_arrays", f"{shape}", call, ValueError, str(shape))
if np.finfo(np.longdouble).max > np.finfo(np.float64).max:
    call = partial(mf.from_arrays, ROWS, np.full((S, A), np.longdouble("1e4000")))
    refuses("from_arrays", "1e4000", call, ValueError, "does not fit float64")

refuses_all(
    "from_outcomes",
    mf.from_outcomes,
    (
        ([], ValueError, "tables is empty"),
        ("P", TypeError, "tables[0] is a str"),
        ([[STAY]], TypeError, "tables[0] is a list"),
        ({}, ValueError, "no actions in state 0"),
        ({0: {}}, ValueError, "no actions in state 0"),
        ({0: {0: []}}, ValueError, "the outcome lists are empty"),
        ({0: {0: STAY}, 2: {0: STAY}}, ValueError, "outcomes[task=0, state=1]"),
        ({0: {0: STAY}, 1: {}}, ValueError, "no action is available in state 1 of task 0, which is not"),
        ({0: {-1: STAY}}, ValueError, "an action of outcomes[task=0, state=0] is -1"),
        ({0: [STAY]}, TypeError, "outcomes[task=0, state=0] is a list"),
        ({0: {0: [(1.0, 0, 0.0)]}}, ValueError, "holds (1.0, 0, 0.0)"),
        (
            {0: {0: [(0.98, 0, 0.0, False)]}},
            ValueError,
            "[task=0, state=0, action=0] sums to 0.98, expected 1",
        ),
        ({0: {0: [(-0.5, 0, 0.0, False), (1.5, 0, 0.0, False)]}}, ValueError, "probability -0.5"),
        ({0: {0: [(NAN, 0, 0.0, False)]}}, ValueError, "action=0] is nan"),
        ({0: {0: [("1.0", 0, 0.0, False)]}}, TypeError, "action=0] is '1.0'"),
        ({0: {0: [(1.0, 0, INF, False)]}}, ValueError, "action=0] is inf"),
        ({0: {0: [(1.0, 1, 0.0, False)]}}, ValueError, "action=0] is 1, expected at most 0"),
        ({0: {0: [(1.0, -1, 0.0, False)]}}, ValueError, "action=0] is -1"),
        ({0: {0: [(1.0, 0.0, 0.0, False)]}}, TypeError, "action=0] is 0.0"),
        ({0: {0: [(1.0, 0, 0.0, "no")]}}, TypeError, "action=0] is 'no'"),
    ),
)

refuses_arrays("train", "initial_table", Q, lambda value: train(1, initial_table=value))
for function in (
    lambda: train(1, initial_table=np.full((S, A), 1e300)),
    lambda: train(1, initial_table=1e300),
    lambda: mf.train(mf.QLearning(S, A, initial_q=1e300), TASKS, 1),
    lambda: mf.train(mf.QLearning(S, A, bonus=1e300), TASKS, 1),
    lambda: mf.train(LEARNER, mf.from_arrays(ROWS, REWARDS + 1e300), 1, 1),
):
    refuses("train", "beyond float32", function, ValueError, "1e+300")
STEPS = mf.train(LEARNER, TASKS, 2, 4, rng=0, record=True).history
TILES = mf.LinearSarsa(features=mf.TileCoding(S))
refuses_arrays("replay", "initial_table", Q, lambda value: mf.replay(LEARNER, STEPS, value), (NAN, INF))
refuses_arrays(
    "replay", "learning_rates", Q[0], lambda value: mf.replay(LEARNER, STEPS, Q, learning_rates=value)
)
refuses_arrays(
    "replay_gradient",
    "cotangents",
    np.zeros((len(TASKS), S, A)),
    lambda value: mf.replay_gradient(LEARNER, STEPS, Q, cotangents=value),
)
refuses_arrays(
    "replay_gradient",
    "worth",
    np.zeros(STEPS.state.shape),
    lambda value: mf.replay_gradient(LEARNER.replace(temperature=1.0), STEPS, Q, worth=value),
    (NAN, INF),
)
for name in ("preferences", "direction"):
    softmax = partial(mf.policy_gradient, TASKS, **({} if name == "preferences" else {"preferences": Q}))
    refuses_arrays("policy_gradient", name, Q, with_keyword(softmax, name), (NAN, INF))
refuses_counts("replay", "num_threads", lambda value: mf.replay(LEARNER, STEPS, Q, num_threads=value), 0)
for name, call, error, text in (
    ("no history", lambda: mf.replay(LEARNER, [1, 2]), TypeError, "history is [1, 2], expected a History"),
    ("traces", lambda: mf.replay(mf.QLambda(), STEPS, Q), ValueError, "cannot be replayed"),
    (
        "features",
        lambda: mf.replay(TILES, STEPS, Q),
        ValueError,
        "of learners on features LinearQLearning can",
    ),
    ("two tables", lambda: mf.replay(mf.DoubleQLearning(), STEPS, Q), ValueError, "cannot be replayed"),
    ("agents", lambda: mf.replay(mf.UCB1(), STEPS, Q), ValueError, "no temporal-difference rule"),
    ("a rate", lambda: mf.replay(LEARNER, STEPS, Q, learning_rates=Q[0] * 0 + 1.5), ValueError, "is 1.5"),
    ("no sizes", lambda: mf.replay(mf.QLearning(), STEPS), ValueError, "expected a table [S, A]"),
    ("small", lambda: mf.replay(mf.QLearning(), STEPS, Q[0, :1]), ValueError, "expected integers 0 to 0"),
    (
        "runs",
        lambda: mf.replay(LEARNER, mf.train(LEARNER, TASKS, 1, 4, rng=0, record=True, num_runs=2).history, Q),
        ValueError,
        "expected (N, T)",
    ),
    ("no loss", lambda: mf.replay_gradient(LEARNER, STEPS, Q), ValueError, "give either"),
):
    refuses("replay", name, call, error, text)
for entry, call in (
    ("policy_evaluation", partial(mf.policy_evaluation, TASKS)),
    ("score", lambda value: mf.score(TASKS, value, LIMITS)),
    ("MetaLearner.update", partial(mf.MetaLearner(S, A).update, None)),
):
    refuses_arrays(entry, "policy", POLICY, call)
    refuses_all(
        entry,
        call,
        (
            ([0, 0, A], ValueError, f"policy holds action {A}, expected 0 to 1"),
            ([0, 0, -1], ValueError, "policy holds action -1"),
            ([0, 0], ValueError, "shape (2,)"),
            (POLICY * 0.9, ValueError, "[0.45 0.45]"),
            (spoiled(POLICY, -0.5), ValueError, "-0.5"),
        ),
    )
for entry, observe in (
    ("AverageQ", partial(mf.AverageQ().observe, FITTED.state)),
    ("MetaLearner", mf.MetaLearner(S, A).observe),
):
    refuses_arrays(f"{entry}.observe", "q_tables", Q, observe, (NAN, INF))
refuses_all(
    "softmax_policy",
    mf.softmax_policy,
    (
        (spoiled(Q, NAN), ValueError, "is nan"),
        (spoiled(Q, INF), ValueError, "is inf"),
        (np.full((2, 2), -INF), ValueError, "is -inf"),
        ([0.0], ValueError, "shape (1,)"),
    ),
)
refuses_all(
    "greedy_policy",
    mf.greedy_policy,
    (
        (spoiled(Q, NAN), ValueError, "is nan"),
        (spoiled(Q, INF), ValueError, "is inf"),
        ([["a"]], TypeError, "dtype <U1"),
        ([0.0], ValueError, "shape (1,)"),
        (np.zeros((3, 0)), ValueError, "shape (3, 0)"),
    ),
)
refuses_all(
    "bootstrap_mean",
    mf.bootstrap_mean,
    (
        (np.zeros((0, 3)), ValueError, "none of the 0 rows"),
        ([NAN], ValueError, "none of the 1 rows"),
        ([1.0, INF], ValueError, "infinity"),
        (["a"], TypeError, "dtype <U1"),
        (1.0, ValueError, "a number"),
    ),
)

MATRIX = np.arange(6.0).reshape(2, 3) / 5
for function in (
    mf.interquartile_mean,
    mf.optimality_gap,
    mf.performance_profile,
    partial(mf.probability_of_improvement, second=MATRIX),
):
    entry = getattr(function, "func", function).__name__
    refuses_numbers(entry, "confidence", with_keyword(function, "confidence", MATRIX), 0.0, 1.1)
    refuses_counts(entry, "num_resamples", with_keyword(function, "num_resamples", MATRIX), 0)
    refuses(entry, "beyond memory", partial(function, MATRIX, num_resamples=2**40), MemoryError, "GB are")
    refuses(entry, "rng=-1", partial(function, MATRIX, rng=-1), ValueError, "rng is -1")
    refuses(
        entry, "apart=5", partial(function, MATRIX, independent_tasks=5), TypeError, "independent_tasks is 5"
    )
    refuses_all(
        entry,
        function,
        (
            ([1.0, 2.0], ValueError, "has shape (2,), expected [units, tasks]"),
            ([[1.0, INF, 2.0]], ValueError, "infinity"),
            ([["a"]], TypeError, "dtype <U1"),
            (np.full((2, 3), NAN), ValueError, "score"),
            (np.zeros((0, 3)), ValueError, "score"),
        ),
    )
refuses_numbers("optimality_gap", "goal", with_keyword(mf.optimality_gap, "goal", MATRIX))
refuses(
    "performance_profile", "[nan]", lambda: mf.performance_profile(MATRIX, [NAN]), ValueError, "[0] is nan"
)
refuses("performance_profile", "0.5", lambda: mf.performance_profile(MATRIX, 0.5), ValueError, "one axis")
for options, error, text in (
    ({"second": MATRIX[:, :2]}, ValueError, "second has shape (2, 2), expected (2, 3)"),
    ({"second": MATRIX[:1], "paired": True}, ValueError, "second has shape (1, 3), expected (2, 3)"),
    ({"second": MATRIX, "paired": 1}, TypeError, "paired is 1"),
    ({"second": MATRIX, "clusters": [0, 0]}, ValueError, "expected paired=True"),
):
    refuses(
        "probability_of_improvement",
        str(options),
        partial(mf.probability_of_improvement, MATRIX, **options),
        error,
        text,
    )

refuses_all(
    "dirichlet_from_counts",
    mf.dirichlet_from_counts,
    (
        ([1.0, 2.0], ValueError, "counts has shape (2,), expected (..., N, K)"),
        ([[1, 2], [0.5, 1]], ValueError, "counts[1, 0] is 0.5, expected a whole number"),
        ([[1, -1]], ValueError, "counts[0, 1] is -1.0"),
        ([[NAN, 1]], ValueError, "counts[0, 0] is nan"),
        ([[2.0**40, 1]], ValueError, "counts[0, 0] is"),
        ([["a"]], TypeError, "dtype <U1"),
        (np.full((2000, 1), 2.0**31), MemoryError, "rows of counts up to"),
    ),
)
refuses_all(
    "dirichlet_from_probabilities",
    mf.dirichlet_from_probabilities,
    (
        ([0.5, 0.5], ValueError, "probabilities has shape (2,), expected (..., N, K)"),
        ([[1.0, 0.0]], ValueError, "0.0 as its least number, expected above 0"),
        ([[0.5, NAN]], ValueError, "nan"),
        ([[0.5, 0.4]], ValueError, "a row that sums to 0.9, expected 1"),
        (np.ones((0, 2)), ValueError, "none of them 0"),
    ),
)
for name, values in (("dirichlet_from_counts", [[1, 2]]), ("dirichlet_from_probabilities", [[0.5, 0.5]])):
    refuses(name, "shared=5", partial(getattr(mf, name), values, shared=5), TypeError, "shared is 5")
refuses_all(
    "normal_from_means",
    mf.normal_from_means,
    (
        (1.0, ValueError, "means has shape (), expected (..., N)"),
        ([1.0, INF], ValueError, "inf"),
        (np.ones((2, 0)), ValueError, "means has shape (2, 0)"),
    ),
)
for values, text in (
    ([1.0, -1.0], "variances has -1.0, expected at least 0"),
    ([1.0] * 3, "variances has shape (3,)"),
):
    refuses(
        "normal_from_means", str(values), partial(mf.normal_from_means, [1.0, 2.0], values), ValueError, text
    )

# --- sequences that nothing could hold ------

for entry, call in {
    "train num_steps": lambda value: mf.train(LEARNER, TASKS, 1, value),
    "train initial_table": lambda value: mf.train(LEARNER, TASKS, 1, initial_table=value),
    "from_arrays reward_noise": lambda value: mf.from_arrays(ROWS, REWARDS, reward_noise=value),
    "backward_induction horizon": lambda value: mf.backward_induction(TASKS, value),
    "TaskDistribution start": lambda value: mf.TaskDistribution(S, A, start=value),
    "bootstrap_mean clusters": lambda value: mf.bootstrap_mean([1.0, 2.0], clusters=value),
    "Cells cells": mf.Cells,
    "Cells cell_weights": lambda value: mf.Cells(((0, 1),), value),
}.items():
    refuses(entry, "range", partial(call, range(2**62)), MemoryError, f"{entry.split()[1]} needs")
refuses("concatenate", "range", lambda: mf.concatenate(range(2**62)), TypeError, "batches[0] is a int")
refuses("GoalGrid", "size=range", lambda: mf.GoalGrid(range(2**62)), TypeError, "size is range")
refuses(
    "bootstrap_mean",
    "ragged clusters",
    lambda: mf.bootstrap_mean([1.0, 2.0], clusters=[[1], [1, 2]]),
    ValueError,
    "clusters is not a rectangular",
)

# --- families --------------------

for options, error, text in (
    ({"transitions": 5}, TypeError, "transitions is 5"),
    ({"transitions": mf.Uniform(0, 2)}, ValueError, "high=2"),
    ({"transitions": mf.Garnet(S + 1)}, ValueError, f"branching is {S + 1}"),
    ({"rewards": 5}, TypeError, "rewards is 5"),
    ({"rewards": mf.Fixed([1.0])}, ValueError, "shape (1,)"),
    ({"start": S}, ValueError, f"start is {S}"),
    ({"start": [0.5, 0.4, 0]}, ValueError, "start sums to 0.9"),
    ({"start": [1.5, -0.5, 0]}, ValueError, "-0.5"),
    ({"start": [NAN, 1, 0]}, ValueError, "nan"),
    ({"start": [1.0, 0.0]}, ValueError, "shape (2,)"),
    ({"start": ["a", "b", "c"]}, TypeError, "dtype <U1"),
):
    refuses("TaskDistribution", str(options), partial(mf.TaskDistribution, S, A, **options), error, text)
refuses("TaskDistribution", "2^31 pairs", lambda: mf.TaskDistribution(2**16, 2**15), ValueError, str(2**31))
refuses_all("Fixed", mf.Fixed, (([0.0, NAN], ValueError, "values[1] is nan"), ("a", TypeError, "dtype <U1")))
for options, error, text in (
    ({"size": 0}, ValueError, "size is 0"),
    ({"size": 1}, ValueError, "size is (1, 1)"),
    ({"size": 2.5}, TypeError, "size is 2.5"),
    ({"size": True}, TypeError, "size is True"),
    ({"size": None}, TypeError, "size is None"),
    ({"size": "33"}, TypeError, "size is '33'"),
    ({"size": (3, 3, 3)}, TypeError, "size is (3, 3, 3)"),
    ({"walls": 5}, TypeError, "walls is 5"),
    ({"walls": [[0] * 9] * 9}, TypeError, "rows of text"),
    ({"walls": ["...."] * 3}, ValueError, "walls are 3 rows"),
    ({"walls": ["#" * 9] * 9, "start": None}, ValueError, "no free cell"),
    ({"walls": ["#" * 9] * 9}, ValueError, "start is (0, 0), which is a wall"),
    ({"start": (9, 0)}, ValueError, "start is (9, 0)"),
    ({"start": (-1, 0)}, ValueError, "start is -1"),
    ({"start": (0.0, 0)}, TypeError, "start is 0.0"),
    ({"start": 5}, TypeError, "start is 5"),
    ({"goals": 5}, TypeError, "goals is 5"),
    ({"goals": mf.Cells(((0, 0),))}, ValueError, "no free cell"),
    ({"goals": mf.Cells(())}, ValueError, "no free cell"),
    ({"goals": mf.Cells(((9, 0),))}, ValueError, "goal cell (9, 0)"),
    ({"goals": mf.Region((0, 10), (0, 1))}, ValueError, "rows=(0, 10)"),
):
    refuses("GoalGrid", str(options), partial(mf.GoalGrid, **options), error, text)
refuses("GoalGrid.split", "one goal", mf.GoalGrid((1, 2)).split, ValueError, "this family has 1")
refuses("GoalGrid.split", "held_out=1", partial(mf.GoalGrid(3).split, 1.0), ValueError, "held_out is 1.0")
refuses_all(
    "Region",
    lambda rows: mf.Region(rows, (0, 1)),
    (
        ((2, 2), ValueError, "rows is (2, 2)"),
        ((-1, 2), ValueError, "rows is -1"),
        ((0, 0.5), TypeError, "rows is 0.5"),
        (3, TypeError, "rows is 3"),
    ),
)
refuses_all(
    "Cells",
    mf.Cells,
    (
        (((0, -1),), ValueError, "a goal cell is -1"),
        (((0.5, 0),), TypeError, "a goal cell is 0.5"),
        ((3,), TypeError, "a goal cell is 3"),
    ),
)
refuses_numbers("Cells", "cell_weights", lambda weight: mf.Cells(((0, 1),), (weight,)), -0.1)
refuses_all(
    "Cells",
    partial(mf.Cells, ((0, 1), (0, 2))),
    (
        ((1.0,), ValueError, "1 cell_weights for 2 cells"),
        ((1e308, 1e308), ValueError, "the sum of cell_weights is inf"),
    ),
)
refuses(
    "FrozenLakeMaps", "is_slippery=1", lambda: mf.FrozenLakeMaps(is_slippery=1), TypeError, "is_slippery is 1"
)
refuses_all(
    "FrozenLakeMaps",
    lambda among: mf.FrozenLakeMaps(among=among),
    (
        ((0.5, 0.5), ValueError, "among is (0.5, 0.5), expected increasing numbers"),
        ((-0.1, 0.5), ValueError, "among is -0.1"),
        ((0.5, 1.1), ValueError, "among is 1.1"),
        ((0.5,), TypeError, "among is (0.5,), expected two numbers"),
        (0.5, TypeError, "among is 0.5, expected two numbers"),
    ),
)
refuses_all(
    "FamilyPart",
    partial(mf.FamilyPart, FAMILY),
    (
        ((5, 5), ValueError, "ids is (5, 5), expected first < end"),
        ((-1, 5), ValueError, "ids is -1"),
        ((0, 2**57), ValueError, f"ids is {2**57}"),
        ((0.0, 5), TypeError, "ids is 0.0"),
        (5, TypeError, "ids is 5, expected two integers"),
    ),
)
for family in (5, FAMILY.split()[0]):
    refuses(
        "FamilyPart", repr(family), partial(mf.FamilyPart, family, (0, 5)), TypeError, f"family is {family}"
    )
refuses("FrozenLakeMaps", "part='test'", lambda: mf.FrozenLakeMaps(part="test"), ValueError, "part is 'test'")


def drawn_from(family):
    """Look at a task of the family."""
    return lambda: family.sample(2, rng=0).rewards


refuses(
    "FrozenLakeMaps",
    "no paths",
    drawn_from(mf.FrozenLakeMaps(16, 0.2)),
    ValueError,
    "frozen_probability is 0.2",
)


class OwnFamily(mf.Family):
    """Returns what it is given as a task."""

    num_states, num_actions = S, A

    def __init__(self, drawn=None, **attributes):
        self.drawn = {"transitions": ROWS[0], "rewards": REWARDS[0], **(drawn or {})}
        vars(self).update(attributes)

    def task(self, rng):
        return self.drawn


for options, error, text in (
    ({"drawn": {"transitions": ROWS[0] * 0.98}}, ValueError, "action=0] sums to 0.98, expected 1"),
    ({"drawn": {"rewards": spoiled(REWARDS[0], NAN)}}, ValueError, "is nan"),
    ({"drawn": {"reward_noise": -1.0}}, ValueError, "reward_noise is -1.0"),
    ({"drawn": {"discount": 0.9}}, TypeError, "discount"),
    ({"num_states": S + 1}, ValueError, f"returned {S} states and {A} actions, expected {S + 1}"),
    ({"num_states": None}, TypeError, "num_states is None"),
    ({"num_actions": 2.0}, TypeError, "num_actions is 2.0"),
    ({"horizon": 0}, ValueError, "horizon is 0"),
    (
        {"task": lambda rng: ROWS[0]},
        TypeError,
        "task returned an array of shape (3, 2, 3)",
    ),
    ({"task": lambda rng: (ROWS[0], ROWS[0])}, TypeError, "float64), expected a dict: of transitions"),
):
    refuses("Family", f"{options!r:.60}", drawn_from(OwnFamily(**options)), error, text)
refuses("Family", "no task", drawn_from(mf.Family()), NotImplementedError, "has no method task")

# --- batches --------------------

refuses_all(
    "Tasks[]",
    TASKS.__getitem__,
    (
        (N, IndexError, f"task {N} of a batch of {N}"),
        (-N - 1, IndexError, f"task {-N - 1}"),
        (2**70, IndexError, f"task {2**70}"),
        ([N], IndexError, f"index from {N}"),
        ([-N - 1], IndexError, f"index from {-N - 1}"),
        ([2**70], TypeError, "index has dtype object"),
        (0.5, ValueError, "index has the value 0.5"),
        ([NAN], ValueError, "nan"),
        ("a", TypeError, "index has dtype <U1"),
        (None, TypeError, "index has dtype object"),
        (True, ValueError, "index has shape ()"),
        ([True], ValueError, "index has shape (1,), expected (4,)"),
        ([[0, 1]], ValueError, "index has shape (1, 2)"),
        (slice("a", None), TypeError, "slice"),
    ),
)
for entry, call in (("map", partial(mf.shards.map, len)), ("split", mf.shards.split)):
    refuses_all(f"shards.{entry}", call, ((5, TypeError, "tasks is a int, expected Tasks"),))
refuses_all(
    "shards.join", mf.shards.join, (([], ValueError, "results is empty"), ([5], TypeError, "is a int"))
)
refuses_all("Tasks", mf.Tasks, ((5, TypeError, "recipe is 5"),))
refuses_all("Task", mf.Task, ((5, TypeError, "batch is 5"), (TASKS, TypeError, "num_tasks=4")))
refuses_all("Task[]", TASKS[0].__getitem__, ((S, IndexError, f"index {S}"),))

# --- Gymnasium --------------------


class ToyText:
    """Has what from_gymnasium looks for."""

    def __init__(self, table=None, start=(1.0,)):
        self.P, self.initial_state_distrib = table or {0: {0: STAY}}, np.array(start)


refuses_all(
    "from_gymnasium",
    mf.from_gymnasium,
    (
        ([], ValueError, "envs is empty"),
        (
            "FrozenLake-v1",
            TypeError,
            "expected an environment: give gymnasium.make('FrozenLake-v1')",
        ),
        (None, TypeError, "NoneType has no outcome lists"),
        ([ToyText(), ToyText(start=(1.0, 0.0))], ValueError, "[1, 2] states"),
        (ToyText(start=(0.5, 0.5)), ValueError, "start has shape (1, 2)"),
        (ToyText(start=(0.5,)), ValueError, "start[task=0] sums to 0.5"),
        (ToyText(start=(NAN,)), ValueError, "nan"),
        (ToyText(start=1.0), ValueError, "initial_state_distrib has shape ()"),
        (ToyText({0: {0: [(0.5, 0, 0.0, False)]}}), ValueError, "sums to 0.5"),
    ),
)
refuses_counts("from_gymnasium", "horizon", with_keyword(mf.from_gymnasium, "horizon", ToyText()), 0)

refuses_all(
    "from_task_dicts",
    mf.from_task_dicts,
    (
        (3, TypeError, "a task is 3, expected a dict"),
        ([], ValueError, "dicts is empty"),
        ({"transitions": ROWS[0]}, TypeError, "expected a dict with transitions and rewards_mean"),
        ({"transitions": ROWS[0], "rewards_mean": NAN}, ValueError, "rewards has shape ()"),
        ({"transitions": ROWS[0], "rewards_mean": REWARDS[0], "id": -1}, ValueError, "id is -1"),
    ),
)
refuses("to_task_dicts", "array", lambda: mf.to_task_dicts(ROWS), TypeError, "tasks is a ndarray")
refuses("estimate", "None", lambda: mf.estimate(None, 3), TypeError, "observation_space is None, expected")

# --- batches put together --------------------

LAZY = FAMILY.sample(2, rng=0)
refuses_all(
    "concatenate",
    mf.concatenate,
    (
        ([], ValueError, "batches is empty"),
        (5, TypeError, "'int' object is not iterable"),
        ([TASKS, ROWS], TypeError, "batches[1] is a ndarray, expected Tasks or a Task"),
        (LAZY[0], TypeError, "batches[0] is a ndarray"),
        ([TASKS, mf.from_arrays(np.ones((1, 1, 1)), [[0.0]])], ValueError, "batch 1 has 1 states and 1 act"),
        ([TASKS, LAZY], ValueError, "batch 1 is lazy and batch 0 is not: materialise()"),
        ([LAZY, LAZY, TASKS], ValueError, "batch 0 is lazy and batch 2 is not: materialise()"),
        (
            [LAZY, FAMILY.sample(2, rng=1)],
            ValueError,
            "batches 0 and 1 are lazy and of two seeds: materialise()",
        ),
        ([LAZY, OwnFamily().sample(2, rng=0)], ValueError, "batches 0 and 1 are lazy and of two families"),
    ),
)
refuses_counts("concatenate", "horizon", with_keyword(mf.concatenate, "horizon", [TASKS]), 0)

# --- files (damaged ones: test_files.py) --------------------

refuses_all(
    "load",
    mf.load,
    (
        (5, TypeError, "int"),
        (None, TypeError, "None"),
        ("a\0b", ValueError, "null"),
        ("no/such/file.npz", FileNotFoundError, "no/such/file.npz"),
    ),
)
refuses_all(
    "read_mdp",
    mf.read_mdp,
    ((5, TypeError, "int"), ("no/such/file.mdp", FileNotFoundError, "no/such/file.mdp")),
)
rows = ((5, TypeError, "int"), ("no/such/file.npz", FileNotFoundError, "no/such/file.npz"))
refuses_all("Fitted.save", FITTED.save, rows)
refuses_all("save", lambda path: mf.save(path, LEARNER), rows)
refuses("save", "no settings", lambda: mf.save("file", 5), TypeError, "settings is 5")

# --- more than there is memory: refused before anything is allocated --------------------

MANY = FAMILY.sample(2**50, rng=0)
WIDE = mf.TaskDistribution(2**19, 1, transitions=mf.Garnet(2)).sample(32, rng=0)
for entry, call in (
    *((kind.__name__, lambda k=kind: k(2**31 - 1, 2**31 - 1).q_table) for kind in TD_LEARNERS),
    ("QLearning.epsilons", lambda: LEARNER.epsilons(2**40)),
    ("QLearning.temperatures", lambda: COOLING.temperatures(2**40)),
    ("MetaLearner", lambda: mf.MetaLearner(2**40, 2**20)),
    ("TaskDistribution", lambda: mf.TaskDistribution(2**16, 2**14)),
    ("TaskDistribution", lambda: mf.TaskDistribution(2**31 - 1, 1)),
    ("GoalGrid", lambda: mf.GoalGrid(2**14)),
    ("Family", lambda: OwnFamily().sample(2**40, rng=0).core),
    ("FrozenLakeMaps", lambda: mf.FrozenLakeMaps().sample(2**40, rng=0).core),
    ("Tasks.ids", lambda: MANY.ids),
    ("Tasks[]", lambda: MANY[::2]),
    ("Tasks.transitions", lambda: MANY.transitions),
    ("Tasks.rewards", lambda: MANY.rewards),
    ("Tasks.start", lambda: MANY.start),
    ("Tasks.outcomes", lambda: MANY.outcomes),
    ("Tasks.materialise", MANY.materialise),
    ("train", lambda: mf.train(LEARNER, MANY, 1)),
    ("train", lambda: mf.train(LEARNER, MANY, 1, returns=False, q_table=False)),
    *(("train", lambda k=kind: mf.train(k(2**19, 1), WIDE, 1, 1)) for kind in TD_LEARNERS),
    ("train", lambda: train(2**30)),
    ("train", lambda: train(2**30, returns=False, mean_returns=True)),
    ("train", lambda: train(2**30, returns=False, record=True)),
    ("train", lambda: mf.train(DECAYING, TASKS, 2**30, 1, returns=False)),
    ("train", lambda: mf.train(COOLING, TASKS, 2**30, 1, returns=False)),
    ("adapt", lambda: mf.adapt(LEARNER, TASKS, [2**30])),
    ("adapt", lambda: mf.adapt(LEARNER, MANY, [0])),
    ("policy_iteration", lambda: mf.policy_iteration(MANY)),
    ("value_iteration", lambda: mf.value_iteration(MANY)),
    ("backward_induction", lambda: mf.backward_induction(MANY)),
    ("backward_induction", lambda: mf.backward_induction(TASKS, 2**40)),
    ("policy_evaluation", lambda: mf.policy_evaluation(MANY, POLICY)),
    ("modified_policy_iteration", lambda: mf.modified_policy_iteration(MANY)),
    ("average_reward", lambda: mf.average_reward(MANY)),
    ("gain_and_bias", lambda: mf.gain_and_bias(MANY, POLICY)),
    ("occupancy", lambda: mf.occupancy(MANY, POLICY)),
    ("long_run_occupancy", lambda: mf.long_run_occupancy(MANY, POLICY)),
    ("policy_gradient", lambda: mf.policy_gradient(MANY, Q[0])),
    ("dynamic_regret", lambda: mf.dynamic_regret(TASKS, POLICY, 2**30)),
    ("bounds", lambda: mf.bounds(MANY)),
    ("AverageQ.fit", lambda: mf.AverageQ(tasks_per_iteration=2**50).fit(MANY, LEARNER, 1)),
    ("bootstrap_mean", lambda: mf.bootstrap_mean([1.0], num_resamples=2**40)),
):
    refuses(entry, "beyond memory", call, MemoryError, "GB are available")


# --- checks themselves --------------------

LONG = np.arange(1000.0)
for check in (checks.real, checks.flag, checks.callback, partial(checks.integer, low=0)):
    entry = f"checks.{getattr(check, 'func', check).__name__}"
    refuses(entry, "1000 numbers", partial(check, LONG, "x"), TypeError, "x is an array of shape (1000,)")
    text = "x is [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, ...]"
    refuses(entry, "a list of 1000", partial(check, LONG.tolist(), "x"), TypeError, text)
refuses_all(
    "checks.integer",
    partial(checks.integer, name="x", low=0),
    (
        (np.array([3]), TypeError, "x is array([3]), expected an integer"),
        (np.array(True), TypeError, "x is array(True), expected an integer"),
        (np.ma.array(3, mask=True), TypeError, "x is a masked array"),
        (Decimal(3), TypeError, "x is Decimal('3')"),
    ),
)
refuses_all(
    "checks.integer of 5000 digits",
    lambda digits: checks.integer(10**digits, "x", 0),
    ((5000, ValueError, "x is an integer of 16610 bits, expected at most"),),
)
refuses_all(
    "checks.real",
    partial(checks.real, name="x"),
    (
        (np.longdouble("1e4000"), ValueError, "x is inf, expected a finite number"),
        (Fraction(10**400), ValueError, "x is inf, expected a finite number"),
        (Decimal("0.1"), TypeError, "x is Decimal('0.1'), expected a number"),
        (np.array(True), TypeError, "x is array(True), expected a number"),
        (np.ma.masked, TypeError, "x is a masked array"),
    ),
)
refuses_all(
    "checks.pair",
    partial(checks.pair, name="x", low=0),
    tuple(
        (bad, TypeError, "expected two integers") for bad in (b"ab", "ab", np.array(3), {1: 2, 3: 4}, {1, 2})
    ),
)
refuses_all(
    "checks.increasing",
    partial(checks.increasing, name="x"),
    tuple(
        (bad, TypeError, "expected increasing integers") for bad in ({0, 1}, iter([0]), np.array(3), {0: 1})
    ),
)
refuses_all(
    "checks.array",
    partial(checks.array, name="x", dtype=np.int64),
    (
        ([2.0**63], ValueError, "9223372036854775808, which does not fit int64"),
        (np.array([2**63], np.uint64), ValueError, "9223372036854775808, which does not fit int64"),
    ),
)


def test_kinds_of_numbers_are_taken_for_what_they_are():
    tenth = (0.1, np.float64(0.1), Fraction(1, 10), np.longdouble("0.1"), np.array(0.1))
    found = [mf.QLearning(S, A, epsilon_min=value).epsilon_min for value in tenth]
    assert found == [0.1] * 5
    assert {type(number) for number in found} == {float}
    for value in tenth:
        learner = mf.QLearning(np.uint8(S), np.int16(A), epsilon=value, epsilon_decay=0.5, epsilon_min=value)
        assert learner.num_states * 200 == 200 * S
        np.testing.assert_array_equal(learner.epsilons(3), [0.1] * 3)
        mf.train(learner, TASKS, 2, rng=0)
    assert mf.QLearning(S, A, discount=np.float16(0.5)).discount == 0.5


def test_small_integers_do_not_wrap():
    family = mf.FrozenLakeMaps(np.uint8(11))
    assert (family.horizon, family.num_states) == (275, 121)
    assert mf.FrozenLakeMaps(np.int8(16)).num_states == 256
    assert mf.GoalGrid(np.uint8(100)).horizon == 800
    assert mf.GoalGrid((np.int8(100), np.int8(100)), start=(np.int8(99), np.int8(99))).num_states == 10_000
    assert mf.TaskDistribution(np.uint8(20), np.uint8(20)).sample(2, rng=0).rewards.shape == (2, 20, 20)
    assert mf.FamilyPart(FAMILY, (np.uint8(200), np.uint8(255))).sample(55, rng=0).ids[-1] == 254


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_refused(case, monkeypatch):
    # What is too large must not depend on this machine, and cannot harm it.
    monkeypatch.setattr(checks, "_system_memory", lambda: 2**30)
    case.check()


def test_every_public_entry_is_in_the_table():
    made_by_the_library = {kind.__name__ for kind in concrete(vars(mf), Result)} - {"AdaptationCurve"}
    made_by_the_library |= {"Anywhere", "Features", "Learner", "LinearLearner", "MdpFile"}
    without_arguments = {"__version__", "build_info"}
    tried = {case.entry.split(".")[0].split("[")[0].split()[0] for case in TABLE}
    assert set(mf.__all__) - made_by_the_library - without_arguments <= tried
