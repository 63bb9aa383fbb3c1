"""Modified policy iteration against policy iteration, and one large task on several threads."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.scratch import with_helpers


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("num_sweeps", [1, 16, 100])
def test_values_are_within_the_bound_which_is_within_the_tolerance(discount, num_sweeps):
    for tasks in (
        mf.TaskDistribution(9, 3).sample(5, rng=0),
        mf.GoalGrid(6).sample(5, rng=0),
        mf.FrozenLakeMaps(4).sample(3, rng=0),
        mf.RiverSwim(8).sample(3, rng=0),
    ):
        exact = mf.policy_iteration(tasks, discount)
        scale = np.abs(exact.values).max(axis=1)
        for tolerance in (1e-3, 1e-10):
            found = mf.modified_policy_iteration(tasks, discount, tolerance=tolerance, num_sweeps=num_sweeps)
            error = np.abs(found.values - exact.values).max(axis=1)
            assert (error <= found.error_bound + exact.error_bound).all()
            reachable = 2e-14 * scale / (1.0 - discount)
            wanted = tolerance * np.minimum(1.0, scale)
            assert (found.error_bound <= np.maximum(wanted, reachable)).all()
            assert (found.info.iterations >= 1).all()


def test_threads_share_one_large_task_and_change_no_bit():
    tasks = mf.Slippery(mf.GoalGrid(110), 0.2).sample(1, rng=0)
    assert tasks.num_states > 10_000
    one, several = (
        mf.modified_policy_iteration(tasks, 0.9, tolerance=1e-6, num_threads=threads) for threads in (1, 3)
    )
    for name in ("values", "q_values", "policy", "error_bound"):
        assert_same_bits(getattr(one, name), getattr(several, name))
    exact = mf.policy_iteration(tasks, 0.9)
    assert np.abs(one.values - exact.values).max() <= one.error_bound[0] + exact.error_bound[0]
    assert_same_bits(exact.values, mf.policy_iteration(tasks, 0.9, num_threads=3).values)


def test_threads_beyond_the_number_of_tasks_are_asked_to_help():
    core = mf.GoalGrid(3).sample(2, rng=0).core
    assert with_helpers(core, 2, 8) == 8
    assert with_helpers(core, 1, 8) == 1  # there was no memory for more


def random_walk(states):
    """Nowhere an end; only the far right pays, and what pays there spreads to the left step by step."""
    here = np.arange(states)
    left, right = np.maximum(here - 1, 0), np.minimum(here + 1, states - 1)
    next_state = np.stack([np.stack([left, here], 1), np.stack([right, left], 1)], 1)
    transitions = np.zeros((states, 2, states))
    for action in range(2):
        for k, chance in enumerate((0.9, 0.1)):
            np.add.at(transitions, (here, action, next_state[:, action, k]), chance)
    rewards = np.zeros((states, 2))
    rewards[-1, 1] = 1.0
    return mf.from_arrays(transitions, rewards)


@pytest.mark.parametrize("discount", [0.9, 0.99, 0.999])
def test_where_values_spread_slowly_no_extrapolation_leads_away(discount):
    tasks = random_walk(600)
    exact = mf.policy_iteration(tasks, discount)
    found = mf.modified_policy_iteration(tasks, discount, tolerance=1e-6)
    np.testing.assert_allclose(found.values, exact.values, rtol=0.0, atol=1e-6)
    assert found.info.iterations[0] < 1_000


def test_tasks_that_mix_take_few_rounds_at_any_discount_below_1():
    tasks = mf.TaskDistribution(2_000, 2, transitions=mf.Garnet(6)).sample(1, rng=0)
    for discount in (0.9, 0.9999):
        found = mf.modified_policy_iteration(tasks, discount, tolerance=1e-6)
        assert found.error_bound[0] <= 1e-6
        assert found.info.iterations[0] < 20
