"""Reptile: steps towards the mean of the tables learned from theta."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.seeding import child, make_key


def test_fit_takes_the_papers_steps():
    tasks = mf.GoalGrid(3).sample(10, rng=0)
    learner = mf.QLearning(learning_rate=0.5)
    theta = np.zeros((9, 4))
    for k, chosen in enumerate(([0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1])):  # in turn
        run = mf.train(learner, tasks[chosen], 6, rng=child(make_key(3), 1, k), initial_table=theta)
        theta = theta + 0.3 * (run.q_table.astype(np.float64) - theta).mean(axis=0)
    meta = mf.Reptile(step_size=0.3, tasks_per_iteration=4)
    fitted = meta.fit(tasks, learner, 6, num_iterations=3, rng=3)
    np.testing.assert_allclose(fitted.learner.initial_q, theta, rtol=1e-6)
    assert theta.any()


def test_a_step_of_one_on_one_task_is_that_tasks_table():
    tasks = mf.GoalGrid(3).sample(1, rng=0)
    learner = mf.QLearning()
    fitted = mf.Reptile(step_size=1.0).fit(tasks, learner, 20, num_iterations=1, rng=0)
    run = mf.train(learner, tasks, 20, rng=child(make_key(0), 1, 0))
    assert_same_bits(fitted.state["theta"], run.q_table[0].astype(np.float64))


def test_no_learning_leaves_theta_where_it_is():
    start = mf.Table(np.arange(36.0).reshape(9, 4))
    learner = mf.QLearning(learning_rate=0.0, initial_q=start)
    fitted = mf.Reptile().fit(mf.GoalGrid(3), learner, 3, num_iterations=5, num_tasks=10, rng=0)
    assert fitted.learner == learner


@pytest.mark.parametrize("step_size", [0.0, -0.1, 1.1, np.nan, "0.1", True])
def test_steps_are_fractions(step_size):
    with pytest.raises((ValueError, TypeError), match="step_size is"):
        mf.Reptile(step_size=step_size)
