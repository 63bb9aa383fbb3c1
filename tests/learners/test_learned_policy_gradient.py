"""Learned policy gradient: its twin, an actor-critic by hand, what the network may see, and bad weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

import metarl_fast as mf
from learner_twins import assert_core_is_twin
from reference import portable_exp, unit_53

LEARNER = mf.LearnedPolicyGradient


def within(x):
    return min(max(x, -(2.0**20)), 2.0**20)


def gate(z):
    return 0.5 + 0.5 * (z / (1.0 + abs(z)))


def dot(weights, values):
    total = 0.0
    for weight, value in zip(weights, values, strict=True):
        total += weight * value
    return total


class Twin:
    """Tables of preferences, predictions and visits; every so many steps the network looks back."""

    def __init__(self, learner, setting):
        self.learner, self.count = learner, learner.num_predictions
        self.h = [[float(value) for value in row] for row in setting.table]
        self.y = [[0.0] * self.count for _ in self.h]
        self.visits = [[0] * len(row) for row in self.h]
        self.path = []
        size = 6 + 2 * self.count
        self.units = [
            (row[:size], row[size : 2 * size], row[2 * size : 3 * size], row[3 * size :])
            for row in learner.weights.values.tolist()
        ]

    def begin_episode(self, episode):
        pass

    def act(self, state, stream):
        x, row = stream.next(), self.h[state]
        weights = [portable_exp(value - max(row)) for value in row]
        u = unit_53(x, stream.companion) * sum(weights, 0.0)
        return sum(np.cumsum(weights)[:-1] <= u)

    def observe(self, state, action, reward, next_state, terminated, stream):
        self.visits[state][action] += 1
        self.path.append((state, action, float(reward), next_state, terminated))
        if len(self.path) == self.learner.path_length:
            self.end_episode()

    def end_episode(self):
        memory = [0.0] * len(self.units)
        for state, action, reward, next_state, terminated in reversed(self.path):
            row = self.h[state]
            weights = [portable_exp(value - max(row)) for value in row]
            pi = [weight / sum(weights, 0.0) for weight in weights]
            seen = [self.visits[state][action], sum(self.visits[next_state])]
            ahead = 0.0 if terminated else self.learner.discount
            x = [1.0, within(reward), float(terminated), pi[action]]
            x += [1.0 / math.sqrt(times + 1.0) for times in seen]
            x += self.y[state] + [ahead * value for value in self.y[next_state]]
            change = [0.0] * (1 + self.count)
            for k, (keep, show, add, out) in enumerate(self.units):
                memory[k] = gate(dot(keep, x)) * memory[k] + dot(add, x)
                shown = gate(dot(show, x)) * memory[k]
                change = [total + weight * shown for total, weight in zip(change, out, strict=True)]
            change = [within(value) for value in change]
            for a, probability in enumerate(pi):
                if row[a] > -math.inf:
                    row[a] = within(row[a] + change[0] * ((a == action) - probability))
            self.y[state] = [within(a + b) for a, b in zip(self.y[state], change[1:], strict=True)]
        self.path = []

    def table(self):
        return [list(row) for row in self.h]

    def policy(self):
        return [row.index(max(row)) for row in self.h]


def some_weights(units, predictions):
    return np.random.default_rng(units).normal(0.0, 0.4, (units, 19 + 7 * predictions))


LEARNERS = {
    "default": mf.LearnedPolicyGradient(),
    "three predictions": mf.LearnedPolicyGradient(
        weights=some_weights(3, 3), path_length=5, discount=0.8, initial_q=0.3
    ),
    "one unit": mf.LearnedPolicyGradient(weights=100.0 * some_weights(1, 1), path_length=1),
}


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_the_core_is_the_twin(learner, real):
    random = np.random.default_rng(3)
    rows = random.dirichlet(np.ones(5), (2, 5, 3))
    rows[1, :, 1] = 0.0
    terminal = np.arange(5) == 4
    tasks = mf.from_arrays(rows, random.normal(size=(2, 5, 3)), terminal=terminal, reward_noise=0.3, start=0)
    assert_core_is_twin(learner, tasks, 5, 12, rng=4, dtype=real)


def test_it_begins_as_an_actor_critic():
    """Sutton and Barto, section 13.5: h += alpha delta grad log pi, v += beta delta, delta = r + c v' - v."""
    learner = mf.LearnedPolicyGradient.actor_critic(0.5, 0.25, 0.0, discount=0.9, path_length=1)
    task = mf.from_arrays(np.eye(3)[[[1, 0], [2, 1], [2, 2]]], np.zeros((3, 2)), horizon=9)[0]
    agent = learner.agent(task, rng=0, dtype=np.float64)
    h, v = np.zeros((3, 2)), np.zeros(3)
    for s, a, r, ahead in [
        (0, 0, 1.0, 1),
        (1, 1, -2.0, 1),
        (0, 0, 0.5, 1),
        (0, 1, 3.0, 0),
        (1, 0, 1.0, 2),
    ] * 3:
        agent.observe(s, a, r, ahead)
        pi = np.exp(h[s]) / np.exp(h[s]).sum()
        delta = r + 0.9 * v[ahead] - v[s]
        h[s] += 0.5 * delta * (np.eye(2)[a] - pi)
        v[s] += 0.25 * delta
    # The gate of no traces is as near to 0 as a finite weight makes it, and paths of one step see none.
    np.testing.assert_allclose(agent.q_table, h, rtol=1e-12)


