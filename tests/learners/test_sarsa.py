"""SARSA: its update, step by step and on many tasks, and the safe path along a cliff."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from following import FAMILIES, following
from td_twin import OneStep
from textbook import walk_the_cliff

LEARNER = mf.Sarsa


class Twin(OneStep):
    """q(s', a'), a' being the action taken next"""

    on_policy = True

    def ahead(self, next_state, learning, other):
        return learning[next_state][self.next_action]


def test_update_is_the_equation():
    random = np.random.default_rng(0)
    learner = mf.Sarsa(4, 3, learning_rate=0.3, discount=0.8, initial_q=0.5)
    q = np.full((4, 3), 0.5)
    for _ in range(200):
        state, action, next_state, next_action = random.integers([4, 3, 4, 3])
        reward = random.normal()
        learner.update(state, action, reward, next_state, next_action)
        q[state, action] += 0.3 * (reward + 0.8 * q[next_state, next_action] - q[state, action])
        np.testing.assert_allclose(learner.q_table, q, rtol=1e-12)
    assert_same_bits(learner.get_policy(), q.argmax(axis=1))


def test_a_terminated_episode_has_nothing_ahead():
    learner = mf.Sarsa(2, 2, learning_rate=0.5)
    learner.q_table[1] = 100.0
    learner.update(0, 1, 3.0, 1, 0, terminated=True)
    assert learner.q_table.tolist() == [[0.0, 1.5], [100.0, 100.0]]


@pytest.mark.parametrize("behaviour", [{"epsilon": 0.5}, {"temperature": 0.5, "bonus": 0.5}])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_object_follows_the_twin(family, behaviour):
    learner = mf.Sarsa(family.num_states, family.num_actions, learning_rate=0.3, **behaviour)
    for twin in following(learner, family):
        assert_same_bits(learner.q_table, twin.table())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("behaviour", [{"epsilon": 1.0}, {"epsilon": 0.5}, {"temperature": 3.0}])
def test_it_looks_ahead_to_the_action_that_it_takes_next(behaviour, dtype):
    # The first step leads to the second state, where the action earns 1, 10 or 100 and is worth 1, 2 or 6.
    to_second = np.zeros((300, 2, 3, 2))
    to_second[..., 1] = 1.0
    tasks = mf.from_arrays(to_second, np.array([[0.0] * 3, [1.0, 10.0, 100.0]]))
    table = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 6.0]])
    learner = mf.Sarsa(2, 3, learning_rate=1.0, discount=1.0, **behaviour)
    run = mf.train(learner, tasks, 1, 2, rng=0, initial_table=table, dtype=dtype)
    taken = np.log10(run.returns[:, 0]).round().astype(int)
    assert_same_bits(run.q_table[:, 0].max(axis=1), table[1][taken].astype(dtype))
    assert set(taken) == {0, 1, 2}


def test_it_learns_the_safe_path_along_the_cliff_and_q_learning_the_shortest():
    # Example 6.6 of Sutton and Barto: exploring beside the cliff costs more than the way around.
    earned, greedy = walk_the_cliff(mf.Sarsa, 0.5)
    assert -30 < earned < -23
    assert (greedy == -17).mean() > 0.7
    assert (greedy == -13).mean() < 0.02
    earned, greedy = walk_the_cliff(mf.QLearning, 0.5)
    assert -60 < earned < -40
    assert (greedy == -13).mean() > 0.95
