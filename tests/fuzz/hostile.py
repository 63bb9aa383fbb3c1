"""What users give by mistake or malice, and the public calls that get it."""

from __future__ import annotations

import decimal
import fractions
import math
from dataclasses import fields

import numpy as np
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from metarl_fast.learners import LEARNERS
from metarl_fast.listing import concrete
from metarl_fast.meta import METAS

S, A, N = 3, 2, 4
MATRIX = np.arange(6.0).reshape(2, 3) / 5

_numbers = st.sampled_from(
    [
        0,
        1,
        -1,
        2,
        5,
        1000,
        2**31 - 1,
        2**31,
        2**62,
        2**63,
        2**64,
        -(2**63),
        10**400,
        True,
        False,
        0.0,
        -0.0,
        0.5,
        1.0,
        1.5,
        -0.5,
        1e-09,
        1e-300,
        5e-324,
        1e39,
        1e308,
        -1e308,
        math.nan,
        math.inf,
        -math.inf,
        np.uint8(255),
        np.int8(-128),
        np.float16(0.3),
        np.float32(0.1),
        np.longdouble(0.1),
        np.bool_(True),
        np.array(3),
        np.array(0.5),
        fractions.Fraction(1, 10),
        decimal.Decimal("0.1"),
        1j,
    ]
)
_others = st.sampled_from(
    [
        None,
        "",
        "x",
        "0.5",
        "FrozenLake-v1",
        b"\xff",
        "�",
        (),
        [],
        {},
        [0.5],
        (1, 2),
        {1: 2},
        object(),
        len,
        slice(3),
        float,
        np,
        Ellipsis,
        range(3),
        range(2**40),
        iter([1, 2]),
        {0: {0: [(1.0, 0, 0.0, "False")]}},
    ]
)
_shapes = st.sampled_from(
    [
        (),
        (0,),
        (1,),
        (S,),
        (N,),
        (S, A),
        (A, S),
        (N, S),
        (N, S, A),
        (S, A, S),
        (A, S, S),
        (N, S, A, S),
        (N, S, A, 1),
        (0, S, A, S),
    ]
)


@st.composite
def arrays(draw):
    """Arrays of many shapes, types and layouts, with values that hardly anything accepts."""
    shape = draw(_shapes)
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    values = draw(
        st.sampled_from(
            [
                lambda: random.random(shape),
                lambda: random.normal(0.0, 1e3, shape),
                lambda: np.zeros(shape),
                lambda: np.ones(shape),
                lambda: np.full(shape, 1 / S),
                lambda: np.full(shape, math.nan),
                lambda: np.full(shape, -math.inf),
                lambda: np.full(shape, 1e308),
                lambda: random.integers(-2, 5, shape),
                lambda: random.integers(0, 2, shape).astype(bool),
                lambda: np.full(shape, "x"),
                lambda: np.full(shape, None),
                lambda: random.random(shape) + 1j,
                lambda: np.ma.masked_array(random.random(shape), random.random(shape) < 0.5),
            ]
        )
    )()
    change = draw(
        st.sampled_from(
            ["none", "none", "fortran", "reversed", "read-only", "float32", "float16", "big-endian", "list"]
        )
    )
    if change == "fortran":
        values = np.asfortranarray(values)
    elif change == "reversed" and values.ndim:
        values = values[::-1]
    elif change == "read-only" and isinstance(values, np.ndarray):
        values.flags.writeable = False
    elif change in ("float32", "float16") and values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            values = values.astype(change)
    elif change == "big-endian" and values.dtype.kind in "if":
        values = values.astype(values.dtype.newbyteorder())
    elif change == "list":
        values = values.tolist()
    return values


