"""Learners that see where the next episode begins in place of where the time limit cut the last one."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import assert_core_is_twin
from metarl_fast import _core
from metarl_fast.learners import TD_LEARNERS

kinds = pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)


def tasks_of(count=3):
    """Dense tasks that begin in state 2 and may end in state 4."""
    random = np.random.default_rng(5)
    rows, rewards = random.dirichlet(np.ones(5), (count, 5, 3)), random.normal(size=(count, 5, 3))
    return mf.from_arrays(rows, rewards, terminal=np.arange(5) == 4, start=2, reward_noise=0.5)


@kinds
@pytest.mark.parametrize("bonus", [0.0, 0.5])
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_the_core_is_the_twin_in_lanes_and_as_agents(kind, bonus, real, monkeypatch):
    tasks = tasks_of()
    learner = kind(sees_reset=True, epsilon=0.3, epsilon_decay=0.8, bonus=bonus, bonus_episodes=4)
    run = assert_core_is_twin(learner, tasks, 6, 4, rng=1, dtype=real, snapshot_episodes=())
    core = kind.core
    monkeypatch.setattr(kind, "core", lambda self, count: _core.OneByOne(core(self, count)))
    assert_same_bits(mf.train(learner, tasks, 6, 4, rng=1, dtype=real).q_table, run.q_table)


@kinds
def test_runs_can_be_continued_and_unlimited_ones_do_not_see_it(kind):
    tasks, learner = tasks_of(40), kind(sees_reset=True)
    whole = mf.train(learner, tasks, 7, 4, rng=1)
    part = mf.train(learner, tasks, 3, 4, rng=1)
    assert_same_bits(mf.train(learner, tasks, 4, resume=part).q_table, whole.q_table)
    other = learner.replace(sees_reset=False)
    assert not np.array_equal(mf.train(other, tasks, 7, 4, rng=1).q_table, whole.q_table)
    going_on = [mf.train(one, tasks, 7, 4, rng=1, continuing=True).q_table for one in (learner, other)]
    assert_same_bits(*going_on)


def test_the_last_step_looks_ahead_from_the_start():
    # 0 -> 1 -> 2 -> 2; episodes of two steps. What state 1 leads to is never seen: 2's value is not used.
    rows = np.zeros((1, 3, 1, 3))
    rows[0, [0, 1, 2], 0, [1, 2, 2]] = 1.0
    tasks = mf.from_arrays(rows, [[[1.0], [10.0], [0.0]]], start=0)
    start = np.array([[5.0], [7.0], [1000.0]])
    learner = mf.QLearning(learning_rate=1.0, discount=0.5, sees_reset=True, initial_q=mf.Table(start))
    run = mf.train(learner, tasks, 1, 2, rng=0, record=True)
    assert run.q_table[0, :, 0].tolist() == [1 + 0.5 * 7, 10 + 0.5 * (1 + 0.5 * 7), 1000]
    assert run.history.next_state[0].tolist() == [1, 2]  # a history tells what happened
    agent = learner.agent(tasks[0], rng=0)
    agent.observe(0, 0, 1.0, 1)
    agent.observe(1, 0, 10.0, 2, truncated=True)
    assert_same_bits(agent.q_table, run.q_table[0])


def test_episodes_that_begin_here_and_there_are_refused():
    learner = mf.QLearning(sees_reset=True)
    here_and_there = mf.from_arrays(np.full((1, 2, 1, 2), 0.5), np.zeros((1, 2, 1)), start=[0.5, 0.5])
    with pytest.raises(
        ValueError, match="sees_reset is 1, expected 0 where episodes do not all begin in one"
    ):
        mf.train(learner, here_and_there, 2, 3)
    with pytest.raises(
        ValueError, match="sees_reset is 1, expected 0 where episodes do not all begin in one"
    ):
        learner.agent(here_and_there[0])
    changing = mf.Switching(mf.TaskDistribution(4, 2, horizon=5), every=2).sample(2, rng=0)
    with pytest.raises(ValueError, match="sees_reset is 1, expected 0 for tasks that change"):
        mf.train(learner, changing, 4)
