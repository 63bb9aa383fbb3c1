"""Bandits whose arms pay 1 or nothing: their law, and what learners of bandits get on RL²'s settings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from reference import REWARDS, Model, make_stream, unit_53

FAMILY = mf.BernoulliBandit
GOLDEN_TASKS = {"bernoulli_bandit": mf.BernoulliBandit(5, 20)}
ARGUMENTS = {"num_arms": 3, "num_pulls": 5, "means": mf.Uniform(0.2, 0.6)}


def twin(family, key, task, segment=0):
    """A task of `BernoulliBandit`, in plain Python."""
    stream = make_stream(key, task, REWARDS)
    low, high, a = family.means.low, family.means.high, family.num_arms
    means = np.array([low + (high - low) * unit_53(stream.next(), stream.companion) for _ in range(a)])
    probability = np.stack([means, 1.0 - means], axis=-1)[None]
    reward = np.broadcast_to([1.0, 0.0], (1, a, 2))
    return Model(probability, np.zeros((1, a, 2), int), reward, np.zeros((1, a, 2), bool), np.ones(1))


def families():
    laws = st.sampled_from([mf.Uniform(), mf.Uniform(0.2, 0.4), mf.Uniform(0.5, 0.5), mf.Uniform(1, 1)])
    return st.builds(mf.BernoulliBandit, st.integers(1, 20), st.integers(1, 30), laws)


def test_means_are_uniform_and_the_optimum_is_the_largest():
    tasks = mf.BernoulliBandit.rl2(100, 5).sample(2000, rng=0)
    means = tasks.rewards[:, 0]
    assert stats.kstest(means.ravel(), "uniform").pvalue > 1e-4
    assert (tasks.horizon, tasks.num_states, tasks.num_actions) == (100, 1, 5)
    best = mf.backward_induction(tasks).returns
    np.testing.assert_allclose(best, 100 * means.max(axis=1), rtol=1e-12)
    assert abs(best.mean() - 100 * 5 / 6) < 4 * best.std() / np.sqrt(2000)


@pytest.mark.parametrize(
    ("num_pulls", "num_arms", "learner", "published"),
    [
        (10, 5, mf.ThompsonSampling(), 5.7),
        (10, 10, mf.ThompsonSampling(), 5.5),
        (10, 50, mf.ThompsonSampling(), 5.2),
        (100, 5, mf.ThompsonSampling(), 74.7),
        (100, 10, mf.ThompsonSampling(), 76.7),
        (100, 50, mf.ThompsonSampling(), 64.5),
        (500, 5, mf.ThompsonSampling(), 402.0),
        (500, 10, mf.ThompsonSampling(), 429.5),
        # The best of the constants that they tried. Their arms begin with counts of Beta(1, 1), those of UCB1
        # with a pull each: with few pulls an arm there is no comparing.
        (100, 5, mf.UCB1(reward_range=0.2), 78.0),
        (500, 5, mf.UCB1(reward_range=0.25), 405.8),
        (500, 10, mf.UCB1(reward_range=0.15), 437.1),
    ],
)
def test_learners_earn_what_rl2_printed(num_pulls, num_arms, learner, published):
    """Duan et al. (2016), table 1, means over 1000 bandits, printed with one digit."""
    tasks = mf.BernoulliBandit.rl2(num_pulls, num_arms).sample(1000, rng=1)
    returns = mf.train(learner, tasks, 1, rng=2, q_table=False, policy=False).returns
    margin = 4 * returns.std() * np.sqrt(2 / 1000) + 0.05
    assert returns.mean() == pytest.approx(published, abs=margin)


def test_there_are_nine_settings_and_halves():
    settings = {mf.BernoulliBandit.rl2(n, k) for n in (10, 100, 500) for k in (5, 10, 50)}
    assert {(one.num_pulls, one.num_arms) for one in settings} >= {(10, 5), (500, 50)}
    assert len(settings) == 9
    with pytest.raises(ValueError, match="num_pulls is 20, expected 10, 100 or 500"):
        mf.BernoulliBandit.rl2(20)
    training, held_out = mf.BernoulliBandit().split()
    a, b = (half.sample(50, rng=0).rewards[:, 0, 0] for half in (training, held_out))
    assert not set(a) & set(b)
    with pytest.raises(ValueError, match="the same number to all tasks"):
        mf.BernoulliBandit(means=mf.Uniform(0.5, 0.5)).split()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"num_arms": 0}, ValueError, "num_arms is 0"),
        ({"num_pulls": 0}, ValueError, "num_pulls is 0"),
        ({"means": 0.5}, TypeError, "means is 0.5"),
        ({"means": mf.Uniform(0, 1.5)}, ValueError, "means.high is 1.5"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        mf.BernoulliBandit(**arguments)
