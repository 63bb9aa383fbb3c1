"""Bootstrap intervals against SciPy's, a closed form, and their own promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import metarl_fast as mf
from bits import assert_same_bits


def test_it_agrees_with_scipys_percentile_bootstrap():
    data = np.random.default_rng(0).exponential(size=(60, 3))
    ours = mf.bootstrap_mean(data, num_resamples=20_000)
    # Their resamples differ every time, by about 0.7 % of the width.
    theirs = stats.bootstrap(
        (data,), np.mean, axis=0, n_resamples=20_000, method="percentile"
    ).confidence_interval
    width = theirs.high - theirs.low
    assert (np.abs(ours.low - theirs.low) < 0.05 * width).all()
    assert (np.abs(ours.high - theirs.high) < 0.05 * width).all()
    assert_same_bits(ours.mean, data.mean(axis=0))


@pytest.mark.parametrize(("confidence", "z"), [(0.5, 0.6745), (0.95, 1.96)])
def test_for_many_values_it_is_the_normal_interval(confidence, z):
    data = np.random.default_rng(0).normal(size=5000)
    interval = mf.bootstrap_mean(data, confidence=confidence, num_resamples=4000)
    half = z * data.std() / np.sqrt(5000)
    assert interval.high - interval.mean == pytest.approx(half, rel=0.06)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.06)


def test_it_covers_the_mean_as_often_as_it_says():
    data = np.random.default_rng(0).uniform(size=(40, 500))  # 500 experiments of 40 values
    interval = mf.bootstrap_mean(data, confidence=0.9, num_resamples=500)
    covered = ((interval.low <= 0.5) & (0.5 <= interval.high)).mean()
    assert abs(covered - 0.9) < 5 * np.sqrt(0.9 * 0.1 / 500)


def test_rows_with_nan_are_left_out():
    data = np.random.default_rng(0).normal(size=(30, 2))
    holes = np.insert(data, [4, 20], np.nan, axis=0)
    holes[4, 0] = 1.0  # half a NaN
    for found, expected in zip(
        vars(mf.bootstrap_mean(holes)).values(), vars(mf.bootstrap_mean(data)).values(), strict=True
    ):
        assert_same_bits(found, expected)
    with pytest.raises(ValueError, match="none of the 3 rows of values is free of NaN"):
        mf.bootstrap_mean(np.full((3, 2), np.nan))


def test_it_is_the_same_every_time_unless_asked_otherwise():
    data = np.random.default_rng(0).normal(size=30)
    assert mf.bootstrap_mean(data).low == mf.bootstrap_mean(data).low
    assert mf.bootstrap_mean(data).low != mf.bootstrap_mean(data, rng=1).low


def test_one_value_has_no_spread():
    interval = mf.bootstrap_mean([0.3])
    assert interval.low == interval.mean == interval.high == 0.3
