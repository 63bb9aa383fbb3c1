"""Thompson sampling: its twin, the posteriors, an independent simulation, and what is no such bandit."""

from __future__ import annotations

import math

import numpy as np
import pytest

import metarl_fast as mf
from bandits import BanditTwin, assert_equals_twin, bernoulli_bandits, gaussian_bandits, total_regrets
from families.test_task_distribution import log_gamma_variate
from reference import normal_quantile, open_unit

LEARNER = mf.ThompsonSampling


class Twin(BanditTwin):
    """Draws each arm's mean from its posterior."""

    def seen(self, arm):
        """The parameters of an arm's posterior: of a Beta, or mean and variance of a Normal."""
        of, n, total = self.learner, float(self.pulls[arm]), self.sums[arm]
        if of.rewards == "bernoulli":
            return of.successes + total, of.failures + (n - total)
        prior, noise = 1.0 / (of.prior_std * of.prior_std), 1.0 / (of.noise_std * of.noise_std)
        variance = 1.0 / (prior + n * noise)
        return variance * (of.prior_mean * prior + total * noise), variance

    def index(self, arm, stream):
        a, b = self.seen(arm)
        if self.learner.rewards == "bernoulli":  # by log-odds, which grow with the mean
            return log_gamma_variate(stream, a) - log_gamma_variate(stream, b)
        return a + math.sqrt(b) * normal_quantile(open_unit(stream.next()))

    def expected(self, arm):
        a, b = self.seen(arm)
        return a / (a + b) if self.learner.rewards == "bernoulli" else a


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_the_core_is_the_twin(real):
    means = np.random.default_rng(0).random((3, 5))
    assert_equals_twin(mf.ThompsonSampling(), bernoulli_bandits(means), real)
    assert_equals_twin(mf.ThompsonSampling(successes=0.3, failures=2.5), bernoulli_bandits(means), real)
    learner = mf.ThompsonSampling(rewards="gaussian", prior_mean=0.5, prior_std=2.0, noise_std=0.3)
    assert_equals_twin(learner, gaussian_bandits(means, 0.3), real)
    assert_equals_twin(learner, gaussian_bandits([[1.0, 0.5, 2.0]], 0.3, [True, True, False]), real)


@pytest.mark.parametrize(
    ("learner", "expected"),
    [
        (mf.ThompsonSampling(successes=2.0, failures=3.0), (2 + 3) / (2 + 3 + 4)),  # 3 ones, 1 zero
        # Normal(1, 2) and four rewards of mean 0.75 and noise 0.5: Murphy 2012, equation 4.125.
        (
            mf.ThompsonSampling(rewards="gaussian", prior_mean=1.0, prior_std=2.0, noise_std=0.5),
            (1.0 / 4 + 3.0 / 0.25) / (1 / 4 + 4 / 0.25),
        ),
    ],
    ids=["bernoulli", "gaussian"],
)
def test_posterior_means_are_the_textbooks(learner, expected):
    agent = learner.agent(bernoulli_bandits([[0.5, 0.5]])[0], rng=0, dtype=np.float64)
    for reward in (1.0, 0.0, 1.0, 1.0):
        agent.observe(0, 1, reward, 0)
    assert agent.q_table[0, 1] == pytest.approx(expected, rel=1e-12)


def test_arms_are_pulled_as_often_as_they_are_best():
    # After 3 ones and 1 zero of arm 0: P(Beta(4, 2) > Beta(1, 1)) = E[Beta(4, 2)] = 2/3.
    agent = mf.ThompsonSampling().agent(bernoulli_bandits([[0.5, 0.5]])[0], rng=0)
    for reward in (1.0, 0.0, 1.0, 1.0):
        agent.observe(0, 0, reward, 0)
    pulled = np.array([agent.act(0) for _ in range(20_000)])
    assert abs((pulled == 0).mean() - 2 / 3) < 4 * math.sqrt(2 / 9 / 20_000)


def test_its_regret_is_that_of_an_independent_simulation():
    means, runs, pulls = np.array([0.9, 0.8, 0.8]), 400, 1000
    found = total_regrets(mf.ThompsonSampling(), means.tolist(), runs, pulls)

    random = np.random.default_rng(0)
    ones, zeros, earned = np.ones((runs, 3)), np.ones((runs, 3)), np.zeros(runs)
    for _ in range(pulls):
        arm = random.beta(ones, zeros).argmax(axis=1)
        reward = random.random(runs) < means[arm]
        ones[np.arange(runs), arm] += reward
        zeros[np.arange(runs), arm] += ~reward
        earned += reward
    expected = pulls * means.max() - earned
    assert abs(found.mean() - expected.mean()) < 4 * math.hypot(found.std(), expected.std()) / math.sqrt(runs)


def test_it_beats_ucb1_as_in_chapelle_and_li():
    means = [0.5] + [0.4] * 9  # their figure 1: K = 10, epsilon = 0.1
    thompson, ucb = (
        total_regrets(learner, means, 200, 3000).mean() for learner in (mf.ThompsonSampling(), mf.UCB1())
    )
    assert thompson < 0.6 * ucb


def test_rewards_that_are_not_0_or_1_are_refused():
    with pytest.raises(ValueError, match=r"a reward is 0\.5, expected 0 or 1, as of a Bernoulli bandit"):
        mf.train(mf.ThompsonSampling(), gaussian_bandits([[0.5, 0.5]], 0.0), 1, 10, rng=0)
    tasks = mf.TaskDistribution(3, 2, horizon=5).sample(2, rng=0)
    with pytest.raises(ValueError, match="num_states is 3, expected 1: this learner is for bandits"):
        mf.train(mf.ThompsonSampling(), tasks, 2, rng=0)


@pytest.mark.parametrize("name", ["successes", "failures", "prior_std", "noise_std"])
def test_parameters_are_above_0(name):
    with pytest.raises(ValueError, match=name):
        mf.ThompsonSampling(**{name: 0.0})
    with pytest.raises(ValueError, match="rewards is 'poisson', expected 'bernoulli' or 'gaussian'"):
        mf.ThompsonSampling(rewards="poisson")
