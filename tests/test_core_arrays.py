"""The compiled core called with wrong arrays and numbers: refused, never followed into memory."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from metarl_fast import _core
from refusals import Table

S, A, N = 3, 2, 4
IDS = _core.TaskIds(0, N, None)
ROWS = np.full((N, S, A, S), 1 / S)
START = np.eye(S)[0]
TABLE = Table()

STORED = {
    "ids": IDS,
    "probability": ROWS,
    "next_state": np.zeros(ROWS.shape, np.int32),
    "reward": np.zeros(ROWS.shape),
    "terminated": np.zeros(ROWS.shape, np.uint8),
    "terminal": np.zeros((N, S), np.uint8),
    "start": START,
    "scale": None,
    "reward_noise": np.zeros(N),
    "masked": False,
}
TASK_DISTRIBUTION = {
    "num_states": S,
    "num_actions": A,
    "transition_law": "garnet",
    "concentration": 1.0,
    "branching": 2,
    "reward_law": "fixed",
    "reward_a": 0.0,
    "reward_b": 1.0,
    "rewards": np.zeros((S, A)),
    "reward_noise": 0.0,
    "start": START,
}
GOAL_GRID = {
    "height": 2,
    "width": 2,
    "walls": np.zeros(4, np.uint8),
    "wall_density": 0.0,
    "slip": 0.0,
    "goals": np.array([1, 3]),
    "goal_cumulative": np.array([0.5, 1.0]),
    "start": 0,
    "goal_reward": 1.0,
    "step_reward": 0.0,
}
GENERATE = {"family": _core.GoalGrid(**GOAL_GRID), "key": 0, "ids": IDS}
DENSE = _core.stored_tasks(
    IDS, ROWS, None, np.zeros((N, S, A)), None, np.zeros(S, np.uint8), START, None, np.array(0.0), False
)
LEARNER = {
    "rule": "q_learning",
    "behaviour": _core.Behaviour.epsilon_greedy,
    "exploration": np.array([0.5, 0.5]),
    "learning_rate": 0.1,
    "learning_rate_decay": 0.0,
    "discount": 0.9,
    "initial_visits": 0.0,
    "trace_decay": 0.0,
    "traces": _core.Traces.replacing,
    "bonus": 0.0,
    "bonus_episodes": 0,
}
TRAIN = {
    "batch": DENSE,
    "learner": _core.TdLearner(**LEARNER),
    "key": 0,
    "num_episodes": 2,
    "num_steps": np.full(N, 3),
    "continuing": False,
    "initial_table": np.zeros((S, A), np.float32),
    "q_table": np.zeros((N, S, A), np.float32),
    "policy": np.zeros((N, S), np.int32),
    "returns": np.zeros((N, 2)),
    "return_sums": np.zeros((1, 2)),
    "snapshots": np.zeros((N, 2, S, A), np.float32),
    "snapshot_episodes": np.array([0, 1]),
    "num_threads": 1,
    "progress": None,
}
SOLUTION = {
    "values": np.zeros((N, S)),
    "q_values": np.zeros((N, S, A)),
    "policy": np.zeros((N, S), np.int32),
    "returns": np.zeros(N),
}
TOOK = {"iterations": np.zeros(N, np.int64), "error_bound": np.zeros(N)}
POLICY_ITERATION = {
    "batch": DENSE,
    "discount": 0.9,
    **SOLUTION,
    **TOOK,
    "num_threads": 1,
    "progress": None,
}
VALUE_ITERATION = {
    "batch": DENSE,
    "discount": 0.9,
    "tolerance": 1e-3,
    **SOLUTION,
    **TOOK,
    "num_threads": 1,
    "progress": None,
}
BACKWARD_INDUCTION = {
    "batch": DENSE,
    "discount": 0.9,
    "horizon": np.full(N, 2),
    **SOLUTION,
    "plan": np.zeros((N, 2, S), np.int32),
    "num_threads": 1,
    "progress": None,
}
EVALUATE = {
    "batch": DENSE,
    "discount": 0.9,
    "horizon": np.full(N, 2),
    "probability": np.full((N, 1, 2, S, A), 0.5),
    "action": None,
    "optimal_values": np.zeros((N, S)),
    "values": np.zeros((N, 1, S)),
    "returns": np.zeros((N, 1)),
    "gaps": np.zeros((N, 1)),
    "num_threads": 1,
    "progress": None,
}
LONG_RUN = {
    "gain": np.zeros((N, 1, S)),
    "bias": np.zeros((N, 1, S)),
    "recurrent_class": np.zeros((N, 1, S), np.int32),
    "classes": np.zeros((N, 1), np.int32),
    "returns": np.zeros((N, 1)),
}
GIVEN = {"probability": np.full((N, 1, 2, S, A), 0.5), "action": None}
VISITS = {"visits": np.zeros((N, 1, S, A)), "num_threads": 1, "progress": None}
AVERAGE_REWARD = {
    "batch": DENSE,
    "policy": np.zeros((N, S), np.int32),
    "iterations": np.zeros(N, np.int64),
    **LONG_RUN,
    "num_threads": 1,
    "progress": None,
}
MATERIALISE = {
    "batch": DENSE,
    "probability": np.zeros(ROWS.shape),
    "next_state": None,
    "reward": np.zeros((N, S, A)),
    "terminated": None,
    "terminal": np.zeros((N, S), np.uint8),
    "start": np.zeros((N, S)),
    "scale": None,
    "reward_noise": np.zeros(N),
    "num_threads": 1,
}
GOOD = {
    _core.stored_tasks: STORED,
    _core.TaskDistribution: TASK_DISTRIBUTION,
    _core.GoalGrid: GOAL_GRID,
    _core.generate: GENERATE,
    _core.train_float32: TRAIN,
    _core.policy_iteration: POLICY_ITERATION,
    _core.value_iteration: VALUE_ITERATION,
    _core.backward_induction: BACKWARD_INDUCTION,
    _core.evaluate: EVALUATE,
    _core.modified_policy_iteration: {**VALUE_ITERATION, "sweeps": 2},
    _core.average_reward: AVERAGE_REWARD,
    _core.gain_and_bias: {"batch": DENSE, **GIVEN, **LONG_RUN, "num_threads": 1, "progress": None},
    _core.occupancy: {"batch": DENSE, "discount": 0.9, "horizon": np.full(N, 2), **GIVEN, **VISITS},
    _core.long_run_occupancy: {"batch": DENSE, **GIVEN, **VISITS},
    _core.policy_gradient: {
        "batch": DENSE,
        "discount": 0.9,
        "horizon": np.full(N, 2),
        "preferences": np.zeros((1, S, A)),
        "direction": np.zeros((N, S, A)),
        "returns": np.zeros(N),
        "gradient": np.zeros((N, S, A)),
        "product": np.zeros((N, S, A)),
        "num_threads": 1,
        "progress": None,
    },
    _core.materialise: MATERIALISE,
}
FAMILIES = (_core.TaskDistribution, _core.GoalGrid)
OUTPUTS = {
    _core.train_float32: ("q_table", "policy", "returns", "return_sums", "snapshots"),
    _core.policy_iteration: (*SOLUTION, *TOOK),
    _core.value_iteration: (*SOLUTION, *TOOK),
    _core.backward_induction: (*SOLUTION, "plan"),
    _core.evaluate: ("values", "returns", "gaps"),
    _core.modified_policy_iteration: (*SOLUTION, *TOOK),
    _core.average_reward: ("policy", "iterations", *LONG_RUN),
    _core.gain_and_bias: tuple(LONG_RUN),
    _core.occupancy: ("visits",),
    _core.long_run_occupancy: ("visits",),
    _core.policy_gradient: ("returns", "gradient", "product"),
    _core.materialise: ("probability", "reward", "terminal", "start", "reward_noise"),
}


def refuses(function, error, text, **changes):
    given = ", ".join(f"{name}={value!r:.30}" for name, value in changes.items())
    TABLE.add(function.__name__, given, partial(function, **{**GOOD[function], **changes}), error, text)


def refuses_array(function, name, value, error, text, how):
    call = partial(function, **{**GOOD[function], name: value})
    TABLE.add(function.__name__, f"{name} {how}", call, error, text)


def unaligned(array):
    """The same numbers, one byte into a buffer."""
    room = np.zeros(array.nbytes + 1, np.uint8)
    moved = room[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


def read_only(array):
    frozen = array.copy()
    frozen.flags.writeable = False
    return frozen


for function, good in GOOD.items():
    is_family = function in FAMILIES
    no_array = "expected a C-ordered array" if is_family else "incompatible"
    for name, value in good.items():
        if isinstance(value, (_core.TaskBatch, _core.Learner, _core.Family)):
            refuses(function, TypeError, "incompatible", **{name: None})
        if not isinstance(value, np.ndarray):
            continue
        longer = np.zeros((value.shape[0] + 1, *value.shape[1:]), value.dtype)
        # The message may speak of another array that must be as long.
        word = name.removesuffix("s").removesuffix("_episode")
        refuses_array(function, name, longer, ValueError, word, "too long")
        if not is_family:  # they count entries
            refuses_array(function, name, value[None, None, None], ValueError, word, "with more axes")
        refuses_array(function, name, value.astype(np.float16), TypeError, no_array, "of float16")
        strided = np.repeat(value, 2, axis=-1)[..., ::2]
        if not strided.flags.c_contiguous:
            refuses_array(function, name, strided, TypeError, no_array, "strided")
        if value.itemsize > 1:
            swapped = value.astype(value.dtype.newbyteorder())
            refuses_array(function, name, swapped, TypeError, no_array, "of foreign byte order")
            refuses_array(function, name, unaligned(value), ValueError, "is not aligned", "unaligned")
        if name in OUTPUTS.get(function, ()):
            refuses_array(function, name, read_only(value), ValueError, "writeable", "read-only")
    if "num_threads" in good:
        refuses(function, ValueError, "num_threads is 0", num_threads=0)
        refuses(function, ValueError, "num_threads is -5", num_threads=-5)
        refuses(function, TypeError, "incompatible", num_threads=2**40)

for family in FAMILIES:
    refuses(family, TypeError, "has no parameter sise", sise=3)
    for name in GOOD[family]:
        others = {other: value for other, value in GOOD[family].items() if other != name}
        TABLE.add(family.__name__, f"without {name}", partial(family, **others), TypeError, f"needs {name}")
refuses(_core.generate, TypeError, "incompatible", key=-1)
refuses(_core.generate, ValueError, "a batch of -1 tasks", ids=_core.TaskIds(0, -1, None))
TABLE.add("TaskDistribution", "by place", partial(_core.TaskDistribution, S, A), TypeError, "incompatible")
GRID = GENERATE["family"]
MIXTURE = {"families": [GRID, GRID], "cumulative": np.array([0.5, 1.0])}
for family, parts, error, text in (
    (_core.Mixture, {**MIXTURE, "families": [GRID, 5]}, TypeError, "families is 5, expected a family"),
    (_core.Mixture, {**MIXTURE, "families": 5}, TypeError, "families is 5, expected a sequence"),
    (_core.Mixture, {**MIXTURE, "families": []}, ValueError, "the number of families is 0"),
    (_core.Mixture, {**MIXTURE, "cumulative": np.ones(1)}, ValueError, "the length of cumulative is 1"),
    (_core.Mixture, {**MIXTURE, "cumulative": np.array([math.nan, 1.0])}, ValueError, "cumulative[0] is nan"),
    (
        _core.Mixture,
        {**MIXTURE, "families": [GRID, _core.TaskDistribution(**TASK_DISTRIBUTION)]},
        ValueError,
        "num_states of a family is 3",
    ),
    (_core.Permuted, {"family": None, "states": 1, "actions": 1}, TypeError, "family is None"),
    (_core.Permuted, {"family": GRID, "states": 2, "actions": 1}, ValueError, "states is 2"),
    (_core.FamilyPart, {"family": GRID, "first": 2**56}, ValueError, "first is"),
    (_core.FamilyPart, {"family": GRID, "first": -1}, ValueError, "first is -1"),
    (_core.StoredFamily, {"tasks": GRID}, TypeError, "expected a batch of the core"),
):
    TABLE.add(family.__name__, text, partial(family, **parts), error, text)
for branching in (S + 1, 0, -1):
    refuses(_core.TaskDistribution, ValueError, f"branching is {branching}", branching=branching)
for alpha in (math.nan, 0.0, -1.0, math.inf):
    refuses(_core.TaskDistribution, ValueError, "concentration is", concentration=alpha)
refuses(_core.TaskDistribution, ValueError, "num_states is -1", num_states=-1)
refuses(_core.TaskDistribution, TypeError, "num_states is 2.5, expected a 64-bit integer", num_states=2.5)
refuses(_core.TaskDistribution, TypeError, f"num_states is {2**64}", num_states=2**64)
refuses(_core.TaskDistribution, TypeError, "reward_a is 'x', expected a number", reward_a="x")
refuses(_core.TaskDistribution, ValueError, "expected one of 'uniform', 'di", transition_law="x")
refuses(_core.TaskDistribution, ValueError, "reward_law is None", reward_law=None)
refuses(_core.TaskDistribution, ValueError, "reward_a is nan", reward_a=math.nan)
refuses(_core.TaskDistribution, ValueError, "reward_b is inf", reward_b=math.inf)
refuses(_core.TaskDistribution, ValueError, "reward_noise is inf", reward_noise=math.inf)
refuses(_core.TaskDistribution, ValueError, "rewards[1] is nan", rewards=np.array([0.0, math.nan]))
huge = _core.TaskDistribution(**{**TASK_DISTRIBUTION, "num_actions": 2**40, "reward_law": "uniform"})
refuses(_core.generate, ValueError, f"num_actions={2**40}", family=huge)
refuses(_core.GoalGrid, ValueError, "goal is 4", goals=np.array([0, 4]))
refuses(_core.GoalGrid, ValueError, "goals[1] is -1", goals=np.array([0, -1]))
refuses(_core.GoalGrid, ValueError, "goals is 0", goals=np.array([], np.int64), goal_cumulative=np.array([]))
refuses(_core.GoalGrid, ValueError, "start is 4", start=4)
refuses(_core.GoalGrid, ValueError, "start is -2", start=-2)
refuses(_core.GoalGrid, ValueError, "height is -2, expected 1 to 32768", height=-2, width=-2)
refuses(_core.GoalGrid, ValueError, "height is", height=2**40, width=2**40)
refuses(_core.GoalGrid, ValueError, "slip is nan", slip=math.nan)
refuses(_core.GoalGrid, ValueError, "wall_density is 1, expected 0 to below 1", wall_density=1.0)
refuses(_core.GoalGrid, ValueError, "goal_reward is inf", goal_reward=math.inf)
for state in (S, -1, 2**31 - 1):
    wrong = np.full(ROWS.shape, state, np.int32)
    refuses(_core.stored_tasks, ValueError, f"is {state}, expected 0 to 2", next_state=wrong)
refuses(_core.stored_tasks, ValueError, "is nan", reward=np.full(ROWS.shape, math.nan))
refuses(_core.stored_tasks, ValueError, "sums to 0", probability=np.zeros(ROWS.shape))
by_rejection = {"next_state": None, "reward": np.zeros((N, S, A)), "terminated": None}
for scale in (0.0, -1.0, math.nan, 1.5):
    wrong = np.full((N, S, A), scale)
    refuses(_core.stored_tasks, ValueError, f"is {scale:g}, expected a number", scale=wrong, **by_rejection)
tiny = np.full((N, S, A), 2.0**-40)
refuses(_core.stored_tasks, ValueError, "more than 2^24 times its scale", scale=tiny, **by_rejection)
refuses(_core.stored_tasks, ValueError, "not drawn from by rejection", scale=np.full((N, S, A), 0.1))
wrong = np.full((N, S), 0.1)
refuses(_core.stored_tasks, ValueError, "scale has shape (4, 3)", scale=wrong, **by_rejection)
refuses(_core.stored_tasks, ValueError, "shape", ids=_core.TaskIds(0, N + 1, None))
refuses(_core.stored_tasks, ValueError, f"task id {2**64 - 1}", ids=_core.TaskIds(2**64 - 1, N, None))
refuses(_core.stored_tasks, ValueError, f"task id {2**56 + 2}", ids=_core.TaskIds(2**56 - 1, N, None))
refuses(
    _core.train_float32,
    ValueError,
    "num_episodes is -1",
    learner=_core.TdLearner(**{**LEARNER, "exploration": np.array([0.5])}),
    num_episodes=-1,
    returns=None,
    return_sums=None,
)
refuses(_core.train_float32, ValueError, "num_steps is 0", num_steps=np.array(0))
refuses(_core.train_float32, ValueError, "num_steps is -1", num_steps=np.where(np.arange(N) == N - 1, -1, 3))


def refuses_learner(error, text, **changes):
    """Whether at once or by `train`."""

    def call():
        _core.train_float32(**{**TRAIN, "learner": _core.TdLearner(**{**LEARNER, **changes})})

    given = ", ".join(f"{name}={value!r:.30}" for name, value in changes.items())
    TABLE.add("Learner", given, call, error, text)


softmax = _core.Behaviour.softmax
refuses_learner(ValueError, "learning_rate is nan", learning_rate=math.nan)
refuses_learner(ValueError, "learning_rate_decay is inf", learning_rate_decay=math.inf)
refuses_learner(ValueError, "discount is 1.5", discount=1.5)
refuses_learner(ValueError, "trace_decay is -0.5", trace_decay=-0.5, rule="q_lambda")
refuses_learner(ValueError, "trace_decay is nan", trace_decay=math.nan, rule="sarsa_lambda")
refuses_learner(ValueError, "bonus is inf", bonus=math.inf)
refuses_learner(ValueError, "bonus_episodes is -1", bonus_episodes=-1)
refuses_learner(ValueError, "initial_visits is -1", initial_visits=-1.0)
refuses_learner(ValueError, "initial_visits is nan", initial_visits=math.nan)
refuses_learner(ValueError, "epsilon is nan", exploration=np.array([0.0, math.nan]))
refuses_learner(ValueError, "epsilon is 1.5", exploration=np.array([1.5]))
for temperature in (math.nan, 0.0, -1.0, math.inf):
    refuses_learner(ValueError, "temperature is", exploration=np.array([0.5, temperature]), behaviour=softmax)
for exploration in (np.zeros(0), np.zeros((1, 1, 2)), unaligned(np.zeros(2))):
    refuses_learner(ValueError, "exploration", exploration=exploration)
for exploration in (np.zeros(2, np.float32), np.zeros(4)[::2], np.zeros(2, ">f8"), None):
    refuses_learner(TypeError, "incompatible", exploration=exploration)
refuses_learner(TypeError, "incompatible", rule=0)
refuses_learner(TypeError, "incompatible", rule=_core.Behaviour.uniform)
refuses_learner(TypeError, "incompatible", behaviour="softmax")
for episodes in ([1, 0], [1, 1], [-5, 1], [0, 3]):
    refuses(_core.train_float32, ValueError, "a snapshot episode is", snapshot_episodes=np.array(episodes))
for function in (
    _core.policy_iteration,
    _core.backward_induction,
    _core.evaluate,
    _core.occupancy,
    _core.policy_gradient,
):
    refuses(function, ValueError, "discount is 1.5", discount=1.5)
    refuses(function, ValueError, "discount is nan", discount=math.nan)
for function in (_core.backward_induction, _core.evaluate, _core.occupancy):
    for steps in (-1, 0, 3):
        refuses(function, ValueError, f"horizon is {steps}", horizon=np.full(N, steps))
for discount in (-0.5, 1.0, math.nan):
    for function in (_core.value_iteration, _core.modified_policy_iteration):
        refuses(function, ValueError, f"discount is {discount:g}", discount=discount)
for tolerance in (0.0, math.nan):
    refuses(_core.value_iteration, ValueError, f"tolerance is {tolerance:g}", tolerance=tolerance)
refuses(_core.evaluate, ValueError, "num_steps is 2", horizon=None)
endless = {"horizon": None, "probability": np.full((N, 1, 1, S, A), 0.5), "optimal_values": None}
refuses(_core.evaluate, ValueError, "optimal_values", **endless)
for action in (A, -1):
    given = {"probability": None, "action": np.full((1, 1, 1, S), action, np.int32)}
    refuses(_core.evaluate, ValueError, f"an action is {action}", **given)
refuses(_core.materialise, ValueError, "have no scale", scale=np.zeros((N, S, A)))
refuses(_core.materialise, ValueError, "dense tasks have no next_state", next_state=STORED["next_state"])
TABLE.add(
    "TaskIds", "list", lambda: _core.TaskIds(0, 3, np.zeros(2, np.uint64)), ValueError, "ids has shape (2)"
)
TABLE.add("TaskIds", "first=-1", lambda: _core.TaskIds(-1, 3, None), TypeError, "incompatible")
TABLE.add("TaskBatch", "", _core.TaskBatch, TypeError, "No constructor")


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_refused(case):
    case.check()


@pytest.mark.parametrize("function", GOOD, ids=lambda function: function.__name__)
def test_what_the_cases_spoil_is_good(function):
    function(**GOOD[function])
