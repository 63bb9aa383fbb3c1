"""Planning against dense NumPy solves, and against what the engine's own episodes earn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metarl_fast as mf
import strategies
from bits import assert_same_bits

thorough = settings(max_examples=100, deadline=None, derandomize=True)
small = {
    "states": st.integers(1, 6),
    "actions": st.integers(1, 4),
    "count": st.integers(1, 3),
    "noise": False,
}
small_tasks = strategies.dense_tasks(**small) | strategies.outcome_tasks(**small, outcomes=st.integers(1, 5))
discounts = st.sampled_from([0.0, 0.5, 0.9, 0.99])


def dense_form(model):
    """(p [S, A, S] of going on, expected rewards [S, A])."""
    s, a, k = model.probability.shape
    go_on, rewards = np.zeros((s, a, s)), np.zeros((s, a))
    for state in range(s):
        for action in range(a):
            for outcome in range(k):
                p = model.probability[state, action, outcome]
                next_state, reward, terminated = model.outcome(state, action, outcome)
                rewards[state, action] += p * reward
                go_on[state, action, next_state] += 0.0 if terminated else p
    return go_on, rewards


def solve_policy(go_on, rewards, policy, discount):
    """v = (I - discount P)^-1 r (Sutton and Barto, equation 4.4, as a linear system)."""
    p = np.einsum("sa,sat->st", policy, go_on)
    return np.linalg.solve(np.eye(len(p)) - discount * p, (policy * rewards).sum(axis=1))


def policy_iteration(go_on, rewards, discount):
    """Return v* by Howard's algorithm."""
    actions = np.zeros(len(rewards), int)
    while True:
        v = solve_policy(go_on, rewards, np.eye(rewards.shape[1])[actions], discount)
        q = rewards + discount * go_on @ v
        best = q.max(axis=1)
        better = best > v + 1e-12
        if not better.any():
            return v
        actions = np.where(better, q.argmax(axis=1), actions)


def random_policies(seed, shape):
    policies = np.random.default_rng(seed).random(shape) + 1e-3
    return policies / policies.sum(axis=-1, keepdims=True)


@thorough
@given(small_tasks, discounts, st.sampled_from([1e-3, 1e-8, 1e-300]))
def test_value_iteration_gives_the_optimum_within_its_tolerance(found, discount, tolerance):
    tasks, models = found
    best = mf.value_iteration(tasks, discount, tolerance=tolerance)
    for index, model in enumerate(models):
        go_on, rewards = dense_form(model)
        v = policy_iteration(go_on, rewards, discount)
        # Doubles hold no tolerance of 1e-300: then a few units in the last place times 1 / (1 - discount).
        bound = max(tolerance, 3e-15 * max(1.0, np.abs(v).max()) / (1.0 - discount))
        assert np.abs(best.values[index] - v).max() <= bound
        assert np.abs(best.q_values[index] - (rewards + discount * go_on @ v)).max() <= bound
        assert abs(best.returns[index] - model.start @ v) <= bound
        assert_same_bits(best.policy[index], best.q_values[index].argmax(axis=1).astype(np.int32))


@thorough
@given(small_tasks, discounts)
def test_the_greedy_policy_of_value_iteration_earns_the_optimum(found, discount):
    tasks, _ = found
    best = mf.value_iteration(tasks, discount)
    earned = mf.policy_evaluation(tasks, best.policy, discount)
    np.testing.assert_allclose(earned.values, best.values, atol=1e-6)


@thorough
@given(small_tasks, discounts, strategies.seeds)
def test_policy_evaluation_is_the_linear_solve(found, discount, seed):
    tasks, models = found
    policies = random_policies(seed, (len(tasks), 3, tasks.num_states, tasks.num_actions))
    values = mf.policy_evaluation(tasks, policies, discount)
    for index, model in enumerate(models):
        for p in range(3):
            v = solve_policy(*dense_form(model), policies[index, p], discount)
            assert np.abs(values.values[index, p] - v).max() <= 1e-8
            assert abs(values.returns[index, p] - model.start @ v) <= 1e-8


@thorough
@given(small_tasks, st.sampled_from([0.0, 0.9, 1.0]), st.integers(1, 12))
def test_backward_induction_is_the_recursion(found, discount, horizon):
    tasks, models = found
    best = mf.backward_induction(tasks, horizon, discount)
    assert best.policy.shape == (len(tasks), horizon, tasks.num_states)
    for index, model in enumerate(models):
        go_on, rewards = dense_form(model)
        v = np.zeros(tasks.num_states)
        earned = np.zeros(tasks.num_states)
        rows = np.arange(tasks.num_states)
        for step in reversed(range(horizon)):
            q = rewards + discount * go_on @ v
            v = q.max(axis=1)
            plan = best.policy[index, step]
            earned = (rewards + discount * go_on @ earned)[rows, plan]
        np.testing.assert_allclose(best.q_values[index], q, atol=1e-10)
        np.testing.assert_allclose(best.values[index], v, atol=1e-10)
        np.testing.assert_allclose(earned, v, atol=1e-10)  # following the plan earns the optimum
        np.testing.assert_allclose(best.returns[index], model.start @ v, atol=1e-10)


