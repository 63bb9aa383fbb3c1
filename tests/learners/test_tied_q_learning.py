"""Tied Q-learning: its twin, Q-learning where nothing is tied, sharing and replays by hand, bad ties."""

from __future__ import annotations

import math

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import assert_core_is_twin
from td_twin import bounded, greedy_action

LEARNER = mf.TiedQLearning


class Twin:
    """One entry for each class, and the path of an episode gone through backwards at its end."""

    def __init__(self, learner, setting):
        self.learner = learner
        s, a = len(setting.table), len(setting.table[0])
        ties = np.arange(s * a).reshape(s, a) if learner.ties is None else learner.ties.values
        self.classes = [
            [int(c) if start > -math.inf else None for c, start in zip(*rows, strict=True)]
            for rows in zip(ties, setting.table, strict=True)
        ]
        self.q = {}
        for rows in zip(self.classes, setting.table, strict=True):
            for c, start in zip(*rows, strict=True):
                self.q.setdefault(c, float(start))
        self.epsilon, self.path = None, []

    def begin_episode(self, episode):
        decayed = self.epsilon is not None
        self.epsilon = self.epsilon * self.learner.epsilon_decay if decayed else self.learner.epsilon

    def act(self, state, stream):
        x, row = stream.next(), self.row(state)
        if x >> 1 <= int(self.epsilon * 2.0**31 + 0.5) - 1:
            there = [a for a, value in enumerate(row) if value > -math.inf]
            return there[stream.companion * len(there) >> 32]
        return greedy_action(row, stream.companion)

    def learn(self, state, action, reward, next_state, terminated):
        of, c = self.learner, self.classes[state][action]
        ahead = 0.0 if terminated else of.discount * max(self.row(next_state))
        self.q[c] = bounded(self.q[c] + of.learning_rate * (float(reward) + ahead - self.q[c]))

    def observe(self, state, action, reward, next_state, terminated, stream):
        self.path.append((state, action, reward, next_state, terminated))
        self.learn(*self.path[-1])

    def end_episode(self):
        for _ in range(self.learner.num_replays):
            for step in reversed(self.path):
                self.learn(*step)
        self.path = []

    def row(self, state):
        return [-math.inf if c is None else self.q[c] for c in self.classes[state]]

    def table(self):
        return [self.row(state) for state in range(len(self.classes))]

    def policy(self):
        return [row.index(max(row)) for row in self.table()]


TIES = np.random.default_rng(1).integers(0, 4, (5, 3))
LEARNERS = {
    "tied": mf.TiedQLearning(ties=TIES, epsilon=0.3, epsilon_decay=0.8, num_replays=2, initial_q=0.1),
    "own": mf.TiedQLearning(learning_rate=1.0, num_replays=0),
}


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_the_core_is_the_twin(learner, masked, real):
    random = np.random.default_rng(3)
    rows = random.dirichlet(np.ones(5), (2, 5, 3))
    if masked:
        rows[:, :, 1] = 0.0
    terminal = np.arange(5) == 4
    tasks = mf.from_arrays(rows, random.normal(size=(2, 5, 3)), terminal=terminal, reward_noise=0.3, start=0)
    assert_core_is_twin(learner, tasks, 5, 12, rng=4, dtype=real)


def test_where_nothing_is_tied_nor_replayed_it_is_q_learning():
    tasks = mf.TaskDistribution(5, 3, horizon=8, reward_noise=0.5).sample(40, rng=0)
    settings = {"learning_rate": 0.3, "discount": 0.9, "epsilon": 0.2, "initial_q": 0.25}
    found = mf.train(mf.TiedQLearning(num_replays=0, **settings), tasks, 6, rng=1, dtype=np.float64)
    expected = mf.train(mf.QLearning(**settings), tasks, 6, rng=1, dtype=np.float64)
    np.testing.assert_allclose(found.q_table, expected.q_table, rtol=1e-12)
    assert_same_bits(found.returns, expected.returns)


def test_what_is_seen_of_one_pair_is_known_of_those_tied_to_it():
    # A chain 0 -> 1 -> 2 in which action 0 of each state goes on and action 1 stays; ties by where it leads.
    ties = [[1, 0], [2, 1], [2, 2]]
    rows = np.eye(3)[[[1, 0], [2, 1], [2, 2]]]
    rewards = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    task = mf.from_arrays(rows, rewards, horizon=2)[0]
    simulator = mf.Simulator(task, rng=0)
    agent = mf.TiedQLearning(ties=ties, learning_rate=1.0, discount=0.5, num_replays=1).agent(simulator)
    agent.observe(0, 0, 0.0, 1)
    agent.observe(1, 0, 1.0, 2)
    assert agent.q_table.tolist() == [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    agent.end_episode()  # backwards: Q(2) = 1 + 0.5 Q(2), then Q(1) = 0 + 0.5 max(Q(2), Q(1))
    assert agent.q_table.tolist() == [[0.75, 0.0], [1.5, 0.75], [1.5, 1.5]]


def test_of_a_long_episode_the_last_steps_are_replayed():
    task = mf.from_arrays(np.ones((1, 1, 1)), [[1.0]], horizon=9)[0]
    agent = mf.TiedQLearning(learning_rate=0.001, discount=0.5).agent(task, rng=0)
    expected = 0.0
    for _ in range(5000):
        agent.observe(0, 0, 1.0, 0)
        expected += 0.001 * (1.0 + 0.5 * expected - expected)
    agent.end_episode()
    for _ in range(4096):
        expected += 0.001 * (1.0 + 0.5 * expected - expected)
    assert agent.q_table[0, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("ties", "error", "message"),
    [
        ([[0, 6], [1, 2], [3, 4]], ValueError, r"ties\[0, 1\] is 6.0, expected an integer from 0 to 5"),
        ([[0, 0.5]], ValueError, r"ties\[0, 1\] is 0.5"),
        ([[0, -1]], ValueError, r"ties\[0, 1\] is -1"),
        ([[0, math.nan]], ValueError, r"ties\[0, 1\] is nan"),
        ([0, 1], ValueError, r"ties has shape \(2,\), expected \(S, A\)"),
        ("x", TypeError, "ties"),
    ],
)
def test_what_are_no_ties_is_refused(ties, error, message):
    with pytest.raises(error, match=message):
        mf.TiedQLearning(ties=ties)


def test_ties_of_another_size_are_refused():
    tasks = mf.TaskDistribution(3, 2, horizon=5).sample(2, rng=0)
    with pytest.raises(ValueError, match="ties have 2 states and 2 actions, the tasks 3 and 2"):
        mf.train(mf.TiedQLearning(ties=[[0, 1], [1, 0]]), tasks, 2, rng=0)
