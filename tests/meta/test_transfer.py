"""Transfer: the table learned on one task is where others start."""

from __future__ import annotations

import numpy as np

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.seeding import child, make_key

TASKS = mf.GoalGrid(3).sample(5, rng=0)
LEARNER = mf.QLearning(learning_rate=0.5)


def test_the_start_is_what_was_learned_on_the_first_task():
    fitted = mf.Transfer().fit(TASKS, LEARNER, 20, rng=0)
    run = mf.train(LEARNER, TASKS[:1], 20, rng=child(make_key(0), 1, 0))
    assert_same_bits(fitted.learner.initial_q.values, run.q_table[0].astype(np.float64))
    assert run.q_table.any()


def test_further_tasks_are_learned_from_where_the_last_one_ended():
    table = 0.0
    for k in range(3):
        run = mf.train(LEARNER, TASKS[k : k + 1], 20, rng=child(make_key(0), 1, k), initial_table=table)
        table = run.q_table[0].astype(np.float64)
    fitted = mf.Transfer().fit(TASKS, LEARNER, 20, num_iterations=3, rng=0)
    assert_same_bits(fitted.learner.initial_q.values, table)
