"""Statistics of few units against SciPy's and rliable's numbers, and the coverage of their intervals."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

import metarl_fast as mf
from bits import assert_same_bits

DRAWN = np.random.default_rng(0)
X, Y = DRAWN.random((5, 40)) * 1.2, DRAWN.random((7, 40))


def test_values_are_rliables():
    """Its 1.2.0, with 5,000 resamples (1,000 of the pairs)."""
    found = mf.interquartile_mean(X, independent_tasks=True)
    assert found.mean == pytest.approx(0.6666660075380642, rel=1e-12)
    theirs = 0.72660211 - 0.60284831  # percentiles as they are: for five runs too narrow, by sqrt(4 / 5)
    assert found.high - found.low == pytest.approx(
        theirs * np.sqrt(5 / 4) * stats.t.isf(0.025, 160) / 1.96, rel=0.06
    )
    found = mf.optimality_gap(X, independent_tasks=True)
    assert found.mean == pytest.approx(0.37712191730210554, rel=1e-12)
    theirs = 0.41793514 - 0.33766974
    assert found.high - found.low == pytest.approx(
        theirs * np.sqrt(5 / 4) * stats.t.isf(0.025, 160) / 1.96, rel=0.06
    )
    found = mf.probability_of_improvement(X, Y, independent_tasks=True)
    assert found.mean == pytest.approx(0.6042857142857143, rel=1e-12)
    theirs = 0.65714286 - 0.55355357
    assert found.high - found.low == pytest.approx(
        theirs * np.sqrt(5 / 4) * stats.t.isf(0.025, 160) / 1.96, rel=0.09
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 2), (5, 9), (7, 40)])
def test_the_interquartile_mean_is_scipys_trimmed_mean(shape):
    scores = np.random.default_rng(1).normal(size=shape)
    expected = stats.trim_mean(scores, 0.25, axis=None)
    np.testing.assert_allclose(mf.interquartile_mean(scores).mean, expected, rtol=1e-12)
    padded = np.pad(scores, ((0, 0), (0, 1)), constant_values=np.nan)
    np.testing.assert_allclose(mf.interquartile_mean(padded).mean, expected, rtol=1e-12)


def test_improvement_is_mann_and_whitneys_u():
    x, y = np.round(3 * X), np.round(3 * Y)  # with ties
    shares = [stats.mannwhitneyu(x[:, t], y[:, t]).statistic / (5 * 7) for t in range(40)]
    for apart in (False, True):
        found = mf.probability_of_improvement(x, y, independent_tasks=apart)
        np.testing.assert_allclose(found.mean, np.mean(shares), rtol=1e-12)
        back = mf.probability_of_improvement(y, x, independent_tasks=apart)
        np.testing.assert_allclose(back.mean, 1 - found.mean, rtol=1e-12)
    paired = mf.probability_of_improvement(x, y[:5], paired=True)
    np.testing.assert_allclose(paired.mean, ((x > y[:5]) + 0.5 * (x == y[:5])).mean(), rtol=1e-12)


def test_profiles_are_shares_above_thresholds_in_any_order():
    limits = [0.9, X[2, 3], 0.0, 2.0, -1.0, 0.9]
    found = mf.performance_profile(X, limits)
    np.testing.assert_allclose(found.mean, [(X > limit).mean() for limit in limits], rtol=1e-12)
    assert ((found.low <= found.mean) & (found.mean <= found.high)).all()
    assert mf.performance_profile(X).mean.shape == (101,)


def test_units_are_drawn_whole():
    """Of three units, all 27 resamples are known: the ends are percentiles of their trimmed means."""
    scores = X[:3] + np.array([[0.0], [0.3], [0.9]])
    every = [stats.trim_mean(scores[list(rows)], 0.25, axis=None) for rows in product(range(3), repeat=3)]
    found = mf.interquartile_mean(scores, confidence=0.3)
    tail = stats.norm.cdf(stats.t.ppf(0.35, 2) * np.sqrt(3 / 2))
    low, high = np.quantile(np.repeat(every, 1000), [tail, 1 - tail])
    np.testing.assert_allclose([found.low, found.high], [low, high], atol=0.03)
    wide = mf.interquartile_mean(scores)
    np.testing.assert_allclose([wide.low, wide.high], [min(every), max(every)], rtol=1e-12)


def test_clusters_are_rows_that_are_drawn_together():
    twice = np.repeat(X, 2, axis=0)
    found = mf.interquartile_mean(twice, clusters=np.repeat(list("abcde"), 2))
    alone = mf.interquartile_mean(X)
    np.testing.assert_allclose(found.high - found.low, alone.high - alone.low, rtol=0.05)


def test_intervals_of_five_units_cover_nearly_as_often_as_they_say():
    """Plain percentiles of five units would in about 80 %; Student's t of the means does in 95 %."""
    draws, covered = np.random.default_rng(2), np.zeros(2)
    for _ in range(200):
        x, y = 0.1 * draws.normal(size=(2, 5, 1)) + 0.2 * draws.normal(size=(2, 5, 20))
        one = mf.interquartile_mean(x, num_resamples=500)
        two = mf.probability_of_improvement(x, y, num_resamples=500)
        covered += [one.low <= 0 <= one.high, two.low <= 0.5 <= two.high]
    assert (covered >= 0.87 * 200).all()


def test_a_single_unit_has_no_interval_and_the_largest_doubles_have():
    for found in (mf.interquartile_mean(X[:1]), mf.probability_of_improvement(X[:1], Y[:1])):
        assert np.isfinite(found.mean)
        assert np.isnan([found.low, found.high]).all()
    assert np.isfinite(mf.probability_of_improvement(X, Y[:1]).low)
    for found in (mf.probability_of_improvement(X, Y), mf.probability_of_improvement(X, X, paired=True)):
        assert {type(end) for end in vars(found).values()} == {np.ndarray}
    huge = np.full((3, 2), np.finfo(float).max)
    assert mf.interquartile_mean(huge).high == mf.optimality_gap(-huge).high == huge[0, 0]
    assert_same_bits(mf.interquartile_mean(X).low, mf.interquartile_mean(X).low)
