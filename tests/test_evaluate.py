"""Scores between the random policy and the optimum, and adaptation curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
import strategies
import textbook
from bits import assert_same_bits
from metarl_fast import evaluate
from metarl_fast.evaluate import bounds

thorough = settings(max_examples=60, deadline=None, derandomize=True)

FAMILIES = [
    mf.TaskDistribution(6, 3, start=mf.Uniform(), horizon=12),
    mf.GoalGrid(4, slip=0.1),
]
families = pytest.mark.parametrize("family", FAMILIES, ids=["task_distribution", "goal_grid"])
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


def test_adaptation_in_several_runs_of_each_task():
    tasks = mf.TaskDistribution(6, 3, horizon=10).sample(40, rng=0)
    learner = mf.QLearning(6, 3, learning_rate=0.5)
    curve = mf.adapt(learner, tasks, (0, 2, 5), rng=1, num_runs=3)
    assert curve.scores.shape == (40, 3, 3)
    assert curve.returns.shape == (40, 3, 5)
    alone = mf.adapt(learner, tasks, (0, 2, 5), rng=1)
    assert_same_bits(curve.scores[:, 0], alone.scores)
    assert_same_bits(curve.returns[:, 0], alone.returns)
    run = mf.train(learner, tasks, 5, rng=1, num_runs=3, snapshot_episodes=(0, 2, 5))
    limits = bounds(tasks, learner.discount)
    for k in range(3):
        expected = mf.score(tasks, mf.greedy_policy(run.snapshots[:, k]), limits)
        assert_same_bits(curve.scores[:, k], expected)
    # Three runs of a task say nothing about other tasks: the interval is one of 40 means.
    interval, expected = curve.interval(), mf.bootstrap_mean(curve.scores.mean(axis=1))
    assert_same_bits(interval.mean, expected.mean)
    assert_same_bits(interval.low, expected.low)
    assert mf.adapt(learner, tasks, (0, 2), rng=1, num_runs=1).scores.shape == (40, 1, 2)


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (1.5, TypeError), (-3, ValueError)])
def test_the_number_of_runs_is_checked(value, error):
    tasks = mf.TaskDistribution(4, 3, horizon=9).sample(2, rng=0)
    with pytest.raises(error, match=f"num_runs is {value}"):
        mf.adapt(mf.QLearning(4, 3), tasks, (0, 1), rng=0, num_runs=value)


def test_adaptation_in_parts_is_the_same(monkeypatch):
    tasks = mf.TaskDistribution(6, 3, horizon=10).sample(50, rng=0)
    learner = mf.QLearning(6, 3)
    whole = mf.adapt(learner, tasks, (1, 5), rng=0)
    runs = mf.adapt(learner, tasks, (1, 5), rng=0, num_runs=2)
    monkeypatch.setattr(evaluate, "_PART", 3000)  # six tasks
    assert_same_bits(mf.adapt(learner, tasks, (1, 5), rng=0).scores, whole.scores)
    assert_same_bits(mf.adapt(learner, tasks, (1, 5), rng=0, num_runs=2).scores, runs.scores)


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


# --- scores in every unit ----------------------------------------------------------------------------------


def corridor(length, pays=1.0):
    """Left or right in a row of states; the step into the last one pays and ends the episode."""
    rewards = np.zeros((length, 2))
    rewards[length - 2, 1] = pays
    return textbook.corridor(rewards, num_tasks=1)


@pytest.mark.parametrize(("length", "discount"), [(30, 0.5), (200, 0.9), (1000, 0.9), (300, 0.999)])
def test_a_reward_far_away_is_scored(length, discount):
    tasks = corridor(length)
    limits = bounds(tasks, discount)
    assert limits.optimal.item() == pytest.approx(discount ** (length - 2), rel=1e-12)
    right, left = np.ones(length, int), np.zeros(length, int)
    assert mf.score(tasks, right, limits).tolist() == [1.0]
    assert mf.score(tasks, np.full((length, 2), 0.5), limits).tolist() == [0.0]
    worse = mf.score(tasks, left, limits).item()  # never arrives
    assert worse == pytest.approx(-limits.random.item() / limits.gap.item(), abs=1e-13)


UNITS = [1.0, 1e-9, 1e-30, 1e-200, 1e12]


@thorough
@given(
    family_twins.MODULES[mf.TaskDistribution].families(states=strategies.small_states),
    st.sampled_from([(0.5, None), (0.95, None), (0.9999, None), (0.9, 7), (1.0, 7)]),
    strategies.seeds,
)
def test_scores_do_not_depend_on_the_unit_of_reward(family, criterion, seed):
    tasks = family.sample(8, rng=seed)
    n, s, a = len(tasks), tasks.num_states, tasks.num_actions
    policies = np.random.default_rng(seed).dirichlet([0.3] * a, (n, 3, s))
    found = []
    for unit in UNITS:
        scaled = mf.from_arrays(tasks.transitions, unit * tasks.rewards, start=tasks.start)
        limits = bounds(scaled, criterion[0], horizon=criterion[1])
        found.append(mf.score(scaled, policies, limits))
        uniform = mf.score(scaled, np.full((s, a), 1 / a), limits)
        assert ((uniform == 0.0) | ~limits.learnable).all()
    for scores in found[1:]:
        np.testing.assert_array_equal(np.isnan(scores), np.isnan(found[0]))
        np.testing.assert_allclose(scores, found[0], rtol=1e-9, atol=1e-9)


@thorough
@given(
    strategies.dense_tasks(strategies.small_states, st.integers(1, 4), st.sampled_from([1, 6]), noise=False)
    | strategies.outcome_tasks(
        strategies.small_states, st.integers(1, 4), st.sampled_from([1, 6]), noise=False
    ),
    st.sampled_from([0.0, 0.5, 0.95, 0.9999]),
    st.integers(1, 8),
)
def test_the_optimum_scores_exactly_1_and_the_random_policy_exactly_0(found, discount, horizon):
    tasks, _ = found
    best, limits = mf.policy_iteration(tasks, discount), bounds(tasks, discount)
    finite = mf.backward_induction(tasks, horizon, discount)
    uniform = np.full((tasks.num_states, tasks.num_actions), 1.0 / tasks.num_actions)
    for policy, expected in ((best.policy, 1.0), (mf.greedy_policy(best.q_values), 1.0), (uniform, 0.0)):
        assert set(mf.score(tasks, policy, limits)[limits.learnable].tolist()) <= {expected}
    limits = bounds(tasks, discount, horizon=horizon)
    for policy, expected in ((finite.policy, 1.0), (uniform, 0.0)):
        assert set(mf.score(tasks, policy, limits)[limits.learnable].tolist()) <= {expected}


@pytest.mark.parametrize("discount", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("horizon", [None, 9])
def test_where_all_actions_are_alike_nothing_can_be_learned(discount, horizon):
    random = np.random.default_rng(0)
    rows = np.repeat(random.dirichlet(np.ones(6), (100, 6, 1)), 3, axis=2)
    rewards = np.repeat(random.normal(size=(100, 6, 1)), 3, axis=2)
    assert not bounds(mf.from_arrays(rows, rewards), discount, horizon=horizon).learnable.any()

    # The same outcomes in another order are the same but for rounding.
    def table(k):
        outcomes = [
            [(p, t, float(rewards[k, s, 0]), False) for t, p in enumerate(rows[k, s, 0])] for s in range(6)
        ]
        return {s: {0: outcomes[s], 1: outcomes[s][::-1]} for s in range(6)}

    tasks = mf.from_outcomes([table(k) for k in range(20)])
    assert not bounds(tasks, discount, horizon=horizon).learnable.any()


def test_small_gaps_between_large_values_are_scored():
    # Two actions that differ by 1e-6 of what both earn; v is 1e6 times that.
    tasks = mf.from_arrays(np.ones((1, 2, 1)), [[1.0, 1.0 + 1e-6]])
    limits = bounds(tasks, 1 - 1e-6)
    assert limits.gap.item() == pytest.approx(0.5, rel=1e-9)
    scores = [mf.score(tasks, p, limits).item() for p in ([1], [0], [[0.25, 0.75]])]
    assert scores == pytest.approx([1.0, -1.0, 0.5], rel=1e-9)


def test_undiscounted_scores_of_policies_that_never_end():
    costs = mf.GoalGrid(3, step_reward=-1.0).sample(20, rng=0)
    limits = bounds(costs, 1.0, horizon=np.inf)
    best = mf.policy_iteration(costs, 1.0)
    assert mf.score(costs, best.policy, limits).tolist() == [1.0] * 20
    stuck = mf.score(costs, np.zeros(9, int), limits)  # up, and then against the wall
    assert (np.isneginf(stuck) | (stuck <= 1.0)).all()
    assert np.isneginf(stuck).any()
    # To rest costs nothing at any step, but misses what pays; the other action pays half of the time.
    stay, go = [(1.0, 0, 0.0, False)], [(0.5, 1, 1.0, True), (0.5, 1, 0.0, True)]
    tasks = mf.from_outcomes(
        {0: {0: stay, 1: go, 2: [(1.0, 1, 0.0, True)]}, 1: dict.fromkeys(range(3), stay)}
    )
    limits = bounds(tasks, 1.0)
    assert limits.optimal.tolist() == [0.5]
    scores = [mf.score(tasks, [a, 0], limits).item() for a in range(3)]
    assert scores == pytest.approx([-1.0, 1.0, -1.0], rel=1e-12)


def test_progress_of_adapt_is_done_when_scores_are():
    """And not when learning is, which takes the smaller part of the time."""
    tasks, told = mf.TaskDistribution(6, 3, horizon=10).sample(50, rng=0), []
    learner, given = mf.QLearning(6, 3), {"rng": 0, "progress": lambda *report: told.append(report)}
    for limits, first in ((None, 16), (mf.bounds(tasks, 0.95), 25)):
        told.clear()
        mf.adapt(learner, tasks, (0, 3), limits=limits, **given)
        assert (first, 50) in told
        assert told[-1] == (50, 50)
        assert told == sorted(told)


def test_adapt_checks_everything_before_it_plans(monkeypatch):
    tasks = mf.TaskDistribution(6, 3, horizon=10).sample(5, rng=0)
    learner = mf.QLearning(6, 3)
    monkeypatch.setattr(evaluate, "bounds", lambda *a, **k: pytest.fail("it planned"))
    for options, error in (
        ({"rng": "x"}, TypeError),
        ({"initial_table": np.zeros((5, 3))}, ValueError),
        ({"progress": 5}, TypeError),
        ({"dtype": np.float16}, ValueError),
        ({"num_threads": 0}, ValueError),
        ({"limits": 5}, TypeError),
        ({"limits": mf.bounds(tasks[:2])}, ValueError),
    ):
        with pytest.raises(error):
            mf.adapt(learner, tasks, **options)
    monkeypatch.setattr(evaluate.checks, "available_memory", lambda: 2**30)
    with pytest.raises(MemoryError):
        mf.adapt(learner, tasks, range(2**31 - 1))


def test_adaptation_in_float64():
    tasks = mf.TaskDistribution(6, 3, horizon=10).sample(20, rng=0)
    learner = mf.QLearning(6, 3)
    curve = mf.adapt(learner, tasks, (0, 5), rng=1, dtype=np.float64)
    run = mf.train(learner, tasks, 5, rng=1, snapshot_episodes=(0, 5), dtype=np.float64)
    assert_same_bits(curve.scores, mf.score(tasks, mf.greedy_policy(run.snapshots), bounds(tasks, 0.95)))


def test_greedy_policies_leave_out_what_is_not_available():
    q = [[-np.inf, 2.0, 2.0], [-1.0, -np.inf, -np.inf]]
    assert mf.greedy_policy(q).tolist() == [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]
    for bad, text in (
        ([[-np.inf] * 2], "-inf for every action"),
        ([[np.nan, 0]], "nan"),
        ([[np.inf, 0]], "inf"),
    ):
        with pytest.raises(ValueError, match=text):
            mf.greedy_policy(bad)