def test_credit_goes_back_along_the_path_and_not_into_another_episode():
    chain = np.eye(3)[[[1, 1], [2, 2], [2, 2]]]
    task = mf.from_arrays(chain, np.zeros((3, 2)), horizon=9)[0]
    learner = mf.LearnedPolicyGradient.actor_critic(1.0, 0.5, 0.5, discount=0.8)
    agent = learner.agent(task, rng=0, dtype=np.float64)
    agent.observe(0, 0, 0.0, 1)
    agent.observe(1, 0, 1.0, 2)
    assert not agent.q_table.any()  # nothing is learned before the path ends
    agent.end_episode()
    # delta(1) = 1 moves v(1) to 0.5 first; then delta(0) = 0.8 * 0.5, and with the trace 0.4 + 0.4 * 1.
    np.testing.assert_allclose(agent.q_table, [[0.4, -0.4], [0.5, -0.5], [0.0, 0.0]], rtol=1e-12)
    # Of a new episode only what the critic says counts: v(0) = 0.4, so delta = 0.8 * 0.5 - 0.4 = 0.
    before = agent.q_table
    agent.observe(0, 0, 0.0, 1)
    agent.end_episode()
    np.testing.assert_allclose(agent.q_table, before, atol=1e-12)


def test_one_network_serves_tasks_of_all_sizes_and_learns():
    learner = mf.LearnedPolicyGradient()
    for family in (mf.GoalGrid(5, goals=mf.Region((4, 5), (4, 5))), mf.LpgGrid.sparse()):
        tasks = family.sample(20, rng=0)
        returns = mf.train(learner, tasks, 200, rng=1).returns.mean(axis=0)
        assert returns[-20:].mean() > returns[:4].mean() + 0.3


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.zeros((2, 25)), ValueError, r"weights has shape \(2, 25\), expected \(units, 19 \+ 7 K\)"),
        (np.zeros((2, 19)), ValueError, r"weights has shape \(2, 19\)"),
        (np.zeros(26), ValueError, r"weights has shape \(26,\)"),
        (np.full((1, 26), math.nan), ValueError, r"weights\[0, 0\] is nan"),
        (np.full((1, 26), -math.inf), ValueError, r"weights\[0, 0\] is -inf"),
        (np.full((1, 26), 2.0**21), ValueError, r"weights\[0, 0\] is 2097152.0, expected -2\^20 to 2\^20"),
        ("x", TypeError, "weights"),
    ],
)
def test_what_are_no_weights_is_refused(weights, error, message):
    with pytest.raises(error, match=message):
        mf.LearnedPolicyGradient(weights=weights)
