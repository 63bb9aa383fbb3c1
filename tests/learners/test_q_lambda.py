"""Q(lambda): errors reach back along the path, to the last exploratory action."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from following import FAMILIES, following
from td_twin import WithTraces
from textbook import assert_faster_on_a_corridor

LEARNER = mf.QLambda


class Twin(WithTraces):
    """max_a q(s', a); an action that is not a best one ends the path before it."""

    def ahead(self, next_state, learning, other):
        return max(learning[next_state])

    def cuts(self, values, action):
        return values[action] < max(values)


def test_update_is_the_equation():
    random = np.random.default_rng(0)
    learner = mf.QLambda(4, 3, learning_rate=0.3, discount=0.8, trace_decay=0.7, initial_q=0.5)
    q, traces, cuts = np.full((4, 3), 0.5), np.zeros((4, 3)), 0
    for _ in range(300):
        state, action, next_state = random.integers([4, 3, 4])
        if random.random() < 0.7:
            action = q[state].argmax()
        reward = random.normal()
        learner.update(state, action, reward, next_state)
        if q[state, action] == q[state].max():
            traces *= 0.8 * 0.7
        else:
            traces, cuts = np.zeros((4, 3)), cuts + 1
        traces[state] = 0.0
        traces[state, action] = 1.0
        q = q + 0.3 * (reward + 0.8 * q[next_state].max() - q[state, action]) * traces
        np.testing.assert_allclose(learner.q_table, q, rtol=1e-9)
        np.testing.assert_allclose(learner.traces, traces, rtol=1e-9, atol=2.0**-19)
    assert 50 < cuts < 250  # else this test shows nothing
    assert_same_bits(learner.get_policy(), q.argmax(axis=1))


def test_traces_end_with_the_episode():
    learner = mf.QLambda(3, 2, learning_rate=0.5, discount=1.0, trace_decay=0.5)
    learner.q_table[2] = 100.0
    learner.update(0, 1, 0.0, 1)
    learner.update(1, 1, 4.0, 2, terminated=True)
    assert learner.q_table.tolist() == [[0.0, 1.0], [0.0, 2.0], [100.0, 100.0]]
    assert not learner.traces.any()
    learner.update(0, 1, 0.0, 1)
    assert learner.traces.any()
    learner.end_episode()
    assert not learner.traces.any()


def test_small_traces_are_dropped():
    learner = mf.QLambda(3, 1, discount=1.0, trace_decay=2.0**-11)
    learner.update(0, 0, 0.0, 1)
    learner.update(1, 0, 0.0, 2)
    assert learner.traces.ravel().tolist() == [2.0**-11, 1.0, 0.0]
    learner.update(2, 0, 0.0, 0)
    assert learner.traces.ravel().tolist() == [0.0, 2.0**-11, 1.0]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("trace_decay", [0.0, 0.6, 1.0])
def test_the_object_follows_the_twin(family, trace_decay):
    s, a = family.num_states, family.num_actions
    learner = mf.QLambda(s, a, learning_rate=0.3, epsilon=0.4, trace_decay=trace_decay)
    for twin in following(learner, family):
        assert_same_bits(learner.q_table, twin.table())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_episode_by_hand(dtype):
    # Three states in a ring, one action, rewards 1, 2, 4; rate 1/2, discount 1/2, lambda 1/2: traces fall by
    # 1/4 a step, and all numbers are exact.
    #   0: error 1,                  q = (0.5, 0, 0)
    #   1: error 2,                  q = (0.5 + 1/4, 1, 0)
    #   2: error 4 + 0.75 / 2,       q = (0.75 + 2.1875 / 16, 1 + 2.1875 / 4, 2.1875)
    #   0: error 1 + 1.546875 / 2 - 0.88671875, traces (1, 1/16, 1/4): replaced, not 1 + 1/64
    transitions = np.eye(3)[[1, 2, 0]][:, None]
    tasks = mf.from_arrays(transitions, np.array([[1.0], [2.0], [4.0]]))
    error = 1 + 1.546875 / 2 - 0.88671875
    q = [0.88671875 + error / 2, 1.546875 + error / 32, 2.1875 + error / 8]
    for kind in (mf.QLambda, mf.SarsaLambda):
        learner = kind(3, 1, learning_rate=0.5, discount=0.5, trace_decay=0.5)
        run = mf.train(learner, tasks, 1, 4, rng=0, dtype=dtype)
        assert run.q_table[0].ravel().tolist() == q
        # A continuing task goes on with its traces at the time limit.
        run = mf.train(learner, tasks, 4, 1, rng=0, dtype=dtype, continuing=True)
        assert run.q_table[0].ravel().tolist() == q
        # Otherwise they end there, after two steps with q = (0.75, 1, 0).
        #   0: error 1 + 1 / 2 - 0.75,   q = (1.125, 1, 0); with the old trace q(1) would have moved, too
        #   1: error 2 - 1,              q = (1.125 + 1/8, 1.5, 0)
        run = mf.train(learner, tasks, 2, 2, rng=0, dtype=dtype)
        assert run.q_table[0].ravel().tolist() == [1.25, 1.5, 0.0]


def test_without_traces_it_is_q_learning():
    tasks = mf.GoalGrid(4, slip=0.2, step_reward=-0.1).sample(50, rng=0)
    found, expected = (
        mf.train(kind(16, 4, epsilon=1.0, **more), tasks, 10, 30, rng=1, dtype=np.float64)
        for kind, more in ((mf.QLambda, {"trace_decay": 0.0}), (mf.QLearning, {}))
    )
    np.testing.assert_allclose(found.q_table, expected.q_table, rtol=1e-9, atol=1e-12)
    assert_same_bits(found.returns, expected.returns)


def test_exploring_all_the_time_it_is_nearly_q_learning():
    """With many actions nearly every one cuts the traces, which reach far otherwise: see the corridor."""
    tasks = mf.TaskDistribution(10, 40).sample(20, rng=0)
    table = np.random.default_rng(0).random((10, 40))
    long, short = (
        mf.train(mf.QLambda(10, 40, epsilon=1.0, trace_decay=w), tasks, 1, 100, rng=1, initial_table=table)
        for w in (1.0, 0.0)
    )
    changed = (long.q_table != table.astype(np.float32)).sum(axis=(1, 2))
    assert (long.q_table != short.q_table).sum() < 0.2 * changed.sum()


def test_a_reward_at_the_end_of_a_corridor_reaches_its_beginning():
    assert_faster_on_a_corridor(mf.QLearning, mf.QLambda)
