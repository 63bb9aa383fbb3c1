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
