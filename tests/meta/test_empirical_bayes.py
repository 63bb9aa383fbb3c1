"""Empirical Bayes: what tasks have in common, by hand; held-out goals found within a few episodes."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.meta.kinds_of_models import _Models, kinds_of
from metarl_fast.meta.prior_of_models import Smoothing, prior_of, reward_scale
from metarl_fast.meta.task_models import models, models_of, nothing, with_model

PLAIN = Smoothing("mean", 0.0, 0.0)


def sums_of(tasks):
    sums = nothing()
    for model in models(tasks):
        sums = with_model(sums, model, tasks.num_states, tasks.num_actions)
    return sums


def line(goal, length=6, ends=False):
    """A corridor, left and right; entering the goal pays 1. Going left from 0, or right at the end, stays."""
    return {
        s: {
            a: [(1.0, t, float(t == goal), ends and t == goal)]
            for a, t in enumerate((max(s - 1, 0), min(s + 1, length - 1)))
        }
        for s in range(length)
    }


def corridors(goals, **more):
    return mf.from_outcomes([line(goal, **more) for goal in goals], start=0, horizon=12)


def test_pairs_that_behave_alike_share_a_class_and_rewards_are_of_the_state_entered():
    prior = prior_of(sums_of(corridors([2, 3, 3, 5])), PLAIN, 0.9, 0.0)
    assert (prior.rewards, prior.num_classes) == ("next_state", 6)  # one for each state that is entered
    assert prior.classes[0, 0] == prior.classes[1, 0]
    assert prior.classes[0, 1] == prior.classes[2, 0]
    np.testing.assert_allclose(prior.reward_means, [0, 0, 1 / 4, 1 / 2, 0, 1 / 4])
    assert prior.next_states[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert (prior.probabilities[:, 0] == 1.0).all()
    assert (prior.next_states[:, 1:] == -1).all()


def test_the_values_are_those_of_the_mean_task():
    tasks = mf.TaskDistribution(5, 3).sample(40, rng=0)
    prior = prior_of(sums_of(tasks), PLAIN, 0.9, 0.0)
    assert prior.rewards == "pair"
    mean = mf.from_arrays(tasks.transitions.mean(axis=0)[None], tasks.rewards.mean(axis=0)[None])
    np.testing.assert_allclose(prior.values, mf.policy_iteration(mean, 0.9).values[0], rtol=1e-6)
    rewards = tasks.rewards.std()
    assert reward_scale(sums_of(tasks)) == pytest.approx(rewards, rel=1e-12)


def test_ends_of_episodes_and_what_terminal_states_hide():
    prior = prior_of(sums_of(corridors([2, 4, 4, 5], ends=True)), PLAIN, 0.9, 0.0)
    np.testing.assert_allclose(prior.terminations, [0, 0, 1 / 4, 0, 1 / 2, 1 / 4])
    grid = prior_of(sums_of(mf.GoalGrid(4).sample(60, rng=0)), PLAIN, 0.9, 0.0)
    assert (grid.rewards, grid.num_classes) == ("next_state", 16)  # though nobody acts in a goal


def test_rewards_of_transitions_that_are_alike_in_all_tasks_are_known():
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.ones(4), (6, 4, 2))
    rewards = np.broadcast_to(random.normal(size=(4, 2)), (6, 4, 2))
    prior = prior_of(sums_of(mf.from_arrays(rows, rewards)), PLAIN, 0.9, 0.0)
    assert prior.rewards == "transition"
    found = prior.reward_means[prior.classes][..., 0]
    np.testing.assert_allclose(found, rewards[0], rtol=1e-12)


def test_smoothing_spreads_what_was_rewarded_over_its_neighbours():
    sums = sums_of(corridors([2]))
    spread = prior_of(sums, Smoothing("mean", 0.5, 0.0), 0.9, 0.0).reward_means
    np.testing.assert_allclose(spread, [0, 0.25, 0.5, 0.25, 0, 0])  # half from each state that leads there
    support = prior_of(sums, Smoothing("support", 0.5, 0.0), 0.9, 0.0).reward_means
    np.testing.assert_allclose(support, [0, 1 / 3, 1 / 3, 1 / 3, 0, 0])
    everywhere = prior_of(sums, Smoothing("mean", 0.0, 1e9), 0.9, 0.0).reward_means
    np.testing.assert_allclose(everywhere, 1 / 6, rtol=1e-6)


def test_held_out_goals_are_found_within_a_few_episodes():
    training, held_out = mf.GoalGrid(10, goals=mf.Region((5, 10), (5, 10))).split(0.2, rng=0)
    fitted = mf.EmpiricalBayes().fit(training, num_tasks=200, rng=0)
    assert isinstance(fitted.learner, mf.PosteriorPlanner)
    returns = mf.train(fitted, held_out.sample(100, rng=1), 5, rng=2).returns.mean(axis=0)
    assert returns[0] > 0.9
    assert returns[1:].min() > 0.98


def test_experience_says_of_deterministic_tasks_what_their_models_say():
    tasks = corridors([2, 3, 3, 5])
    run = mf.train(mf.QLearning(epsilon=1.0), tasks, 20, 12, rng=0, record=True)
    for seen, known in zip(models_of(run.history, 6, 2), models(tasks), strict=True):
        assert (seen.rows == known.rows).all()
        np.testing.assert_allclose(seen.reward, known.reward)
        np.testing.assert_allclose(seen.probability, 1.0)
    training, held_out = mf.GoalGrid(8, goals=mf.Region((4, 8), (4, 8))).split(0.2, rng=0)
    fitted = mf.EmpiricalBayes(experience=20).fit(training, num_tasks=150, rng=0)
    assert fitted.learner.prior.num_classes == 64
    assert mf.train(fitted, held_out.sample(50, rng=1), 3, rng=2).returns.mean(axis=0).min() > 0.9


def noisy(family, noise):
    return mf.WithRewards(family, mf.Fixed(0.0), added=True, reward_noise=noise)


def test_noise_does_not_hide_from_experience_what_rewards_depend_on():
    training, held_out = noisy(mf.GoalGrid(5, goals=mf.Region((2, 5), (2, 5))), 0.1).split(0.2, rng=0)
    fitted = mf.EmpiricalBayes(experience=20).fit(training, num_tasks=60, rng=0)
    prior = fitted.learner.prior
    assert (prior.rewards, prior.num_classes) == ("next_state", 25)  # each pair by itself, were it chance
    noise, free = fitted.state["noise"]
    assert np.sqrt(noise / free) == pytest.approx(0.1, rel=0.02)
    returns = mf.train(fitted, held_out.sample(300, rng=1), 10, rng=2).returns
    assert returns[:, 2:].mean() > 0.7
    paid = mf.WithRewards(mf.GoalGrid(3), mf.Normal(0.0, 0.3), added=True, reward_noise=0.3)
    assert mf.EmpiricalBayes(experience=20).fit(paid, num_tasks=60, rng=0).learner.prior.rewards == "pair"


def test_prior_rewards_are_worth_noise_over_the_variance_between_tasks():
    tasks = mf.from_outcomes([line(goal) for goal in (2, 3, 3, 5)], start=0, horizon=12, reward_noise=0.5)
    p = np.array([0, 0, 1 / 4, 1 / 2, 0, 1 / 4])
    found = prior_of(sums_of(tasks), PLAIN, 0.9, 0.0, 2.0).reward_strengths
    np.testing.assert_allclose(found, 2.0 * 0.25 / (p * (1 - p)).mean())
    run = mf.train(mf.QLearning(epsilon=1.0), tasks, 200, rng=0, record=True)
    seen = nothing()
    for model in models_of(run.history, 6, 2):
        seen = with_model(seen, model, 6, 2)
    lived = prior_of(seen, PLAIN, 0.9, 0.0, 2.0)
    assert lived.rewards == "next_state"
    np.testing.assert_allclose(lived.reward_strengths, found, rtol=0.2)


def test_without_noise_nothing_is_tried_for_it():
    meta, tasks = mf.EmpiricalBayes(), corridors([2, 3, 3, 5])
    sums = sums_of(tasks)
    assert not sums["noise"].any()
    first, *others = (meta.product(sums, one, mf.PosteriorPlanner()) for one in meta.candidates)
    assert [one == first for one in others] == [False] * 10 + [True] * 2
    assert first.prior.reward_strengths is None


TURNED = tuple(mf.Darkroom(6, action_orders=(order,)) for order in (0, 60))


def test_tasks_of_two_kinds_are_told_apart():
    halves = [kind.split(0.2, rng=0) for kind in TURNED]
    training = mf.Mixture(tuple(part for part, _ in halves), weights=(1.0, 2.0))
    tasks = training.sample(120, rng=0)
    truth = training._choices(tasks.recipe.key, np.arange(120, dtype=np.uint64))
    of_kinds = kinds_of(list(models(tasks)), [nothing(), nothing()], 36, np.random.default_rng(0))
    assert len(set(zip(truth.tolist(), of_kinds.tolist(), strict=True))) == 2
    fitted = mf.EmpiricalBayes(num_kinds=(1, 2)).fit(tasks, rng=0)
    weights = sorted(np.bincount(truth).tolist())
    assert sorted(fitted.learner.weights) == weights
    one, (told, met) = mf.EmpiricalBayes().fit(tasks, rng=0), halves[0]
    contenders = one, fitted, mf.EmpiricalBayes().fit(told, num_tasks=120, rng=0)
    found = [mf.train(each, met.sample(200, rng=1), 5, rng=2).returns.mean() for each in contenders]
    assert found[1] > 0.95 * found[2] > found[0]
    few = mf.EmpiricalBayes(num_kinds=2)
    state = few.init(mf.PosteriorPlanner())
    for k in range(3):  # as they come
        state = few.step(state, mf.PosteriorPlanner(), tasks[k], k, 2)
    assert state["num_tasks"][0] == state["0_of_2_num_tasks"][0] + state["1_of_2_num_tasks"][0] == 3


def test_tasks_of_one_kind_stay_one():
    fitted = mf.EmpiricalBayes(num_kinds=(1, 2)).fit(TURNED[0], num_tasks=60, rng=0)
    assert fitted.learner == mf.EmpiricalBayes().fit(TURNED[0], num_tasks=60, rng=0).learner


@pytest.mark.parametrize("meta", [mf.EmpiricalBayes(), mf.ConjugatePrior(), mf.TiedQ()])
def test_experience_of_tasks_of_other_sizes_is_refused(meta):
    first, other = (
        mf.train(mf.QLearning(), mf.TaskDistribution(s, 2, horizon=3).sample(3, rng=0), 2, rng=0, record=True)
        for s in (3, 5)
    )
    state = meta.observe(meta.init(meta.default_learner()), first.history, 3, 2)
    with pytest.raises(ValueError, match="tasks have 5 states and 2 actions, those of the state 3 and 2"):
        meta.observe(state, other.history, 5, 2)


def test_how_likely_a_task_is_of_a_kind_by_hand():
    tasks = mf.from_arrays(
        np.random.default_rng(0).dirichlet(np.ones(3), (4, 3, 2)), np.random.default_rng(1).random((4, 3, 2))
    )
    lists = list(models(tasks))
    known = _Models(lists, [nothing()], 3)
    own = np.array([True, True, False, True])
    found = known.log_likelihood(known.kind(own), own, 0.3)
    p, r = tasks.transitions, tasks.rewards
    for t in range(4):
        others = own & (np.arange(4) != t)
        n = others.sum()
        led = np.log((p[others].sum(axis=0) + 0.1 / 3) / (n + 0.1))
        mean, spread = (r.mean(axis=0) + r[others].sum(axis=0)) / (1 + n), 0.3 * (1 + 1 / (1 + n))
        expected = (p[t] * led).sum() - 0.5 * (np.log(spread) + (r[t] - mean) ** 2 / spread).sum()
        assert found[t] == pytest.approx(expected + 3 * np.log((n + 0.05) / (n + 0.1)), rel=1e-6)


def test_what_a_trip_costs_is_told_from_what_its_end_gives():
    town = mf.Driving(3, roads=("town", "ring"), closures=0.0)
    training, held_out = town.split(0.2, rng=1, by=("road", "destination"))
    fits = [mf.EmpiricalBayes(end_rewards=on).fit(training, num_tasks=300, rng=0) for on in (False, True)]
    prior = fits[1].learner.prior
    assert prior.end_rewards == pytest.approx(1.0, abs=0.05)
    for crossing in range(1, 9):  # whichever way one arrives there
        there = 4 * crossing + np.flatnonzero(fits[1].state["entry_ends"].reshape(9, 4)[crossing])
        assert (prior.end_alike[there] == there[0]).all()
    assert (prior.reward_means < 0.0).all()  # no trip pays
    tasks = held_out.sample(200, rng=1)
    found = [mf.train(each, tasks, 2, rng=2, mean_returns=True).mean_returns for each in fits]
    assert (found[1] > found[0] + 0.05).all()
    grid = mf.GoalGrid(4).sample(60, rng=0)  # there rewards are of the state entered, ends or not
    same = [mf.EmpiricalBayes(end_rewards=on).fit(grid, rng=0).learner for on in (False, True)]
    assert same[0] == same[1]


def test_frequencies_of_noisy_tasks_are_near_their_probabilities():
    tasks = mf.TaskDistribution(4, 2, horizon=10).sample(3, rng=0)
    run = mf.train(mf.QLearning(epsilon=1.0), tasks, 2000, rng=0, record=True)
    for task, seen in zip(tasks, models_of(run.history, 4, 2), strict=True):
        found = np.zeros((8, 4))
        found[seen.pair, seen.next_state] = seen.probability
        np.testing.assert_allclose(found.reshape(4, 2, 4), task.transitions, atol=0.06)
        np.testing.assert_allclose(seen.expected.reshape(4, 2), task.rewards, rtol=1e-5)


def test_settings_are_chosen_on_tasks_held_back():
    random = mf.TaskDistribution(8, 4, mf.Dirichlet(1.0), rewards=mf.Normal(1.0, 1.0), horizon=8)
    fitted = mf.EmpiricalBayes().fit(random, num_tasks=150, num_episodes=30, rng=0)
    kept = mf.EmpiricalBayes(inner_held_out=0.0).fit(random, num_tasks=150, num_episodes=30, rng=0)
    assert fitted.learner.prior.classes.tolist() == kept.learner.prior.classes.tolist()
    assert fitted.learner.bonus > 100 * kept.learner.bonus  # exploring pays where nothing else is shared
    tasks = random.sample(200, rng=1)
    found = [mf.train(one, tasks, 30, rng=2).returns.mean() for one in (fitted, kept, mf.QLearning())]
    assert found[0] > found[1] + 0.5 > found[2]


def test_settings_are_tried_again_when_the_tasks_have_become_a_quarter_more():
    meta, learner = mf.EmpiricalBayes(), mf.PosteriorPlanner()
    tasks, state, tried = mf.GoalGrid(4).sample(160, rng=0), meta.init(learner), []
    for first in range(0, 160, 8):
        before = state["gains"][0, 1]
        state = meta.step(state, learner, tasks[first : first + 8], first, 5)
        tried.append(state["gains"][0, 1] > before)
        assert state["returns"].shape == (5,)
    # powers of 1.25: 1, ..., 9.3, 11.6, 14.6, 18.2, 22.7, 28.4, 35.5, 44.4, 55.5, 69.4, 86.7, 108.4, 135.5
    assert [8 * (k + 1) for k in np.flatnonzero(tried)] == [8, 16, 24, 32, 40, 48, 56, 72, 88, 112, 136]
