"""Tuned: what it searches, that it finds it, and what is no space."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf

FIVE = {
    "initial_q": (0, 5),
    "learning_rate": (0.1, 1),
    "learning_rate_decay": (0, 1),
    "discount": (0, 0.9),
    "bonus": (0, 3),
}


def test_five_scalars_beat_what_was_published_for_rl2():
    # Duan et al. 2016 (RL^2): 156.2 in ten episodes of ten steps; Mishra et al. 2017 (SNAIL): 159.1.
    family, learner = mf.TaskDistribution.rl2(), mf.QLearning(epsilon=0.0, bonus_episodes=10)
    training, held_out = family.split(0.5, rng=0)
    meta = mf.Tuned(space=FIVE, num_random=32, num_pairs=6, tasks_per_iteration=150)
    fitted = meta.fit(training, learner, 10, num_iterations=10, rng=0)
    tasks = held_out.sample(3000, rng=1)
    lifetimes = [mf.train(one, tasks, 10, rng=2).returns.sum(axis=1) for one in (fitted, learner)]
    error = lifetimes[0].std() / np.sqrt(len(tasks))
    assert lifetimes[0].mean() - 3 * error > 159.1
    assert lifetimes[1].mean() < 140
    assert fitted.learner.bonus_episodes == 10  # what is not in the space stays


def test_a_hill_is_climbed():
    """The return of a bandit of one pull is largest for the learner that starts from the right value."""
    tasks = mf.from_arrays(np.ones((1, 1, 2, 1)), [[[0.0, 1.0]]], horizon=4)
    meta = mf.Tuned(space={"epsilon": (0.0, 1.0)}, num_random=4, num_pairs=6)
    fitted = meta.fit(tasks, mf.QLearning(epsilon=0.9, initial_q=1.5), 60, num_iterations=30, rng=0)
    assert fitted.learner.epsilon < 0.05
    returns = fitted.history["returns"].mean(axis=1)
    assert returns[-1] > returns[1]
    assert returns.shape == (30,)


def test_integers_stay_integers_and_the_learner_itself_is_a_candidate():
    meta = mf.Tuned(space=(("bonus_episodes", 1, 50), ("epsilon", 0.0, 1.0)), num_random=0)
    learner = mf.QLearning(bonus=0.1, bonus_episodes=7, epsilon=0.3)
    fitted = meta.fit(mf.TaskDistribution(3, 2, horizon=5), learner, 4, num_iterations=1, num_tasks=4, rng=0)
    assert fitted.learner == learner
    fitted = meta.fit(mf.TaskDistribution(3, 2, horizon=5), learner, 4, num_iterations=3, num_tasks=4, rng=0)
    assert isinstance(fitted.learner.bonus_episodes, int)
    assert mf.Tuned(space=FIVE) == mf.Tuned(space=tuple((name, *pair) for name, pair in FIVE.items()))


def test_tasks_that_change_and_other_learners():
    changing = mf.Switching(mf.TaskDistribution(4, 2, horizon=5), every=2)
    fitted = mf.Tuned(num_random=4).fit(changing, mf.Sarsa(), 6, num_iterations=2, num_tasks=8, rng=0)
    assert isinstance(fitted.learner, mf.Sarsa)
    bandits = mf.from_arrays(np.ones((4, 1, 3, 1)), np.random.default_rng(0).random((4, 1, 3)), horizon=9)
    meta = mf.Tuned(space={"reward_range": (0.01, 3.0)}, num_random=4)
    assert isinstance(meta.fit(bandits, mf.UCB1(), 6, num_iterations=2, rng=0).learner, mf.UCB1)


@pytest.mark.parametrize(
    ("space", "error", "message"),
    [
        ({}, ValueError, "space is empty"),
        (5, TypeError, "space is 5, expected a dict of pairs"),
        ("bonus", TypeError, "space is 'bonus', expected a dict"),
        ([("bonus", 1)], TypeError, "expected a dict of pairs, or tuples"),
        ({5: (0, 1)}, TypeError, "space has the key 5"),
        ({"bonus": (1, 0)}, ValueError, "space\\['bonus'\\] is \\(1.0, 0.0\\), expected increasing"),
        ({"bonuss": (0, 1)}, ValueError, "space names 'bonuss', which QLearning does not have"),
        ({"temperature": (0, 1)}, ValueError, "space names 'temperature', which is None, expected a number"),
        ({"learning_rate": (0, 9)}, ValueError, "learning_rate is"),
        ({"epsilon": (0.0, 1.0 + 1e-9)}, ValueError, "epsilon is 1.000000001"),  # of no candidate yet
    ],
)
def test_what_is_no_space_is_refused(space, error, message):
    with pytest.raises(error, match=message):
        mf.Tuned(space=space).fit(mf.TaskDistribution(3, 2, horizon=5), mf.QLearning(), 4, num_tasks=4, rng=0)
