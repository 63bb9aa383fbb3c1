"""The prior over tasks that their common model suggests: classes, next states, rewards, ends, values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast.conjugate import LARGEST
from metarl_fast.learners import TaskPrior

Float = NDArray[np.float64]
Goals: TypeAlias = Literal["support", "mean"]

_FEW, _MANY = 6, 32
"""A class has at least so many places for next states, and at most so many."""
_MOMENTS = "rewards", "squares", "chance"
_SWEEPS = 2000
_LEAST_DEVIATION = 1e-3
_CLEARLY = 5.0
"""Standard deviations by which mean squares must differ to differ."""


@dataclass(frozen=True)
class Smoothing:
    """How what rewards were on average becomes what they may be in a task that is new.

    Attributes
    ----------
    goals
        "mean" keeps how often a state was rewarded, "support" only whether it was.
    neighbours
        phi_2: what goes over to the states that lead there.
    everywhere
        phi_1: what goes to all states alike.
    """

    goals: Goals
    neighbours: float
    everywhere: float


def prior_of(
    sums: dict[str, Float],
    smoothing: Smoothing,
    discount: float,
    bonus: float,
    trust: float = 0.0,
    least_worth: float = 0.003,
) -> TaskPrior:
    """Return the prior that sums over tasks (`task_models`) suggest.

    p0(s' | c) is the mean over tasks. Rewards depend on the first of these that explains them: the state
    entered, in each task otherwise; class and next state, in all tasks alike; the class, in the mean.

    Prior rewards are worth `trust` times what they are in a linear Bayesian model: noise over the variance
    between tasks. Of 0 they are worth what the learner says.
    """
    s, a = (int(size) for size in sums["sizes"])
    by_entry, by_transition = _explained(sums)
    classes, count = _classes(sums, 0 if by_entry or by_transition else 1)
    tasks = np.bincount(classes, sums["known"], count)
    codes = sums["codes"].astype(np.int64)
    keys, place = np.unique(classes[codes // s] * s + codes % s, return_inverse=True)
    weights = np.bincount(place, sums["weights"])
    p = weights / tasks[keys // s]
    next_states, probabilities, at = _places(keys // s, keys % s, p, count, s)
    of_pair = classes.reshape(s, a)

    def spread(total: Float) -> Float:
        return _spread(_mean(total, sums["entered"]), next_states, probabilities, of_pair, smoothing)

    terminations = np.clip(spread(sums["entry_ends"]), 0.0, 1.0)
    if by_entry:
        reward_means = spread(sums["entry_rewards"])
        variances = np.full(s, _variance(sums, "entry", "entered"))
        of_place = reward_means[np.maximum(next_states, 0)]
    elif by_transition:
        found = np.bincount(place, sums["weights"] * sums["lowest"]) / weights
        reward_means = np.zeros(next_states.shape)
        kept = at >= 0
        reward_means[keys[kept] // s, at[kept]] = found[kept]
        of_place = reward_means
        variances = np.where(next_states < 0, reward_scale(sums) ** 2, 0.0)
    else:
        reward_means = np.bincount(classes, sums["pair_rewards"], count) / np.maximum(tasks, 1.0)
        of_place = np.broadcast_to(reward_means[:, None], next_states.shape)
        variances = np.full(count, _variance(sums, "pair", "known"))
    at_once = np.full(count, bonus)
    for k in range(next_states.shape[1]):
        at_once += probabilities[:, k] * of_place[:, k]
    reach = discount * probabilities * (1.0 - terminations[np.maximum(next_states, 0)])
    values = values_of(at_once, reach, next_states, of_pair)
    return TaskPrior(
        of_pair.astype(np.int32),
        next_states,
        probabilities,
        "next_state" if by_entry else "transition" if by_transition else "pair",
        reward_means,
        terminations,
        values,
        None,
        None if trust == 0.0 else _worth(trust * noise_of(sums), variances, least_worth),
    )


def _variance(sums: dict[str, Float], of: str, number: str) -> float:
    """Return how much tasks differ in what entering a state gives, or a pair, on average, without chance."""
    there = sums[number][sums[number] > 0.0]
    total, squares, chance = (sums[f"{of}_{name}"][sums[number] > 0.0] for name in _MOMENTS)
    if not there.size:
        return 0.0
    mean = total / there
    return max(float((squares / there - mean * mean - noise_of(sums) * chance / there).mean()), 0.0)


def reward_deviation(sums: dict[str, Float]) -> float:
    """Return the standard deviation between tasks of what rewards depend on; of none, a bit of their size."""
    of = ("entry", "entered") if _explained(sums)[0] else ("pair", "known")
    return max(float(np.sqrt(_variance(sums, *of))), _LEAST_DEVIATION * reward_scale(sums))


def noise_of(sums: dict[str, Float]) -> float:
    """Return the variance of one reward of a transition, of tasks in which rewards are noisy."""
    return float(sums["noise"][0] / max(sums["noise"][1], 1.0))


def _worth(noise: float, variances: Float, least: float) -> Float:
    """Return how many rewards the prior means are worth, noise / variance, `least` at least."""
    return np.clip(noise / np.maximum(variances, noise / LARGEST), least, LARGEST)


def ties_of(sums: dict[str, Float]) -> Float:
    """Return the class of each pair [S, A]: pairs share one if they behave alike in every task."""
    s, a = (int(size) for size in sums["sizes"])
    classes, _ = _classes(sums, 0 if _explained(sums)[0] else 1)
    return classes.reshape(s, a).astype(np.float64)


def _explained(sums: dict[str, Float]) -> tuple[bool, bool]:
    """Return whether rewards depend on the state entered alone; if not, whether all tasks have them alike."""
    by_entry = bool(sums["unexplained"][0] == 0) and _is_chance(sums)
    known = np.allclose(sums["lowest"], sums["highest"], rtol=1e-9, atol=1e-9)
    return by_entry, bool(known and not by_entry)


def _is_chance(sums: dict[str, Float]) -> bool:
    """Return whether rewards of one state entered were no further apart than noise makes them.

    By analysis of variance: the quotient of the mean squares is about 1 then, give or take its deviation.
    """
    (squares, freedom), (within, degrees) = sums["apart"], sums["noise"]
    if freedom == 0.0 or degrees == 0.0:
        return True
    allowed = 1.0 + _CLEARLY * np.sqrt(2.0 / freedom + 2.0 / degrees)
    return bool(squares / freedom <= allowed * within / degrees)


def reward_scale(sums: dict[str, Float]) -> float:
    """Return what a reward can make a difference of; 1 if all are alike.

    Where rewards depend on the state entered, how far they lie apart; else their standard deviation.
    """
    low, high = sums["reward_range"]
    known = sums["known"].sum()
    if sums["unexplained"][0] == 0 or known == 0:
        scale = high - low
    else:
        mean, square = sums["reward_moments"] / known
        scale = np.sqrt(max(square - mean * mean, 0.0))
    return float(scale) if scale > 0.0 else 1.0


def _classes(sums: dict[str, Float], kind: int) -> tuple[NDArray[np.int64], int]:
    """Return the class of each pair [P], numbered as they come, and how many there are."""
    pairs = sums["known"].size
    signature = np.stack([sums["references"][kind], sums["deviations"][kind], np.zeros(pairs)], axis=1)
    unknown = sums["known"] == 0
    signature[unknown, 2] = 1.0 + np.flatnonzero(unknown)  # never tried: each is one of its own
    _, first, found = np.unique(signature, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return order[found.ravel()].astype(np.int64), first.size


def _places(
    of_class: NDArray[np.int64], next_state: NDArray[np.int64], p: Float, count: int, num_states: int
) -> tuple[NDArray[np.int32], Float, NDArray[np.int64]]:
    """Return next states and probabilities [C, K], and the place of each transition, -1 if there is none."""
    order = np.lexsort((next_state, -p, of_class))  # the likeliest first
    numbers = np.bincount(of_class, minlength=count)
    starts = np.cumsum(numbers) - numbers
    place = np.empty(p.size, np.int64)
    place[order] = np.arange(p.size) - starts[of_class[order]]
    most = int(numbers.max(initial=0))
    size = min(num_states, max(_FEW, min(most + 2, _MANY)))
    kept = place < size
    next_states = np.full((count, size), -1, np.int32)
    probabilities = np.zeros((count, size))
    next_states[of_class[kept], place[kept]] = next_state[kept]
    probabilities[of_class[kept], place[kept]] = np.minimum(p[kept], 1.0)
    return next_states, probabilities, np.where(kept, place, -1)


def _mean(total: Float, number: Float) -> Float:
    """Return means; where there was nothing, the smallest of the others."""
    there = number > 0
    mean = total / np.maximum(number, 1.0)
    return np.where(there, mean, mean[there].min(initial=np.inf) if there.any() else 0.0)


def _spread(
    mean: Float,
    next_states: NDArray[np.int32],
    probabilities: Float,
    classes: NDArray[np.int64],
    smoothing: Smoothing,
) -> Float:
    """Return b + (y + phi_1 mean(y)) / (1 + phi_1): y is what lies above the smallest mean b, smoothed.

    f <- (1 - phi_2) f + phi_2 P f along the dynamics of the uniform policy; with "support", y is the same
    wherever f is not 0, and has its sum.
    """
    b = mean.min()
    f = mean - b
    ahead = np.zeros(next_states.shape[0])
    for k in range(next_states.shape[1]):
        ahead += probabilities[:, k] * f[np.maximum(next_states[:, k], 0)]
    of_state = np.zeros(f.size)
    for action in range(classes.shape[1]):
        of_state += ahead[classes[:, action]]
    f = (1.0 - smoothing.neighbours) * f + smoothing.neighbours * (of_state / classes.shape[1])
    if smoothing.goals == "support":
        there = f > 0.0
        f = there * (f.sum() / max(int(there.sum()), 1))
    return np.asarray(b + (f + smoothing.everywhere * f.mean()) / (1.0 + smoothing.everywhere))


def values_of(
    at_once: Float, reach: Float, next_states: NDArray[np.int32], classes: NDArray[np.int64]
) -> Float:
    """Return V by value iteration."""
    values = np.zeros(classes.shape[0])
    taken = np.flatnonzero(reach.any(axis=0)).tolist()  # the others add nothing
    places = [(reach[:, k], np.maximum(next_states[:, k], 0)) for k in taken]
    for _ in range(_SWEEPS):
        worth = at_once.copy()
        for weight, entered in places:
            worth += weight * values[entered]
        found = worth[classes].max(axis=1)
        done = bool((np.abs(found - values) <= 1e-7 * np.abs(found)).all())
        values = found
        if done:
            break
    return values
