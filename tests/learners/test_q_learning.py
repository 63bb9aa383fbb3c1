"""Q-learning as a step-by-step object, and its schedule of epsilon."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from following import FAMILIES, following
from td_twin import OneStep

LEARNER = mf.QLearning


class Twin(OneStep):
    """max_a q(s', a)"""

    def ahead(self, next_state, learning, other):
        return max(learning[next_state])


def test_update_is_the_equation():
    random = np.random.default_rng(0)
    learner = mf.QLearning(4, 3, learning_rate=0.3, discount=0.8, initial_q=0.5)
    q = np.full((4, 3), 0.5)
    for _ in range(200):
        state, action, next_state = random.integers(4), random.integers(3), random.integers(4)
        reward = random.normal()
        learner.update(state, action, reward, next_state)
        q[state, action] += 0.3 * (reward + 0.8 * q[next_state].max() - q[state, action])
        np.testing.assert_allclose(learner.q_table, q, rtol=1e-12)
    assert_same_bits(learner.get_policy(), q.argmax(axis=1))


def test_rate_and_discount_of_one_set_the_reward_plus_the_best_next_value():
    learner = mf.QLearning(2, 2, learning_rate=1, discount=1)
    learner.q_table[:] = [[0.7, 0.3], [1 / 3, 0.1]]
    learner.update(0, 1, 0.1, 1)
    assert learner.q_table.tolist() == [[0.7, 0.1 + 1 / 3], [1 / 3, 0.1]]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_object_follows_the_twin(family):
    learner = mf.QLearning(family.num_states, family.num_actions, learning_rate=0.3, epsilon=0.5)
    for twin in following(learner, family):
        assert_same_bits(learner.q_table, twin.table())


def test_a_terminated_episode_has_nothing_ahead():
    learner = mf.QLearning(2, 2, learning_rate=0.5)
    learner.q_table[1] = 100.0
    learner.update(0, 1, 3.0, 1, terminated=True)
    assert learner.q_table.tolist() == [[0.0, 1.5], [100.0, 100.0]]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"epsilon": 0.3}, [0.3] * 5),
        ({"epsilon": 1.0, "epsilon_decay": 0.5}, [1.0, 0.5, 0.25, 0.125, 0.0625]),
        ({"epsilon": 1.0, "epsilon_decay": 0.5, "epsilon_min": 0.2}, [1.0, 0.5, 0.25, 0.2, 0.2]),
        ({"epsilon": 0.4, "epsilon_decay": 0.0}, [0.4, 0.0, 0.0, 0.0, 0.0]),
        ({"epsilon": 0.1, "epsilon_decay": 0.5, "epsilon_min": 0.2}, [0.1] * 5),  # never rises
    ],
)
def test_epsilon_decays_by_episode(settings, expected):
    assert mf.QLearning(2, 2, **settings).epsilons(5).tolist() == expected
    assert mf.QLearning(2, 2, **settings).epsilons(0).tolist() == []
