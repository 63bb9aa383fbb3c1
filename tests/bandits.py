"""Bandits for tests: tasks of one state, what twins of their learners share, and the regret of a learner."""

from __future__ import annotations

import math

import numpy as np

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import train
from reference import LEARNING, make_key, make_stream
from strategies import models


def bernoulli_bandits(means):
    """Tasks whose arms give 1 with the probabilities `means` [N, A], else 0."""
    tables = [
        {0: {a: [(p, 0, 1.0, False), (1.0 - p, 0, 0.0, False)] for a, p in enumerate(row)}}
        for row in np.asarray(means, float).tolist()
    ]
    return mf.from_outcomes(tables, start=0)


def gaussian_bandits(means, noise, available=None):
    """Tasks whose arms give `means` [N, A] and noise."""
    rewards = np.asarray(means, float)[:, None, :]
    transitions = np.ones((*rewards.shape, 1))
    if available is not None:
        transitions[..., ~np.asarray(available), :] = 0.0
    return mf.from_arrays(transitions, rewards, start=0, reward_noise=noise)


class BanditTwin:
    """Pulls the first arm of the largest `index`; thinks an arm gives what it is `expected` to."""

    def __init__(self, learner, setting):
        self.learner, self.count = learner, len(setting.table[0])
        self.arms = [arm for arm, value in enumerate(setting.table[0]) if value > -math.inf]
        self.pulls, self.sums = [0] * self.count, [0.0] * self.count

    def begin_episode(self, episode):
        pass

    def end_episode(self):
        pass

    def act(self, state, stream):
        values = [self.index(arm, stream) for arm in self.arms]
        return self.arms[values.index(max(values))]

    def observe(self, state, action, reward, next_state, terminated, stream):
        self.pulls[action] += 1
        self.sums[action] += float(reward)

    def table(self):
        return [[self.expected(arm) if arm in self.arms else -math.inf for arm in range(self.count)]]

    def policy(self):
        row = self.table()[0]
        return [row.index(max(row))]


def assert_equals_twin(learner, tasks, real, num_episodes=6, num_steps=20):
    """Every task of the core has what the twin has, bit for bit."""
    run = mf.train(
        learner, tasks, num_episodes, num_steps, rng=4, dtype=real, snapshot_episodes=[2], record=True
    )
    for index, model in enumerate(models(tasks)):
        stream = make_stream(make_key(4), int(tasks.ids[index]), LEARNING)
        number = np.float32 if real is np.float32 else float
        start = np.zeros((1, tasks.num_actions))
        past = []
        found = train(model, stream, learner, num_episodes, num_steps, start, False, [2], number, past=past)
        rows = run.history
        recorded = zip(rows.state[index], rows.action[index], rows.reward[index], strict=True)
        assert list(recorded) == [step[:3] for step in past]
        assert rows.truncated[index].tolist() == [step[5] for step in past]
        for name, expected in zip(("q_table", "policy", "returns", "snapshots"), found, strict=True):
            assert_same_bits(getattr(run, name)[index], expected)


def total_regrets(learner, means, num_runs, num_pulls):
    """What each of many runs on one Bernoulli bandit gave less than its best arm would have [runs]."""
    run = mf.train(
        learner, bernoulli_bandits([means]), 1, num_pulls, rng=0, num_runs=num_runs, dtype=np.float64
    )
    return num_pulls * max(means) - run.returns.reshape(num_runs)
