"""Agents: one task at a time they learn what the lanes learn, and step by step what `train` does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import golden
import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast import _core
from metarl_fast.learners import TD_LEARNERS
from strategies import any_tasks, learners

kinds = pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)
reals = pytest.mark.parametrize("real", [np.float32, np.float64])
BEHAVIOURS = {
    "epsilon-greedy": {"epsilon": 0.3, "epsilon_decay": 0.8},
    "bonus": {"epsilon": 0.1, "bonus": 0.7, "bonus_episodes": 5},
    "softmax": {"temperature": 0.3, "temperature_decay": 0.9},
    "uniform": {"epsilon": 1.0},
}
behaviours = pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)


@pytest.fixture
def one_by_one(monkeypatch):
    """Train as usual, or by agents."""

    def run(by_agents, learner, *args, **options):
        with monkeypatch.context() as patch:
            if by_agents:
                core = type(learner).core
                patch.setattr(type(learner), "core", lambda self, e: _core.OneByOne(core(self, e)))
            return mf.train(learner, *args, **options)

    return run


def assert_same_results(found, expected):
    for name in ("q_table", "policy", "returns", "snapshots", "mean_returns"):
        assert_same_bits(getattr(found, name), getattr(expected, name))


# --- agents and lanes ---


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    tasks=any_tasks,
    data=st.data(),
    steps=st.integers(1, 12),
    episodes=st.integers(0, 7),
    real=st.sampled_from([np.float32, np.float64]),
    continuing=st.booleans(),
)
def test_agents_learn_what_the_lanes_learn(tasks, data, steps, episodes, real, continuing):
    learner = data.draw(learners(tasks.num_states, tasks.num_actions, TD_LEARNERS))
    options = {
        "rng": 3,
        "dtype": real,
        "continuing": continuing,
        "snapshot_episodes": range(0, episodes + 1, 2),
        "mean_returns": True,
    }
    expected = mf.train(learner, tasks, episodes, steps, **options)
    core = type(learner).core
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(learner), "core", lambda self, e: _core.OneByOne(core(self, e)))
        found = mf.train(learner, tasks, episodes, steps, **options)
    assert_same_results(found, expected)


@kinds
@behaviours
@reals
@pytest.mark.parametrize("name", golden.LEARNED)
def test_agents_learn_what_the_lanes_learn_of_drawn_tasks(kind, behaviour, real, name, one_by_one):
    tasks = golden.FAMILIES[name].sample(34, rng=0)
    learner = kind(learning_rate=0.5, learning_rate_decay=0.2, initial_q=0.25, **behaviour)
    options = {"rng": 5, "dtype": real, "snapshot_episodes": [0, 3], "mean_returns": True}
    expected, found = (one_by_one(way, learner, tasks, 6, 9, num_runs=2, **options) for way in (False, True))
    assert_same_results(found, expected)


@pytest.mark.parametrize("stored", [False, True])
def test_agents_draw_by_rejection_as_the_lanes_do(stored, one_by_one):
    tasks = mf.TaskDistribution(100, 3, reward_noise=0.5).sample(3, rng=0)
    tasks = tasks.materialise() if stored else tasks
    options = {"rng": 5, "snapshot_episodes": [1], "mean_returns": True}
    expected, found = (one_by_one(way, mf.QLearning(), tasks, 6, 50, **options) for way in (False, True))
    assert_same_results(found, expected)


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_does_not_matter_to_agents(threads, one_by_one):
    tasks = golden.FAMILIES["goal_grid"].sample(300, rng=0)
    options = {"rng": 5, "snapshot_episodes": [1], "mean_returns": True}
    expected, found = (
        one_by_one(True, mf.Sarsa(), tasks, 20, 30, num_threads=n, **options) for n in (1, threads)
    )
    assert_same_results(found, expected)


# --- step by step ---


def live(agent, simulator, num_episodes, num_steps, *, continuing=False):
    """The textbook's loop; returns the sum of rewards of each episode."""
    returns, state = [], None
    for _ in range(num_episodes):
        agent.begin_episode()
        state = simulator.reset() if state is None else state
        earned, terminated, step = 0.0, simulator.terminated, 0
        while not terminated and step < num_steps:
            action = agent.act(state)
            next_state, reward, terminated = simulator.step(action)
            step += 1
            truncated = step == num_steps and not continuing
            agent.observe(state, action, reward, next_state, terminated, truncated)
            state, earned = next_state, earned + reward
        returns.append(earned)
        if terminated or not continuing:
            agent.end_episode()
            state = None
    return returns


@kinds
@behaviours
@reals
@pytest.mark.parametrize("continuing", [False, True])
def test_a_loop_in_python_learns_what_train_learns(kind, behaviour, real, continuing):
    family = mf.GoalGrid(3, slip=0.3, step_reward=-0.1, start=None)
    task = family.sample(3, rng=0)[2]
    learner = kind(learning_rate=0.5, learning_rate_decay=0.3, **behaviour)
    expected = mf.train(learner, task, 8, 6, rng=7, dtype=real, continuing=continuing)
    simulator = mf.Simulator(task, rng=7, dtype=real)
    agent = learner.agent(simulator)
    returns = live(agent, simulator, 8, 6, continuing=continuing)
    assert_same_bits(np.array([returns]), expected.returns)
    assert_same_bits(agent.q_table, expected.q_table[0])
    assert agent.policy().argmax(axis=1).tolist() == expected.policy[0].tolist()
    assert (agent.policy().sum(axis=1) == 1.0).all()


