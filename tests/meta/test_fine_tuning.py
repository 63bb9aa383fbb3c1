"""Fine-tuning: one table goes through all training tasks, and learning goes on from it."""

from __future__ import annotations

import numpy as np

import metarl_fast as mf
from metarl_fast.seeding import child, make_key

TASKS = mf.GoalGrid(3).sample(4, rng=0)
LEARNER = mf.QLearning(learning_rate=0.5)


def test_the_start_is_what_is_left_after_each_task_once():
    table = 0.0
    for k in range(len(TASKS)):
        run = mf.train(LEARNER, TASKS[k : k + 1], 20, rng=child(make_key(0), 1, k), initial_table=table)
        table = run.q_table[0].astype(np.float64)
    fitted = mf.FineTuning().fit(TASKS, LEARNER, 20, rng=0)
    assert fitted.num_iterations == len(TASKS)
    assert fitted.learner == LEARNER.replace(initial_q=mf.Table(table))
