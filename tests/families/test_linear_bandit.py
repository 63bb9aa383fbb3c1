"""Contextual bandits whose expected rewards are linear in features that all tasks share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from reference import REWARDS, Model, make_stream, normal_quantile, open_unit

FAMILY = mf.LinearBandit
GOLDEN_TASKS = {"linear_bandit": mf.LinearBandit(3, 4, num_pulls=20, features=7)}
ARGUMENTS = {
    "num_contexts": 2,
    "num_arms": 3,
    "dimension": 2,
    "num_pulls": 5,
    "noise": 0.5,
    "features": 0,
}


def twin(family, key, task, segment=0):
    """A task of `LinearBandit`, in plain Python."""
    s, a, d = family.num_contexts, family.num_arms, family.dimension
    scale = 1.0 / math.sqrt(d)

    def draw(stream):
        return scale * normal_quantile(open_unit(stream.next()))

    own, shared = make_stream(key, task, REWARDS), make_stream(family.features, 0, REWARDS)
    theta = [draw(own) for _ in range(d)]
    reward = np.zeros((s, a))
    for pair in np.ndindex(s, a):
        for weight in theta:
            reward[pair] += draw(shared) * weight
    even = np.full((s, a, s), 1.0 / s)
    return Model(even, None, reward, np.zeros(s, bool), np.full(s, 1.0 / s), family.noise)


def families():
    features, noises = st.sampled_from([0, 3, 2**53]), st.sampled_from([0.0, 0.5])
    sizes = [st.integers(1, 5), st.integers(1, 6), st.integers(1, 4), st.integers(1, 30)]
    return st.builds(mf.LinearBandit, *sizes, noises, features)


def test_rewards_lie_in_the_plane_of_the_features():
    """Means of all tasks have rank d, their weights are Gaussian, and contexts follow each other evenly."""
    family = mf.LinearBandit(4, 5, dimension=3)
    tasks = family.sample(3000, rng=0)
    means = tasks.rewards.reshape(3000, 20)
    singular = np.linalg.svd(means, compute_uv=False)
    assert singular[2] > 1.0
    assert singular[3] < 1e-10
    assert stats.kstest(means[:, 7] / means[:, 7].std(), "norm").pvalue > 1e-4
    assert (tasks.transitions[0] == 0.25).all()
    assert (tasks.start == 0.25).all()
    # E[r^2] = |phi|^2 / d, and |phi|^2 is 1 on average; here of many features of one seed.
    one = mf.LinearBandit(40, 50, dimension=3, features=5).sample(200, rng=1).rewards
    assert (one**2).mean() == pytest.approx(1 / 3, rel=0.2)


def test_a_seed_names_the_features_and_dpt_has_ten_arms():
    tasks = [mf.LinearBandit(features=seed).sample(5, rng=0).rewards for seed in (1, 1, 2)]
    assert (tasks[0] == tasks[1]).all()
    assert (tasks[0] != tasks[2]).all()
    dpt = mf.LinearBandit.dpt()
    assert (dpt.num_states, dpt.num_arms, dpt.dimension, dpt.horizon) == (1, 10, 2, 200)
    assert dpt.noise**2 == pytest.approx(0.3)
    run = mf.train(mf.ThompsonSampling(rewards="gaussian"), dpt.sample(300, rng=0), 1, rng=1)
    best = dpt.sample(300, rng=0).rewards.max(axis=(1, 2))
    assert (200 * best - run.returns[:, 0]).mean() < 200 * best.mean() / 2


@pytest.mark.parametrize("name", ["num_contexts", "num_arms", "dimension", "num_pulls"])
def test_wrong_arguments_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        mf.LinearBandit(**{name: 0})
    with pytest.raises(ValueError, match="features is -1"):
        mf.LinearBandit(features=-1)