ROWS = np.full((N, S, A, S), 1 / S)
TASKS = mf.from_arrays(ROWS, np.arange(N * S * A).reshape(N, S, A, 1) / 10.0, horizon=5)
NO_TASKS = TASKS[:0]
OTHER_TASKS = mf.GoalGrid(3).sample(3, rng=0)
TABLE = {
    0: {0: [(1.0, 1, 0.5, False)], 1: [(0.5, 0, 0.0, False), (0.5, 1, 1.0, True)]},
    1: {0: [(1.0, 1, 0.0, True)], 1: []},
}
TRIALS = mf.train(mf.QLearning(), mf.TwoStep().sample(2, rng=0), 3, rng=0, record=True).history
FITTED = mf.Transfer().fit(TASKS, mf.QLearning(), 1, rng=0)
_library = st.sampled_from(
    [
        TASKS,
        TASKS[0],
        NO_TASKS,
        OTHER_TASKS,
        mf.GoalGrid(3),
        mf.QLearning(S, A),
        mf.QLearning(2, 2),
        mf.QLearning(),
        mf.Reptile(),
        FITTED,
        mf.Table(np.ones((S, A))),
        mf.Uniform(),
        TABLE,
    ]
)
values = st.one_of(_numbers, _others, arrays(), _library)


def _refuse_to_go_on(*_):
    raise RuntimeError("stop here")


FAMILIES = {kind.__name__: (kind, module.ARGUMENTS) for kind, module in family_twins.MODULES.items()}
for kind in filter(fields, concrete(vars(mf), mf.FixedTask)):
    FAMILIES.setdefault(kind.__name__, (kind, {f.name: getattr(kind(), f.name) for f in fields(kind)}))


def task_prior():
    """Arrays of a prior, by name."""
    return {
        "classes": np.arange(S * A).reshape(S, A) // 2,
        "next_states": np.zeros((S, 1), int),
        "probabilities": np.ones((S, 1)),
        "rewards": "pair",
        "reward_means": np.zeros(S),
        "terminations": np.zeros(S),
        "values": np.zeros(S),
    }


