"""`train` against the plain-Python twin, bit for bit, and against answers worked out by hand."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import family_twins
import learner_twins
import metarl_fast as mf
import reference
import strategies
from bits import assert_same_bits
from fuzz.campaign import examples
from metarl_fast import checks
from metarl_fast.learners import TD_LEARNERS

learner_twins.twins()  # now, and not within a test: what is loaded are tests, which do not bear it
REALS = [np.float32, np.float64]
kinds = pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)
thorough = examples(40)


@functools.cache
def model_of(family, seed, index):
    """A task of `family.sample(rng=seed)` by the twin, which takes long over a large one, for all tests."""
    return family_twins.generate(family, reference.make_key(seed), index)


def assert_same_past(history, index, past):
    """A row of the history holds these steps, and nothing behind them."""
    assert history.length[index] == len(past)
    assert history.mask[index].sum() == len(past)
    names = ("state", "action", "reward", "next_state", "terminated", "truncated")
    for name, expected in zip(names, zip(*past, strict=True) if past else [()] * 6, strict=True):
        row = getattr(history, name)[index]
        assert_same_bits(row[: len(past)], np.array(expected, row.dtype))
        assert not row[len(past) :].any()


def assert_equals_twin(tasks, model_of, learner, changes_of=lambda index: {}, **options):
    """Train, and compare the first, the middle and the last task with the twin."""
    given = {
        "mean_returns": True,
        "initial_table": None,
        "rng": 9,
        "dtype": np.float32,
        "snapshot_episodes": [],
        "continuing": False,
    }
    given |= options
    run = mf.train(learner, tasks, record=True, **given)
    scale = np.abs(run.returns).max(initial=0.0)
    means = run.returns.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(run.mean_returns, means, rtol=0, atol=1e-13 * scale)
    table = given["initial_table"]
    if table is None:
        table = np.full((learner.num_states, learner.num_actions), learner.initial_q)
    for index in {0, len(tasks) // 2, len(tasks) - 1}:
        past = []
        q_table, policy, returns, snapshots = learner_twins.train(
            model_of(index),
            reference.make_stream(
                reference.make_key(given["rng"]), int(tasks.ids[index]), reference.LEARNING
            ),
            learner,
            given["num_episodes"],
            np.broadcast_to(given["num_steps"], len(tasks))[index],
            table[index] if table.ndim == 3 else table,
            given["continuing"],
            given["snapshot_episodes"],
            np.float32 if given["dtype"] is np.float32 else float,
            changes_of(index),
            past,
        )
        assert_same_past(run.history, index, past)
        assert_same_bits(run.q_table[index], q_table)
        assert_same_bits(run.returns[index], returns)
        assert_same_bits(run.policy[index], policy)
        if hasattr(run, "snapshots"):
            assert_same_bits(run.snapshots[index], snapshots)


@st.composite
def schedules(draw):
    """Arguments of `train` beside the learner and the tasks."""
    episodes = draw(st.integers(0, 6))
    return {
        "num_episodes": episodes,
        "num_steps": draw(st.integers(1, 12)),
        "continuing": draw(st.booleans()),
        "snapshot_episodes": sorted(draw(st.sets(st.integers(0, episodes)))),
        "dtype": draw(st.sampled_from(REALS)),
        "num_threads": draw(st.integers(1, 2)),
        "rng": draw(strategies.seeds),
    }


@st.composite
def initial_tables(draw, n, s, a):
    shape = draw(st.sampled_from([None, (s, a), (n, s, a)]))
    # Few different values, so that there are ties; the negative ones include -0.
    return (
        None if shape is None else np.random.default_rng(draw(strategies.seeds)).integers(0, 3, shape) / -3.0
    )


@kinds
@thorough
@given(data=st.data())
def test_generated_tasks_and_learning_equal_the_twin(kind, data):
    family = data.draw(family_twins.families())
    n, key = data.draw(strategies.num_tasks), data.draw(strategies.seeds)
    s, a = family.num_states, family.num_actions
    tasks, schedule = family.sample(n, rng=key), data.draw(schedules())
    assert_equals_twin(
        tasks,
        lambda index: family_twins.generate(family, tasks.recipe.key, index),
        data.draw(strategies.learners(s, a, [kind])),
        lambda index: family_twins.changes(family, tasks.recipe.key, index, schedule["num_episodes"]),
        initial_table=data.draw(initial_tables(n, s, a)),
        **schedule,
    )


@kinds
@thorough
@given(data=st.data())
def test_learning_on_tasks_in_memory_equals_the_twin(kind, data):
    tasks = data.draw(strategies.any_tasks)
    n, s, a = len(tasks), tasks.num_states, tasks.num_actions
    options = data.draw(schedules())
    if data.draw(st.booleans()):
        random = np.random.default_rng(data.draw(strategies.seeds))
        options["num_steps"] = random.integers(1, 12, n)
    assert_equals_twin(
        tasks,
        strategies.models(tasks).__getitem__,
        data.draw(strategies.learners(s, a, [kind])),
        initial_table=data.draw(initial_tables(n, s, a)),
        **options,
    )


@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize(("s", "a"), [(1, 1), (4, 4), (5, 5), (8, 8), (9, 9), (16, 3), (17, 25), (300, 1)])
@pytest.mark.parametrize(
    ("kind", "behaviour"),
    [
        (mf.QLearning, {"epsilon": 0.2}),
        (mf.QLearning, {"epsilon": 1.0}),
        (mf.QLearning, {"temperature": 0.2}),
        (mf.Sarsa, {"epsilon": 0.2}),
        (mf.ExpectedSarsa, {"epsilon": 0.2, "bonus": 1.0}),
        (mf.ExpectedSarsa, {"temperature": 0.2}),
        (mf.DoubleQLearning, {"epsilon": 0.2, "bonus": 1.0}),
        (mf.QLambda, {"epsilon": 0.2}),
        (mf.SarsaLambda, {"temperature": 0.2, "bonus": 1.0}),
    ],
)
def test_every_row_width_equals_the_twin(s, a, kind, behaviour, real):
    # Each width once over the 4,096 steps between two looks at the cancellation flag.
    num_steps = 1400 if behaviour == {"epsilon": 0.2} and kind is mf.QLearning else 200
    family = mf.TaskDistribution(s, a, start=mf.Uniform(), reward_noise=0.1)
    assert_equals_twin(
        family.sample(1, rng=0),
        functools.partial(model_of, family, 0),
        kind(s, a, **behaviour),
        num_episodes=3,
        num_steps=num_steps,
        dtype=real,
    )


@kinds
@pytest.mark.parametrize("continuing", [False, True])
def test_lanes_that_end_at_different_times_equal_the_twin(kind, continuing):
    family = mf.GoalGrid(4, slip=0.1)
    assert_equals_twin(
        family.sample(20, rng=1),
        functools.partial(model_of, family, 1),
        kind(16, 4, learning_rate=0.5, epsilon=0.5, epsilon_decay=0.9),
        num_episodes=30,
        num_steps=50,
        continuing=continuing,
        snapshot_episodes=[0, 1, 29, 30],
    )


@pytest.mark.filterwarnings("ignore:task 2 occurs 2 times")
@pytest.mark.parametrize(
    "index", [slice(5, 25), slice(None, None, -3), [30, 2, 2, 7], np.arange(37) % 5 == 0]
)
def test_a_part_learns_what_it_learned_in_the_whole(index):
    family = mf.TaskDistribution(6, 3, reward_noise=0.5)
    tasks = family.sample(37, rng=2)
    learner = mf.QLearning(6, 3)
    whole = mf.train(learner, tasks, 4, 9, rng=3)
    for batch in (tasks, tasks.materialise()):
        part = mf.train(learner, batch[index], 4, 9, rng=3)
        assert_same_bits(part.q_table, whole.q_table[index])
        assert_same_bits(part.returns, whole.returns[index])
        part_of_part = mf.train(learner, batch[index][1::2], 4, 9, rng=3)
        assert_same_bits(part_of_part.q_table, whole.q_table[index][1::2])


def test_a_single_task_is_a_batch_of_one():
    tasks = mf.GoalGrid(4).sample(5, rng=0)
    learner = mf.QLearning(16, 4)
    assert_same_bits(
        mf.train(learner, tasks[3], 4, rng=1).q_table[0], mf.train(learner, tasks, 4, rng=1).q_table[3]
    )


def test_what_is_not_wanted_is_no_attribute_and_says_how_to_want_it():
    tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
    run = mf.train(mf.QLearning(4, 2), tasks, 2, 5, rng=0, returns=False, q_table=False)
    assert repr(run) == "TrainResult(policy[3, 4])"
    for name in ("q_table", "returns", "mean_returns"):
        assert not hasattr(run, name)
        with pytest.raises(AttributeError, match=f"{name} was not kept: tell train {name}=True"):
            getattr(run, name)
    with pytest.raises(AttributeError, match=r"snapshots was not kept: tell train snapshot_episodes=\["):
        _ = run.snapshots
    whole = mf.train(mf.QLearning(4, 2), tasks, 2, 5, rng=0)
    assert_same_bits(run.get_policy(), whole.policy)
    run = mf.train(mf.QLearning(4, 2), tasks, 2, 5, rng=0, policy=False)
    assert_same_bits(run.q_table, whole.q_table)
    with pytest.raises(AttributeError, match="policy was not kept: tell train policy=True"):
        run.get_policy()


@kinds
@pytest.mark.parametrize("real", REALS)
def test_mean_returns_are_the_means_whether_or_not_the_returns_are_kept(kind, real):
    # Episodes that end when they please, in more blocks than one, the last one not full.
    family = mf.GoalGrid(4, slip=0.3, step_reward=-0.1)
    tasks, learner = family.sample(150, rng=0), kind(16, 4)
    run = mf.train(learner, tasks, 7, 30, rng=1, mean_returns=True, dtype=real)
    assert run.mean_returns.dtype == np.float64
    np.testing.assert_allclose(run.mean_returns, run.returns.mean(axis=0, dtype=np.float64), rtol=1e-12)
    for threads in (1, 2, 3):
        options = {"rng": 1, "mean_returns": True, "dtype": real, "num_threads": threads}
        alone = mf.train(learner, tasks, 7, 30, returns=False, **options)
        assert not hasattr(alone, "returns")
        assert_same_bits(alone.mean_returns, run.mean_returns)


def in_order(rows):
    """Sum of rows [N, E], one after the other."""
    return np.cumsum(rows, axis=0)[-1]


@pytest.mark.parametrize("episodes", [3, 5000])  # a block's returns wait in memory, or their thread waits
def test_mean_returns_are_summed_by_shards_of_1024_tasks(episodes):
    tasks = mf.TaskDistribution(3, 2, reward_noise=1.0).sample(2100, rng=0)
    learner = mf.QLearning(3, 2)
    run = mf.train(learner, tasks, episodes, 1, rng=1, mean_returns=True, num_threads=3)
    rows = run.returns.astype(np.float64)
    shards = [in_order(rows[begin : begin + 1024]) for begin in range(0, 2100, 1024)]
    assert_same_bits(run.mean_returns, in_order(np.array(shards)) / 2100)
    means = [
        mf.train(learner, tasks[begin : begin + 1024], episodes, 1, rng=1, mean_returns=True).mean_returns
        for begin in range(0, 2048, 1024)
    ]
    assert_same_bits(means[0], shards[0] / 1024)
    assert_same_bits(means[1], shards[1] / 1024)


def test_without_tasks_there_is_no_mean():
    tasks = mf.TaskDistribution(4, 2).sample(0, rng=0)
    run = mf.train(mf.QLearning(4, 2), tasks, 3, 5, rng=0, mean_returns=True)
    assert np.isnan(run.mean_returns).all()
    assert run.mean_returns.shape == (3,)


def test_results_that_are_not_kept_need_no_memory(monkeypatch):
    monkeypatch.setattr(checks, "_system_memory", lambda: 2**27)
    tasks = mf.TaskDistribution(400, 1, transitions=mf.Garnet(1)).sample(100_000, rng=0)
    learner = mf.QLearning(400, 1)
    nothing = {"q_table": False, "policy": False, "returns": False}
    mf.train(learner, tasks, 1, 1, **nothing, mean_returns=True, num_threads=1)
    for kept in ("q_table", "policy"):
        with pytest.raises(MemoryError, match="the results of 100000 tasks and 1 episodes need"):
            mf.train(learner, tasks, 1, 1, **{**nothing, kept: True})
    with pytest.raises(MemoryError, match="the results of 100000 tasks and 400 episodes need"):
        mf.train(learner, tasks, 400, 1, **{**nothing, "returns": True})


def test_an_empty_batch_and_no_episodes():
    tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
    assert mf.train(mf.QLearning(4, 2), tasks[:0], 2, 5, rng=0).q_table.shape == (0, 4, 2)
    run = mf.train(mf.QLearning(4, 2, initial_q=1.5), tasks, 0, 5, rng=0, snapshot_episodes=[0])
    assert (run.q_table == 1.5).all()
    assert_same_bits(run.snapshots[:, 0], run.q_table)
    assert run.returns.shape == (3, 0)


def ring(rewards, **options):
    """Three states in a ring; the action does not matter. rewards[s] on leaving s."""
    transitions = np.zeros((3, 2, 3))
    transitions[[0, 1, 2], :, [1, 2, 0]] = 1.0
    return mf.from_arrays(transitions, np.repeat(np.array(rewards)[:, None], 2, axis=1), **options)


@pytest.mark.parametrize("real", REALS)
def test_rate_and_discount_of_one_set_the_reward_plus_the_best_next_value(real):
    # 0.1 and 1/3 are no binary fractions: a target that went through q + 1 * (target - q) would show.
    rewards = [0.1, -2.0, 1.0 / 3.0]
    table = np.random.default_rng(0).normal(size=(3, 2)).astype(real)
    learner = mf.QLearning(3, 2, learning_rate=1.0, discount=1.0)
    run = mf.train(learner, ring(rewards), 1, 1, rng=0, initial_table=table, dtype=real)
    changed = run.q_table[0] != table
    assert changed.sum() == 1
    assert changed[0].any()
    assert_same_bits(run.q_table[0][changed], np.array([real(0.1) + table[1].max()]))


def test_one_episode_by_hand():
    # Rewards 1, 2, 4 round the ring, rate 1/2, discount 1/2, all from zero; reaching the time limit of 4
    # steps is not terminal.
    run = mf.train(
        mf.QLearning(3, 2, learning_rate=0.5, discount=0.5, epsilon=0.0),
        ring([1.0, 2.0, 4.0]),
        1,
        4,
        rng=0,
        initial_table=np.array([[0.0, -9.0]] * 3),  # so that action 0 is the greedy one
        dtype=np.float64,
    )
    # q(0) = 0.5; q(1) = 1; q(2) = 0.5 (4 + 0.5 * 0.5) = 2.125; then q(0) = 0.5 * 0.5 + 0.5 (1 + 0.5 * 1) = 1.
    assert run.q_table[0, :, 0].tolist() == [1.0, 1.0, 2.125]
    assert run.returns.tolist() == [[1.0 + 2.0 + 4.0 + 1.0]]


def test_a_terminal_state_has_no_value_and_ends_the_episode():
    tasks = ring([1.0, 2.0, 4.0], terminal=[False, False, True])
    learner = mf.QLearning(3, 2, learning_rate=1.0, discount=1.0, epsilon=1.0)
    run = mf.train(learner, tasks, 1, 50, rng=0, initial_table=100.0)
    assert run.returns.tolist() == [[3.0]]
    assert sorted(run.q_table[0].ravel().tolist()) == [2.0, 100.0, 100.0, 100.0, 100.0, 101.0]


def test_continuing_keeps_the_state_at_the_time_limit():
    learner = mf.QLearning(3, 2)
    assert mf.train(learner, ring([1.0, 2.0, 4.0]), 4, 2, rng=0, continuing=True).returns.tolist() == [
        [3, 5, 6, 3]
    ]
    assert mf.train(learner, ring([1.0, 2.0, 4.0]), 4, 2, rng=0).returns.tolist() == [[3, 3, 3, 3]]


@kinds
@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_values_that_grow_without_end_are_held(kind, real, sign):
    most = 2.0**126 if real is np.float32 else 2.0**1022
    rewards = sign * np.array([[most / 2, most / 4]])
    learner = kind(1, 2, learning_rate=1.0, discount=1.0, epsilon=1.0)
    assert_equals_twin(
        mf.from_arrays(np.ones((1, 2, 1)), rewards),
        lambda _: reference.Model(np.ones((1, 2, 1)), None, rewards, np.zeros(1, bool), np.ones(1)),
        learner,
        num_episodes=20,
        num_steps=3,
        dtype=real,
    )
    run = mf.train(learner, mf.from_arrays(np.ones((1, 2, 1)), rewards), 20, 3, rng=9, dtype=real)
    assert (run.q_table == sign * most).any()


@kinds
@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.9, 400.0)])
@pytest.mark.parametrize("discount", [0.0, 1.0])
def test_rewards_as_large_as_the_type_holds_leave_numbers(kind, rates, discount):
    # Targets, and sums over actions, would be infinite; times a rate or a discount of 0, not a number.
    rewards = np.array([[3e38, -3e38, 3e38, 3e38, 3e38]])
    tasks = mf.from_arrays(np.ones((1, 5, 1)), rewards)
    learner = kind(
        1, 5, learning_rate=rates[0], learning_rate_decay=rates[1], discount=discount, initial_q=8e37
    )
    run = mf.train(learner, tasks, 40, 5, rng=0)
    assert (np.abs(run.q_table) <= 2.0**126).all()
    assert run.policy[0, 0] in range(5)


def test_the_learning_rate_decays_with_the_visits_of_a_pair():
    # One state, one action, rate 1/N: the table is the mean of the noisy rewards.
    tasks = mf.from_arrays(np.ones((1, 1, 1)), np.full((1, 1), 3.0), reward_noise=1.0)
    learner = mf.QLearning(1, 1, learning_rate=1.0, learning_rate_decay=1.0, discount=0.0)
    run = mf.train(learner, tasks, 1, 1000, rng=0, dtype=np.float64)
    assert run.q_table[0, 0, 0] == pytest.approx(run.returns[0, 0] / 1000, rel=1e-12)


def frequencies(table, epsilon):
    """How often each of the actions is taken: the n-th one earns 1000^n."""
    actions = len(table)
    tasks = mf.from_arrays(np.ones((1, actions, 1)), 1000.0 ** np.arange(actions)[None])
    learner = mf.QLearning(1, actions, learning_rate=0.0, epsilon=epsilon)
    returns = mf.train(
        learner, tasks, 200, 999, rng=1, initial_table=np.array([table]), dtype=np.float64
    ).returns[0]
    counts = returns[:, None] // 1000.0 ** np.arange(actions) % 1000
    return counts.sum(axis=0) / (200 * 999)


@pytest.mark.parametrize(
    ("table", "epsilon", "expected"),
    [
        ([0.0, 5.0, 1.0, 4.0], 0.2, [0.05, 0.85, 0.05, 0.05]),
        ([0.0, 0.0, 0.0], 0.0, [1 / 3, 1 / 3, 1 / 3]),
        ([2.0, 1.0, 2.0, 2.0], 0.4, [0.3, 0.1, 0.3, 0.3]),
        ([0.0, 9.0, 0.0, 0.0, 0.0], 1.0, [0.2, 0.2, 0.2, 0.2, 0.2]),
    ],
)
def test_epsilon_greedy_takes_actions_as_often_as_it_should(table, epsilon, expected):
    expected = np.array(expected)
    five_errors = 5 * np.sqrt(expected * (1 - expected) / (200 * 999))
    assert (np.abs(frequencies(table, epsilon) - expected) < five_errors).all()


def test_reward_noise_is_gaussian_with_the_stated_deviation():
    tasks = mf.from_arrays(np.ones((1, 1, 1)), np.full((1, 1), 3.0), reward_noise=0.5)
    draws = mf.train(mf.QLearning(1, 1), tasks, 20_000, 1, rng=0, dtype=np.float64).returns[0]
    assert abs(draws.mean() - 3.0) < 5 * 0.5 / np.sqrt(20_000)
    assert abs(draws.std() - 0.5) < 5 * 0.5 / np.sqrt(2 * 20_000)


def test_tables_that_the_kernel_cannot_count_are_refused():
    # 32 tables of 9e6 * 8 cells exceed 2^31; a machine without the memory for them says so first.
    family = mf.TaskDistribution(9_000_000, 1, transitions=mf.Garnet(1))
    with pytest.raises(
        (ValueError, MemoryError), match=r"the size of a task's table is 7.2e\+07|GB are available"
    ):
        mf.train(mf.QLearning(9_000_000, 1), family.sample(1, rng=0), 1, 1, rng=0)


# --- rows drawn from by rejection --------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("dtype", REALS)
def test_learning_on_long_rows_equals_the_twin_lazy_and_in_memory(kind, dtype):
    family = mf.TaskDistribution(70, 3, start=mf.Uniform(), reward_noise=0.5)
    learner = kind(70, 3, epsilon=0.4, bonus=0.3)
    tasks = family.sample(33, rng=7)
    model = functools.partial(model_of, family, 7)
    for batch in (tasks, tasks.materialise()):
        assert_equals_twin(batch, model, learner, num_episodes=4, num_steps=25, dtype=dtype)


@pytest.mark.parametrize("reward", [1e300, -1e300])
def test_a_reward_that_does_not_fit_is_refused_before_the_first_task_learns(reward):
    rewards = np.zeros((200, 3, 2))
    rewards[-1, 2, 1] = reward
    tasks = mf.from_arrays(np.full((200, 3, 2, 3), 1 / 3), rewards, horizon=5)
    learner = mf.QLearning(3, 2)
    seen = []
    with pytest.raises(ValueError, match=r"reward of task 199 is 1e\+300.* 32-bit"):
        mf.train(learner, tasks, 5, rng=0, progress=lambda done, total: seen.append(done))
    assert not seen
    assert np.isfinite(mf.train(learner, tasks[:199], 5, rng=0).returns).all()
    assert np.isfinite(mf.train(learner, tasks, 5, rng=0, dtype=np.float64).returns).all()
    for wrong in ({"rng": "x"}, {"initial_table": np.zeros((2, 2))}, {"progress": 5}, {"dtype": None}):
        with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
            mf.adapt(learner, tasks[:199], (0, 5), **wrong)
