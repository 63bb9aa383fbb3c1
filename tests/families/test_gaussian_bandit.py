"""Bandits whose arms pay a mean of their own and Gaussian noise: the testbed, and what is earned there."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from scipy import stats

import family_twins
import metarl_fast as mf

FAMILY = mf.GaussianBandit
GOLDEN_TASKS = {"gaussian_bandit": mf.GaussianBandit(4, 20)}
ARGUMENTS = {"num_arms": 3, "num_pulls": 5, "means": mf.Normal(1.0, 2.0), "noise": 0.5}


def twin(family, key, task, segment=0):
    """A task of `GaussianBandit`, in plain Python."""
    one_state = mf.TaskDistribution(1, family.num_arms, rewards=family.means, reward_noise=family.noise)
    return family_twins.generate(one_state, key, task)


def families():
    laws = st.sampled_from([mf.Normal(), mf.Normal(0.5, 0.5), mf.Uniform(-1, 3)])
    return st.builds(mf.GaussianBandit, st.integers(1, 20), st.integers(1, 30), laws, st.sampled_from([0, 2]))


def test_the_testbed_and_what_is_earned_there():
    """Sutton and Barto (2018), figure 2.2: after 1000 steps 0.1-greedy pulls the best arm of ten 80 % of the
    time, and the mean of the best arm is that of the largest of ten standard normal numbers, 1.54."""
    tasks = mf.GaussianBandit.testbed().sample(2000, rng=0)
    means = tasks.rewards[:, 0]
    assert stats.kstest(means.ravel(), "norm").pvalue > 1e-4
    assert means.max(axis=1).mean() == pytest.approx(1.539, abs=0.06)
    averages = mf.QLearning(learning_rate=1.0, learning_rate_decay=1.0, epsilon=0.1, discount=0.0)
    run = mf.train(averages, tasks, num_episodes=10, num_steps=100, rng=1)
    assert run.returns[:, -1].mean() / 100 == pytest.approx(1.37, abs=0.05)
    best = (run.policy[:, 0] == means.argmax(axis=1)).mean()
    assert 0.9 * best + 0.01 == pytest.approx(0.8, abs=0.04)


def test_halves_draw_other_tasks_unless_all_are_alike():
    training, held_out = mf.GaussianBandit().split()
    a, b = (half.sample(50, rng=0).rewards[:, 0, 0] for half in (training, held_out))
    assert not set(a) & set(b)
    for law in (mf.Normal(1.0, 0.0), mf.Uniform(1.0, 1.0)):
        with pytest.raises(ValueError, match="the same number to all tasks"):
            mf.GaussianBandit(means=law).split()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"num_arms": 0}, ValueError, "num_arms is 0"),
        ({"means": 0.5}, TypeError, "means is 0.5"),
        ({"noise": -1.0}, ValueError, "noise is -1.0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        mf.GaussianBandit(**arguments)
