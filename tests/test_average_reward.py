"""The long run and where policies spend their time, against matrices, enumeration, limits and textbooks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits


def limiting_matrix(p):
    """P* (Puterman 1994, appendix A.4): that of the lazy chain is the same, and its powers converge."""
    p = (np.eye(len(p)) + p) / 2.0
    for _ in range(40):
        p = p @ p
        p /= p.sum(axis=1, keepdims=True)
    return p


def gain_and_bias(p, r):
    """Return P* r and the deviation matrix times r (appendix A.5)."""
    star = limiting_matrix(p)
    return star @ r, np.linalg.solve(np.eye(len(p)) - p + star, r - star @ r)


def tasks_of_several_classes(seed, states=6, actions=3, count=8):
    """Random tasks whose rows hold a next state or two, so that policies have one class or several."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((count, states, actions, states))
    for row in rows.reshape(-1, states):
        row[rng.integers(0, states, 1 + (rng.random() < 0.2))] = 1.0
    rows /= rows.sum(axis=-1, keepdims=True)
    start = rng.dirichlet(np.ones(states), count)
    return mf.from_arrays(rows, rng.normal(size=(count, states, actions)), start=start)


def of_policy(task, policy):
    return np.einsum("sa,sat->st", policy, task.transitions), (policy * task.rewards).sum(axis=1)


def test_gain_and_bias_are_those_of_the_limiting_matrices():
    tasks = tasks_of_several_classes(0)
    n, s, a = tasks.rewards.shape
    rng = np.random.default_rng(1)
    policies = np.eye(a)[rng.integers(0, a, (n, 5, s))]
    policies[:, 4] = rng.dirichlet(np.ones(a), (n, s))
    found = mf.gain_and_bias(tasks, policies)
    shares = mf.long_run_occupancy(tasks, policies)
    several = 0
    for i, k in np.ndindex(n, 5):
        p, r = of_policy(tasks[i], policies[i, k])
        gain, bias = gain_and_bias(p, r)
        np.testing.assert_allclose(found.gain[i, k], gain, atol=1e-11)
        np.testing.assert_allclose(found.bias[i, k], bias, atol=1e-10)
        np.testing.assert_allclose(found.returns[i, k], tasks[i].start @ gain, atol=1e-11)
        star = limiting_matrix(p)
        stationary = tasks[i].start @ star
        np.testing.assert_allclose(shares[i, k], stationary[:, None] * policies[i, k], atol=1e-11)
        label = found.recurrent_class[i, k]
        assert_same_bits(label >= 0, star.diagonal() > 1e-9)
        together = (star > 1e-9) & (label >= 0)[:, None] & (label >= 0)
        assert (together == ((label[:, None] == label) & (label >= 0))).all()
        assert found.num_classes[i, k] == len(set(label) - {-1})
        assert found.is_unichain[i, k] == (found.num_classes[i, k] == 1)
        several += found.num_classes[i, k] > 1
    assert 4 < several < 36
    assert_same_bits(mf.gain_and_bias(tasks, policies, num_threads=1).bias, found.bias)


@pytest.mark.parametrize("seed", range(3))
def test_no_policy_earns_more_from_any_state(seed):
    tasks = tasks_of_several_classes(seed, states=4, actions=2, count=12)
    found = mf.average_reward(tasks)
    every = np.array(list(itertools.product(range(2), repeat=4)))
    policies = np.broadcast_to(np.eye(2)[every], (12, len(every), 4, 2))
    best = mf.gain_and_bias(tasks, policies).gain.max(axis=1)
    np.testing.assert_allclose(found.gain, best, rtol=1e-12, atol=1e-12)
    own = mf.gain_and_bias(tasks, found.policy)
    assert_same_bits(own.gain, found.gain)
    assert_same_bits(own.bias, found.bias)
    # Puterman 1994, equations 9.1.3 and 9.1.4.
    kept = np.einsum("nsat,nt->nsa", tasks.transitions, found.gain)
    assert (kept <= found.gain[:, :, None] + 1e-12).all()
    q = tasks.rewards + np.einsum("nsat,nt->nsa", tasks.transitions, found.bias) - found.gain[:, :, None]
    keeps = kept >= found.gain[:, :, None] - 1e-12
    np.testing.assert_allclose(np.where(keeps, q, -np.inf).max(axis=2), found.bias, atol=1e-10)


def howards_taxi():
    """Howard (1960): a taxicab in three towns, which cruises, waits at a stand, or waits for a radio call."""
    trips = {
        0: [([8, 4, 4], [10, 4, 8]), ([1, 12, 3], [8, 2, 4]), ([4, 2, 10], [4, 6, 4])],
        1: [([8, 0, 8], [14, 0, 18]), ([1, 14, 1], [8, 16, 8])],
        2: [([4, 4, 8], [10, 2, 8]), ([2, 12, 2], [6, 4, 2]), ([12, 1, 3], [4, 0, 8])],
    }
    return mf.from_outcomes(
        {
            town: {
                way: [(p / 16, to, float(fare), False) for to, (p, fare) in enumerate(zip(*row, strict=True))]
                for way, row in enumerate(rows)
            }
            | {way: [] for way in range(len(rows), 3)}
            for town, rows in trips.items()
        }
    )


def test_howards_taxi_waits_at_the_stand():
    found = mf.average_reward(howards_taxi())
    assert found.policy[0].tolist() == [1, 1, 1]
    np.testing.assert_allclose(found.gain[0], 13.34453782, atol=1e-8)
    np.testing.assert_allclose(found.bias[0] - found.bias[0, 2], [-1.17647059, 12.65546218, 0.0], atol=1e-7)


