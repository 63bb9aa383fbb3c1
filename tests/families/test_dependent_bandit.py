"""Bandits of two arms of which one pays as often as the other does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from reference import REWARDS, Model, below, make_stream, unit_53

FAMILY = mf.DependentBandit
GOLDEN_TASKS = {"dependent_bandit": mf.DependentBandit()}
ARGUMENTS = {"first": mf.Uniform(0.2, 0.6), "num_pulls": 5}


def twin(family, key, task, segment=0):
    """A task of `DependentBandit`, in plain Python."""
    stream = make_stream(key, task, REWARDS)
    x = stream.next()
    if isinstance(family.first, tuple):
        p = family.first[below(x, len(family.first))]
    else:
        low, high = family.first.low, family.first.high
        p = low + (high - low) * unit_53(x, stream.companion)
    probability = np.array([[[p, 1.0 - p], [1.0 - p, p]]])
    reward = np.broadcast_to([1.0, 0.0], (1, 2, 2))
    return Model(probability, np.zeros((1, 2, 2), int), reward, np.zeros((1, 2, 2), bool), np.ones(1))


def families():
    laws = st.sampled_from([mf.Uniform(), mf.Uniform(0.2, 0.4), (0.1, 0.9), (0.5,), (0.0, 1.0, 0.25)])
    return st.builds(mf.DependentBandit, laws, st.integers(1, 30))


def test_arms_sum_to_one_under_every_law():
    means = mf.DependentBandit().sample(2000, rng=0).rewards[:, 0]
    np.testing.assert_allclose(means.sum(axis=1), 1.0, atol=1e-15)
    assert stats.kstest(means[:, 0], "uniform").pvalue > 1e-4
    for family, gap in ((mf.DependentBandit.easy(), 0.8), (mf.DependentBandit.medium(), 0.5)):
        means = family.sample(2000, rng=0).rewards[:, 0]
        np.testing.assert_allclose(np.abs(means[:, 0] - means[:, 1]), gap, atol=1e-15)
        assert stats.binomtest(int((means[:, 0] > 0.5).sum()), 2000).pvalue > 1e-4
    assert mf.DependentBandit.hard().first == (0.4, 0.6)


def test_few_tasks_cannot_be_split():
    with pytest.raises(ValueError, match="2 different tasks at most"):
        mf.DependentBandit.easy().split()
    training, held_out = mf.DependentBandit().split()
    a, b = (half.sample(50, rng=0).rewards[:, 0, 0] for half in (training, held_out))
    assert not set(a) & set(b)


@pytest.mark.parametrize(
    ("first", "error", "text"),
    [(0.5, TypeError, "first is 0.5"), ((), ValueError, "empty"), ((0.5, 2), ValueError, r"first\[1\] is 2")],
)
def test_wrong_arguments_are_refused(first, error, text):
    with pytest.raises(error, match=text):
        mf.DependentBandit(first)
