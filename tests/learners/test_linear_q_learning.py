"""Q-learning on features: its twin, the textbook's equation, tables as a special case, what it can learn."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import train as twin_train
from linear_twin import LinearTwin
from reference import LEARNING, Model, make_key, make_stream

LEARNER = mf.LinearQLearning


class Twin(LinearTwin):
    """max_a q(s', a)"""

    def ahead(self, next_state, learning, other):
        return max(learning[next_state])


RANDOM = np.random.default_rng(0)
VALUES = np.where(RANDOM.random((12, 3)) < 0.2, 0.0, RANDOM.uniform(-1, 1, (12, 3)))
VALUES[:, 0] = 0.6
OWN = mf.ListedFeatures(np.array([RANDOM.permutation(7)[:3] for _ in range(12)]), VALUES)
FEATURES = {
    "tiles": mf.TileCoding((3, 4), (2, 3), 3),
    "random tiles": mf.RandomTiles((3, 4), (1, 4), 5, seed=1),
    "one's own": OWN,
    "one each": mf.TileCoding(12),
}
BEHAVIOURS = {
    "epsilon-greedy": {"epsilon": 0.3, "epsilon_decay": 0.8, "learning_rate_decay": 0.5},
    "bonus": {"epsilon": 0.1, "bonus": 0.7, "bonus_episodes": 5, "initial_visits": 2.5},
    "softmax": {"temperature": 0.3, "learning_rate": 1.0},
}
reals = pytest.mark.parametrize("real", [np.float32, np.float64])


def some_task(*, masked=False):
    """A dense task of 12 states and 3 actions."""
    random = np.random.default_rng(3)
    transitions = random.dirichlet(np.full(12, 0.2), (12, 3))
    if masked:
        transitions[::2, 1] = 0.0
    return transitions, random.normal(size=(12, 3))


def assert_equals_twin(learner, real, *, masked=False):
    transitions, rewards = some_task(masked=masked)
    start = np.full(12, 1 / 12)
    tasks = mf.from_arrays(transitions, rewards, start=start)
    options = {"rng": 5, "dtype": real, "snapshot_episodes": [2, 6]}
    found = mf.train(learner, tasks, 6, 9, **options)
    model = Model(tasks.transitions[0], None, rewards, np.zeros(12, bool), tasks.start[0])
    number = np.float32 if real is np.float32 else float
    table, policy, returns, snapshots = twin_train(
        model, make_stream(make_key(5), 0, LEARNING), learner, 6, 9, np.zeros((12, 3)), False, [2, 6], number
    )
    assert_same_bits(found.q_table[0], np.array(table, real))
    assert_same_bits(found.policy[0], policy)
    assert_same_bits(found.returns[0], returns)
    assert_same_bits(found.snapshots[0], np.array(snapshots, real))


@reals
@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
@pytest.mark.parametrize("features", FEATURES.values(), ids=FEATURES)
def test_the_core_is_the_twin(features, behaviour, real):
    settings = {"learning_rate": 0.4, "discount": 0.8, "initial_q": 0.25, **behaviour}
    assert_equals_twin(mf.LinearQLearning(features=features, **settings), real)


def test_the_core_is_the_twin_where_actions_are_missing():
    assert_equals_twin(mf.LinearQLearning(features=OWN, epsilon=0.5), np.float32, masked=True)


def test_it_is_the_textbooks_semi_gradient_method():
    # Sutton and Barto, equations 9.8 and 10.1: theta += alpha (r + gamma max q(s', .) - q(s, a)) grad q, the
    # gradient for the weights of action a being x(s); alpha = learning_rate / |x(s)|^2.
    transitions, rewards = some_task()
    tasks = mf.from_arrays(transitions, rewards)
    for features in FEATURES.values():
        learner = mf.LinearQLearning(features=features, learning_rate=0.3, discount=0.9)
        run = mf.train(learner, tasks, 5, 20, rng=1, record=True, dtype=np.float64)
        x = np.zeros((12, features.num_features))
        which, values = features.lists(np.arange(12))
        np.add.at(x, (np.arange(12)[:, None], which), values)
        theta = np.zeros((features.num_features, 3))
        steps = run.history
        for s, a, r, s1 in zip(
            steps.state[0], steps.action[0], steps.reward[0], steps.next_state[0], strict=True
        ):
            error = r + 0.9 * (x[s1] @ theta).max() - x[s] @ theta[:, a]
            theta[:, a] += 0.3 / (x[s] @ x[s]) * error * x[s]
        np.testing.assert_allclose(run.q_table[0], theta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            learner.action_values(run.q_table, 12)[0], x @ theta, rtol=1e-9, atol=1e-12
        )
        assert_same_bits(run.policy[0], (x @ theta).argmax(axis=1).astype(np.int32))


TABLES = [None, mf.TileCoding((5, 5)), mf.ListedFeatures(np.arange(25)[:, None], np.ones((25, 1)))]


@reals
@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
@pytest.mark.parametrize("kinds", [(mf.LinearQLearning, mf.QLearning), (mf.LinearSarsa, mf.Sarsa)])
def test_with_a_feature_for_each_state_it_is_the_table_to_the_last_bit(kinds, behaviour, real):
    linear, tabular = kinds
    tasks = mf.GoalGrid(5, slip=0.2, step_reward=-0.1).sample(40, rng=0)
    expected = mf.train(tabular(initial_q=0.3, **behaviour), tasks, 12, 20, rng=1, dtype=real)
    for features in TABLES:
        learner = linear(initial_q=0.3, features=features, **behaviour)
        found = mf.train(learner, tasks, 12, 20, rng=1, dtype=real)
        for name in ("q_table", "policy", "returns"):
            assert_same_bits(getattr(found, name), getattr(expected, name))


def test_agents_and_threads_learn_the_same():
    tasks = mf.GoalGrid(5, step_reward=-0.1).sample(30, rng=0)
    learner = mf.LinearQLearning(features=mf.TileCoding((5, 5), 2, 2), learning_rate=0.5)
    one, three = (mf.train(learner, tasks, 9, 15, rng=2, num_threads=n) for n in (1, 3))
    assert_same_bits(one.q_table, three.q_table)
    simulator = mf.Simulator(tasks[4], rng=2)
    agent = learner.agent(simulator)
    for _ in range(9):
        state, terminated = simulator.reset(), False
        for step in range(15):
            action = agent.act(state)
            next_state, reward, terminated = simulator.step(action)
            agent.observe(state, action, reward, next_state, terminated, step == 14)
            state = next_state
            if terminated:
                break
    assert_same_bits(agent.q_table, one.q_table[4])
    assert agent.policy().argmax(axis=1).tolist() == one.policy[4].tolist()


def test_meta_learners_learn_weights_and_settings():
    family = mf.GoalGrid(6, step_reward=-0.05, goals=mf.Region((4, 6), (4, 6)))
    learner = mf.LinearQLearning(features=mf.TileCoding((6, 6), 2, 2), learning_rate=0.5)
    fitted = mf.Reptile(tasks_per_iteration=16).fit(family, learner, 20, 30, num_iterations=15, rng=0)
    assert fitted.state["theta"].shape == (learner.features.num_features, 4)
    # Reptile's equation, on weights.
    first = mf.Reptile(tasks_per_iteration=5, step_size=0.5).fit(
        family, learner, 3, 9, num_iterations=1, rng=0
    )
    assert np.abs(first.state["theta"]).max() > 0.0
    tasks = family.sample(40, rng=1)
    scores = {
        name: mf.adapt(found, tasks, (0, 5), num_steps=30, rng=2).scores.mean(axis=0)
        for name, found in {"scratch": learner, "Reptile": fitted.learner}.items()
    }
    assert (scores["Reptile"] > scores["scratch"] + 0.1).all()
    tuned = mf.Tuned(num_random=3, tasks_per_iteration=8).fit(
        family, learner, 3, 9, num_iterations=1, num_tasks=8, rng=0
    )
    assert tuned.learner.features == learner.features


def test_what_was_learned_is_kept_in_files(tmp_path):
    theta = np.arange(7.0 * 3).reshape(7, 3)
    for features in (OWN, None, mf.RandomTiles((3, 4))):
        start = mf.Table(theta) if features is OWN else 0.0
        learner = mf.LinearSarsa(features=features, initial_q=start)
        mf.save(tmp_path / "a.npz", learner)
        assert mf.load(tmp_path / "a.npz") == learner


def test_masked_tasks_are_scored_by_what_is_available():
    transitions, rewards = some_task(masked=True)
    tasks = mf.from_arrays(transitions, rewards)
    learner = mf.LinearQLearning(features=FEATURES["one each"])
    found = mf.adapt(learner, tasks, (0, 50), num_steps=20, rng=0)
    expected = mf.adapt(mf.QLearning(), tasks, (0, 50), num_steps=20, rng=0)
    assert_same_bits(found.scores, expected.scores)


def test_wrong_sizes_are_named():
    learner = mf.LinearQLearning(features=mf.TileCoding((5, 5), 2, 2))
    task = mf.GoalGrid(4).sample(1, rng=0)
    with pytest.raises(ValueError, match="features are of 25 states, the tasks have 16"):
        mf.train(learner, task, 1, 5)
    with pytest.raises(ValueError, match="num_states is 16, but the features are of 25 states"):
        learner.replace(num_states=16)
    with pytest.raises(ValueError, match=r"initial_q has the shape \(25, 4\), expected \(18, 4\)"):
        learner.replace(initial_q=mf.Table(np.zeros((25, 4))))
    task = mf.GoalGrid(5).sample(1, rng=0)
    run = mf.train(learner, task, 1, 5)
    with pytest.raises(ValueError, match="cannot be continued"):
        mf.train(learner, task, 1, 5, resume=run)
    with pytest.raises(TypeError, match="features is 5, expected some such as TileCoding"):
        mf.LinearQLearning(features=5)


def test_without_features_it_is_the_tabular_learner_in_all_that_takes_one():
    """Continued, replayed, differentiated; and meta-learners that need that take it."""
    tasks = mf.GoalGrid(3).sample(4, rng=0)
    linear, tabular = mf.LinearQLearning(learning_rate_decay=0.5), mf.QLearning(learning_rate_decay=0.5)
    first, both = mf.train(linear, tasks, 2, rng=0), mf.train(tabular, tasks, 5, rng=0, record=True)
    assert_same_bits(mf.train(linear, tasks, 3, resume=first).q_table, both.q_table)
    slopes = (
        mf.replay_gradient(one, both.history, np.zeros((9, 4)), cotangents=np.ones((4, 9, 4)))
        for one in (linear, tabular)
    )
    assert_same_bits(*(slope.initial_table for slope in slopes))
    starts = (
        mf.Maml(loss="return").fit(tasks, one, 2, num_iterations=1, rng=0).state["theta"]
        for one in (linear, tabular)
    )
    assert_same_bits(*starts)