def test_gain_and_bias_are_limits_of_discounted_values():
    tasks = mf.TaskDistribution(12, 3).sample(4, rng=0)
    found = mf.average_reward(tasks)
    left = 2.0**-23
    v = mf.policy_iteration(tasks, 1.0 - left).values
    np.testing.assert_allclose(v * left, found.gain, atol=1e-6)
    np.testing.assert_allclose(v - found.gain / left, found.bias, atol=1e-5)
    steps = 4000
    of_episodes = mf.policy_evaluation(tasks, found.policy, horizon=steps).values
    np.testing.assert_allclose(of_episodes, steps * found.gain + found.bias, rtol=1e-11)


def test_after_the_end_nothing_is_earned():
    tasks = mf.GoalGrid(4).sample(3, rng=0)
    random = np.full((16, 4), 0.25)
    found = mf.gain_and_bias(tasks, random)
    assert not found.gain.any()
    assert (found.num_classes == 1).all()
    np.testing.assert_allclose(found.bias, mf.policy_evaluation(tasks, random, 1.0, horizon=np.inf).values)
    assert not mf.long_run_occupancy(tasks, random).any()


def test_slow_chains_lose_no_digits():
    """Two states that are left once in 1e12 steps, and are as good as each other but for 1e-3."""
    p = np.array([[1 - 1e-12, 1e-12], [3e-12, 1 - 3e-12]])
    found = mf.gain_and_bias(mf.from_arrays(p[:, None], np.array([[1.0], [1.001]])), [0, 0])
    np.testing.assert_allclose(found.gain, 1.0 + 0.25e-3, rtol=1e-15)
    np.testing.assert_allclose(
        mf.long_run_occupancy(mf.from_arrays(p[:, None], np.zeros(2)), [0, 0]).ravel(), [0.75, 0.25]
    )


# --- occupancies -------------------------------------------------------------------------------------------


def test_occupancies_solve_the_transposed_equations():
    tasks = tasks_of_several_classes(3)
    n, s, a = tasks.rewards.shape
    policies = np.random.default_rng(4).dirichlet(np.ones(a), (n, 2, s))
    for discount in (0.0, 0.5, 0.9, 0.999):
        found = mf.occupancy(tasks, policies, discount)
        for i, k in np.ndindex(n, 2):
            p, _ = of_policy(tasks[i], policies[i, k])
            x = np.linalg.solve(np.eye(s) - discount * p.T, tasks[i].start)
            np.testing.assert_allclose(found[i, k], x[:, None] * policies[i, k], rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(found.sum(axis=(2, 3)), 1.0 / (1.0 - discount), rtol=1e-12)
        earned = (found * tasks.rewards[:, None]).sum(axis=(2, 3))
        np.testing.assert_allclose(earned, mf.policy_evaluation(tasks, policies, discount).returns, atol=1e-9)


@pytest.mark.parametrize("kind", ["grid", "lake"])
def test_occupancies_of_episodes_count_what_they_earn(kind):
    tasks = mf.GoalGrid(5).sample(3, rng=1) if kind == "grid" else mf.FrozenLakeMaps(4).sample(3, rng=1)
    best = mf.backward_induction(tasks, 7)
    random = np.full((tasks.num_states, 4), 0.25)
    for policy, how in (
        (best.policy, {"discount": 1.0}),
        (random, {"horizon": 7}),
        (random, {"horizon": 7, "discount": 0.9}),
        (random, {"discount": 1.0, "horizon": np.inf}),
        (random, {"discount": 0.9}),
    ):
        found = mf.occupancy(tasks, policy, **how)
        returns = mf.policy_evaluation(tasks, policy, **how).returns
        np.testing.assert_allclose((found * tasks.rewards).sum(axis=(1, 2)), returns, rtol=1e-12, atol=1e-300)
        assert not found[tasks.terminal].any()
    steps = mf.occupancy(tasks, random, horizon=7).sum(axis=(1, 2))
    assert (steps <= 7.0 + 1e-12).all()


def test_visits_that_go_on_for_ever_are_infinite():
    rest = mf.from_outcomes(
        {0: {0: [(0.5, 1, 1.0, False), (0.5, 1, 0.0, True)]}, 1: {0: [(1.0, 1, 0.0, False)]}}
    )
    assert mf.occupancy(rest, [0, 0], 1.0, horizon=np.inf).ravel().tolist() == [1.0, np.inf]


def test_rare_visits_are_as_right_as_frequent_ones():
    """A river that is swum down 60 states, each one time in 1e5: 1e-295 at its end."""
    states = 60
    table = {
        s: {0: [(1e-5, min(s + 1, states - 1), 0.0, False), (1 - 1e-5, 0, 0.0, False)]} for s in range(states)
    }
    found = mf.long_run_occupancy(mf.from_outcomes(table), np.zeros(states, int)).ravel()
    exact = 1e-5 ** np.arange(states - 1) * (1 - 1e-5)
    np.testing.assert_allclose(found[:-1], exact, rtol=1e-13)


def test_plans_and_large_tasks_are_refused():
    tasks = mf.GoalGrid(3).sample(2, rng=0)
    plan = mf.backward_induction(tasks, 3).policy
    for call in (mf.gain_and_bias, mf.long_run_occupancy):
        with pytest.raises(ValueError, match="policy is a plan"):
            call(tasks, plan)
    far = mf.from_arrays(np.ones((1, 1, 1)), [1.0])
    assert mf.occupancy(far, [0], 0.5).item() == 2.0
