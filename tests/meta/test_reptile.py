"""Reptile: steps towards the mean of the tables learned from theta."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits


def test_fit_takes_the_papers_steps():
    tasks = mf.GoalGrid(3).sample(10, rng=0)
    learner = mf.QLearning(9, 4, learning_rate=0.5)
    generator = np.random.default_rng(np.random.SeedSequence(3).generate_state(1, np.uint64)[0])
    theta = np.zeros((9, 4))
    for chosen in ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]):  # in turn
        learned = mf.train(learner, tasks[chosen], 6, rng=generator, initial_table=theta).q_table
        theta = theta + 0.3 * (learned.astype(np.float64) - theta).mean(axis=0)
    meta = mf.Reptile(9, 4, step_size=0.3, tasks_per_iteration=4).fit(
        tasks, learner, 6, num_iterations=3, rng=3
    )
    np.testing.assert_allclose(meta.initial_table, theta, rtol=1e-6)
    assert meta.initial_table.any()


def test_a_step_of_one_on_one_task_is_that_tasks_table():
    tasks = mf.GoalGrid(3).sample(1, rng=0)
    learner = mf.QLearning(9, 4)
    meta = mf.Reptile(9, 4, step_size=1.0).fit(tasks, learner, 20, num_iterations=1, rng=0)
    generator = np.random.default_rng(np.random.SeedSequence(0).generate_state(1, np.uint64)[0])
    assert_same_bits(meta.theta, mf.train(learner, tasks, 20, rng=generator).q_table[0].astype(np.float64))


def test_no_learning_leaves_theta_where_it_is():
    meta = mf.Reptile(9, 4)
    meta.theta[:] = np.arange(36.0).reshape(9, 4)
    meta.fit(mf.GoalGrid(3), mf.QLearning(9, 4, learning_rate=0.0), 3, num_iterations=5, num_tasks=10, rng=0)
    assert_same_bits(meta.theta, np.arange(36.0).reshape(9, 4))


def test_progress_counts_iterations():
    seen = []
    mf.Reptile(9, 4).fit(
        mf.GoalGrid(3),
        mf.QLearning(9, 4),
        1,
        num_iterations=3,
        num_tasks=5,
        rng=0,
        progress=lambda *done: seen.append(done),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_it_needs_tasks():
    with pytest.raises(ValueError, match="no tasks to learn from"):
        mf.Reptile(9, 4).fit(mf.GoalGrid(3).sample(0, rng=0), mf.QLearning(9, 4), 1, num_iterations=1)


def stop_after(count, error):
    """A progress callback that raises at its `count`-th call."""
    calls = iter(range(count))

    def progress(done, total):
        if next(calls, None) is None:
            raise error

    return progress


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("of the callback")])
def test_a_fit_that_does_not_end_changes_nothing(error):
    family = mf.TaskDistribution(3, 2, horizon=5)
    learner = mf.QLearning(3, 2)
    meta = mf.Reptile(3, 2).fit(family, learner, 5, num_iterations=3, rng=0)
    theta = meta.theta.copy()
    for progress in (stop_after(0, error), stop_after(4, error)):
        with pytest.raises(type(error)):
            meta.fit(family, learner, 5, num_iterations=10, rng=1, progress=progress)
        np.testing.assert_array_equal(meta.theta, theta)
    with pytest.raises(TypeError, match="progress is 5"):
        meta.fit(family, learner, 5, num_iterations=10, rng=1, progress=5)
    np.testing.assert_array_equal(meta.theta, theta)
