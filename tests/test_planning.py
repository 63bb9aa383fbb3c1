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


# --- sweeps ------------------------------------------------------------------------------------------------


@thorough
@given(small_tasks, st.sampled_from([0.0, 0.3, 0.9, 0.99, 0.999]), st.sampled_from([1e-6, 1e-300]))
def test_the_bound_of_value_iteration_holds(found, discount, tolerance):
    tasks, _ = found
    swept, exact = (
        mf.value_iteration(tasks, discount, tolerance=tolerance),
        mf.policy_iteration(tasks, discount),
    )
    error = np.abs(swept.values - exact.values).max(axis=1)
    scale = np.abs(exact.values).max(axis=1)
    assert (error <= swept.error_bound + 1e-14 * scale).all()
    # Sums of ten terms, some ten units of rounding each, weigh 1 / (1 - discount) at most.
    size = np.abs(tasks.rewards).max(axis=(1, 2))
    reachable = 1e-13 * (scale + size / (1.0 - discount)) / (1.0 - discount)
    assert (swept.error_bound <= np.maximum(tolerance * np.minimum(scale, 1.0), reachable)).all()


@thorough
@given(small_tasks, st.sampled_from([0.0, 0.3, 0.9, 0.999]))
def test_policy_iteration_returns_what_value_iteration_does(found, discount):
    tasks, _ = found
    swept, exact = mf.value_iteration(tasks, discount), mf.policy_iteration(tasks, discount)
    assert type(exact) is type(swept) is mf.BoundedSolution
    error = np.abs(swept.values - exact.values).max(axis=1)
    assert (error <= swept.error_bound + exact.error_bound).all()
    scale = np.abs(exact.values).max(axis=1) + 10.0  # the largest reward, which may cancel in the mean
    assert (exact.error_bound <= 1e-14 * scale / (1.0 - discount)).all()
    for solution in (swept, exact):
        assert (solution.info.iterations >= 1).all()
        assert solution.info.bound is solution.error_bound
        assert 0.0 < solution.info.time < 60.0


def test_what_solving_took_is_joined_and_known_not_to_be_known():
    tasks = mf.GoalGrid(3).sample(3, rng=0)
    assert np.isposinf(mf.policy_iteration(tasks, 1.0).info.bound).all()
    parts = [mf.policy_iteration(tasks[:2], 0.9), mf.policy_iteration(tasks[2:], 0.9)]
    whole, joined = mf.policy_iteration(tasks, 0.9), mf.shards.join(parts)
    assert_same_bits(joined.info.bound, whole.info.bound)
    assert_same_bits(joined.info.iterations, whole.info.iterations)
    assert joined.info.time == parts[0].info.time + parts[1].info.time


@pytest.mark.parametrize("discount", [0.9, 0.99999, 0.999999, 1 - 1e-9])
def test_a_large_base_costs_no_digits(discount):
    one = mf.value_iteration(mf.from_arrays(np.ones((1, 1, 1)), np.ones((1, 1))), discount)
    assert one.values.item() * (1.0 - discount) == pytest.approx(1.0, rel=1e-15)
    tasks = mf.TaskDistribution(10, 5).sample(20, rng=0)
    swept, exact = mf.value_iteration(tasks, discount, tolerance=1e-300), mf.policy_iteration(tasks, discount)
    np.testing.assert_allclose(swept.values, exact.values, rtol=1e-14)
    assert (swept.error_bound <= 3e-14 * exact.values.max(axis=1)).all()


# --- horizons ----------------------------------------------------------------------------------------------


def test_terminal_states_are_worth_nothing():
    p = np.zeros((2, 1, 2))
    p[:, 0, 1] = 1.0
    tasks = mf.from_arrays(p, np.full((2, 1), -1.0), terminal=[False, True], start=[0.5, 0.5])
    best = mf.backward_induction(tasks, 10)
    assert best.values.tolist() == [[-1.0, 0.0]]
    assert best.returns.tolist() == [-0.5]
    for found in (
        mf.policy_iteration(tasks, 0.9),
        mf.value_iteration(tasks, 0.9),
        mf.policy_iteration(tasks, 1.0),
    ):
        assert found.values.tolist() == [[-1.0, 0.0]]


@thorough
@given(small_tasks, st.sampled_from([0.0, 0.9, 1.0]), strategies.seeds)
def test_every_task_has_its_own_horizon(found, discount, seed):
    tasks, _ = found
    horizon = np.random.default_rng(seed).integers(1, 7, len(tasks))
    horizon[0] = 6
    best = mf.backward_induction(tasks, horizon, discount)
    assert best.policy.shape == (len(tasks), 6, tasks.num_states)
    policy = random_policies(seed, (tasks.num_states, tasks.num_actions))
    values = mf.policy_evaluation(tasks, policy, discount, horizon=horizon).values
    for k, steps in enumerate(horizon):
        alone = mf.backward_induction(tasks[k], int(steps), discount)
        assert_same_bits(best.values[k], alone.values[0])
        assert_same_bits(best.policy[k, :steps], alone.policy[0])
        assert (best.policy[k, steps:] == -1).all()
        one = mf.policy_evaluation(tasks[k], policy, discount, horizon=int(steps))
        assert_same_bits(values[k], one.values[0])


