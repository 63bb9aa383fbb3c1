"""Q-learning as a step-by-step object, and its schedule of epsilon."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits


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


def test_the_step_by_step_object_learns_what_the_engine_learns():
    # A ring of three states with one action: the path is known.
    transitions = np.eye(3)[[1, 2, 0]][:, None]
    rewards = np.array([[0.1], [0.2], [-1.0]])
    learner = mf.QLearning(3, 1, learning_rate=0.3, discount=0.9)
    run = mf.train(learner, mf.from_arrays(transitions, rewards), 1, 25, rng=0, dtype=np.float64)
    for step in range(25):
        learner.update(step % 3, 0, rewards[step % 3, 0], (step + 1) % 3)
    assert_same_bits(run.q_table[0], learner.q_table)


def test_train_leaves_the_object_alone():
    learner = mf.QLearning(5, 2)
    mf.train(learner, mf.TaskDistribution(5, 2).sample(2, rng=0), 3, 5, rng=0)
    assert not learner.q_table.any()


def test_objects_do_not_share_their_tables():
    first, second = mf.QLearning(2, 2), mf.QLearning(2, 2)
    first.update(0, 0, 1.0, 1)
    assert not second.q_table.any()


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
