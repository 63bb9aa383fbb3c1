"""Conjugate priors by maximum likelihood: scipy's optimum of the likelihood, and laws that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.conjugate import digamma


def likeliest(loss, start):
    return optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-8}).x


def of_counts(counts, shared):
    """Maximum likelihood by scipy, of the Dirichlet-multinomial probability mass function."""
    n, k = counts.sum(axis=1), counts.shape[1]

    def loss(logs):
        alpha = np.exp(logs) * np.ones(k)
        rows = special.gammaln(alpha.sum()) - special.gammaln(alpha.sum() + n)
        return -(rows + (special.gammaln(alpha + counts) - special.gammaln(alpha)).sum(axis=1)).mean()

    return np.exp(likeliest(loss, np.zeros(1 if shared else k))) * np.ones(k)


def of_probabilities(p, shared):
    k = p.shape[1]

    def loss(logs):
        alpha = np.exp(logs) * np.ones(k)
        constant = special.gammaln(alpha.sum()) - special.gammaln(alpha).sum()
        return -constant - ((alpha - 1.0) * np.log(p).mean(axis=0)).sum()

    return np.exp(likeliest(loss, np.zeros(1 if shared else k))) * np.ones(k)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("alpha", [[0.3, 1.0, 2.0], [0.1, 0.2, 0.1, 0.4], [6.0, 9.0]])
def test_dirichlet_parameters_are_the_likeliest(alpha, shared):
    random = np.random.default_rng(len(alpha))
    p = random.dirichlet(alpha, 80)
    counts = np.array(
        [random.multinomial(n, row) for n, row in zip(random.integers(0, 30, 80), p, strict=True)]
    )
    found = mf.dirichlet_from_counts(counts, shared=shared)
    np.testing.assert_allclose(found, of_counts(counts, shared), rtol=1e-4)
    found = mf.dirichlet_from_probabilities(p, shared=shared)
    np.testing.assert_allclose(found, of_probabilities(p, shared), rtol=1e-4)


def test_several_laws_at_once_are_those_one_by_one():
    random = np.random.default_rng(0)
    counts = random.integers(0, 9, (2, 3, 20, 4))
    p = random.dirichlet(np.ones(4), (2, 3, 20))
    both = mf.dirichlet_from_counts(counts), mf.dirichlet_from_probabilities(p)
    for k in np.ndindex(2, 3):
        np.testing.assert_allclose(both[0][k], mf.dirichlet_from_counts(counts[k]), rtol=1e-6)
        np.testing.assert_allclose(both[1][k], mf.dirichlet_from_probabilities(p[k]), rtol=1e-6)


def test_where_nothing_can_be_known():
    assert mf.dirichlet_from_counts([[1, 0], [0, 1]]).tolist() == [1.0, 1.0]  # no row says more than one step
    assert mf.dirichlet_from_counts(np.zeros((0, 3))).tolist() == [1.0] * 3
    assert mf.dirichlet_from_counts([[10, 10], [10, 10]]).sum() == pytest.approx(1e6)  # less than chance lets
    one_side = mf.dirichlet_from_counts([[4, 0], [0, 5], [6, 0]])
    assert one_side.sum() < 1e-4  # each task is of one side: the first step says which


@pytest.mark.parametrize("spread", [1.0, 0.3, 0.0])
def test_normal_laws_are_the_likeliest(spread):
    random = np.random.default_rng(3)
    noise = random.uniform(0.1, 2.0, 80)
    means = random.normal(2.0, np.sqrt(spread**2 + noise))

    def loss(at):
        of_mean = at[1] ** 2 + noise
        return (np.log(of_mean) + (means - at[0]) ** 2 / of_mean).mean()

    best = min((likeliest(loss, [means.mean(), start]) for start in (0.1, 1.0)), key=loss)
    mean, variance = mf.normal_from_means(means, noise)
    np.testing.assert_allclose([mean, variance], [best[0], best[1] ** 2], rtol=1e-4, atol=1e-8)


def test_without_noise_a_normal_law_has_the_moments_of_the_means():
    means = np.random.default_rng(0).normal(3.0, 2.0, (4, 50))
    mean, variance = mf.normal_from_means(means)
    np.testing.assert_allclose(mean, means.mean(axis=1))
    np.testing.assert_allclose(variance, means.var(axis=1))
    scaled = mf.normal_from_means(means * 2.0**600, 2.0**1000)
    np.testing.assert_allclose(scaled[0] * 2.0**-600, mean, rtol=1e-6)  # squares do not overflow
    assert_same_bits(np.array(mf.normal_from_means([3.0])), np.array([3.0, 0.0]))


def test_digamma():
    x = 10.0 ** np.random.default_rng(0).uniform(-8, 6, 2000)
    np.testing.assert_allclose(digamma(x), special.digamma(x), rtol=1e-14, atol=1e-14)