@thorough
@given(small_tasks, st.sampled_from([0.0, 0.9, 1.0]), strategies.seeds)
def test_plans_are_valued_step_by_step(found, discount, seed):
    tasks, models = found
    n, s, a, steps = len(tasks), tasks.num_states, tasks.num_actions, 5
    horizon = np.random.default_rng(seed).integers(1, steps + 1, n)
    best = mf.backward_induction(tasks, horizon, discount)
    for given_horizon in (None, horizon):  # the plan knows its own
        found = mf.policy_evaluation(tasks, best.policy, discount, horizon=given_horizon)
        np.testing.assert_allclose(found.values, best.values, rtol=1e-12, atol=1e-12)
    plans = random_policies(seed, (n, 2, steps, s, a))
    values = mf.policy_evaluation(tasks, plans, discount)
    assert (values.values.shape, values.returns.shape) == ((n, 2, s), (n, 2))
    for index, model in enumerate(models):
        go_on, rewards = dense_form(model)
        for p in range(2):
            v = np.zeros(s)
            for step in reversed(range(steps)):
                v = (plans[index, p, step] * (rewards + discount * go_on @ v)).sum(axis=1)
            np.testing.assert_allclose(values.values[index, p], v, atol=1e-10)
    actions = np.random.default_rng(seed).integers(a, size=(n, 2, steps, s))
    by_action = mf.policy_evaluation(tasks, actions, discount)
    assert_same_bits(by_action.values, mf.policy_evaluation(tasks, np.eye(a)[actions], discount).values)


def test_a_horizon_beyond_all_change_is_for_ever():
    tasks = mf.TaskDistribution(6, 3).sample(5, rng=0)
    endless = mf.policy_iteration(tasks, 0.95)
    best = mf.backward_induction(tasks, 2**62, 0.95, plan=False)
    assert best.policy.shape == (5, 6)
    np.testing.assert_allclose(best.values, endless.values, rtol=1e-13)
    limits = mf.bounds(tasks, 0.95, horizon=2**62)
    np.testing.assert_allclose(limits.random, mf.bounds(tasks, 0.95).random, rtol=1e-13)
    np.testing.assert_allclose(mf.score(tasks, endless.policy, limits), 1.0, rtol=1e-13)
    grid = mf.GoalGrid(4).sample(5, rng=0)  # episodes end: undiscounted values stand still, too
    assert (mf.backward_induction(grid, 2**62, plan=False).values <= 1.0).all()
    with pytest.raises(MemoryError, match="the values of 5 tasks"):
        mf.backward_induction(tasks, 2**62, 0.95)
    # A long plan is filled with what no longer changes.
    plan = mf.backward_induction(grid, 1000).policy
    assert (plan[:, :900] == plan[:, :1]).all()


def test_plans_that_do_not_fit_are_refused():
    tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
    plan = mf.backward_induction(tasks, 5).policy
    refused = [
        ({"horizon": 6}, "horizon is 6, but the plan of task 0 has 5 steps"),
        ({"horizon": np.inf}, "horizon is inf"),
    ]
    for options, text in refused:
        with pytest.raises(ValueError, match=text):
            mf.policy_evaluation(tasks, plan, **options)
    plan[1, 2, 3] = -1
    with pytest.raises(ValueError, match="policy holds action -1"):
        mf.policy_evaluation(tasks, plan)
    with pytest.raises(ValueError, match="horizon\\[1\\] is 0"):
        mf.backward_induction(tasks, [3, 0, 2])


# --- policies ----------------------------------------------------------------------------------------------


def test_policies_are_normalised_once():
    tasks = mf.from_arrays(np.ones((1, 2, 1)), np.ones((1, 2)))
    for policy in (np.full((1, 2), 0.5 + 4e-6), np.full((1, 2), np.float32(1 / 2))):
        assert mf.policy_evaluation(tasks, policy, 0.9999).values.item() == pytest.approx(
            1 / (1 - 0.9999), rel=1e-15
        )
    three = mf.from_arrays(np.ones((1, 3, 1)), np.ones((1, 3)))
    third = np.full((1, 3), 1 / 3, np.float32)
    assert mf.policy_evaluation(three, third, 0.9999).values.item() == pytest.approx(
        1 / (1 - 0.9999), rel=1e-15
    )


