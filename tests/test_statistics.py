"""Intervals against SciPy's, closed forms, and their own promise."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import stats

import metarl_fast as mf
from bits import assert_same_bits


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_of_thirty_values_or_more_it_is_scipys_bca(confidence):
    data = np.random.default_rng(0).exponential(size=(60, 3))
    ours = mf.bootstrap_mean(data, num_resamples=20_000, confidence=confidence)
    # Their resamples are others, which moves the ends by about 0.7 % of the width.
    theirs = stats.bootstrap(
        (data,),
        np.mean,
        axis=0,
        n_resamples=20_000,
        confidence_level=confidence,
        method="BCa",
        random_state=0,
    ).confidence_interval
    width = theirs.high - theirs.low
    assert (np.abs(ours.low - theirs.low) < 0.05 * width).all()
    assert (np.abs(ours.high - theirs.high) < 0.05 * width).all()
    assert_same_bits(ours.mean, data.mean(axis=0))
    # It leans to where the tail is.
    assert (ours.high - ours.mean > ours.mean - ours.low).all()


def test_of_a_thousand_values_it_is_scipys_bca_but_for_the_noise_of_resampling():
    data = np.random.default_rng(0).exponential(size=1000) ** 1.5
    ours = mf.bootstrap_mean(data)
    theirs = stats.bootstrap(
        (data,), np.mean, n_resamples=100_000, method="BCa", batch=1000, random_state=0
    ).confidence_interval
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.012 * width
    assert abs(ours.high - theirs.high) < 0.012 * width
    normal = 1.96 * data.std() / np.sqrt(1000)
    assert ours.high - ours.mean > 1.02 * normal


@pytest.mark.parametrize("size", [2, 3, 5, 10, 29])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_of_fewer_values_it_is_students(size, confidence):
    data = np.random.default_rng(size).exponential(size=(size, 2))
    found = mf.bootstrap_mean(data, confidence=confidence)
    low, high = stats.t.interval(confidence, size - 1, data.mean(axis=0), stats.sem(data, axis=0))
    np.testing.assert_allclose(found.low, low, rtol=1e-10)
    np.testing.assert_allclose(found.high, high, rtol=1e-10)


@pytest.mark.parametrize(("confidence", "z"), [(0.5, 0.6745), (0.95, 1.96)])
def test_for_many_values_it_is_the_normal_interval(confidence, z):
    data = np.random.default_rng(0).normal(size=5000)
    interval = mf.bootstrap_mean(data, confidence=confidence, num_resamples=4000)
    half = z * data.std() / np.sqrt(5000)
    assert interval.high - interval.mean == pytest.approx(half, rel=0.06)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.06)


# (law, its mean, the lowest coverage at 5, 10, 30 and 100 values that the literature knows for t and BCa)
LAWS = {
    "normal": (lambda random, size: random.normal(size=size), 0.0, (0.93, 0.93, 0.92, 0.92)),
    "uniform": (lambda random, size: random.uniform(size=size), 0.5, (0.92, 0.92, 0.92, 0.92)),
    "exponential": (lambda random, size: random.exponential(size=size), 1.0, (0.86, 0.87, 0.90, 0.92)),
    "rare": (lambda random, size: (random.random(size) < 0.2) * 1.0, 0.2, (0.6, 0.85, 0.90, 0.92)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("place", range(4))
def test_it_covers_the_mean_as_often_as_it_says(law, place):
    """1,000 experiments each: a true 95 % shows between 92.9 and 97.1 %, three standard errors."""
    draw, mean, lowest = LAWS[law]
    data = draw(np.random.default_rng(0), ((5, 10, 30, 100)[place], 1000))
    found = mf.bootstrap_mean(data, num_resamples=500)
    covered = ((found.low <= mean) & (mean <= found.high)).mean()
    assert lowest[place] <= covered <= 0.975


@pytest.mark.parametrize("num_clusters", [5, 40])
def test_clusters_are_the_units(num_clusters):
    """Tasks that share a goal share its difficulty: an interval over tasks covers far too seldom."""
    random = np.random.default_rng(0)
    goals = np.repeat(np.arange(num_clusters), 30)
    data = (random.normal(size=(num_clusters, 600)))[goals] + 0.3 * random.normal(size=(len(goals), 600))

    def coverage(**options):
        found = mf.bootstrap_mean(data, num_resamples=300, **options)
        return ((found.low <= 0.0) & (0.0 <= found.high)).mean()

    assert coverage() < 0.5
    assert 0.91 < coverage(clusters=goals) < 0.975


def test_of_few_clusters_of_one_size_it_is_students_over_their_means():
    data = np.random.default_rng(0).normal(size=(7, 4))
    labels = [[name] * 4 for name in "gabfdec"]
    found = mf.bootstrap_mean(data.ravel(), clusters=np.ravel(labels))
    means = data.mean(axis=1)
    expected = stats.t.interval(0.95, 6, means.mean(), stats.sem(means))
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-12)
    assert found.mean == data.ravel().mean()


@pytest.mark.parametrize("size", [10, 50])
def test_rows_that_are_clusters_of_their_own_change_nothing(size):
    data = np.random.default_rng(0).normal(size=(size, 2))
    plain, clustered = mf.bootstrap_mean(data), mf.bootstrap_mean(data, clusters=np.arange(size)[::-1])
    np.testing.assert_allclose(plain.mean, clustered.mean, rtol=1e-12)
    # Other units are drawn, where they are drawn.
    slack = 1e-12 if size < 30 else 0.1
    np.testing.assert_allclose(
        [plain.low, plain.high], [clustered.low, clustered.high], rtol=slack, atol=slack
    )


@pytest.mark.parametrize("num_clusters", [12, 60])
def test_clusters_of_different_sizes_cover_the_mean_over_tasks(num_clusters):
    """As many tasks to a goal as its weight; hard goals are rare, so a mean of means would be off."""
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        hard = random.random(num_clusters) < 0.5
        sizes = np.where(hard, 5, 20)
        level = np.where(hard, 0.0, 1.0) + 0.2 * random.normal(size=num_clusters)
        goals = np.repeat(np.arange(num_clusters), sizes)
        data = level[goals] + 0.1 * random.normal(size=len(goals))
        found = mf.bootstrap_mean(data, num_resamples=300, clusters=goals)
        covered += found.low <= 0.8 <= found.high
    assert 0.88 < covered / 300 < 0.98


def test_clusters_are_checked():
    with pytest.raises(ValueError, match=r"clusters has shape \(2,\), expected \(3,\)"):
        mf.bootstrap_mean([1.0, 2.0, 3.0], clusters=[0, 1])
    with pytest.raises(TypeError, match="clusters has dtype object"):
        mf.bootstrap_mean([1.0, 2.0], clusters=[None, 1])


@pytest.mark.parametrize("size", [12, 40])
def test_rows_with_nan_are_left_out(size):
    data = np.random.default_rng(0).normal(size=(size, 2))
    labels = np.arange(size) // 3
    holes, marked = np.insert(data, [4, 10], np.nan, axis=0), np.insert(labels, [4, 10], 99)
    holes[4, 0] = 1.0  # half a NaN
    for with_holes, without in (({}, {}), ({"clusters": marked}, {"clusters": labels})):
        found, expected = mf.bootstrap_mean(holes, **with_holes), mf.bootstrap_mean(data, **without)
        for name in ("mean", "low", "high"):
            assert_same_bits(getattr(found, name), getattr(expected, name))
    with pytest.raises(ValueError, match="none of the 3 rows of values is free of NaN"):
        mf.bootstrap_mean(np.full((3, 2), np.nan))


def test_it_is_the_same_every_time_unless_asked_otherwise():
    data = np.random.default_rng(0).normal(size=30)
    assert mf.bootstrap_mean(data).low == mf.bootstrap_mean(data).low
    assert mf.bootstrap_mean(data).low != mf.bootstrap_mean(data, rng=1).low


@pytest.mark.parametrize("options", [{}, {"clusters": [7]}])
def test_one_value_says_nothing_of_others(options):
    interval = mf.bootstrap_mean([0.3], **options)
    assert interval.mean == 0.3
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)
    one_goal = mf.bootstrap_mean([0.3, 0.5, 0.9], clusters=[4, 4, 4])
    assert np.isnan(one_goal.low)


@pytest.mark.parametrize("size", [3, 50])
def test_values_all_alike_have_an_interval_of_no_width(size):
    interval = mf.bootstrap_mean(np.full((size, 2), 0.1))
    np.testing.assert_allclose(interval.low, 0.1, rtol=1e-15)
    np.testing.assert_allclose(interval.high, 0.1, rtol=1e-15)


def test_a_confidence_of_one_is_refused():
    with pytest.raises(ValueError, match=r"confidence is 1\.0, expected below 1"):
        mf.bootstrap_mean([0.1, 0.2], confidence=1.0)


def test_many_resamples_of_many_values_take_little_memory():
    data = np.random.default_rng(0).normal(size=(900, 300))
    mf.bootstrap_mean(data, num_resamples=2)
    tracemalloc.start()
    mf.bootstrap_mean(data, num_resamples=200)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25


def test_masked_clusters_are_refused():
    with pytest.raises(TypeError, match="clusters is a masked array"):
        mf.bootstrap_mean([1.0, 2.0, 3.0], clusters=np.ma.masked_array([1, 2, 3], [True, False, False]))


@pytest.mark.parametrize("count", [5, 50, 1500])
@pytest.mark.parametrize("exponent", [-1040, -600, 600, 1023])
def test_the_unit_of_values_does_not_matter(count, exponent):
    values = np.random.default_rng(0).integers(-8, 9, count) / 8.0
    found, scaled = mf.bootstrap_mean(values), mf.bootstrap_mean(np.ldexp(values, exponent))
    for end in ("mean", "low", "high"):
        right = np.ldexp(getattr(found, end), exponent)
        np.testing.assert_allclose(getattr(scaled, end), right, rtol=1e-9)


def test_ends_beyond_the_largest_double_are_held_there():
    found = mf.bootstrap_mean([1.7e308, -1.7e308, 1.7e308])
    assert found.low == -np.finfo(float).max
    assert found.high == np.finfo(float).max
    assert mf.bootstrap_mean([1e308] * 50).mean == pytest.approx(1e308, rel=1e-15)
