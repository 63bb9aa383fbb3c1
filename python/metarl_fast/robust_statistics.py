"""Scores of few units on many tasks, with intervals by the stratified bootstrap: after Agarwal et al. (2021).

"Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021. There every game has its
own training, so runs are drawn anew for each game. Here one meta-training serves all tasks: units are drawn
whole, unless tasks are said to be independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.seeding import Seed, make_key
from metarl_fast.statistics import Interval, checked_confidence, cluster_labels, student_quantile

Float = NDArray[np.float64]
Int = NDArray[np.int64]
# Of increasing values [n], and how often each was drawn in P resamples [P, n]: a number [P, K] of each.
Statistic = Callable[[Float, Int], Float]

_LARGEST = float(np.finfo(np.float64).max)
# Resamples are drawn in parts of about this many numbers.
_PART = 2**20
# Beyond, Student's law is the normal one but for the fourth digit.
_MANY = 1000


def interquartile_mean(
    scores: ArrayLike,
    *,
    independent_tasks: bool = False,
    clusters: ArrayLike | None = None,
    rng: Seed = 0,
    confidence: float = 0.95,
    num_resamples: int = 2000,
) -> Interval:
    """Return the mean of the middle half of all scores: as robust as a median, nearly as sure as a mean.

    Of n scores, the lowest and the highest floor(n / 4) are left out. The interval is the percentile
    interval of the bootstrap, with the percentiles moved out by as much as it is too narrow for few units
    (Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69, 2015): of a
    mean of normal scores this is about Student's interval. As no resample lies beyond the units there are,
    95 % covers in about 93 % for five units, and in 75 % for three.

    Parameters
    ----------
    scores
        [units, tasks]: a row for each unit that could have been another one, such as a seed of the
        meta-training, and a column for each task. NaN stands for no score.
    independent_tasks
        Whether the scores of a unit on two tasks have nothing in common, as those of learners that start from
        scratch: units are then drawn for each task by itself, and tasks with a NaN are left out.
    clusters
        Labels [units] of rows that belong together, as in `bootstrap_mean`.
    rng
        Seed of the resampling; the default gives the same interval every time.
    confidence
        Probability that the interval covers what more such units would give, above 0 and below 1.
    num_resamples
        Number of resamples.

    Returns
    -------
    Interval
        Three numbers; the ends are NaN where there is a single unit.

    Raises
    ------
    ValueError
        If there is no score.
    """
    values = _matrix(scores, "scores")
    return _scaled(
        values, _middle_mean, independent_tasks, clusters, _settings(rng, confidence, num_resamples)
    )


def optimality_gap(
    scores: ArrayLike,
    goal: float = 1.0,
    *,
    independent_tasks: bool = False,
    clusters: ArrayLike | None = None,
    rng: Seed = 0,
    confidence: float = 0.95,
    num_resamples: int = 2000,
) -> Interval:
    """Return the mean of max(0, goal - score): by how much the goal is missed, whatever lies beyond it.

    Parameters
    ----------
    goal
        The score aimed at; 1 is the optimal policy's.
    scores, independent_tasks, clusters, rng, confidence, num_resamples
        As in `interquartile_mean`, and so are the interval and what is raised.
    """
    values = _matrix(scores, "scores")
    aim = checks.real(goal, "goal")
    with np.errstate(over="ignore"):  # further than the largest double is held there
        missed = np.clip(aim - values, 0.0, _LARGEST)
    return _scaled(missed, _mean, independent_tasks, clusters, _settings(rng, confidence, num_resamples))


def performance_profile(
    scores: ArrayLike,
    thresholds: ArrayLike | None = None,
    *,
    independent_tasks: bool = False,
    clusters: ArrayLike | None = None,
    rng: Seed = 0,
    confidence: float = 0.95,
    num_resamples: int = 2000,
) -> Interval:
    """Return the share of scores above each threshold: the whole law of the scores, not one number of it.

    Parameters
    ----------
    thresholds
        [K]; default: 0, 0.01, ..., 1.
    scores, independent_tasks, clusters, rng, confidence, num_resamples
        As in `interquartile_mean`, and so is what is raised.

    Returns
    -------
    Interval
        Each [K]. Every threshold has its own interval: they are no band around the whole curve.
    """
    values = _matrix(scores, "scores")
    if thresholds is None:
        limits = np.arange(101) / 100
    else:
        limits = checks.finite(checks.array(thresholds, "thresholds", np.float64), "thresholds")
    if limits.ndim != 1:
        raise ValueError(f"thresholds has shape {limits.shape}, expected one axis")
    order = np.argsort(limits, kind="stable")
    passed = np.where(np.isnan(values), np.nan, np.searchsorted(limits[order], values))

    def shares(sorted_passed: Float, counts: Int) -> Float:
        upto = np.cumsum(counts, axis=1)
        upto = np.concatenate([np.zeros_like(upto[:, :1]), upto], axis=1)
        found = np.empty((len(counts), len(limits)))
        failing = np.searchsorted(sorted_passed, np.arange(len(limits)), side="right")
        found[:, order] = (upto[:, -1:] - upto[:, failing]) / upto[:, -1:]
        return found

    found = _interval(passed, shares, independent_tasks, clusters, _settings(rng, confidence, num_resamples))
    return Interval(*found)


def probability_of_improvement(
    first: ArrayLike,
    second: ArrayLike,
    *,
    paired: bool = False,
    independent_tasks: bool = False,
    clusters: ArrayLike | None = None,
    rng: Seed = 0,
    confidence: float = 0.95,
    num_resamples: int = 2000,
) -> Interval:
    """Return how probably `first` scores above `second` on a task, ties being half: the mean over tasks.

    On a task, this is Mann and Whitney's U over the number of pairs of scores. It says how often, not by how
    much: paired differences do.

    Parameters
    ----------
    first, second
        [units, tasks] each, on the same tasks; tasks with a NaN are left out.
    paired
        Whether only rows in the same place are compared, and drawn together; default: every row of `first`
        with every row of `second`, and each of the two is drawn by itself. What has a single row is not
        drawn: the interval then says what other units of the one with several would give.
    clusters
        As in `interquartile_mean`, of pairs.
    independent_tasks, rng, confidence, num_resamples
        As in `interquartile_mean`, and so is the interval.

    Raises
    ------
    ValueError
        If there is no pair of scores, if the tasks are not as many, or, if paired, the units.
    """
    x, y = _matrix(first, "first"), _matrix(second, "second")
    pairs, apart = checks.flag(paired, "paired"), checks.flag(independent_tasks, "independent_tasks")
    settings = _settings(rng, confidence, num_resamples)
    if pairs:
        checks.shape(y, "second", x.shape)
        wins = np.where(np.isnan(x) | np.isnan(y), np.nan, _wins(x, y))
        return Interval(*(np.asarray(part[0]) for part in _interval(wins, _mean, apart, clusters, settings)))
    if clusters is not None:
        raise ValueError("clusters are those of pairs, expected paired=True")
    checks.shape(y, "second", (len(y), x.shape[1]))
    kept = ~(np.isnan(x).any(axis=0) | np.isnan(y).any(axis=0))
    x, y = x[:, kept], y[:, kept]
    if not (x.size and y.size):
        raise ValueError("first and second have no task on which all have a score")
    checks.memory(8 * len(x) * y.size, "the pairs of scores")
    wins = np.stack([_wins(row, y) for row in x])  # [units, units, tasks]
    strata = np.moveaxis(wins, 2, 0) if apart else wins.mean(axis=2)[None]
    return _improvement(strata, settings)


def _improvement(wins: Float, settings: tuple[int, float, int]) -> Interval:
    """Return the mean of wins [strata, units, units] of the first units over the second."""
    key, level, count = settings
    strata, ours, theirs = wins.shape
    generator = np.random.Generator(np.random.Philox(key))
    means = []
    for part in _parts(count, wins.size):
        of_ours = _draws(generator, part, strata, ours)
        of_theirs = _draws(generator, part, strata, theirs)
        drawn = of_ours[:, :, :, None] * of_theirs[:, :, None, :] * wins
        means.append(drawn.reshape(part, -1).sum(axis=1) / wins.size)
    several = [units for units in (ours, theirs) if units > 1]
    low, high = _ends(np.concatenate(means)[:, None], min(several, default=1), strata, level)
    return Interval(np.asarray(wins.mean()), np.asarray(low[0]), np.asarray(high[0]))


def _wins(x: Float, y: Float) -> Float:
    return np.asarray((x > y) + 0.5 * (x == y))


def _mean(values: Float, counts: Int) -> Float:
    return np.asarray((counts * values).sum(axis=1) / counts.sum(axis=1))[:, None]


def _middle_mean(values: Float, counts: Int) -> Float:
    """Return the mean without the floor(n / 4) lowest and highest."""
    upto = np.cumsum(counts, axis=1)
    total = upto[:, -1:]
    cut = total // 4
    inside = np.clip(upto, cut, total - cut)
    kept = np.diff(inside, axis=1, prepend=cut)
    return _mean(values, kept)


def _matrix(values: ArrayLike, name: str) -> Float:
    found = checks.array(values, name, np.float64)
    if found.ndim != 2:
        raise ValueError(f"{name} has shape {found.shape}, expected [units, tasks]")
    if np.isinf(found).any():
        raise ValueError(f"{name} holds an infinity, expected finite numbers or NaN")
    return found


def _settings(rng: Seed, confidence: float, num_resamples: int) -> tuple[int, float, int]:
    count = checks.integer(num_resamples, "num_resamples", 1)
    checks.memory(2 * 8 * count, f"{count} resamples")
    return make_key(rng), checked_confidence(confidence), count


def _scaled(
    values: Float,
    statistic: Statistic,
    independent_tasks: bool,
    clusters: ArrayLike | None,
    settings: tuple[int, float, int],
) -> Interval:
    """Return the interval of a mean of some of the values."""
    # In units of a power of two, which rounds nothing: so sums of the largest doubles are numbers.
    exponent = np.frexp(np.nanmax(np.abs(values), initial=0.0))[1]
    found = _interval(np.ldexp(values, -exponent), statistic, independent_tasks, clusters, settings)
    return Interval(*(np.asarray(np.ldexp(part[0], exponent)) for part in found))


def _interval(
    matrix: Float,
    statistic: Statistic,
    independent_tasks: bool,
    clusters: ArrayLike | None,
    settings: tuple[int, float, int],
) -> tuple[Float, Float, Float]:
    """Return a statistic [K] of all entries of a matrix [units, tasks] and the ends of its interval."""
    key, level, count = settings
    apart = checks.flag(independent_tasks, "independent_tasks")
    labels = np.arange(len(matrix)) if clusters is None else cluster_labels(clusters, len(matrix))
    known = ~np.isnan(matrix)
    if apart:
        known &= known.all(axis=0)
    if not known.any():
        raise ValueError(f"none of the {matrix.size} scores is a number: NaN stands for no score")
    rows, columns = np.nonzero(known)
    units, unit = np.unique(labels[rows], return_inverse=True)
    tasks, task = np.unique(columns, return_inverse=True) if apart else (np.zeros(1), np.zeros_like(rows))
    order = np.argsort(matrix[known], kind="stable")
    values = matrix[known][order]
    place = (task * len(units) + unit)[order]
    exact = statistic(values, np.ones((1, len(values)), np.int64))[0]
    checks.memory(2 * 8 * count * len(exact), f"{count} resamples")
    generator = np.random.Generator(np.random.Philox(key))
    resampled = []
    for part in _parts(count, len(tasks) * len(units)):
        # Few units are often drawn alike: of 2,000 resamples of five units, 126 differ.
        drawn = _draws(generator, part, len(tasks), len(units)).reshape(part, -1)
        different, which = np.unique(drawn, axis=0, return_inverse=True)
        step = max(1, _PART // len(values))
        pieces = [
            statistic(values, different[first : first + step, place])
            for first in range(0, len(different), step)
        ]
        resampled.append(np.concatenate(pieces)[which.reshape(-1)])
    return exact, *_ends(np.concatenate(resampled), len(units), len(tasks), level)


def _parts(count: int, size: int) -> Iterator[int]:
    """Yield how many resamples of so many numbers to draw at once."""
    step = max(1, _PART // size)
    for first in range(0, count, step):
        yield min(step, count - first)


def _draws(generator: np.random.Generator, count: int, strata: int, units: int) -> Int:
    """Return how often each unit is drawn [count, strata, units], as often as there are units, by stratum."""
    drawn = generator.integers(units, size=(count * strata, units))
    drawn += np.arange(count * strata)[:, None] * units
    return np.bincount(drawn.ravel(), minlength=drawn.size).reshape(count, strata, units)


def _ends(resampled: Float, units: int, strata: int, level: float) -> tuple[Float, Float]:
    """Return the percentiles of resampled numbers [R, K] between which Student's law has so much of a mean.

    The spread of resamples is too small by sqrt((n - 1) / n), and where it comes from few, it is uncertain.
    """
    if units == 1:
        return np.full(resampled.shape[1], np.nan), np.full(resampled.shape[1], np.nan)
    reach = student_quantile(level, min(_MANY, strata * (units - 1)))
    tail = NormalDist().cdf(-reach * math.sqrt(units / (units - 1)))
    low, high = np.quantile(resampled, [tail, 1.0 - tail], axis=0)
    return low, high
