"""SARSA(lambda): errors reach back along the whole path."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from following import FAMILIES, following
from textbook import assert_faster_on_a_corridor


def test_update_is_the_equation():
    random = np.random.default_rng(0)
    learner = mf.SarsaLambda(4, 3, learning_rate=0.3, discount=0.8, trace_decay=0.7, initial_q=0.5)
    q, traces = np.full((4, 3), 0.5), np.zeros((4, 3))
    for _ in range(300):
        state, action, next_state, next_action = random.integers([4, 3, 4, 3])
        reward = random.normal()
        learner.update(state, action, reward, next_state, next_action)
        traces *= 0.8 * 0.7
        traces[state, action] = 1.0
        q = q + 0.3 * (reward + 0.8 * q[next_state, next_action] - q[state, action]) * traces
        # What is dropped is below 2^-20 of an error of a few.
        np.testing.assert_allclose(learner.q_table, q, rtol=0, atol=1e-4)
        np.testing.assert_allclose(learner.traces, traces, rtol=1e-9, atol=2.0**-19)
    assert_same_bits(learner.get_policy(), q.argmax(axis=1))


def test_traces_end_with_the_episode():
    learner = mf.SarsaLambda(3, 2, learning_rate=0.5, discount=1.0, trace_decay=0.5)
    learner.q_table[2] = 100.0
    learner.update(0, 0, 0.0, 1, 1)
    learner.update(1, 1, 4.0, 2, 0, terminated=True)
    assert learner.q_table.tolist() == [[1.0, 0.0], [0.0, 2.0], [100.0, 100.0]]
    assert not learner.traces.any()
    learner.update(0, 0, 0.0, 1, 0)
    assert learner.traces.any()
    learner.end_episode()
    assert not learner.traces.any()


def test_exploring_does_not_end_the_path():
    learner = mf.SarsaLambda(3, 2, learning_rate=0.5, discount=1.0, trace_decay=0.5)
    learner.q_table[1] = [0.0, 1.0]  # action 0 is not the best one there
    learner.update(0, 0, 0.0, 1, 0)
    learner.update(1, 0, 4.0, 2, 0)
    assert learner.q_table[:2].tolist() == [[1.0, 0.0], [2.0, 1.0]]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("trace_decay", [0.0, 0.6, 1.0])
def test_the_object_follows_the_twin(family, trace_decay):
    s, a = family.num_states, family.num_actions
    learner = mf.SarsaLambda(s, a, learning_rate=0.3, epsilon=0.4, trace_decay=trace_decay)
    for run in following(learner, family):
        assert_same_bits(learner.q_table, run.table())


def test_without_traces_it_is_sarsa():
    tasks = mf.GoalGrid(4, slip=0.2, step_reward=-0.1).sample(50, rng=0)
    found, expected = (
        mf.train(kind(16, 4, epsilon=1.0, **more), tasks, 10, 30, rng=1, dtype=np.float64)
        for kind, more in ((mf.SarsaLambda, {"trace_decay": 0.0}), (mf.Sarsa, {}))
    )
    np.testing.assert_allclose(found.q_table, expected.q_table, rtol=1e-9, atol=1e-12)
    assert_same_bits(found.returns, expected.returns)


def test_a_reward_at_the_end_of_a_corridor_reaches_its_beginning():
    assert_faster_on_a_corridor(mf.Sarsa, mf.SarsaLambda)