@thorough
@given(small_tasks, st.sampled_from([0.0, 0.9, 1.0]), st.integers(1, 12), strategies.seeds)
def test_finite_policy_evaluation_is_the_recursion(found, discount, horizon, seed):
    tasks, models = found
    policy = random_policies(seed, (tasks.num_states, tasks.num_actions))
    values = mf.policy_evaluation(tasks, policy, discount, horizon=horizon).values
    for index, model in enumerate(models):
        go_on, rewards = dense_form(model)
        v = np.zeros(tasks.num_states)
        for _ in range(horizon):
            v = (policy * (rewards + discount * go_on @ v)).sum(axis=1)
        np.testing.assert_allclose(values[index], v, atol=1e-10)


def test_all_forms_of_a_policy_mean_the_same():
    tasks = mf.TaskDistribution(5, 3).sample(4, rng=0)
    actions = np.random.default_rng(0).integers(3, size=(4, 5))
    table = np.eye(3)[actions]
    expected = mf.policy_evaluation(tasks, table, 0.9)
    assert expected.values.shape == (4, 5)
    assert_same_bits(mf.policy_evaluation(tasks, actions, 0.9).values, expected.values)
    several = mf.policy_evaluation(tasks, np.stack([table, table[::-1]], axis=1), 0.9)
    assert (several.values.shape, several.returns.shape) == ((4, 2, 5), (4, 2))
    assert_same_bits(several.values[:, 0], expected.values)
    assert_same_bits(several.returns[:, 0], expected.returns)
    assert_same_bits(mf.policy_evaluation(tasks, table[::-1], 0.9).values, several.values[:, 1])
    for shared in (actions[2], table[2]):
        assert_same_bits(mf.policy_evaluation(tasks, shared, 0.9).values[2], expected.values[2])
        assert_same_bits(mf.policy_evaluation(tasks[2], shared, 0.9).values[0], expected.values[2])


def test_long_horizons_approach_the_endless_problem():
    tasks = mf.TaskDistribution(6, 3).sample(5, rng=0)
    endless, finite = mf.value_iteration(tasks, 0.9), mf.backward_induction(tasks, 300, 0.9)
    np.testing.assert_allclose(finite.values, endless.values, atol=1e-7)


def test_a_discount_close_to_one():
    # One state for ever: v = 1 / (1 - discount).
    tasks = mf.from_arrays(np.ones((1, 1, 1)), np.ones((1, 1)))
    assert mf.value_iteration(tasks, 0.9999).values.item() == pytest.approx(1e4, rel=1e-10)
    assert mf.policy_evaluation(tasks, np.ones((1, 1)), 0.9999).values.item() == pytest.approx(1e4, rel=1e-10)


def test_the_horizon_defaults_to_that_of_the_tasks():
    tasks = mf.TaskDistribution(4, 2, horizon=6).sample(3, rng=0)
    assert_same_bits(mf.backward_induction(tasks).values, mf.backward_induction(tasks, 6).values)


FAMILIES = [
    mf.TaskDistribution(6, 3, start=mf.Uniform(), reward_noise=0.5),
    mf.TaskDistribution(9, 2, transitions=mf.Garnet(3), rewards=mf.Normal(1, 1)),
    mf.GoalGrid(4, slip=0.2, wall_density=0.1, start=None, step_reward=-0.1),
]


def assert_earns(returns, expected):
    """The mean over episodes lies within five standard errors of the exact value."""
    episodes = returns.shape[1]
    error = returns.std(axis=1, ddof=1) / np.sqrt(episodes)
    assert (np.abs(returns.mean(axis=1) - expected) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("family", FAMILIES, ids=["uniform", "garnet", "goal_grid"])
def test_the_engines_random_episodes_earn_the_exact_value(family):
    tasks = family.sample(20, rng=0)
    s, a = family.num_states, family.num_actions
    exact = mf.policy_evaluation(tasks, np.full((s, a), 1 / a), 1.0, horizon=15)
    returns = mf.train(mf.QLearning(s, a, epsilon=1.0), tasks, 4000, 15, rng=0, dtype=np.float64).returns
    assert_earns(returns, exact.returns)


@pytest.mark.parametrize("family", FAMILIES, ids=["uniform", "garnet", "goal_grid"])
def test_the_engines_greedy_episodes_earn_the_exact_value(family):
    # Action values that differ, so that no tie is broken at random; learning rate 0 keeps them.
    tasks = family.sample(20, rng=0)
    s, a = family.num_states, family.num_actions
    table = np.random.default_rng(0).permuted(np.tile(np.arange(a), (20, s, 1)), axis=2)
    exact = mf.policy_evaluation(tasks, table.argmax(axis=2), 1.0, horizon=15)
    learner = mf.QLearning(s, a, learning_rate=0.0, epsilon=0.0)
    returns = mf.train(learner, tasks, 4000, 15, rng=0, initial_table=table, dtype=np.float64).returns
    assert_earns(returns, exact.returns)


def test_q_learning_converges_to_the_planners_values():
    tasks = mf.TaskDistribution(4, 2, start=mf.Uniform()).sample(16, rng=0)
    learner = mf.QLearning(4, 2, learning_rate=1.0, learning_rate_decay=0.7, discount=0.8, epsilon=1.0)
    run = mf.train(learner, tasks, 1, 300_000, rng=0, dtype=np.float64)
    assert np.abs(run.q_table - mf.value_iteration(tasks, 0.8).q_values).max() < 0.05  # of up to 5
