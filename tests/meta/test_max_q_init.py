"""MaxQInit: the largest value that an action has in any training task."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.seeding import child, make_key

TASKS = mf.TaskDistribution(5, 3, horizon=20).sample(30, rng=0)
LEARNER = mf.QLearning(discount=0.9)


def test_the_start_is_the_largest_of_all_learned_values():
    fitted = mf.MaxQInit(tasks_per_iteration=10).fit(TASKS, LEARNER, 7, rng=5)
    largest = [
        mf.train(LEARNER, TASKS[10 * k : 10 * k + 10], 7, rng=child(make_key(5), 1, k)).q_table.max(axis=0)
        for k in range(3)
    ]
    np.testing.assert_array_equal(fitted.learner.initial_q, np.max(largest, axis=0))


def test_with_optimal_values_no_training_task_is_underestimated():
    fitted = mf.MaxQInit(optimal=True, tasks_per_iteration=7).fit(TASKS, LEARNER, 0, rng=0)
    optimal = mf.policy_iteration(TASKS, 0.9).q_values
    np.testing.assert_array_equal(fitted.learner.initial_q, optimal.max(axis=0))


def test_a_new_task_is_hardly_ever_underestimated():
    """Of what is drawn like the 2,000 largest, one in 2,001 is larger: in each of the 15 places."""
    family = mf.TaskDistribution(5, 3, horizon=20)
    fitted = mf.MaxQInit(optimal=True).fit(family, LEARNER, 0, num_tasks=2000, rng=0)
    new = mf.policy_iteration(family.sample(5000, rng=1), 0.9).q_values
    above = (new > fitted.learner.initial_q).mean()
    assert above < 10 / 2001


@pytest.mark.parametrize("initial", [0.0, 9.0, -9.0])
def test_what_the_learner_started_from_does_not_count(initial):
    meta = mf.MaxQInit()
    state = meta.init(mf.QLearning(initial_q=initial))
    for tables in ([[-3.0, -np.inf]], [[[-1.0, -np.inf]], [[-2.0, -np.inf]]]):
        state = meta.observe(state, tables)
    assert meta.start(state).tolist() == [[-1.0, initial]]
    assert meta.start(meta.observe(state, [[-5.0, -4.0]])).tolist() == [[-1.0, -4.0]]


def test_other_switches_are_refused():
    with pytest.raises(TypeError, match="optimal is 1, expected True or False"):
        mf.MaxQInit(optimal=1)
