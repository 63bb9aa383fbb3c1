"""The conjugate prior: laws of random MDPs found again, by models and by experience."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.meta.task_models import models

RANDOM = mf.TaskDistribution(
    5, 3, mf.Dirichlet(0.5), rewards=mf.Normal(2.0, 3.0), reward_noise=1.5, horizon=10, start=0
)


def seen(meta, tasks):
    """The learner after the tasks' models, without settings chosen."""
    state = meta.init(mf.PosteriorPlanner())
    for model in models(tasks):
        state = {**state, **meta.with_model(state, model, tasks.num_states, tasks.num_actions)}
    return meta.apply(state, mf.PosteriorPlanner())


@pytest.mark.parametrize("experience", [0, 30])
def test_the_law_of_random_tasks_is_found_again(experience):
    fitted = mf.ConjugatePrior(experience=experience).fit(RANDOM, num_tasks=150, num_episodes=5, rng=0)
    learner, prior = fitted.learner, fitted.learner.prior
    assert learner.transition_strength == pytest.approx(5 * 0.5, rel=0.1)
    np.testing.assert_allclose(prior.reward_strengths, 1.5**2 / 3.0**2, rtol=0.1)
    np.testing.assert_allclose(prior.reward_means, 2.0, atol=0.3)
    np.testing.assert_allclose(prior.probabilities, 0.2)


def test_a_law_for_each_pair_is_that_of_the_functions():
    tasks = RANDOM.sample(60, rng=1)
    prior = seen(mf.ConjugatePrior(shared=False), tasks).prior
    p, r = tasks.transitions.reshape(60, 15, 5), tasks.rewards.reshape(60, 15)
    for pair in (0, 7, 14):
        alpha = mf.dirichlet_from_probabilities(p[:, pair])
        found = np.zeros(5)
        found[prior.next_states[pair]] = prior.probabilities[pair] * prior.transition_strengths[pair]
        np.testing.assert_allclose(found, alpha, rtol=1e-5)
        mean, variance = mf.normal_from_means(r[:, pair])
        np.testing.assert_allclose(prior.reward_means[pair], mean)
        np.testing.assert_allclose(prior.reward_strengths[pair], 1.5**2 / variance, rtol=1e-6)


def test_recorded_histories_say_what_their_counts_say():
    tasks = RANDOM.sample(80, rng=2)
    history = mf.train(mf.QLearning(epsilon=1.0), tasks, 20, rng=0, record=True).history
    counts = np.zeros((80, 5, 3, 5))
    rows = np.arange(80)[:, None]
    np.add.at(counts, (rows, history.state, history.action, history.next_state), history.mask)
    for shared in (True, False):
        meta = mf.ConjugatePrior(shared=shared)
        state = meta.init(mf.PosteriorPlanner())
        for part in (slice(0, 30), slice(30, 80)):
            state = meta.observe(state, mf.History(**history.rows(part)), 5, 3)
        found = meta.apply(state, mf.PosteriorPlanner())
        if shared:
            alpha = mf.dirichlet_from_counts(counts.reshape(-1, 5), shared=True)
            assert found.transition_strength == pytest.approx(alpha.sum(), rel=1e-6)
        else:
            alpha = mf.dirichlet_from_counts(np.moveaxis(counts.reshape(80, 15, 5), 0, 1))
            np.testing.assert_allclose(found.prior.transition_strengths, alpha.sum(axis=1), rtol=1e-5)
    with pytest.raises(ValueError, match="state has 4, expected integers 0 to 3"):
        meta.observe(state, history, 4, 3)


def test_where_rows_have_zeros_the_law_has_their_mean_of_squares():
    tasks = mf.TaskDistribution.garnet(8, 3, 2, horizon=5).sample(200, rng=0)
    strength = seen(mf.ConjugatePrior(), tasks).transition_strength
    squares = np.square(tasks.transitions).sum(axis=-1).mean()
    assert (1 + strength / 8) / (1 + strength) == pytest.approx(squares)
    shared = mf.SharedDynamics(mf.TaskDistribution.garnet(8, 3, 2, horizon=5)).sample(30, rng=0)
    assert seen(mf.ConjugatePrior(shared=False), shared).prior.transition_strengths.min() == 1e6  # known


def test_it_is_ahead_where_rewards_are_noisy_and_nothing_else_is_shared():
    rl2 = mf.TaskDistribution.rl2()
    tasks = rl2.sample(300, rng=1)
    fitted = mf.ConjugatePrior().fit(rl2, num_tasks=60, num_episodes=25, rng=0)
    totals = [mf.train(one, tasks, 25, rng=2).returns.sum(axis=1).mean() for one in (fitted, mf.QLearning())]
    assert totals[0] > 447.2 > totals[1]  # SNAIL's


def test_bonuses_that_are_clearly_behind_leave_their_tasks_to_the_others():
    meta, learner = mf.ConjugatePrior(tasks_per_iteration=270), mf.PosteriorPlanner()
    state = meta.init(learner)
    state["gains"][:, 1] = 48, 48 * -10.0, 48 * 101.0  # 10 ± 1 / sqrt(48) behind the first one
    state["gains"][:, 2] = 47, 47 * -10.0, 47 * 101.0  # the same, on too few tasks to tell
    found = meta.step(state, learner, mf.TaskDistribution(3, 2, horizon=4).sample(270, rng=0), 0, 3)
    more = found["gains"][0] - state["gains"][0]
    assert more.tolist() == [53, 0, 53, 53, 53, 53, 53, 53, 53, 53]  # 10 times 48 tasks shared by nine
