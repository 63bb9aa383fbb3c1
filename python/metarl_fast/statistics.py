"""Bootstrap intervals over tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.seeding import Seed, make_key


@dataclass(frozen=True, eq=False)
class Interval:
    """A mean and the ends of its interval."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def bootstrap_mean(
    values: ArrayLike, *, rng: Seed = 0, confidence: float = 0.95, num_resamples: int = 2000
) -> Interval:
    """Return the mean over the first axis with a percentile bootstrap interval (Efron 1979).

    Parameters
    ----------
    values
        [N, ...], one row a task; rows with a NaN are left out.
    rng
        Seed of the resampling; the default gives the same interval every time.
    confidence
        Probability that the interval covers the mean, between 0 and 1.
    num_resamples
        Number of resamples.

    Raises
    ------
    ValueError
        If no row is left.
    """
    data = checks.array(values, "values", np.float64)
    level = checks.real(confidence, "confidence", 0.0, 1.0, open_low=True)
    count = checks.integer(num_resamples, "num_resamples", 1)
    if data.ndim == 0:
        raise ValueError("values is a number, expected an array [N, ...]")
    if np.isinf(data).any():
        raise ValueError("values holds an infinity, expected finite numbers or NaN")
    kept = data[~np.isnan(data).any(axis=tuple(range(1, data.ndim)))]
    if not len(kept):
        raise ValueError(
            f"none of the {len(data)} rows of values is free of NaN: a score is NaN where the random policy "
            "is optimal"
        )
    checks.memory(2 * 8 * count * kept[0].size, f"{count} resamples")
    generator = np.random.Generator(np.random.Philox(make_key(rng)))
    means = np.empty((count, *kept.shape[1:]))
    for k in range(count):
        means[k] = kept[generator.integers(len(kept), size=len(kept))].mean(axis=0)
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return Interval(np.asarray(kept.mean(axis=0)), np.asarray(low), np.asarray(high))
