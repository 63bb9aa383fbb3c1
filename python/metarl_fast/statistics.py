"""Intervals for a mean over tasks: Student's t of few, the bootstrap's BCa of many, by clusters if asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.result import Result
from metarl_fast.seeding import Seed, make_key

Float = NDArray[np.float64]

# Of fewer units resamples are too much alike: at 5 a percentile interval of 95 % covers the mean in 76 %.
_FEWEST_FOR_BOOTSTRAP = 30
# Of as many, the law of their mean is known better than some thousand resamples can tell.
_FEWEST_FOR_EXPANSION = 1000
_LARGEST = float(np.finfo(np.float64).max)
# Resamples are drawn in parts of about this many numbers.
_PART = 2**20


@dataclass(frozen=True, eq=False, repr=False)
class Interval(Result):
    """A mean and the ends of its interval."""

    mean: Float
    low: Float
    high: Float


def bootstrap_mean(
    values: ArrayLike,
    *,
    rng: Seed = 0,
    confidence: float = 0.95,
    num_resamples: int = 2000,
    clusters: ArrayLike | None = None,
) -> Interval:
    """Return the mean over the first axis with an interval that covers what more such tasks would give.

    Of 30 units or more, the bias-corrected and accelerated bootstrap interval, BCa (Efron, "Better bootstrap
    confidence intervals", JASA 82, 1987). Of fewer, Student's t. Units are rows, or clusters of rows. Nothing
    is resampled of 1,000 units of one size or more: the law of their resampled means, to its skewness, is
    closer to the truth than thousands of them.

    Parameters
    ----------
    values
        [N, ...], one row a task; rows with a NaN are left out.
    rng
        Seed of the resampling; the default gives the same interval every time.
    confidence
        Probability that the interval covers the mean, above 0 and below 1.
    num_resamples
        Number of resamples.
    clusters
        Labels [N], numbers or text, alike where tasks have something in common, such as their goal
        (`Family.clusters` says what): the interval is then one over clusters, which tells how far the mean
        holds for tasks with other goals. Default: every row is a cluster of its own.

    Returns
    -------
    Interval
        Each of the shape of a row. The mean is that of all rows, whatever their clusters. The ends are NaN
        where there is a single unit: it says nothing about the others.

    Raises
    ------
    ValueError
        If no row is left.
    """
    data = checks.array(values, "values", np.float64)
    level = checked_confidence(confidence)
    count = checks.integer(num_resamples, "num_resamples", 1)
    key = make_key(rng)
    if data.ndim == 0:
        raise ValueError("values is a number, expected an array [N, ...]")
    checks.memory(2 * 8 * count * max(1, data[:1].size), f"{count} resamples")
    if np.isinf(data).any():
        raise ValueError("values holds an infinity, expected finite numbers or NaN")
    labels = None if clusters is None else cluster_labels(clusters, len(data))
    whole = ~np.isnan(data).any(axis=tuple(range(1, data.ndim)))
    if not whole.any():
        raise ValueError(
            f"none of the {len(data)} rows of values is free of NaN: a score is NaN where the random policy "
            "is optimal"
        )
    # In units of a power of two, which rounds nothing: so squares of the largest doubles are numbers.
    exponent = np.frexp(np.abs(data[whole]).max(initial=0.0))[1]
    kept = np.ldexp(data[whole], -exponent)
    mean = np.asarray(kept.mean(axis=0))
    totals, sizes = _units(kept.reshape(len(kept), -1), None if labels is None else labels[whole])
    if len(sizes) == 1:
        ends = np.full((2, totals.shape[1]), np.nan)
    elif len(sizes) < _FEWEST_FOR_BOOTSTRAP:
        ends = _student_ends(totals, sizes, level)
    elif len(sizes) < _FEWEST_FOR_EXPANSION or np.ptp(sizes) > 0:
        ends = _bca_ends(totals, sizes, _resampled_means(totals, sizes, count, key), level)
    else:
        ends = _expanded_bca_ends(totals / sizes[:, None], level)
    with np.errstate(over="ignore"):  # an end beyond the largest double is held there
        low, high = np.clip(np.ldexp(ends, exponent), -_LARGEST, _LARGEST).reshape(2, *mean.shape)
    return Interval(np.asarray(np.ldexp(mean, exponent)), np.asarray(low), np.asarray(high))


def checked_confidence(confidence: float) -> float:
    """Return a probability above 0 and below 1."""
    level = checks.real(confidence, "confidence", 0.0, 1.0, open_low=True)
    if level == 1.0:
        raise ValueError("confidence is 1.0, expected below 1")
    return level


def cluster_labels(clusters: ArrayLike, num_rows: int) -> NDArray[np.int64]:
    """Return labels as the integers 0, 1, ..."""
    found = checks.rectangular(clusters, "clusters")
    if found.dtype.kind not in "biufSU":
        raise TypeError(f"clusters has dtype {found.dtype}, expected numbers or text")
    checks.shape(found, "clusters", (num_rows,))
    return np.asarray(np.unique(found, return_inverse=True)[1], np.int64)


def _units(rows: Float, labels: NDArray[np.int64] | None) -> tuple[Float, Float]:
    """Return the sums [U, M] of the rows of each unit, and how many rows it has [U]."""
    if labels is None:
        return rows, np.ones(len(rows))
    present, places = np.unique(labels, return_inverse=True)
    totals = np.zeros((len(present), rows.shape[1]))
    np.add.at(totals, places, rows)
    return totals, np.bincount(places).astype(np.float64)


def _student_ends(totals: Float, sizes: Float, level: float) -> Float:
    """Return mean -+ t * standard error; of unequal clusters, by how far each one's sum is off the mean's."""
    units = len(sizes)
    mean = totals.sum(axis=0) / sizes.sum()
    off = (totals - sizes[:, None] * mean) * (units / sizes.sum())
    error = np.sqrt((off * off).sum(axis=0) / (units - 1) / units)
    reach = student_quantile(level, units - 1) * error
    return np.stack([mean - reach, mean + reach])


def student_quantile(level: float, dof: int) -> float:
    """Return t with P(|T| < t) = level, for T of Student's law with a whole number of degrees of freedom.

    The probability is a finite sum in theta = atan(t / sqrt(dof)): Abramowitz and Stegun 26.7.3 and 26.7.4.
    """

    def probability(cosine: float, sine: float) -> float:
        odd = dof % 2
        term, total = (cosine if odd else 1.0), 0.0
        for k in range(1 + odd, dof, 2):
            total += term
            term *= cosine * cosine * k / (k + 1)
        return (math.atan2(sine, cosine) + sine * total) * 2.0 / math.pi if odd else sine * total

    low, high = 0.0, 1.0  # the cosine falls as t rises
    while low < (cosine := 0.5 * (low + high)) < high:
        sine = math.sqrt((1.0 - cosine) * (1.0 + cosine))
        low, high = (cosine, high) if probability(cosine, sine) > level else (low, cosine)
    return math.sqrt(dof * (1.0 - high) * (1.0 + high)) / high


def _resampled_means(totals: Float, sizes: Float, count: int, key: int) -> Float:
    """Return the means [count, M] of as many units, drawn with replacement."""
    generator = np.random.Generator(np.random.Philox(key))
    units = len(sizes)
    columns = np.ascontiguousarray(totals.T)
    means = np.empty((count, len(columns)))
    step = max(1, _PART // units)
    for first in range(0, count, step):
        part = means[first : first + step]
        drawn = generator.integers(units, size=(len(part), units))
        for k, column in enumerate(columns):
            part[:, k] = column[drawn].sum(axis=1)
        part /= sizes[drawn].sum(axis=1)[:, None]
    return means


def _acceleration(off: Float) -> Float:
    """Return a sixth of the skewness of a sum of as many as there are rows, by column (Efron's 6.6)."""
    scale = np.abs(off).max(axis=0)
    off = np.divide(off, scale, out=np.zeros_like(off), where=scale > 0)  # 0 where all are alike
    squares = (off * off).sum(axis=0)
    return np.asarray((off * off * off).sum(axis=0) / np.maximum(6.0 * squares * np.sqrt(squares), 1.0))


def _bca_level(bias: float, acceleration: float, tail: float) -> float:
    """Return which quantile of the resampled means is the end whose tail is `tail` (Efron's 2.3)."""
    z = bias + NormalDist().inv_cdf(tail)
    return NormalDist().cdf(bias + z / (1.0 - acceleration * z))


def _bca_ends(totals: Float, sizes: Float, resampled: Float, level: float) -> Float:
    count = len(resampled)
    mean = totals.sum(axis=0) / sizes.sum()
    below = 0.5 * ((resampled < mean).sum(axis=0) + (resampled <= mean).sum(axis=0)) / count
    without = (totals.sum(axis=0) - totals) / (sizes.sum() - sizes)[:, None]  # the jackknife
    acceleration = _acceleration(without.mean(axis=0) - without)
    ends = np.empty((2, totals.shape[1]))
    for column, (share, a) in enumerate(zip(below.tolist(), acceleration.tolist(), strict=True)):
        bias = NormalDist().inv_cdf(min(max(share, 0.5 / count), 1.0 - 0.5 / count))
        for end, tail in enumerate((0.5 * (1.0 - level), 0.5 * (1.0 + level))):
            ends[end, column] = np.quantile(resampled[:, column], _bca_level(bias, a, tail))
    return ends


def _expanded_bca_ends(rows: Float, level: float) -> Float:
    """Return BCa's ends by Cornish and Fisher's expansion of the quantiles of a mean (1938)."""
    mean = rows.mean(axis=0)
    off = rows - mean
    error = np.sqrt((off * off).mean(axis=0) / len(rows))
    acceleration = _acceleration(off)
    ends = np.empty((2, rows.shape[1]))
    for column, a in enumerate(acceleration.tolist()):
        for end, tail in enumerate((0.5 * (1.0 - level), 0.5 * (1.0 + level))):
            # Of a mean, what its resamples are biased by is the acceleration.
            z = NormalDist().inv_cdf(_bca_level(a, a, tail))
            ends[end, column] = mean[column] + error[column] * (z + (z * z - 1.0) * a)
    return ends