def test_episodes_begin_and_end_by_themselves():
    task = mf.GoalGrid(3, step_reward=-0.1).sample(1, rng=0)[0]
    learner = mf.SarsaLambda(learning_rate=0.5, epsilon=0.5, epsilon_decay=0.5)
    expected = mf.train(learner, task, 10, 8, rng=1)
    simulator = mf.Simulator(task, rng=1)
    agent = learner.agent(simulator)
    for _ in range(10):
        state, terminated = simulator.reset(), False
        for step in range(8):
            action = agent.act(state)
            next_state, reward, terminated = simulator.step(action)
            agent.observe(state, action, reward, next_state, terminated=terminated, truncated=step == 7)
            state = next_state
            if terminated:
                break
    assert_same_bits(agent.q_table, expected.q_table[0])


def test_agents_know_what_is_not_available_and_where_to_start():
    transitions = np.ones((2, 3, 2)) / 2
    transitions[0, 1] = 0.0
    task = mf.from_arrays(transitions, np.zeros((2, 3)))[0]
    start = mf.Table([[1.0, -np.inf, 3.0], [4.0, 5.0, 6.0]])
    agent = mf.QLearning(epsilon=1.0, initial_q=start).agent(task, rng=0)
    assert_same_bits(agent.q_table, start.values.astype(np.float32))
    assert {agent.act(0) for _ in range(50)} == {0, 2}
    assert agent.policy().tolist() == [[0, 0, 1], [0, 0, 1]]


def test_an_agent_of_its_own_numbers_is_independent_of_the_simulator():
    task = mf.from_arrays(np.ones((4, 4, 4)) / 4, np.zeros((4, 4)), start=np.ones(4) / 4)[0]
    learner = mf.QLearning(epsilon=1.0)
    actions = [learner.agent(task, rng=seed).act(0) for seed in range(400)]
    assert actions == [learner.agent(task, rng=seed).act(0) for seed in range(400)]
    starts = [mf.Simulator(task, rng=seed).reset() for seed in range(400)]
    table = np.histogram2d(actions, starts, bins=4)[0]
    assert ((table - 25) ** 2 / 25).sum() < 38  # chi-squared with 15 degrees: 1e-3


# --- what is refused ---


def test_wrong_arguments_are_named():
    task = mf.TaskDistribution(3, 2).sample(1, rng=0)[0]
    agent = mf.QLearning().agent(task, rng=0)
    with pytest.raises(ValueError, match="state is 3, expected at most 2"):
        agent.act(3)
    with pytest.raises(ValueError, match="next_state is -1"):
        agent.observe(0, 0, 0.0, -1)
    with pytest.raises(ValueError, match="reward is nan"):
        agent.observe(0, 0, np.nan, 0)
    with pytest.raises(TypeError, match="task is a Tasks, expected a Task"):
        mf.QLearning().agent(task.batch, rng=0)
    with pytest.raises(ValueError, match="the learner has 4 states"):
        mf.QLearning(4, 2).agent(task, rng=0)
    with pytest.raises(ValueError, match="rng is 3, expected None"):
        mf.QLearning().agent(mf.Simulator(task, rng=0), rng=3)
    with pytest.raises(ValueError, match="dtype"):
        mf.QLearning().agent(task, rng=0, dtype=np.int32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_simulator_says_what_is_wrong(dtype):
    transitions = np.ones((2, 3, 2)) / 2
    transitions[0, 1] = 0.0
    simulator = mf.Simulator(mf.from_arrays(transitions, np.zeros((2, 3)), start=0)[0], rng=0, dtype=dtype)
    with pytest.raises(ValueError, match="the episode is over"):
        simulator.step(0)
    assert simulator.reset() == 0
    with pytest.raises(ValueError, match="action is 3, expected at most 2"):
        simulator.step(3)
    with pytest.raises(ValueError, match="action is 1, which is not available in state 0"):
        simulator.step(1)
    with pytest.raises(TypeError, match=r"task is a Tasks, expected one Task"):
        mf.Simulator(simulator.task.batch, rng=0)


def test_a_simulator_answers_by_the_tasks_probabilities():
    task = mf.TaskDistribution(5, 2).sample(1, rng=3)[0]
    simulator = mf.Simulator(task, rng=0)
    counts = np.zeros((5, 2, 5))
    state = simulator.reset()
    for n in range(20_000):
        next_state, reward, terminated = simulator.step(n % 2)
        counts[state, n % 2, next_state] += 1
        assert reward == np.float32(task.rewards[state, n % 2])
        assert not terminated
        state = next_state
    visits = counts.sum(axis=2, keepdims=True)
    expected = visits * task.transitions
    assert ((counts - expected) ** 2 / expected).sum() < 73  # chi-squared with 40 degrees: 1e-3