def calls():
    """By name: (function, good arguments). Built anew each time: some of them learn."""
    learner = mf.QLearning(S, A, learning_rate=0.5, epsilon=0.3)
    pair = mf.compare({"a": learner, "b": learner}, TASKS, (0, 1), rng=0, num_threads=1)
    limits = mf.bounds(TASKS, 0.9)
    policy = np.full((S, A), 1 / A)
    meta_fit = {"num_episodes": 2, "num_iterations": 2, "num_tasks": 3, "rng": 0, "progress": None}
    meta_fit |= {"callback": None, "every": 1}  # and no checkpoint: what is a path would be written to
    fitted = mf.AverageQ().fit(TASKS, learner, 1, rng=0)
    steps = mf.train(learner, TASKS, 3, 4, rng=0, record=True).history
    simulator = mf.Simulator(TASKS[0], rng=0)
    simulator.reset()
    step = {"state": 0, "action": 1, "reward": 1.0, "next_state": 2, "terminated": False}
    found = {
        "from_arrays": (
            mf.from_arrays,
            {
                "transitions": ROWS,
                "rewards": np.zeros((S, A)),
                "start": 0,
                "terminal": None,
                "horizon": 3,
                "reward_noise": 0.0,
            },
        ),
        "from_outcomes": (mf.from_outcomes, {"tables": TABLE, "start": 0, "horizon": 3, "reward_noise": 0.1}),
        "from_gymnasium": (mf.from_gymnasium, {"envs": None, "horizon": None}),
        "estimate": (mf.estimate, {"env": None, "num_steps": 3, "horizon": None, "rng": 0}),
        "from_task_dicts": (mf.from_task_dicts, {"dicts": mf.to_task_dicts(TASKS)}),
        "to_task_dicts": (mf.to_task_dicts, {"tasks": TASKS}),
        "concatenate": (mf.concatenate, {"batches": [TASKS, TASKS[1]], "horizon": None}),
        "train": (
            mf.train,
            {
                "learner": learner,
                "tasks": TASKS,
                "num_episodes": 3,
                "num_steps": 4,
                "rng": 0,
                "initial_table": np.zeros((S, A)),
                "snapshot_episodes": [0, 2],
                "mean_returns": True,
                "record": True,
                "dtype": np.float32,
                "continuing": False,
                "num_threads": 1,
                "executor": None,
                "progress": None,
                "resume": None,
            },
        ),
        "replay": (
            mf.replay,
            {
                "learner": learner,
                "history": steps,
                "initial_table": np.zeros((S, A)),
                "learning_rates": np.full((S, A), 0.5),
                "num_threads": 1,
                "progress": None,
            },
        ),
        "replay_gradient": (
            mf.replay_gradient,
            {
                "learner": learner,
                "history": steps,
                "initial_table": np.zeros((S, A)),
                "fresh": None,
                "cotangents": np.ones((len(TASKS), S, A)),
                "worth": None,
                "learning_rates": None,
                "of_learning_rates": True,
                "num_threads": 1,
                "progress": None,
            },
        ),
        "adapt": (
            mf.adapt,
            {
                "learner": learner,
                "tasks": TASKS,
                "episodes": (0, 2),
                "num_steps": 4,
                "rng": 0,
                "initial_table": np.zeros((S, A)),
                "limits": None,
                "num_threads": 1,
                "progress": None,
            },
        ),
        "compare": (
            mf.compare,
            {
                "contenders": {"scratch": learner, "twice": [learner, learner]},
                "tasks": TASKS,
                "episodes": (0, 2),
                "num_steps": 4,
                "rng": 0,
                "num_runs": None,
                "discount": 0.9,
                "clusters": [0, 0, 1, 1],
                "confidence": 0.9,
                "num_threads": 1,
                "progress": None,
            },
        ),
        "tune": (
            mf.tune,
            {
                "learner": learner,
                "tasks": TASKS,
                "space": {"epsilon": [0.1, 0.2], "type": [mf.QLearning]},
                "num_candidates": 3,
                "num_tasks": 2,
                "episodes": (0, 2),
                "num_steps": 4,
                "rng": 0,
                "num_threads": 1,
                "progress": None,
            },
        ),
        "Comparison.difference": (
            pair.difference,
            {"a": "a", "b": "b", "of": "scores"},
        ),
        "Comparison.table": (
            pair.table,
            {"of": "returns", "minus": "a"},
        ),
        "Simulator": (mf.Simulator, {"task": TASKS[0], "rng": 0, "dtype": np.float32}),
        "Simulator.step": (simulator.step, {"action": 1}),
        "Learner.agent": (learner.agent, {"task": TASKS[0], "rng": 0, "dtype": np.float64}),
        "Agent.act": (learner.agent(TASKS[0], rng=0).act, {"state": 1}),
        "Agent.observe": (learner.agent(TASKS[0], rng=0).observe, {**step, "truncated": True}),
        "Histories": (
            mf.Histories,
            {
                "learner": learner,
                "tasks": TASKS,
                "num_episodes": 2,
                "num_steps": 3,
                "rng": 0,
                "every": 2,
                "begins": "learner",
                "noise": mf.Noise(),
                "teacher": "optimal",
            },
        ),
        "act_in_context": (
            mf.act_in_context,
            {
                "policy": learner,
                "tasks": TASKS,
                "num_episodes": 2,
                "num_steps": 3,
                "window": 2,
                "threshold": 0.0,
                "rng": 0,
                "num_threads": 1,
            },
        ),
        "Noise": (mf.Noise, {"clean": 0.5, "most": 0.5}),
        "factors": (mf.factors, {"tasks": TASKS}),
        "relabel": (
            mf.relabel,
            {
                "history": [0, 1, 0],
                "rewards": [0.0, 1.0],
                "tasks": TASKS[0],
                "teacher": learner,
                "actions": [0, 1],
                "rng": 0,
                "num_threads": 1,
            },
        ),
        "Histories.episodes": (
            mf.Histories(learner, TASKS, 2, 3).episodes,
            {
                "batch": 2,
                "num_episodes": 2,
                "consecutive": False,
                "shuffle": True,
                "rng": 0,
                "worker": (0, 1),
                "num_threads": 1,
            },
        ),
        "Histories.queries": (
            mf.Histories(learner, TASKS, 2, 3).queries,
            {"batch": 2, "context": 3, "shuffle": True, "rng": 0, "worker": (0, 1), "num_threads": 1},
        ),
        "Histories.iterate": (
            mf.Histories(learner, TASKS, 2, 3).iterate,
            {"batch": 2, "context": 3, "shuffle": True, "rng": 0, "worker": (0, 1), "num_threads": 1},
        ),
        "Histories.context": (
            mf.Histories(learner, TASKS, 2, 3).context,
            {"place": 1, "start": 2, "length": 3},
        ),
        "diagnose": (
            mf.diagnose,
            {
                "problem": mf.GoalGrid(2, horizon=3),
                "learner": mf.QLearning(),
                "num_tasks": (1, 2),
                "episodes": (0, 1),
                "num_splits": 2,
                "held_out": 0.5,
                "num_held_out": 2,
                "training_episodes": 1,
                "num_steps": 2,
                "rng": 0,
                "num_threads": 1,
            },
        ),
        "describe": (
            mf.describe,
            {
                "family_or_tasks": mf.GoalGrid(2),
                "discount": 0.9,
                "horizon": 3,
                "precision": 0.1,
                "most_tasks": 30,
                "rng": 0,
                "num_threads": 1,
                "progress": None,
            },
        ),
        "cite": (mf.cite, {"tasks": mf.GoalGrid(2).sample(3, rng=0)}),
        "from_citation": (
            mf.from_citation,
            {"citation": mf.cite(mf.GoalGrid(2).sample(3, rng=0)), "family": None},
        ),
        "bounds": (mf.bounds, {"tasks": TASKS, "discount": 0.9, "horizon": None, "num_threads": 1}),
        "score": (mf.score, {"tasks": TASKS, "policy": policy, "limits": limits, "num_threads": 1}),
        "shards.map": (mf.shards.map, {"function": len, "tasks": TASKS, "executor": None, "in_flight": 2}),
        "shards.join": (mf.shards.join, {"results": [mf.bounds(TASKS, 0.9)] * 2}),
        "shards.split": (mf.shards.split, {"tasks": TASKS}),
        "shards.cuts": (mf.shards.cuts, {"num_tasks": 2000}),
        "stay_probabilities": (
            mf.stay_probabilities,
            {"history": TRIALS},
        ),
        "greedy_policy": (mf.greedy_policy, {"q_table": np.zeros((S, A))}),
        "softmax_policy": (mf.softmax_policy, {"preferences": np.zeros((S, A))}),
        "value_iteration": (
            mf.value_iteration,
            {"tasks": TASKS, "discount": 0.9, "tolerance": 1e-6, "num_threads": 1, "progress": None},
        ),
        "policy_iteration": (
            mf.policy_iteration,
            {"tasks": TASKS, "discount": 0.9, "num_threads": 1, "progress": None},
        ),
        "modified_policy_iteration": (
            mf.modified_policy_iteration,
            {
                "tasks": TASKS,
                "discount": 0.9,
                "tolerance": 1e-6,
                "num_sweeps": 3,
                "num_threads": 1,
                "progress": None,
            },
        ),
        "dynamic_regret": (
            mf.dynamic_regret,
            {
                "tasks": TASKS,
                "policy": policy,
                "num_episodes": 3,
                "discount": 0.9,
                "horizon": None,
                "num_threads": 1,
            },
        ),
        "regret_of_returns": (
            mf.regret_of_returns,
            {"tasks": TASKS, "returns": np.zeros((N, 3)), "num_steps": 4, "num_threads": 1},
        ),
        "average_reward": (mf.average_reward, {"tasks": TASKS, "num_threads": 1, "progress": None}),
        "gain_and_bias": (
            mf.gain_and_bias,
            {"tasks": TASKS, "policy": policy, "num_threads": 1, "progress": None},
        ),
        "occupancy": (
            mf.occupancy,
            {
                "tasks": TASKS,
                "policy": policy,
                "discount": 0.9,
                "horizon": None,
                "num_threads": 1,
                "progress": None,
            },
        ),
        "policy_gradient": (
            mf.policy_gradient,
            {
                "tasks": TASKS,
                "preferences": np.zeros((S, A)),
                "discount": 0.9,
                "horizon": None,
                "direction": np.ones((S, A)),
                "num_threads": 1,
                "progress": None,
            },
        ),
        "long_run_occupancy": (
            mf.long_run_occupancy,
            {"tasks": TASKS, "policy": policy, "num_threads": 1, "progress": None},
        ),
        "read_mdp": (mf.read_mdp, {"path": "no such file"}),
        "backward_induction": (
            mf.backward_induction,
            {"tasks": TASKS, "horizon": 4, "discount": 0.9, "num_threads": 1, "progress": None},
        ),
        "policy_evaluation": (
            mf.policy_evaluation,
            {
                "tasks": TASKS,
                "policy": policy,
                "discount": 0.9,
                "horizon": None,
                "num_threads": 1,
                "progress": None,
            },
        ),
        "bootstrap_mean": (
            mf.bootstrap_mean,
            {"values": np.arange(12.0).reshape(6, 2), "rng": 0, "confidence": 0.95, "num_resamples": 50},
        ),
        **{
            name: (
                getattr(mf, name),
                {
                    **arguments,
                    "independent_tasks": False,
                    "clusters": None,
                    "rng": 0,
                    "confidence": 0.9,
                    "num_resamples": 20,
                },
            )
            for name, arguments in {
                "interquartile_mean": {"scores": MATRIX},
                "optimality_gap": {"scores": MATRIX, "goal": 1.0},
                "performance_profile": {"scores": MATRIX, "thresholds": [0.0, 0.5]},
                "probability_of_improvement": {"first": MATRIX, "second": MATRIX, "paired": False},
            }.items()
        },
        "dirichlet_from_counts": (mf.dirichlet_from_counts, {"counts": [[2, 1], [0, 3]], "shared": False}),
        "dirichlet_from_probabilities": (
            mf.dirichlet_from_probabilities,
            {"probabilities": [[0.5, 0.5], [0.25, 0.75]], "shared": False},
        ),
        "normal_from_means": (mf.normal_from_means, {"means": [0.0, 1.0], "variances": [0.5, 0.1]}),
        "Comparison.improvement": (pair.improvement, {"a": "a", "over": "b", "after": 1}),
        "Comparison.episodes_to": (pair.episodes_to, {"share": 0.5}),
        "Comparison.summary": (pair.summary, {"after": 1}),
        "load": (mf.load, {"path": "no such file"}),
        **FAMILIES,
        "GoalGrid.split": (mf.GoalGrid(3).split, {"held_out": 0.3}),
        "Darkroom.permuted": (mf.Darkroom.permuted, {"size": 3, "horizon": 5}),
        "Darkroom.split": (mf.Darkroom(3).split, {"held_out": 0.3, "rng": 0, "by": "goal"}),
        "Driving.cases_of": (mf.Driving(2).cases_of, {"tasks": mf.Driving(2).sample(2, rng=0)}),
        "Driving.split": (mf.Driving(2).split, {"held_out": 0.3, "rng": 0, "by": ("road", "weather")}),
        "GridWorld.from_ascii": (
            mf.GridWorld.from_ascii,
            {"text": "S.G", "rewards": {"G": 1.0}, "slip": 0.1, "wind": (0, 1, 0), "horizon": 5},
        ),
        "GridWorld.t_maze": (mf.GridWorld.t_maze, {"corridor": 3, "slip": 0.1}),
        "GridWorld.split": (mf.FourRooms().split, {"held_out": 0.3, "rng": 0, "by": "goal"}),
        "KeyToDoor.split": (mf.KeyToDoor(2).split, {"held_out": 0.3, "rng": 0}),
        "LpgGrid.random": (mf.LpgGrid.random, {"level": "small"}),
        "LogUniform": (mf.LogUniform, {"low": 0.1, "high": 1.0}),
        "Maze.split": (mf.Maze(9).split, {"held_out": 0.3, "rng": 0, "by": "goal"}),
        "FamilyPart": (mf.FamilyPart, {"family": mf.TaskDistribution(S, A), "ids": (0, 10)}),
        "Family.sample": (mf.TaskDistribution(S, A).sample, {"num_tasks": 3, "rng": 0}),
        "Tasks.__getitem__": (TASKS.__getitem__, {"index": 0}),
        "Tasks": (mf.Tasks, {"recipe": TASKS.recipe, "horizon": 3}),
        "Task": (mf.Task, {"batch": TASKS[:1]}),
        "Dirichlet": (mf.Dirichlet, {"concentration": 0.5}),
        "Linear": (mf.Linear, {"first": 1.0, "last": 0.1, "num_episodes": 10}),
        "Uniform": (mf.Uniform, {"low": 0.0, "high": 1.0}),
        "Normal": (mf.Normal, {"mean": 0.0, "standard_deviation": 1.0}),
        "Garnet": (mf.Garnet, {"branching": 2}),
        "Fixed": (mf.Fixed, {"rewards": 0.5}),
        "Cells": (mf.Cells, {"cells": ((0, 1), (1, 1)), "weights": (1.0, 2.0)}),
        "Region": (mf.Region, {"rows": (0, 2), "columns": (0, 2)}),
        "Maml": (mf.Maml, {"step_size": 0.1, "fresh_episodes": 2, "first_order": True}),
        "Reptile": (mf.Reptile, {"step_size": 0.1, "tasks_per_iteration": 4}),
        "PolicyPrior": (mf.PolicyPrior, {"learning_rate": 0.1, "tasks_per_iteration": 4}),
        "AverageQ.observe": (
            mf.AverageQ().observe,
            {"state": {**fitted.state}, "q_tables": np.zeros((N, S, A))},
        ),
        "Fitted": (
            mf.Fitted,
            {name: getattr(fitted, name) for name in ("meta", "base", "state", "history", "num_iterations")}
            | {"key": 3, "context": {}},
        ),
        "save": (mf.save, {"path": "no such folder/file", "settings": fitted}),
        "MetaLearner.observe": (mf.MetaLearner(S, A).observe, {"q_tables": np.zeros((N, S, A))}),
        "MetaLearner.update": (mf.MetaLearner(S, A).update, {"task": TASKS[0], "policy": np.zeros(S, int)}),
    }
    for kind in LEARNERS:
        settings = {f.name: getattr(kind(), f.name) for f in fields(kind) if f.init}
        found[kind.__name__] = (kind, settings | {"num_states": S, "num_actions": A})
    small = {"tasks_per_iteration": 2, "num_pairs": 1}
    for kind in METAS:
        more = {f.name: getattr(kind(), f.name) for f in fields(kind) if f.init}
        found.setdefault(kind.__name__, (kind, {**more, "tasks_per_iteration": 4}))
        found[f"{kind.__name__}.fit"] = (
            kind(**{name: number for name, number in small.items() if name in more}).fit,
            {"tasks": mf.TaskDistribution(S, A, horizon=3), "learner": learner, **meta_fit},
        )
    found["ProgressBar"] = (mf.ProgressBar, {"label": "fit"})
    found["TaskPrior"] = (mf.TaskPrior, task_prior())
    known = mf.known_tasks(TASKS)
    found["TaskLibrary"] = (mf.TaskLibrary, {f.name: getattr(known, f.name) for f in fields(known)})
    found["known_tasks"] = (mf.known_tasks, {"tasks": TASKS, "discount": 0.9})
    found["TileCoding"] = (mf.TileCoding, {"size": (S, 2), "tile": (2, 2), "num_tilings": 2})
    found["RandomTiles"] = (mf.RandomTiles, {"size": (S, 2), "tile": (1, 3), "num_tilings": 2, "seed": 0})
    lists = {"indices": np.zeros((S, 1), np.int32), "values": np.ones((S, 1))}
    found["ListedFeatures"] = (mf.ListedFeatures, lists)
    found["Table"] = (mf.Table, {"values": np.zeros((S, A))})
    found["QLearning.replace"] = (learner.replace, {"epsilon": 0.5, "initial_q": mf.Table(np.zeros((S, A)))})
    found["QLearning.update"] = (mf.QLearning(S, A).update, step)
    found["QLambda.update"] = (mf.QLambda(S, A).update, step)
    return found
