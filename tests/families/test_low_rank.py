"""Tasks of low rank, with features that all have in common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

import metarl_fast as mf
from dirichlet import draw_dirichlet
from reference import REWARDS, TRANSITIONS, Model, make_stream, normal_quantile, open_unit

FAMILY = mf.LowRank
GOLDEN_TASKS = {"low_rank": mf.LowRank(6, 2, 2)}
ARGUMENTS = {
    "num_states": 3,
    "num_actions": 2,
    "rank": 2,
    "features": 1,
    "reward_noise": 0.1,
    "horizon": 4,
}


def twin(family, key, task, segment=0):
    """A task of `LowRank`, in plain Python."""
    s, a, d = family.num_states, family.num_actions, family.rank
    own, paid = make_stream(key, task, TRANSITIONS), make_stream(key, task, REWARDS)
    mu = [draw_dirichlet(own, 1.0, [1.0] * s) for _ in range(d)]
    theta = [normal_quantile(open_unit(paid.next())) for _ in range(d)]
    shared = make_stream(family.features, 0, TRANSITIONS)
    probability, reward = np.zeros((s, a, s)), np.zeros((s, a))
    for pair in np.ndindex(s, a):
        phi = draw_dirichlet(shared, 1.0, [1.0] * d)
        for k in range(d):
            reward[pair] += phi[k] * theta[k]
            probability[pair] += phi[k] * np.array(mu[k])
    return Model(probability, None, reward, np.zeros(s, bool), np.eye(s)[0], family.reward_noise)


def families():
    sizes = [st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.sampled_from([0, 5, 2**53])]
    return st.builds(mf.LowRank, *sizes, st.sampled_from([0.0, 0.5]))


def test_rows_and_rewards_have_the_rank_and_the_features_are_shared():
    tasks = mf.LowRank(12, 3, 4).sample(30, rng=0)
    np.testing.assert_allclose(tasks.transitions.sum(axis=-1), 1.0, atol=1e-14)
    rows = np.moveaxis(tasks.transitions.reshape(30, 36, 12), 1, 0).reshape(36, -1)
    stacked = np.concatenate([rows, tasks.rewards.reshape(30, 36).T], axis=1)
    singular = np.linalg.svd(stacked, compute_uv=False)
    assert singular[3] > 1e-3
    assert singular[4] < 1e-10
    training, held_out = (half.sample(3, rng=0).transitions for half in mf.LowRank().split())
    assert not np.intersect1d(training, held_out).size


@pytest.mark.parametrize("name", ["num_states", "num_actions", "rank", "horizon"])
def test_wrong_arguments_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        mf.LowRank(**{name: 0})