MASKED = np.array([[[0.5, 0.5], [0, 1]], [[0, 1], [0.5, 0.5]]]), np.array([[5, 10], [-1, -np.inf]])


def test_actions_that_are_not_available_are_not_taken():
    """Puterman 1994, example 3.1, whose second state has one action."""
    tasks = mf.from_arrays(*MASKED, start=[0.5, 0.5])
    for best in (mf.policy_iteration(tasks, 0.95), mf.value_iteration(tasks, 0.95)):
        np.testing.assert_allclose(best.values, [[-60 / 7, -20]], rtol=1e-12)
        np.testing.assert_allclose(best.q_values, [[[-60 / 7, -9], [-20, -np.inf]]], rtol=1e-12)
        assert best.policy.tolist() == [[0, 0]]
    # At random: v(0) = 7.5 + 0.95 (v(0) / 4 + 3 v(1) / 4), v(1) = -20.
    limits = mf.bounds(tasks, 0.95)
    np.testing.assert_allclose(limits.random, [((7.5 - 14.25) / (1 - 0.2375) - 20) / 2], rtol=1e-14)
    uniform = np.array([[0.5, 0.5], [1.0, 0.0]])
    assert mf.score(tasks, uniform, limits).tolist() == [0.0]
    assert mf.score(tasks, mf.greedy_policy(best.q_values), limits).tolist() == [1.0]
    finite = mf.backward_induction(tasks, 5)
    assert finite.policy[0, :, 1].tolist() == [0] * 5
    assert finite.q_values[0, 1].tolist() == [-5, -np.inf]
    for policy in ([0, 1], np.full((2, 2), 0.5), np.ones((1, 5, 2), int)):
        with pytest.raises(
            ValueError, match=r"policy\[task=0, state=1, action=1\] has probability .* not available"
        ):
            mf.policy_evaluation(tasks, policy)


# --- what is judged where nothing is said ------------------------------------------------------------------


def test_one_rule_for_discount_and_horizon():
    tasks = mf.TaskDistribution(4, 2, horizon=6).sample(3, rng=0)
    policy = np.zeros(4, int)

    def judged(**options):
        limits = mf.bounds(tasks, **options)
        same = {"discount": limits.discount, "horizon": np.inf if limits.horizon is None else limits.horizon}
        values = mf.policy_evaluation(tasks, policy, **options)
        assert_same_bits(values.values, mf.policy_evaluation(tasks, policy, **same).values)
        return limits.discount, limits.horizon

    assert judged() == (0.95, None)
    assert judged(discount=0.8) == (0.8, None)
    assert judged(horizon=5) == (1.0, 5)
    assert judged(discount=0.8, horizon=5) == (0.8, 5)
    assert judged(discount=1.0) == (1.0, 6)
    assert judged(horizon=np.inf) == (0.95, None)
    assert_same_bits(mf.backward_induction(tasks).values, mf.backward_induction(tasks, 6, 1.0).values)
    assert_same_bits(mf.policy_iteration(tasks).values, mf.policy_iteration(tasks, 0.95).values)
    assert mf.QLearning(4, 2).discount == 0.95
    ends = mf.from_outcomes({0: {0: [(0.5, 0, -1.0, False), (0.5, 0, -1.0, True)]}})
    assert mf.policy_evaluation(ends, [0], 1.0).values.item() == pytest.approx(-2.0, rel=1e-15)


def test_values_that_doubles_cannot_hold_are_refused():
    dense = mf.from_arrays(np.ones((2, 1, 1, 1)), np.array([1.0, 1e308]).reshape(2, 1, 1), layout="sas")
    lists = mf.from_outcomes([{0: {0: [(1.0, 0, reward, False)]}} for reward in (1.0, 1e308)])
    wide = np.where(np.arange(80).reshape(40, 2) % 3, 1e308, -1e308)
    both_signs = mf.from_arrays(np.full((40, 2, 40), 1 / 40), wide)
    for tasks in (dense, lists):
        for plan in (
            lambda tasks=tasks: mf.policy_iteration(tasks, 0.99),
            lambda tasks=tasks: mf.value_iteration(tasks, 0.99),
            lambda tasks=tasks: mf.backward_induction(tasks, 100),
            lambda tasks=tasks: mf.policy_evaluation(tasks, [0], 0.99),
            lambda tasks=tasks: mf.policy_evaluation(tasks, [0], horizon=100),
            lambda tasks=tasks: mf.bounds(tasks, 0.99),
            lambda tasks=tasks: mf.bounds(tasks, horizon=100),
        ):
            with pytest.raises(ValueError, match="rewards of task 1 are too large"):
                plan()
        assert_same_bits(mf.policy_iteration(tasks, 0.0).values, np.array([[1.0], [1e308]]))
    with pytest.raises(ValueError, match="rewards of task 0 are too large"):
        mf.policy_iteration(both_signs, 0.5)
