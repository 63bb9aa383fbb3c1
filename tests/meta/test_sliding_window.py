"""A sliding window: what is used was learned from recent meta-batches alone, by any meta-learner."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.seeding import child, make_key

LEARNER = mf.QLearning(learning_rate=0.5)
GRID = mf.GoalGrid(3, horizon=10)


@pytest.mark.parametrize("inner", [mf.AverageQ(), mf.EmpiricalBayes(), mf.Tuned(num_random=3, num_pairs=1)])
def test_it_makes_what_the_inner_one_makes_of_the_last_tasks(inner):
    tasks = GRID.sample(7, rng=0)
    meta = mf.SlidingWindow(meta=inner, window=3)
    state, alone = meta.init(LEARNER), inner.init(LEARNER)
    for k in range(7):
        if k == 3:  # the younger one, which is what is used from step 6 on, begins anew
            alone = inner.init(LEARNER)
        state = meta.step(state, LEARNER, tasks[k], k, 4)
        key = child(make_key(k), 1)
        alone = inner.step(alone, LEARNER, tasks[k], key, 4)
        if k in (2, 6):
            assert meta.apply(state, LEARNER) == inner.apply(alone, LEARNER)


def test_returns_are_those_before_the_task_was_learned_from():
    tasks = GRID.sample(2, rng=0)
    meta = mf.SlidingWindow(meta=mf.AverageQ(), window=1)
    first = meta.step(meta.init(LEARNER), LEARNER, tasks[0], 5, 4)
    before = meta.apply(first, LEARNER)
    second = meta.step(first, LEARNER, tasks[1], 6, 4)
    rng = child(make_key(6), 0)
    assert_same_bits(second["returns"], mf.train(before, tasks[1], 4, rng=rng).returns[0])


def test_recent_priors_are_ahead_of_one_of_all_tasks_where_goals_drift():
    tasks = mf.Drifting(mf.Darkroom(4, horizon=10), every=1, steps=8, along="tasks").sample(40, rng=1)
    inner = mf.EmpiricalBayes(tasks_per_iteration=1)
    totals = [
        mf.regret_of_returns(tasks, meta.fit(tasks, None, 2, rng=0).history["returns"]).regret.sum()
        for meta in (inner, mf.SlidingWindow(meta=inner, window=4))
    ]
    assert totals[1] < 0.9 * totals[0]


def test_it_costs_what_is_lived():
    meta = mf.SlidingWindow(meta=mf.AverageQ(), window=2)
    assert meta.cost(10, 4) == 10 * 4 + 2 * 10 * 4
    assert meta.cost(10, 4, 3) == 3 * 4 + 2 * 3 * 4
    assert np.size(meta.init(LEARNER)["steps"]) == 1


def test_fit_takes_as_many_episodes_and_tasks_as_the_inner_one_does():
    class Few(mf.AverageQ):
        default_episodes, default_tasks = 3, 5

    for kind in (mf.SlidingWindow, mf.ChangeDetecting):
        returns = kind(meta=Few()).fit(GRID, LEARNER, rng=0).history["returns"]
        assert returns.shape == (5, 3)  # a task each step
        assert kind(meta=mf.EmpiricalBayes()).usual_amounts() == mf.EmpiricalBayes().usual_amounts()
