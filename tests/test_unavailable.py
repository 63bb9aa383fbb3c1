"""Actions that are not available in a state: behaviours and learners know nothing of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from following import MORE
from metarl_fast.learners import TD_LEARNERS
from metarl_fast.meta import METAS

kinds = pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)
BEHAVIOURS = {
    "uniform": {"epsilon": 1.0},
    "epsilon-greedy": {"epsilon": 0.3},
    "softmax": {"temperature": 0.5},
    "bonus": {"epsilon": 0.3, "bonus": 2.0},
    "warm bonus": {"temperature": 0.5, "bonus": 2.0, "bonus_episodes": 3},
}
behaviours = pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)


def without(tasks, missing):
    """The same tasks in memory, without the actions that `missing` [N, S, A] marks."""
    missing = np.broadcast_to(missing, (len(tasks), tasks.num_states, tasks.num_actions))
    probability = np.where(missing[..., None], 0.0, tasks.recipe.probability)
    return mf.Tasks(replace(tasks.recipe, probability=probability, masked=True), tasks.horizon)


def spread(actions, num_actions):
    """[A] -> which of so many actions are missing."""
    missing = np.ones(num_actions, bool)
    missing[actions] = False
    return missing


@kinds
@behaviours
def test_they_are_never_taken_and_have_no_value(kind, behaviour):
    # A reward that would show: and the greediest learner would want it.
    missing = np.random.default_rng(0).random((50, 6, 4)) < 0.5
    missing[:, :, 1] &= ~missing.all(axis=2)
    tasks = mf.TaskDistribution(6, 4).sample(50, rng=0).materialise()
    rewards = np.where(missing, 1e6, tasks.recipe.reward)
    tasks = without(mf.Tasks(replace(tasks.recipe, reward=rewards)), missing)
    run = mf.train(kind(6, 4, **behaviour), tasks, 8, 20, rng=1, snapshot_episodes=[0, 3, 8])
    assert (np.abs(run.returns) < 1000).all()
    assert_same_bits(np.isneginf(run.q_table), missing)
    assert np.isfinite(run.q_table[~missing]).all()
    assert_same_bits(np.isneginf(run.snapshots), np.broadcast_to(missing[:, None], run.snapshots.shape))
    assert not np.take_along_axis(missing, run.policy[..., None], axis=2).any()


@kinds
@behaviours
def test_they_might_as_well_not_exist(kind, behaviour):
    # Two actions, spread over seven: what is learned of them is the same, bit for bit.
    family = mf.TaskDistribution(5, 2, transitions=mf.Dirichlet(1.0), start=mf.Uniform())
    few = family.sample(40, rng=0).materialise()
    places = [2, 5]
    probability, reward = np.ones((40, 5, 7, 5)) / 5, np.zeros((40, 5, 7))
    probability[:, :, places], reward[:, :, places] = few.recipe.probability, few.recipe.reward
    scattered = mf.Tasks(replace(few.recipe, probability=probability, reward=reward))
    scattered = without(scattered, spread(places, 7))
    options = {"num_episodes": 6, "num_steps": 25, "rng": 1}
    run = mf.train(kind(5, 2, **behaviour), few, **options)
    found = mf.train(kind(5, 7, **behaviour), scattered, **options)
    assert_same_bits(found.q_table[:, :, places], run.q_table)
    assert_same_bits(found.returns, run.returns)
    assert_same_bits(found.policy, np.array(places, np.int32)[run.policy])


@kinds
@behaviours
def test_a_mask_that_hides_nothing_changes_nothing(kind, behaviour):
    tasks = mf.GoalGrid(4, slip=0.2, step_reward=-0.1).sample(40, rng=0).materialise()
    learner = kind(16, 4, **behaviour)
    # One task of another block lacks an action, and only that one learns otherwise.
    missing = np.zeros((40, 16, 4), bool)
    missing[33, 5, 2] = True
    plain, masked = (mf.train(learner, batch, 6, 20, rng=1) for batch in (tasks, without(tasks, missing)))
    others = np.arange(40) != 33
    assert_same_bits(masked.q_table[others], plain.q_table[others])
    assert_same_bits(masked.returns[others], plain.returns[others])
    assert np.isneginf(masked.q_table[33, 5, 2])


def frequencies(behaviour, table, missing, num_episodes=200):
    """How often each of the actions of the only state is taken: the n-th one earns 1000^n."""
    actions = len(table)
    tasks = mf.from_arrays(np.ones((1, actions, 1)), 1000.0 ** np.arange(actions)[None])
    learner = mf.QLearning(1, actions, learning_rate=0.0, **behaviour)
    run = mf.train(
        learner, without(tasks, missing), num_episodes, 999, rng=1, initial_table=[table], dtype=np.float64
    )
    counts = run.returns[0][:, None] // 1000.0 ** np.arange(actions) % 1000
    return counts.sum(axis=0) / (num_episodes * 999)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"epsilon": 1.0}, [1 / 3, 0, 1 / 3, 1 / 3, 0]),
        ({"epsilon": 0.3}, [0.1, 0, 0.1, 0.8, 0]),
        ({"temperature": 1.0}, np.exp([0.0, -np.inf, 1.0, 2.0, -np.inf])),
    ],
)
def test_the_others_are_taken_as_often_as_they_should(behaviour, expected):
    expected = np.array(expected) / np.sum(expected)
    found = frequencies(behaviour, [0.0, 9.0, 1.0, 2.0, 9.0], spread([0, 2, 3], 5))
    assert (np.abs(found - expected) <= 5 * np.sqrt(expected * (1 - expected) / (200 * 999))).all()


@pytest.mark.parametrize("softmax", [False, True])
def test_expected_sarsa_expects_nothing_of_them(softmax):
    # State 0 leads to state 1, where actions 0 and 2 are worth 1 and 3.
    transitions = np.broadcast_to(np.eye(2)[[1, 1]][:, None], (2, 3, 2))
    tasks = without(mf.from_arrays(transitions, np.zeros((2, 3))), [[False] * 3, [False, True, False]])
    behaviour = {"temperature": 2.0} if softmax else {"epsilon": 0.4}
    learner = mf.ExpectedSarsa(2, 3, learning_rate=1.0, discount=0.5, **behaviour)
    table = np.array([[0.0] * 3, [1.0, 100.0, 3.0]])
    run = mf.train(learner, tasks, 1, 1, rng=0, initial_table=table, dtype=np.float64)
    weights = np.exp([0.5, 1.5]) / np.exp([0.5, 1.5]).sum() if softmax else np.array([0.2, 0.8])
    expected = 0.5 * weights @ [1.0, 3.0]
    assert run.q_table[0, 0].max() == pytest.approx(expected, rel=1e-14)
    learner.q_table[:] = np.where([[False] * 3, [False, True, False]], -np.inf, table)
    learner.update(0, 0, 0.0, 1)
    assert learner.q_table[0, 0] == pytest.approx(expected, rel=1e-14)


@kinds
def test_a_learned_table_can_be_started_from(kind):
    missing = np.random.default_rng(0).random((40, 6, 4)) < 0.4
    missing[:, :, 0] = False
    tasks = without(mf.TaskDistribution(6, 4).sample(40, rng=0).materialise(), missing)
    learner = kind(6, 4)
    table = mf.train(learner, tasks, 3, 20, rng=1).q_table
    again = mf.train(learner, tasks, 3, 20, rng=1, initial_table=table)
    finite = mf.train(learner, tasks, 3, 20, rng=1, initial_table=np.where(missing, 5.0, table))
    assert_same_bits(again.q_table, finite.q_table)
    table[2, 3, 0] = -np.inf
    with pytest.raises(ValueError, match=r"initial_table\[task=2, state=3, action=0\] is -inf"):
        mf.train(learner, tasks, 3, 20, rng=1, initial_table=table)
    for wrong in (np.nan, np.inf):
        table[2, 3, 0] = wrong
        with pytest.raises(ValueError, match="initial_table"):
            mf.train(learner, tasks, 3, 20, rng=1, initial_table=table)


def test_tables_of_tasks_with_all_actions_hold_numbers_only():
    tasks = mf.TaskDistribution(2, 2).sample(3, rng=0)
    with pytest.raises(ValueError, match=r"initial_table\[0, 1\] is -inf, expected a finite number"):
        mf.train(mf.QLearning(2, 2), tasks, 1, 5, rng=0, initial_table=[[0.0, -np.inf], [0.0, 0.0]])


@kinds
def test_the_object_leaves_them_alone(kind):
    learner = kind(3, 2, learning_rate=0.5)
    tables = learner.q_tables if kind is mf.DoubleQLearning else learner.q_table[None]
    tables[:, 1, 0] = -np.inf
    for _ in range(3):
        for state, action in ((0, 0), (1, 1), (2, 0)):
            learner.update(state, action, 1.0, (state + 1) % 3, **{**MORE.get(kind, {}), **after(kind)})
    assert np.isneginf(learner.q_table[1, 0])
    assert np.isfinite(np.delete(learner.q_table.ravel(), 2)).all()
    assert learner.get_policy()[1] == 1


def after(kind):
    """What the follower of SARSA does next: an action that is available in every state."""
    return {"next_action": 1} if "next_action" in MORE.get(kind, {}) else {}


# --- meta-learners ---


def test_the_mean_table_is_over_the_tasks_that_have_the_action():
    meta = mf.AverageQ()
    for initial, unseen in ((0.0, 0.0), (mf.Table([[7.0, 7.0, -np.inf]]), -np.inf)):
        state = meta.init(mf.QLearning(initial_q=initial))
        state = meta.observe(state, [[[1.0, -np.inf, -np.inf]], [[3.0, 4.0, -np.inf]]])
        assert meta.start(state).tolist() == [[2.0, 4.0, unseen]]
        state = meta.observe(state, [[[5.0, 6.0, -np.inf]]])
        assert meta.start(state)[0] == pytest.approx([3.0, 5.0, unseen])


def test_large_tables_have_a_finite_mean():
    meta, state = mf.AverageQ(), mf.AverageQ().init(mf.QLearning())
    for _ in range(3):
        state = meta.observe(state, [[[1e308, -1e308]], [[1e308, 1e308]]])
    assert meta.start(state) == pytest.approx(np.array([[1e308, 0.0]]))


@pytest.mark.parametrize("kind", METAS, ids=lambda kind: kind.__name__)
def test_what_meta_learners_make_of_them_is_a_start(kind):
    missing = np.random.default_rng(0).random((40, 6, 4)) < 0.4
    missing[:, :, 0] = False
    missing[:, 2, 3] = True
    tasks = without(mf.TaskDistribution(6, 4).sample(40, rng=0).materialise(), missing)
    fitted = kind().fit(tasks, mf.QLearning(), 5, 20, num_iterations=3, rng=1)
    assert np.isfinite(np.asarray(fitted.learner.initial_q, float)).all()
    run = mf.train(fitted, tasks, 5, 20, rng=2)
    assert_same_bits(np.isneginf(run.q_table), missing)


@pytest.mark.parametrize("kind", METAS, ids=lambda kind: kind.__name__)
def test_a_learner_may_say_that_an_action_is_not_available(kind):
    missing = np.zeros((4, 3), bool)
    missing[2, 1] = True
    tasks = without(mf.TaskDistribution(4, 3).sample(8, rng=0).materialise(), np.stack([missing] * 8))
    learner = mf.QLearning(initial_q=mf.Table(np.where(missing, -np.inf, 0.5)))
    fitted = kind().fit(tasks, learner, 5, 20, num_iterations=3, rng=1)
    run = mf.train(fitted, tasks, 5, 20, rng=2)
    assert_same_bits(np.isneginf(run.q_table), np.stack([missing] * 8))
