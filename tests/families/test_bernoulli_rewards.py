"""Tasks that pay one of two numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf

FAMILY = mf.BernoulliRewards
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2)
DENSE = mf.TaskDistribution(7, 3, mf.Dirichlet(0.4), reward_noise=0.3)
GOLDEN_TASKS = {"bernoulli_rewards": mf.BernoulliRewards(DENSE)}
ARGUMENTS = {"family": DENSE, "low": 0.0, "high": 2.0}


def twin(family, key, task, segment=0):
    """A task of `BernoulliRewards`, in plain Python."""
    model = family_twins.as_lists(family_twins.part(family.family, key, task, segment))
    ends = family_twins.terminal(model)[:, None, None, None]
    low, high = family.low, family.high
    often = np.clip((model.reward - low) / (high - low), 0.0, 1.0)
    shares = np.where(ends, [1.0, 0.0], np.stack([often, 1.0 - often], axis=-1))
    s, a, k = model.probability.shape

    def twice(values):
        return np.repeat(np.asarray(values), 2, axis=-1)

    reward = np.where(ends, 0.0, np.broadcast_to([high, low], (s, a, k, 2)))
    return dataclasses.replace(
        model,
        probability=(model.probability[..., None] * shares).reshape(s, a, 2 * k),
        next_state=twice(model.next_state),
        reward=reward.reshape(s, a, 2 * k),
        terminated=twice(model.terminated),
        reward_noise=0.0,
        weights=None,
    )


def families():
    parts = [GRID, DENSE, GRID.split()[1], mf.Permuted(DENSE), mf.RiverSwim(4), mf.Switching(DENSE, 2)]
    return st.builds(mf.BernoulliRewards, st.sampled_from(parts), st.sampled_from([0.0, -1.0, 0.3]))


def test_rewards_are_one_of_two_numbers_and_values_stay():
    for plain in (GRID, DENSE):
        before, after = plain.sample(20, rng=0), mf.BernoulliRewards(plain, -0.5, 2.0).sample(20, rng=0)
        assert set(np.unique(after.outcomes["reward"])) <= {-0.5, 0.0, 2.0}
        np.testing.assert_allclose(after.rewards, before.rewards, atol=1e-14)
        values = [mf.policy_iteration(tasks, 0.9).values for tasks in (before, after)]
        np.testing.assert_allclose(*values, atol=1e-10)
        assert after.reward_noise == 0.0
    two_armed = mf.BernoulliRewards(mf.TaskDistribution(1, 2, horizon=50)).sample(100, rng=0)
    assert mf.train(mf.ThompsonSampling(), two_armed, 1, rng=1).returns.mean() > 50 * 0.55


def test_what_lies_outside_pays_the_nearer_one():
    family = mf.BernoulliRewards(mf.TaskDistribution(2, 2, rewards=mf.Fixed([[3.0, -3.0], [0.25, 1.0]])))
    assert family.sample(rng=0).rewards.ravel() == pytest.approx([1.0, 0.0, 0.25, 1.0])


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="high is"):
        mf.BernoulliRewards(DENSE, 1.0, 1.0)
    with pytest.raises(TypeError, match="family is 5"):
        mf.BernoulliRewards(5)
