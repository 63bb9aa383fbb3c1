"""Online Reptile: the mean of all tables learned so far, in which older ones weigh less."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.seeding import child, make_key

LEARNER = mf.QLearning(learning_rate=0.5)


@pytest.mark.parametrize("decay", [0.0, 0.6, 1.0])
def test_theta_is_the_weighted_mean_of_the_tables(decay):
    tasks = mf.GoalGrid(3).sample(6, rng=0)
    meta, theta, tables = mf.OnlineReptile(decay=decay, tasks_per_iteration=2), np.zeros((9, 4)), []
    for k in range(3):
        run = mf.train(
            LEARNER, tasks[2 * k : 2 * k + 2], 6, rng=child(make_key(3), 1, k), initial_table=theta
        )
        tables.append(run.q_table.astype(np.float64).mean(axis=0))
        theta = np.average(tables, axis=0, weights=decay ** np.arange(k + 1)[::-1])
    fitted = meta.fit(tasks, LEARNER, 6, rng=3)
    np.testing.assert_allclose(fitted.learner.initial_q, theta, rtol=1e-6)
    assert theta.any()


def test_no_tasks_weigh_nothing():
    meta = mf.OnlineReptile()
    state = meta.init(LEARNER)
    assert meta.observe(state, np.zeros((0, 4, 3)))["weight"] == 0.0


def test_it_follows_tasks_that_change_better_than_the_plain_mean():
    tasks = mf.Switching(mf.TaskDistribution(6, 4, horizon=15), 10, along="tasks").sample(60, rng=0)
    learner = mf.QLearning(learning_rate=0.5, discount=0.9)
    stationary, online = (
        mf.OnlineReptile(decay=decay).fit(tasks, learner, 3, rng=0).history["returns"] for decay in (1.0, 0.5)
    )
    assert online.mean() > stationary.mean() + 0.5
