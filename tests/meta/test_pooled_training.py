"""Pooled training: one policy for all tasks, which a new task does not change."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

TASKS = mf.GoalGrid(3).sample(4, rng=0)
LEARNERS = (mf.QLearning(learning_rate=0.5, bonus=1.0), mf.SarsaLambda(temperature=0.5), mf.DoubleQLearning())


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: type(learner).__name__)
def test_it_has_the_table_of_fine_tuning_and_keeps_it(learner):
    pooled = mf.PooledTraining().fit(TASKS, learner, 20, rng=0)
    tuned = mf.FineTuning().fit(TASKS, learner, 20, rng=0)
    assert pooled.learner.initial_q == tuned.learner.initial_q
    run = mf.train(pooled, TASKS, 5, rng=1)
    table = np.broadcast_to(tuned.learner.initial_q.values, run.q_table.shape)
    assert_same_bits(run.q_table, table.astype(np.float32))


def test_where_one_policy_serves_all_tasks_it_is_best_from_the_first_episode():
    chain = mf.RiverSwim(4, horizon=30)
    pooled = mf.PooledTraining().fit(chain, mf.QLearning(epsilon=0.5, initial_q=5.0), 300, rng=0, num_tasks=3)
    assert mf.adapt(pooled, chain.sample(2, rng=0), (0, 5), rng=0).scores.min() > 0.99
