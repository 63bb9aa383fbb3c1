"""SARSA(lambda): errors reach back along the whole path."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from following import FAMILIES, following
from td_twin import WithTraces
from textbook import assert_faster_on_a_corridor

LEARNER = mf.SarsaLambda


class Twin(WithTraces):
    """q(s', a'), a' being the action taken next"""

    on_policy = True

    def ahead(self, next_state, learning, other):
        return learning[next_state][self.next_action]


@pytest.mark.parametrize("trace_kind", ["replacing", "accumulating"])
def test_update_is_the_equation(trace_kind):
    random = np.random.default_rng(0)
    learner = mf.SarsaLambda(
        4, 3, learning_rate=0.3, discount=0.8, trace_decay=0.7, initial_q=0.5, trace_kind=trace_kind
    )
    q, traces = np.full((4, 3), 0.5), np.zeros((4, 3))
    for _ in range(300):
        state, action, next_state, next_action = random.integers([4, 3, 4, 3])
        reward = random.normal()
        learner.update(state, action, reward, next_state, next_action)
        traces *= 0.8 * 0.7
        if trace_kind == "replacing":
            traces[state] = 0.0
        traces[state, action] += 1.0
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
@pytest.mark.parametrize("trace_kind", ["replacing", "accumulating"])
def test_the_object_follows_the_twin(family, trace_decay, trace_kind):
    s, a = family.num_states, family.num_actions
    learner = mf.SarsaLambda(
        s, a, learning_rate=0.3, epsilon=0.4, trace_decay=trace_decay, trace_kind=trace_kind
    )
    for twin in following(learner, family):
        assert_same_bits(learner.q_table, twin.table())


def path_of_two_visits(kind, trace_kind):
    """What is learned where state 0 is left by action 0, entered again, and left by action 1 for good.

    States 1 and 2 lie between the visits. Every step is sure, and so is every action: the first visit finds
    action 0 the better one and lowers its value, so that the second one takes action 1.
    """
    transitions = np.zeros((4, 2, 4))
    transitions[0, 0, 1] = transitions[0, 1, 3] = transitions[1, :, 2] = transitions[2, :, 0] = 1.0
    transitions[3, :, 3] = 1.0
    rewards = np.zeros((4, 2))
    rewards[0] = -8.0, 1.0
    tasks = mf.from_arrays(transitions, rewards, terminal=[False, False, False, True])
    table = np.array([[0.5, 0.25], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    learner = kind(4, 2, learning_rate=0.5, discount=1.0, epsilon=0.0, trace_decay=0.5, trace_kind=trace_kind)
    return mf.train(learner, tasks, 1, 10, rng=0, initial_table=table, dtype=np.float64).q_table[0]


def test_a_visit_ends_the_traces_of_the_other_actions():
    # q(0,0) = 0.5 + (-8 + 1 - 0.5) / 2 = -3.25; q(1,0) = 1 and q(2,0) = 1 agree, so nothing moves; then from
    # q(2,0) the error is 0.25 - 1 = -0.75: q(2,0) -= 3/8, q(1,0) -= 3/16, q(0,0) -= 3/32; then from q(0,1)
    # 1 - 0.25 = 0.75: q(0,1) += 3/8, q(2,0) += 3/16, q(1,0) += 3/32, and q(0,0) += 3/64 unless the second
    # visit of state 0 has ended its trace.
    q = path_of_two_visits(mf.SarsaLambda, "replacing")
    assert q[:3, 0].tolist() == [-3.25 - 3 / 32, 1 - 3 / 16 + 3 / 32, 1 - 3 / 8 + 3 / 16]
    assert q[0, 1] == 0.25 + 3 / 8
    q = path_of_two_visits(mf.SarsaLambda, "accumulating")
    assert q[0].tolist() == [-3.25 - 3 / 32 + 3 / 64, 0.25 + 3 / 8]


def random_walk_error(trace_kind, learning_rate, trace_decay):
    """Root mean squared error of the random walk of Singh and Sutton (1996), after 10 episodes."""
    states = 21  # the outer two are terminal; the right one pays 1, the left one -1
    table = {
        s: {0: [(0.5, max(s - 1, 0), -float(s == 1), s == 1), (0.5, min(s + 1, 20), float(s == 19), s == 19)]}
        for s in range(states)
    }
    tasks = mf.from_outcomes([table] * 500, start=np.eye(states)[10])
    learner = mf.SarsaLambda(
        states, 1, learning_rate=learning_rate, discount=1.0, trace_decay=trace_decay, trace_kind=trace_kind
    )
    run = mf.train(learner, tasks, 10, 100_000, rng=0, dtype=np.float64)
    errors = run.q_table[:, 1:20, 0] - np.arange(-9, 10) / 10
    return np.sqrt((errors**2).mean(axis=1)).mean()


def test_replacing_traces_do_better_on_the_random_walk():
    # Sutton and Barto, 1st ed., figure 7.17: at the best step of each replacing traces err less, and
    # accumulating ones are unstable at steps that replacing ones bear.
    steps = (0.1, 0.2, 0.3, 0.4)
    best = {
        kind: min(random_walk_error(kind, step, 0.8) for step in steps)
        for kind in ("replacing", "accumulating")
    }
    assert best["replacing"] < best["accumulating"]
    assert random_walk_error("accumulating", 0.9, 0.9) > 3 * random_walk_error("replacing", 0.9, 0.9)


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
