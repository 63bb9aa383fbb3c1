"""Scores between the random policy and the optimum, and adaptation curves."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast import evaluate
from metarl_fast.evaluate import bounds

FAMILIES = [
    mf.TaskDistribution(6, 3, start=mf.Uniform(), horizon=12),
    mf.GoalGrid(4, slip=0.1),
]
families = pytest.mark.parametrize("family", FAMILIES, ids=["random_mdp", "goal_grid"])
criteria = pytest.mark.parametrize(("discount", "horizon"), [(0.95, None), (0.9, 10), (1.0, 10), (1.0, None)])


def uniform_policy(family):
    return np.full((family.num_states, family.num_actions), 1.0 / family.num_actions)


@families
@criteria
def test_the_random_policy_scores_zero(family, discount, horizon):
    tasks = family.sample(20, rng=0)
    limits = bounds(tasks, discount, horizon=horizon)
    np.testing.assert_allclose(mf.score(tasks, uniform_policy(family), limits), 0.0, atol=1e-9)


@families
@pytest.mark.parametrize("discount", [0.5, 0.95])
def test_the_optimal_policy_scores_one(family, discount):
    tasks = family.sample(20, rng=0)
    best = mf.policy_iteration(tasks, discount)
    limits = bounds(tasks, discount)
    np.testing.assert_allclose(mf.score(tasks, best.policy, limits), 1.0, atol=1e-6)
    np.testing.assert_allclose(
        mf.score(tasks, mf.greedy_policy(best.q_values.round(9)), limits), 1.0, atol=1e-6
    )


def test_the_optimum_of_a_finite_horizon_scores_one():
    # On a grid without slips the best policy is the same at every step.
    tasks = mf.GoalGrid(4).sample(20, rng=0)
    best = mf.policy_iteration(tasks, 0.9)
    np.testing.assert_allclose(mf.score(tasks, best.policy, bounds(tasks, 1.0)), 1.0, atol=1e-9)


@families
@criteria
def test_no_policy_scores_above_one(family, discount, horizon):
    tasks = family.sample(20, rng=0)
    limits = bounds(tasks, discount, horizon=horizon)
    policies = np.random.default_rng(0).dirichlet([0.3] * family.num_actions, (20, 5, family.num_states))
    scores = mf.score(tasks, policies, limits)
    assert scores.shape == (20, 5)
    assert (scores < 1.0).all()
    assert (scores[:, 0] == mf.score(tasks, policies[:, 0], limits)).all()


def test_scores_are_the_stated_ratio():
    tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
    policy = np.random.default_rng(0).dirichlet([1, 1], (3, 4))
    limits = bounds(tasks, 0.8)
    earned = mf.policy_evaluation(tasks, policy, 0.8).returns
    low = mf.policy_evaluation(tasks, np.full((4, 2), 0.5), 0.8).returns
    high = mf.policy_iteration(tasks, 0.8).returns
    np.testing.assert_allclose(mf.score(tasks, policy, limits), (earned - low) / (high - low), rtol=1e-12)


def test_tasks_on_which_nothing_can_be_learned_have_no_score():
    transitions = mf.TaskDistribution(4, 2).sample(3, rng=0).transitions
    rewards = np.random.default_rng(0).random((3, 4, 2))
    rewards[1] = 0.7
    tasks = mf.from_arrays(transitions, rewards)
    scores = mf.score(tasks, np.full((4, 2), 0.5), bounds(tasks, 0.9))
    assert np.isnan(scores).tolist() == [False, True, False]


def test_greedy_policies_share_between_equally_good_actions():
    q = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, -1.0, -1.0]])
    expected = [[0.0, 0.5, 0.5], [1 / 3] * 3, [1.0, 0.0, 0.0]]
    assert mf.greedy_policy(q).tolist() == expected
    assert mf.greedy_policy(q.astype(np.float32)[None, None]).tolist() == [[expected]]


@families
def test_adaptation_begins_at_the_start_it_is_given(family):
    tasks = family.sample(20, rng=0)
    learner = mf.QLearning(family.num_states, family.num_actions, discount=0.9, learning_rate=0.0)
    scratch = mf.adapt(learner, tasks, (0, 2), rng=0)
    np.testing.assert_allclose(scratch.scores, 0.0, atol=1e-9)  # an all-zero table is the random policy
    best = mf.policy_iteration(tasks, 0.9).q_values
    np.testing.assert_allclose(
        mf.adapt(learner, tasks, (0, 2), rng=0, initial_table=best).scores, 1.0, atol=1e-6
    )


@families
def test_adaptation_scores_the_tables_of_train(family):
    tasks = family.sample(1000, rng=0)  # so many that the last line is not a matter of luck
    learner = mf.QLearning(family.num_states, family.num_actions, discount=0.9, learning_rate=0.5)
    curve = mf.adapt(learner, tasks, (0, 3, 10), rng=1)
    run = mf.train(learner, tasks, 10, rng=1, snapshot_episodes=(0, 3, 10))
    assert curve.episodes == (0, 3, 10)
    assert_same_bits(curve.returns, run.returns)
    expected = mf.score(tasks, mf.greedy_policy(run.snapshots), bounds(tasks, 0.9))
    assert_same_bits(curve.scores, expected)
    assert (curve.scores[:, 2] > 0.2).mean() > 0.5  # it learns


def test_adaptation_in_parts_is_the_same(monkeypatch):
    tasks = mf.TaskDistribution(6, 3, horizon=10).sample(50, rng=0)
    learner = mf.QLearning(6, 3)
    whole = mf.adapt(learner, tasks, (1, 5), rng=0)
    monkeypatch.setattr(evaluate, "_PART", 3000)  # six tasks
    assert_same_bits(mf.adapt(learner, tasks, (1, 5), rng=0).scores, whole.scores)


def test_adaptation_can_share_its_bounds():
    tasks = mf.GoalGrid(3).sample(10, rng=0)
    learner = mf.QLearning(9, 4, discount=0.9)
    shared = mf.adapt(learner, tasks, (4,), rng=0, limits=bounds(tasks, 1.0, horizon=8))
    tables = mf.train(learner, tasks, 4, rng=0).q_table
    expected = mf.score(tasks, mf.greedy_policy(tables), bounds(tasks, 1.0, horizon=8))
    assert_same_bits(shared.scores[:, 0], expected)


def test_the_interval_of_a_curve_is_the_bootstrap_over_tasks():
    tasks = mf.TaskDistribution(6, 3, horizon=10).sample(50, rng=0)
    curve = mf.adapt(mf.QLearning(6, 3), tasks, (1, 5), rng=0)
    interval, expected = curve.interval(confidence=0.8), mf.bootstrap_mean(curve.scores, confidence=0.8)
    assert_same_bits(interval.mean, curve.scores.mean(axis=0))
    assert_same_bits(interval.low, expected.low)
    assert_same_bits(interval.high, expected.high)


def test_action_values_where_a_policy_is_wanted_name_the_function_that_makes_one():
    tasks = mf.TaskDistribution(3, 2, horizon=5).sample(2, rng=0)
    values = mf.policy_iteration(tasks, 0.9).q_values
    limits = mf.bounds(tasks, 0.9)
    for refused in (
        lambda: mf.policy_evaluation(tasks, values, 0.9),
        lambda: mf.score(tasks, values, limits),
        lambda: mf.MetaLearner(3, 2).update(None, values[0]),
    ):
        with pytest.raises(ValueError, match=r"sum to 1 \(of action values, greedy_policy\(q_table\)"):
            refused()
    np.testing.assert_allclose(mf.score(tasks, mf.greedy_policy(values), limits), 1.0, rtol=1e-9)
