"""Expected SARSA: the mean over its own behaviour, whatever that is."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from following import FAMILIES, following
from td_twin import OneStep
from textbook import walk_the_cliff

LEARNER = mf.ExpectedSarsa


class Twin(OneStep):
    """sum_a pi(a | s') q(s', a), pi being the behaviour"""

    def ahead(self, next_state, learning, other):
        h = self.preferences(next_state)
        return self.behaviour.expected(learning[next_state], h, self.learner.bonus != 0.0)


def epsilon_greedy(values, epsilon):
    """Probabilities; equally good actions share."""
    best = values == values.max()
    return epsilon / len(values) + (1 - epsilon) * best / best.sum()


def softmax(values, temperature):
    weights = np.exp(values / temperature)
    return weights / weights.sum()


@pytest.mark.parametrize(
    ("behaviour", "policy"),
    [
        ({"epsilon": 0.3}, lambda q: epsilon_greedy(q, 0.3)),
        ({"epsilon": 0.3, "epsilon_decay": 0.5}, lambda q: epsilon_greedy(q, 0.3)),
        ({"epsilon": 1.0}, lambda q: np.full(3, 1 / 3)),
        ({"epsilon": 0.0}, lambda q: epsilon_greedy(q, 0.0)),
        ({"temperature": 0.7}, lambda q: softmax(q, 0.7)),
    ],
)
def test_update_is_the_equation(behaviour, policy):
    random = np.random.default_rng(0)
    learner = mf.ExpectedSarsa(4, 3, learning_rate=0.3, discount=0.8, initial_q=0.5, **behaviour)
    q = np.full((4, 3), 0.5)
    for _ in range(200):
        state, action, next_state = random.integers([4, 3, 4])
        reward = random.normal()
        learner.update(state, action, reward, next_state)
        ahead = policy(q[next_state]) @ q[next_state]
        q[state, action] += 0.3 * (reward + 0.8 * ahead - q[state, action])
        np.testing.assert_allclose(learner.q_table, q, rtol=1e-12, atol=1e-13)
    assert_same_bits(learner.get_policy(), q.argmax(axis=1))


def test_a_terminated_episode_has_nothing_ahead():
    learner = mf.ExpectedSarsa(2, 2, learning_rate=0.5)
    learner.q_table[1] = 100.0
    learner.update(0, 1, 3.0, 1, terminated=True)
    assert learner.q_table.tolist() == [[0.0, 1.5], [100.0, 100.0]]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("epsilon", [0.0, 0.4, 1.0])
def test_the_object_follows_the_twin(family, epsilon):
    learner = mf.ExpectedSarsa(family.num_states, family.num_actions, learning_rate=0.3, epsilon=epsilon)
    for twin in following(learner, family):
        assert_same_bits(learner.q_table, twin.table())


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_object_follows_the_twin_by_softmax(family):
    learner = mf.ExpectedSarsa(family.num_states, family.num_actions, learning_rate=0.3, temperature=0.4)
    for twin in following(learner, family):  # NumPy's exponential is not the core's
        np.testing.assert_allclose(learner.q_table, twin.table(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_greedy_it_is_q_learning(dtype):
    tasks = mf.TaskDistribution(8, 4, reward_noise=0.3).sample(50, rng=0)
    runs = [
        mf.train(kind(8, 4, epsilon=0.0, learning_rate=0.3), tasks, 10, 20, rng=1, dtype=dtype)
        for kind in (mf.ExpectedSarsa, mf.QLearning)
    ]
    assert_same_bits(runs[0].q_table, runs[1].q_table)
    assert_same_bits(runs[0].returns, runs[1].returns)


def two_steps(behaviour, **settings):
    """q of the first of two states after one step, at rate 1 and discount 1 and no reward."""
    to_second = np.zeros((2, 3, 2))
    to_second[:, :, 1] = 1.0
    tasks = mf.from_arrays(to_second, np.zeros((2, 3)))
    table = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 6.0]])
    learner = mf.ExpectedSarsa(2, 3, learning_rate=1.0, discount=1.0, **behaviour)
    run = mf.train(learner, tasks, 1, 1, rng=0, initial_table=table, dtype=np.float64, **settings)
    return run.q_table[0, 0].max()


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"epsilon": 1.0}, 3.0),
        ({"epsilon": 0.0}, 6.0),
        ({"epsilon": 0.5}, 0.5 * 3.0 + 0.5 * 6.0),
        ({"epsilon": 1.0, "epsilon_decay": 0.5}, 3.0),
        ({"temperature": 2.0}, softmax(np.array([1.0, 2.0, 6.0]), 2.0) @ [1.0, 2.0, 6.0]),
        ({"temperature": 1e-30}, 6.0),
        # Nothing was tried in the second state: a bonus is the same for all its actions.
        ({"epsilon": 0.5, "bonus": 5.0}, 0.5 * 3.0 + 0.5 * 6.0),
    ],
)
def test_the_mean_is_over_the_behaviour(behaviour, expected):
    assert two_steps(behaviour) == pytest.approx(expected, rel=1e-14)


def test_the_mean_is_over_what_the_bonus_makes_greedy():
    # One state, actions worth 0, 0 and 1, no reward, rate and discount 1. The first step takes the last
    # action; with a large bonus the two others, now tried less, are greedy next: q(2) = (0 + 0) / 2.
    tasks = mf.from_arrays(np.ones((1, 3, 1)), np.zeros((1, 3)))
    for bonus, expected in ((50.0, [0.0, 0.0, 0.0]), (0.0, [0.0, 0.0, 1.0])):
        learner = mf.ExpectedSarsa(1, 3, learning_rate=1.0, discount=1.0, epsilon=0.0, bonus=bonus)
        run = mf.train(learner, tasks, 1, 1, rng=0, initial_table=[[0.0, 0.0, 1.0]])
        assert run.q_table[0].tolist() == [expected]


def test_on_the_cliff_a_step_size_of_one_does_not_hurt_it():
    # Figure 6.3 of Sutton and Barto: the cliff is deterministic, all randomness is in the actions, and the
    # mean removes it.
    earned, greedy = walk_the_cliff(mf.ExpectedSarsa, 1.0)
    assert -25 < earned < -18
    assert (greedy == -15).mean() > 0.9
    earned, _ = walk_the_cliff(mf.Sarsa, 1.0)
    assert earned < -60
