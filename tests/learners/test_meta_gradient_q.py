"""Q(lambda) that adapts its scalars: its twin, the derivatives that it keeps, and Q(lambda) itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import train
from reference import LEARNING, make_key, make_stream, portable_exp, portable_log
from strategies import models
from td_twin import available_actions, greedy_action, uniform_action

LEARNER = mf.MetaGradientQ
SCALARS = "learning_rate", "discount", "trace_decay"


def held(value):
    return min(max(value, -(2.0**126)), 2.0**126)


class Scalar:
    """A number that moves by its logit."""

    def __init__(self, start, moves):
        self.value, self.moves = start, moves and 0.0 < start < 1.0
        self.square = self.count = 0.0
        if self.moves:
            self.logit = portable_log(start / (1.0 - start))

    def climb(self, gradient, size):
        if not self.moves:
            return
        gradient *= self.value * (1.0 - self.value)
        self.count = min(self.count + 1.0, 1000.0)
        self.square += (gradient * gradient - self.square) / self.count
        if self.square > 0.0:
            self.logit += size * gradient / math.sqrt(self.square)
            self.logit = min(max(self.logit, -16.0), 16.0)
            self.value = 1.0 / (1.0 + portable_exp(-self.logit))


class Twin:
    """Numbers are doubles whatever the tables are; z is kept as one table for each scalar."""

    def __init__(self, learner, setting):
        self.learner = learner
        self.q = [[float(value) for value in row] for row in setting.table]
        self.z = {name: [[0.0] * len(row) for row in self.q] for name in SCALARS}
        self.scalars = {name: Scalar(getattr(learner, name), name in learner.adapts) for name in SCALARS}
        self.traces = {}  # (state, action) -> (e, its derivatives)

    def begin_episode(self, episode):
        pass

    def end_episode(self):
        self.traces = {}

    def act(self, state, stream):
        x, y = stream.next(), stream.companion
        if x >> 1 < int(self.learner.epsilon * 2.0**31 + 0.5):
            return uniform_action(available_actions(self.q[state]), y)
        return greedy_action(self.q[state], y)

    def error(self, s, a, reward, after, terminated, discount):
        ahead = 0.0 if terminated else max(self.q[after])
        return held(reward + discount * ahead - self.q[s][a])

    def observe(self, s, a, reward, after, terminated, stream):
        reward = float(reward)
        fresh = self.error(s, a, reward, after, terminated, self.learner.discount)
        for name in SCALARS:
            self.scalars[name].climb(fresh * self.z[name][s][a], self.learner.meta_step_size)
        rate, discount, decay = (self.scalars[name].value for name in SCALARS)
        delta = self.error(s, a, reward, after, terminated, discount)
        best = self.q[after].index(max(self.q[after]))
        of_delta = {
            name: (0.0 if terminated else discount * z[after][best]) - z[s][a] for name, z in self.z.items()
        }
        if not terminated:
            of_delta["discount"] += self.q[after][best]
        self.renew(s, a, discount, decay)
        for (state, action), (e, of_e) in self.traces.items():
            self.q[state][action] = held(self.q[state][action] + rate * delta * e)
            for name, z in self.z.items():
                direct = delta * e if name == "learning_rate" else 0.0
                change = direct + rate * (of_delta[name] * e + delta * of_e[name])
                z[state][action] = held(z[state][action] + change)

    def renew(self, s, a, discount, decay):
        old = {} if self.q[s][a] < max(self.q[s]) else self.traces
        self.traces = {}
        for pair, (e, of_e) in old.items():
            faded = {name: slope * (discount * decay) for name, slope in of_e.items()}
            faded["discount"] += decay * e
            faded["trace_decay"] += discount * e
            trace = e * (discount * decay)
            if trace >= 2.0**-20 and pair[0] != s:
                self.traces[pair] = trace, faded
        self.traces[s, a] = 1.0, dict.fromkeys(SCALARS, 0.0)

    def table(self):
        return [list(row) for row in self.q]

    def policy(self):
        return [row.index(max(row)) for row in self.q]


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("family", [mf.GoalGrid(3, slip=0.2), mf.TaskDistribution.rl2()])
def test_the_core_is_the_twin(family, real):
    learner = mf.MetaGradientQ(epsilon=0.2, meta_step_size=0.3, initial_q=0.1)
    tasks = family.sample(2, rng=0)
    run = mf.train(learner, tasks, 6, 20, rng=1, dtype=real)
    for k, model in enumerate(models(tasks.materialise())):
        stream = make_stream(make_key(1), k, LEARNING)
        table = np.full((family.num_states, family.num_actions), 0.1)
        q, policy, returns, _ = train(model, stream, learner, 6, 20, table, False, [], real)
        assert_same_bits(run.q_table[k], q)
        assert_same_bits(run.policy[k], policy)
        assert_same_bits(run.returns[k], returns)


def test_without_meta_steps_it_is_q_lambda():
    tasks = mf.GoalGrid(5, slip=0.1).sample(30, rng=0)
    found, expected = (
        mf.train(learner, tasks, 20, rng=1, dtype=float)
        for learner in (mf.MetaGradientQ(meta_step_size=0.0), mf.QLambda())
    )
    np.testing.assert_allclose(found.q_table, expected.q_table, rtol=1e-9, atol=1e-12)
    assert_same_bits(found.returns, expected.returns)


@pytest.mark.parametrize("name", SCALARS)
def test_z_is_the_derivative_of_the_table_by_the_scalar(name):
    """Central differences of what Q(lambda) makes of the same steps; the twin keeps what the core keeps."""
    random = np.random.default_rng(3)
    steps = [(*random.integers([4, 3, 4]), random.normal(), random.random() < 0.1) for _ in range(60)]
    start = random.normal(size=(4, 3))

    def lived(**scalars):
        twin = Twin(mf.MetaGradientQ(meta_step_size=0.0, **scalars), type("", (), {"table": start}))
        for s, a, after, reward, terminated in steps:
            twin.observe(s, a, reward, after, terminated, None)
            if terminated:
                twin.end_episode()
        return twin

    given = {"learning_rate": 0.2, "discount": 0.9, "trace_decay": 0.7}
    ahead, behind = (np.array(lived(**{**given, name: given[name] + side * 1e-6}).q) for side in (1, -1))
    z = np.array(lived(**given).z[name])
    np.testing.assert_allclose(z, (ahead - behind) / 2e-6, atol=1e-7)
    assert np.abs(z).max() > 0.1


def test_a_rate_that_is_too_high_for_noise_falls_and_one_that_is_too_low_rises():
    """Of a constant behind noise the error falls with the rate; of one that is never met it rises with it."""
    for noise, start, goes_down in ((1.0, 0.9, True), (0.0, 0.01, False)):
        random = np.random.default_rng(0)
        twin = Twin(
            mf.MetaGradientQ(learning_rate=start, discount=0.0, meta_step_size=0.02),
            type("", (), {"table": [[0.0]]}),
        )
        for _ in range(1500):
            twin.observe(0, 0, 5.0 + noise * random.normal(), 0, True, None)
        rate = twin.scalars["learning_rate"].value
        assert (rate < 0.3) if goes_down else (rate > 0.05)


def test_what_is_not_to_move_stays():
    """Neither what is not named, nor what begins at an end."""
    twin = Twin(
        mf.MetaGradientQ(adapts=["discount"], discount=1.0, meta_step_size=0.5),
        type("", (), {"table": [[0.0], [1.0]]}),
    )
    for k in range(20):
        twin.observe(k % 2, 0, 1.0, 1 - k % 2, False, None)
    assert [twin.scalars[name].value for name in SCALARS] == [0.1, 1.0, 0.9]
