"""Values that are linear in features of the state, in plain Python; equal to the core bit for bit.

Tables of the twins of tests/td_twin.py are asked for rows, and so can these be.
"""

from __future__ import annotations

import math

from td_twin import OneStep, bounded, towards


class Features:
    """Of each state a list of (which, x, x / sum x^2, |x| / sum |x|)."""

    def __init__(self, features, real):
        which, values = features.lists(range(features.num_states))
        self.number, self.of = features.num_features, []
        for row, x in zip(which.tolist(), values.tolist(), strict=True):
            squares, sizes = in_order(value * value for value in x), in_order(map(abs, x))
            self.of.append(
                [
                    (k, real(value), real(value / squares), abs(value) / sizes)
                    for k, value in zip(row, x, strict=True)
                ]
            )


def in_order(numbers):
    """A sum without the compensation of Python's own."""
    total = 0.0
    for number in numbers:
        total += number
    return total


class Weights:
    """theta [F][A], which gives rows of action values."""

    def __init__(self, features, theta, available):
        self.features, self.theta, self.available = features, theta, available

    def __getitem__(self, state):
        (first, x, *_), *others = self.features.of[state]
        row = [x * weight for weight in self.theta[first]]
        for k, x, *_ in others:
            row = [bounded(q + x * weight) for q, weight in zip(row, self.theta[k], strict=True)]
        real = type(row[0])
        return [q if there else real(-math.inf) for q, there in zip(row, self.available[state], strict=True)]

    def __iter__(self):
        return iter(self.theta)


class Counts:
    """N(s, a) of a state: the mean over its features, each counting as much as its size."""

    def __init__(self, counts, features):
        self.counts, self.features = counts, features

    def __len__(self):
        return len(self.features.of)

    def __getitem__(self, state):
        return Row(self.counts, self.features.of[state])


class Row:
    def __init__(self, counts, features):
        self.counts, self.features = counts, features

    def __getitem__(self, action):
        return in_order(weight * self.counts[k][action] for k, _, _, weight in self.features)

    def __setitem__(self, action, value):
        for k, _, _, weight in self.features:
            self.counts[k][action] += weight > 0.0

    def __iter__(self):
        return (self[action] for action in range(len(self.counts[0])))


class LinearTwin(OneStep):
    """A one-step rule on weights: its `ahead` asks for rows as it does of tables."""

    def __init__(self, learner, setting):
        super().__init__(learner, setting)
        features = Features(learner.features, setting.real)
        available = [[value > -math.inf for value in row] for row in setting.table]
        actions = len(available[0])
        start = setting.real(learner.initial_q)
        theta = [[start] * actions for _ in range(features.number)]
        self.tables = [Weights(features, theta, available)]
        self.visits = [Counts([[0] * actions for _ in range(features.number)], features)]

    def learn(self, q, state, action, target, rate):
        """theta_k moves towards g_k target - (g_k q - theta_k), which is theta_k + g_k (target - q)."""
        value = q[state][action]
        for k, _, share, _ in q.features.of[state]:
            if share != 0.0:
                weight = q.theta[k][action]
                wanted = bounded(bounded(share * target) - bounded(bounded(share * value) - weight))
                q.theta[k][action] = towards(weight, wanted, rate)
