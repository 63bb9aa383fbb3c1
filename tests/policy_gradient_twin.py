"""Learners of softmax policies in plain Python, but for what each says of a step; equal bit for bit."""

from __future__ import annotations

import math

import numpy as np

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import train
from reference import LEARNING, make_key, make_stream
from strategies import models
from td_twin import Softmax, total

SOFTMAX = Softmax(1.0)


def held(x):
    return max(-(2.0**126), min(x, 2.0**126))


class PolicyGradientTwin:
    """Preferences and values as doubles, whatever the tables are. It says `observe`, and how a path ends."""

    def __init__(self, learner, setting):
        self.learner = learner
        self.h = [[float(value) for value in row] for row in setting.table]
        self.v = [float(learner.initial_value)] * len(self.h)

    def begin_episode(self, episode):
        pass

    def end_episode(self):
        pass

    def act(self, state, stream):
        x = stream.next()
        return SOFTMAX.choose(self.h[state], x, stream.companion)

    def pi(self, state):
        weights = SOFTMAX.weights(self.h[state])
        return [weight / total(weights) for weight in weights]

    def psi(self, state, action):
        """The gradient of ln pi(action | state), in the row of the state."""
        return [(1.0 if b == action else 0.0) - p for b, p in enumerate(self.pi(state))]

    def move(self, state, steps):
        row = zip(self.h[state], steps, strict=True)
        self.h[state] = [held(h + step) if h > -math.inf else h for h, step in row]

    def reinforce(self, state, action, size):
        self.move(state, [size * psi for psi in self.psi(state, action)])

    def move_value(self, state, target):
        delta = held(target - self.v[state])
        self.v[state] = held(self.v[state] + self.learner.value_learning_rate * delta)
        return delta

    def learn_value(self, state, reward, next_state, terminated):
        ahead = 0.0 if terminated else self.learner.discount * self.v[next_state]
        return self.move_value(state, held(float(reward) + ahead))

    def table(self):
        return [list(row) for row in self.h]

    def policy(self):
        rows = [self.pi(state) for state in range(len(self.h))]
        return [row.index(max(row)) for row in rows]


def assert_the_core_is_the_twin(learner):
    """On tasks with terminal states, noise and actions that are missing, and on others, in both types."""
    random = np.random.default_rng(3)
    rows = random.dirichlet(np.ones(5), (2, 5, 3))
    terminal = np.arange(5) == 4
    tasks = mf.from_arrays(rows, random.normal(size=(2, 5, 3)), terminal=terminal, reward_noise=0.3)
    rows[:, :, 1] = 0.0
    masked = mf.from_arrays(rows, random.normal(size=(2, 5, 3)), terminal=terminal, start=0)
    for batch in (tasks, masked):
        for real in (np.float32, np.float64):
            options = {"rng": 4, "dtype": real, "snapshot_episodes": [2]}
            run = mf.train(learner, batch, 5, 9, continuing=batch is masked, **options)
            for index, model in enumerate(models(batch)):
                stream = make_stream(make_key(4), int(batch.ids[index]), LEARNING)
                table = np.full((5, 3), learner.initial_q, real)
                number = np.float32 if real is np.float32 else float
                found = train(model, stream, learner, 5, 9, table, batch is masked, [2], number)
                for name, expected in zip(("q_table", "policy", "returns", "snapshots"), found, strict=True):
                    assert_same_bits(getattr(run, name)[index], expected)


def exact_gradient(task, theta, discount, horizon):
    """The gradient of the discounted return of `horizon` steps, by central differences."""

    def returns(h):
        weights = np.exp(h - h.max(axis=1, keepdims=True))
        pi = weights / weights.sum(axis=1, keepdims=True)
        state, earned = task.start.copy(), 0.0
        for t in range(horizon):
            pairs = (state * ~task.terminal)[:, None] * pi
            earned += discount**t * float((pairs * task.rewards).sum())
            state = np.einsum("sa,sax->x", pairs, task.transitions)
        return earned

    found = np.zeros(theta.shape)
    for place in np.ndindex(theta.shape):
        nudge = np.zeros(theta.shape)
        nudge[place] = 1e-5
        found[place] = (returns(theta + nudge) - returns(theta - nudge)) / 2e-5
    return found
