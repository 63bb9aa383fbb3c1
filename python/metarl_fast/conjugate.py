"""Empirical Bayes for conjugate priors: Dirichlet parameters and normal laws that make data likeliest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks

Float = NDArray[np.float64]

LARGEST = 1e6
"""Concentrations are held below: what differs less than chance lets is as good as known."""
LEAST = 1e-8
_SWEEPS = 2000
_CLOSE = 1e-11


def dirichlet_from_counts(counts: ArrayLike, *, shared: bool = False) -> Float:
    """Return the Dirichlet law under which counts of categories are likeliest.

    Each row of counts is multinomial, with probabilities of its own that the Dirichlet law drew. Minka's
    fixed point ("Estimating a Dirichlet distribution", 2000) is, with a of all categories sum_k a_k,

        a_k <- a_k sum_i d(n_ik, a_k) / sum_i d(n_i, a),  d(n, a) = 1/a + 1/(a + 1) + ... + 1/(a + n - 1),

    which is psi(n + a) - psi(a), as counts are whole numbers. Every third step is extrapolated.

    Parameters
    ----------
    counts
        [..., N, K]: N rows, such as tasks, of whole numbers of K categories, such as next states.
    shared
        Whether all categories have one parameter in common.

    Returns
    -------
    ndarray
        alpha [..., K], at most 1e6 in all: rows that differ less than chance lets them are as good as known.
        Where no row has two observations nothing is known, and it is 1.

    Raises
    ------
    ValueError, TypeError, MemoryError
        For other numbers, other shapes, and counts of which not all sizes up to the largest can be counted.
    """
    found, shared = checks.array(counts, "counts", np.float64), checks.flag(shared, "shared")
    if found.ndim < 2 or found.shape[-1] == 0:
        raise ValueError(f"counts has shape {found.shape}, expected (..., N, K)")
    wrong = ~((found >= 0.0) & (found <= 2.0**31) & (found == np.rint(found)))
    if wrong.any():
        where = tuple(int(place) for place in np.argwhere(wrong)[0])
        raise ValueError(
            f"counts{list(where)} is {checks.shown(float(found[where]))}, expected a whole number, 0 to 2**31"
        )
    above, k = exceedances(np.moveaxis(found, -1, -2)), found.shape[-1]
    in_all = exceedances(found.sum(axis=-1))
    if not shared:
        return of_exceedances(above, in_all)
    return np.repeat(of_exceedances(above.sum(axis=-2, keepdims=True), in_all, k), k, axis=-1)


def dirichlet_from_probabilities(probabilities: ArrayLike, *, shared: bool = False) -> Float:
    """Return the Dirichlet law under which probabilities are likeliest: what exact models have in common.

    Minka's fixed point (the same paper) is psi(a_k) <- psi(a) + the mean of log p_k. Of rows with a
    probability of 0 no law is the likeliest; of counts of what was seen one is.

    Parameters
    ----------
    probabilities
        [..., N, K]: rows above 0 that sum to 1, such as one pair's in N tasks.
    shared
        Whether all categories have one parameter in common.

    Returns
    -------
    ndarray
        alpha [..., K], at most 1e6 in all.

    Raises
    ------
    ValueError, TypeError
        For other numbers, other shapes, and no rows.
    """
    p, shared = checks.array(probabilities, "probabilities", np.float64), checks.flag(shared, "shared")
    if p.ndim < 2 or 0 in p.shape[-2:]:
        raise ValueError(f"probabilities has shape {p.shape}, expected (..., N, K), none of them 0")
    low, total = float(p.min()), p.sum(axis=-1)
    if not low > 0.0 or not np.isfinite(p).all():
        raise ValueError(
            f"probabilities has {checks.shown(low)} as its least number, expected above 0: "
            "of rows with zeros take dirichlet_from_counts"
        )
    if (np.abs(total - 1.0) > 1e-6).any():
        off = float(total.ravel()[np.abs(total - 1.0).argmax()])
        raise ValueError(f"probabilities has a row that sums to {off}, expected 1")
    logs, k = log(p).mean(axis=-2), p.shape[-1]
    if not shared:
        return of_log_means(logs)
    return np.repeat(of_log_means(logs.mean(axis=-1, keepdims=True), k), k, axis=-1)


def log(p: Float) -> Float:
    """Return logarithms of probabilities, of those below 1e-300 its own."""
    return np.asarray(_core.log(np.maximum(p, 1e-300)))


def normal_from_means(means: ArrayLike, variances: ArrayLike = 0.0) -> tuple[Float, Float]:
    """Return the normal law under which noisy means are likeliest, as its mean and its variance.

    means_i ~ N(mu_i, variances_i), mu_i ~ N(mean, variance): the model in which mean_i is shrunk towards the
    common one, by variances_i / (variances_i + variance) of the way (Efron and Morris, JASA 70, 1975). Of
    rewards seen n_i times with noise of variance s, variances_i is s / n_i, and s / variance is how many
    observations the prior is worth: `reward_strength` of a `PosteriorPlanner`.

    Parameters
    ----------
    means
        [..., N].
    variances
        Of the means, at least 0; one for all, or [..., N].

    Returns
    -------
    mean, variance
        [...].

    Raises
    ------
    ValueError, TypeError
        For other numbers, and no means.
    """
    x = checks.finite(checks.array(means, "means", np.float64), "means")
    v = checks.finite(checks.array(variances, "variances", np.float64), "variances")
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"means has shape {x.shape}, expected (..., N)")
    if (v < 0.0).any():
        raise ValueError(f"variances has {checks.shown(float(v.min()))}, expected at least 0")
    try:
        v = np.broadcast_to(v, x.shape)
    except ValueError:
        raise ValueError(f"variances has shape {v.shape}, means {x.shape}") from None
    # Of size 1 and about 0, so that squares neither overflow nor cancel.
    scale = max(float(np.abs(x).max(initial=0.0)), float(np.sqrt(v.max(initial=0.0)))) or 1.0
    x, v = x / scale, v / scale / scale
    about = x.mean(axis=-1)
    x = x - about[..., None]
    mean, variance = of_groups(v, np.ones(x.shape), x, x * x)
    with np.errstate(over="ignore"):
        return (mean + about) * scale, np.minimum(variance * scale * scale, np.finfo(np.float64).max)


def exceedances(counts: Float) -> Float:
    """Return in how many rows a count is above i, for i = 0, 1, ...: of counts [..., N], an array [..., M].

    That is all that the likelihood needs of them, and of more rows they add up.
    """
    flat = counts.reshape(int(np.prod(counts.shape[:-1])), counts.shape[-1]).astype(np.int64)
    most = int(flat.max(initial=0))
    checks.memory(24 * len(flat) * (most + 1), lambda: f"rows of counts up to {most}")
    rows = np.arange(len(flat))[:, None]
    of_count = np.bincount((rows * (most + 1) + flat).ravel(), minlength=len(flat) * (most + 1))
    above = of_count.reshape(len(flat), most + 1)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return above[:, 1:].reshape(*counts.shape[:-1], most).astype(np.float64)


def of_exceedances(above: Float, above_in_all: Float, alike: int = 1) -> Float:
    """Return alpha [..., K] of how often counts are above i [..., K, M], and those of rows [..., L].

    Each parameter is that of so many categories that are alike, of which `above` is then the sum.
    """
    i, j = np.arange(above.shape[-1]), np.arange(above_in_all.shape[-1])
    known = (above_in_all[..., 1:] > 0.0).any(axis=-1, keepdims=True)

    def step(alpha: Float) -> Float:
        total = alpha.sum(axis=-1, keepdims=True) * alike
        gained = (above / (alpha[..., None] + i)).sum(axis=-1)
        due = (above_in_all[..., None, :] / (total[..., None] + j)).sum(axis=-1) * alike
        return _held(np.where(known, alpha * gained / np.where(due > 0.0, due, 1.0), alpha), alike)

    return _fixed_point(step, np.ones(above.shape[:-1]))


def of_log_means(log_means: Float, alike: int = 1) -> Float:
    """Return alpha [..., K] of the means of log p_k [..., K], each of so many categories that are alike."""

    def step(alpha: Float) -> Float:
        total = alpha.sum(axis=-1, keepdims=True) * alike
        return _held(_inverse_digamma(digamma(total) + log_means, alpha), alike)

    return _fixed_point(step, np.ones(log_means.shape))


def of_groups(variances: Float, number: Float, total: Float, squares: Float) -> tuple[Float, Float]:
    """Return mean and variance [...] of G groups of means [..., G] that have a variance in common each.

    Of a group: how many means, their sum, and the sum of their squares. The variance is the fixed point of

        sum_i w_i^2 ((x_i - mean)^2 - v_i) / sum_i w_i^2,  w_i = 1 / (variance + v_i),

    where the likelihood's derivative is 0 (Morris, JASA 78, 1983), at least 0.
    """
    there = number.sum(axis=-1) > 0.0
    in_all = np.maximum(number.sum(axis=-1), 1.0)
    middle = total.sum(axis=-1) / in_all
    spread = np.maximum(squares.sum(axis=-1) / in_all - middle * middle, 0.0)
    least = spread * 2.0**-50 + np.finfo(np.float64).tiny
    variance = spread
    for _ in range(_SWEEPS):
        spreads = np.maximum(variance, least)[..., None] + variances
        weight = np.where(number > 0.0, spreads.min(axis=-1, keepdims=True) / spreads, 0.0)
        middle = (weight * total).sum(axis=-1) / np.where(there, (weight * number).sum(axis=-1), 1.0)
        m = middle[..., None]
        away = squares - 2.0 * m * total + number * m * m - number * variances
        scale = (weight * weight * number).sum(axis=-1)
        found = np.maximum((weight * weight * away).sum(axis=-1) / np.where(there, scale, 1.0), 0.0)
        done = bool((np.abs(found - variance) <= _CLOSE * spread).all())
        variance = found
        if done:
            break
    return np.asarray(middle), np.asarray(variance)


def digamma(x: ArrayLike) -> Float:
    """Return psi(x) of x > 0: by psi(x) = psi(x + 1) - 1/x until the asymptotic series is exact."""
    at = np.array(x, np.float64)
    found = np.zeros(at.shape)
    for _ in range(10):
        small = at < 10.0
        found -= np.where(small, 1.0 / at, 0.0)
        at = at + small
    w = 1.0 / (at * at)
    series = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132 - w * (691 / 32760))))))
    return np.asarray(found + _core.log(at) - 0.5 / at - series)


def _trigamma(x: Float) -> Float:
    """Return the derivative of psi, likewise."""
    at = np.array(x, np.float64)
    found = np.zeros(at.shape)
    for _ in range(10):
        small = at < 10.0
        found += np.where(small, 1.0 / (at * at), 0.0)
        at = at + small
    w = 1.0 / (at * at)
    series = 1 / 6 - w * (1 / 30 - w * (1 / 42 - w * (1 / 30 - w * (5 / 66))))
    return np.asarray(found + (1.0 + 0.5 / at + w * series) / at)


def _inverse_digamma(y: Float, near: Float) -> Float:
    """Return x > 0 with psi(x) = y, by Newton's method: psi is concave, so it comes from below."""
    x = near
    for _ in range(60):
        step = (digamma(x) - y) / _trigamma(x)
        found = np.where(step < x, x - step, 0.5 * x)
        done = bool((np.abs(found - x) <= 1e-15 * x).all())
        x = found
        if done:
            break
    return x


def _fixed_point(step: Callable[[Float], Float], alpha: Float) -> Float:
    """Return where steps of parameters [..., K] lead, which come nearer by the same factor each time.

    So every third one goes on from where that points: SQUAREM (Varadhan and Roland, Scand. J. Stat., 2008).
    """
    for _ in range(_SWEEPS):
        one = step(alpha)
        two = step(one)
        if (np.abs(two - one) <= _CLOSE * one).all():
            return two
        moved, bent = one - alpha, two - 2.0 * one + alpha
        size = np.square(bent).sum(axis=-1, keepdims=True)
        far = np.sqrt(np.square(moved).sum(axis=-1, keepdims=True) / np.where(size > 0.0, size, 1.0))
        ahead = alpha + far * (2.0 * moved + far * bent)
        alpha = step(np.where(size > 0.0, np.clip(ahead, two / 8.0, two * 8.0), two))
    return alpha


def _held(alpha: Float, alike: int) -> Float:
    """Return parameters whose sum is within bounds."""
    total = alpha.sum(axis=-1, keepdims=True) * alike
    return np.asarray(np.maximum(alpha * np.minimum(1.0, LARGEST / np.maximum(total, LEAST)), LEAST))
