"""Regret against an oracle that follows tasks as they change."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

FAMILY = mf.TaskDistribution(5, 3, horizon=6, start=mf.Uniform())


@pytest.mark.parametrize(
    "family", [mf.Switching(FAMILY, 3), mf.Drifting(FAMILY, 2, 4), mf.Seasonal(FAMILY, 2, 2), FAMILY]
)
@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_each_episode_is_judged_by_the_task_as_it_is_then(family, discount):
    tasks = family.sample(4, rng=0)
    policies = np.random.default_rng(0).dirichlet(np.ones(3), (4, 2, 5))
    found = mf.dynamic_regret(tasks, policies, 8, discount)
    every = getattr(family, "every", 100)
    for episode in range(8):
        here = tasks.segment(episode // every)
        best = mf.bounds(here, discount).optimal
        earned = mf.policy_evaluation(here, policies, discount).returns
        assert_same_bits(found.optimal[:, episode], best)
        assert_same_bits(found.returns[..., episode], earned)
        np.testing.assert_allclose(found.regret[..., episode], best[:, None] - earned, atol=1e-12)
    assert (found.regret >= 0.0).all()
    np.testing.assert_allclose(found.total[..., -1], found.regret.sum(axis=-1))
    one = mf.dynamic_regret(tasks, policies[:, 1], 8, discount)
    assert_same_bits(one.regret, found.regret[:, 1])


def test_the_best_policy_of_one_season_has_regret_in_the_other():
    tasks = mf.Seasonal(mf.GoalGrid(3, horizon=12), every=5, seasons=2).sample(20, rng=1)
    policy = mf.policy_iteration(tasks.segment(0), 0.95).policy
    regret = mf.dynamic_regret(tasks, policy, 20, 0.95).regret
    np.testing.assert_allclose(regret[:, :5], 0.0, atol=1e-12)
    np.testing.assert_allclose(regret[:, 10:15], 0.0, atol=1e-12)
    assert regret[:, 5:10].mean() > 0.1
    assert_same_bits(regret[:, 5:10], regret[:, 15:])


def test_the_regret_of_a_run_is_that_of_its_returns():
    tasks = mf.Switching(FAMILY, 10).sample(300, rng=0)
    run = mf.train(mf.QLearning(epsilon=1.0), tasks, 30, rng=0)
    found = mf.regret_of_returns(tasks, run.returns)
    assert_same_bits(found.regret, found.optimal - run.returns)
    exact = mf.dynamic_regret(tasks, np.full((5, 3), 1 / 3), 30, 1.0)  # such a learner does that
    assert_same_bits(found.optimal, exact.optimal)
    assert found.regret.mean() == pytest.approx(exact.regret.mean(), abs=0.05)
    runs = mf.train(mf.QLearning(), tasks, 30, rng=0, num_runs=2).returns
    assert mf.regret_of_returns(tasks, runs).regret.shape == (300, 2, 30)
    joined = mf.shards.join([mf.regret_of_returns(tasks[:100], run.returns[:100])] * 2)
    assert joined.total.shape == (200, 30)


def test_other_shapes_are_refused():
    tasks = mf.Switching(FAMILY, 10).sample(3, rng=0)
    with pytest.raises(ValueError, match=r"returns has shape \(2, 5\), expected \(3, E\)"):
        mf.regret_of_returns(tasks, np.zeros((2, 5)))
    with pytest.raises(ValueError, match="num_episodes is 0"):
        mf.dynamic_regret(tasks, np.zeros(5, int), 0)
