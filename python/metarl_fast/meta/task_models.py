"""What the exact models of tasks have in common, as sums to which further tasks add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.history import History
from metarl_fast.tasks import Tasks

Float = NDArray[np.float64]
_TASKS_AT_ONCE = 64
_STEPS = 2.0**24
"""Numbers are alike if so many steps from half of one to the next power of two do not tell them apart."""
_TINY = 1e-20
"""A variance beside the square of the largest reward that is rounding."""
_ENTRIES = (
    "sizes",
    "num_tasks",
    "codes",
    "weights",
    "lowest",
    "highest",
    "known",
    "references",
    "deviations",
    "pair_rewards",
    "entered",
    "entry_rewards",
    "entry_ends",
    "unexplained",
    "reward_range",
    "reward_moments",
    "entry_squares",
    "entry_chance",
    "pair_squares",
    "pair_chance",
    "noise",
    "apart",
)


@dataclass(frozen=True)
class TaskModel:
    """A task as a list of R transitions: pairs (state, action), next states, and what goes with them."""

    pair: NDArray[np.int64]
    """s A + a [R]; pairs of terminal states, and actions that are not available, have none."""
    next_state: NDArray[np.int64]
    probability: Float
    reward: Float
    """Expected, of the transition."""
    end: Float
    """Probability that the episode ends with it."""
    expected: Float
    """Rewards of the pairs [S A]."""
    rows: NDArray[np.uint64]
    """Hashes of where each pair leads, and of that and its reward [2, S A]; of 52 bits, as doubles have."""
    visits: Float
    """How often each pair was tried [S A]; infinity where its probabilities are known."""
    variance: Float
    """Of one reward of each pair [S A]; of few visits, the mean square distance from their own mean."""


def models(tasks: Tasks) -> Iterator[TaskModel]:
    """Yield the models of tasks, one after the other."""
    s, pairs = tasks.num_states, tasks.num_states * tasks.num_actions
    for some, found, there in _outcomes(tasks):
        row = np.nonzero(there.reshape(len(some) * pairs, -1))[0]
        parts = [found[name][there] for name in ("next_state", "probability", "reward", "terminated")]
        visits = np.where(there.reshape(len(some) * pairs, -1).any(axis=1), np.inf, 0.0)
        noise = np.square(np.broadcast_to(some.reward_noise, len(some)))
        for n, model in enumerate(_models(len(some), s, pairs, row, visits, *parts)):
            yield replace(model, variance=model.variance + noise[n])


def models_of(history: History, num_states: int, num_actions: int) -> Iterator[TaskModel]:
    """Yield what histories [N, T] say of their tasks: frequencies of the steps from pairs that were tried."""
    s, pairs = num_states, num_states * num_actions
    for first in range(0, len(history.length), _TASKS_AT_ONCE):
        rows = history.rows(slice(first, first + _TASKS_AT_ONCE))
        there = np.arange(rows["state"].shape[-1]) < rows["length"][:, None]
        pair = rows["state"].astype(np.int64) * num_actions + rows["action"]
        row = (np.arange(len(there))[:, None] * pairs + pair)[there]
        visits = np.bincount(row, minlength=len(there) * pairs).astype(np.float64)
        parts = (rows[name][there] for name in ("reward", "terminated"))
        yield from _models(
            len(there), s, pairs, row, visits, rows["next_state"][there], 1.0 / visits[row], *parts
        )


def _models(
    count: int,
    s: int,
    pairs: int,
    row: NDArray[np.int64],
    visits: Float,
    next_state: NDArray[Any],
    p: Float,
    reward: NDArray[Any],
    end: NDArray[Any],
) -> Iterator[TaskModel]:
    """Yield the models of `count` tasks from parts of transitions; rows count pairs, task after task."""
    mean = np.bincount(row, p * reward, count * pairs)
    variance = np.bincount(row, p * np.square(reward - mean[row]), count * pairs).reshape(-1, pairs)
    codes, place = np.unique(row * s + next_state.astype(np.int64), return_inverse=True)
    row, entered = codes // s, codes % s
    weight = np.bincount(place, p).astype(np.float64)
    mean_reward = np.bincount(place, p * reward) / weight
    mean_end = np.bincount(place, p * end) / weight
    expected = np.bincount(row, weight * mean_reward, count * pairs).reshape(-1, pairs)
    sums = np.zeros((2, count * pairs), np.uint64)
    np.add.at(sums[0], row, _hashed(entered, _whole(weight)))
    sums[1] = sums[0] + _hashed(_whole(expected.ravel().astype(np.float64)))
    hashes = (sums >> np.uint64(12)).reshape(2, -1, pairs)
    ends = np.searchsorted(row, pairs * np.arange(count + 1))
    for n in range(count):
        own = slice(ends[n], ends[n + 1])
        yield TaskModel(
            row[own] - n * pairs,
            entered[own],
            weight[own],
            mean_reward[own],
            np.minimum(mean_end[own], 1.0),
            expected[n],
            hashes[:, n],
            visits.reshape(-1, pairs)[n],
            variance[n],
        )


def fingerprints(tasks: Tasks) -> NDArray[np.uint64]:
    """Return integers [N] that tasks share only if they are alike."""
    parts = [np.zeros(0, np.uint64)]
    for _, found, there in _outcomes(tasks):
        place = np.broadcast_to(np.arange(there[0].size).reshape(there[0].shape), there.shape)
        numbers = (_whole(found[name]) for name in ("probability", "reward", "terminated"))
        hashes = np.where(there, _hashed(place, found["next_state"], *numbers), np.uint64(0))
        parts.append(hashes.sum(axis=(1, 2, 3), dtype=np.uint64))
    return np.concatenate(parts)


def fingerprint_of(model: TaskModel) -> int:
    """Return an integer that tasks share whose rewards were found alike: what gives more than the least."""
    least = model.reward.min(initial=np.inf)
    place = model.reward > least
    states, first = np.unique(model.next_state[place], return_index=True)
    return int(_hashed(states, _whole(model.reward[place][first])).sum(dtype=np.uint64))


def _outcomes(tasks: Tasks) -> Iterator[tuple[Tasks, dict[str, NDArray[Any]], NDArray[np.bool_]]]:
    """Yield a few tasks, their outcomes [n, S, A, K], and which of these there are."""
    for first in range(0, len(tasks), _TASKS_AT_ONCE):
        some = tasks[first : first + _TASKS_AT_ONCE]
        found = some.outcomes
        yield some, found, (found["probability"] > 0.0) & ~some.terminal[:, :, None, None]


def nothing() -> dict[str, Float]:
    """Return the sums over no tasks, of no size yet."""
    found = {name: np.zeros(0) for name in _ENTRIES}
    return {
        **found,
        "num_tasks": np.zeros(1),
        "references": np.zeros((2, 0)),
        "deviations": np.zeros((2, 0)),
    }


def check_sizes(sums: dict[str, Float], num_states: int, num_actions: int) -> None:
    """Refuse tasks of other sizes than those whose sums these are."""
    s, a = (int(size) for size in sums["sizes"])
    if (s, a) != (num_states, num_actions):
        expected = f"those of the state {s} and {a}"
        raise ValueError(f"tasks have {num_states} states and {num_actions} actions, {expected}")


def with_model(
    sums: dict[str, Float], model: TaskModel, num_states: int, num_actions: int
) -> dict[str, Float]:
    """Return the sums after one more task of S states and A actions.

    Their entries, R being all transitions seen and P = S A:

    `codes`, `weights`, `lowest`, `highest` [R]
        Pair and next state as pair S + s', sums of probabilities, and the extremes of the rewards.
    `known`, `pair_rewards` [P]
        In how many tasks a pair could be tried, and sums of its expected rewards.
    `references`, `deviations` [2, P]
        Hashes of the first row of each pair, and of all that differ from it: pairs that have both in common
        behave alike in every task. First of where they lead alone, then of rewards as well.
    `entered`, `entry_rewards`, `entry_ends` [S]
        In how many tasks a state can be entered, and sums of what that gives and ends.
    `unexplained` [1]
        In how many tasks rewards depend on more than the state entered.
    `reward_range`, `reward_moments` [2]
        Smallest and largest reward; sums of the rewards of pairs and of their squares.
    `entry_squares`, `entry_chance` [S]; `pair_squares`, `pair_chance` [P]
        Sums of squares of what entering a state gives, and a pair; and of what part of the variance of one
        reward is in each because it was seen a few times only.
    `noise`, `apart` [2]
        Squares of rewards about the mean of their transition, and of how many free ones; squares of means of
        transitions about that of the state entered, where rewards are noisy, and of how many free ones.
    """
    s, pairs = num_states, num_states * num_actions
    if sums["sizes"].size == 0:
        sums = {**sums, **_zeros(num_states, num_actions)}
    check_sizes(sums, num_states, num_actions)
    checks.shape(sums["known"], "known", (pairs,))
    codes = (model.pair * s + model.next_state).astype(np.float64)
    merged = sums["codes"]
    new = np.searchsorted(merged, codes)
    if new.max(initial=-1) >= merged.size or (merged[new] != codes).any():
        merged = np.union1d(merged, codes)
        new = np.searchsorted(merged, codes)
    old = np.searchsorted(merged, sums["codes"])
    weights, lowest = np.zeros(merged.size), np.full(merged.size, np.finfo(float).max)
    highest = -lowest
    weights[old], lowest[old], highest[old] = sums["weights"], sums["lowest"], sums["highest"]
    weights[new] += model.probability
    lowest[new] = np.minimum(lowest[new], model.reward)
    highest[new] = np.maximum(highest[new], model.reward)
    there = np.bincount(model.pair, minlength=pairs) > 0
    expected = model.expected
    least, most = _extremes(model.next_state, model.reward, s)
    entered = most >= least
    noise, of_transition = _noise(model)
    is_noisy = bool(noise[0] > _TINY * noise[1] * max(1.0, float(np.square(model.reward).max(initial=0.0))))
    is_seen = is_noisy and bool(np.isfinite(of_transition).all())
    alike = not (most - least > 1e-9 * np.maximum(1.0, np.abs(most)))[entered].any()
    times = np.maximum(np.bincount(model.next_state, minlength=s), 1)
    entry_chance = of_entries(model, 1.0 / of_transition, s) / times
    pair_chance = 1.0 / np.where(there, model.visits, np.inf)
    mean, ends = (of_entries(model, values, s) for values in (model.reward, model.end))
    references, deviations = _compared(sums, model.rows, there)
    moments = [expected[there].sum(), np.square(expected[there]).sum()]
    low, high = model.reward.min(initial=np.inf), model.reward.max(initial=-np.inf)
    before = sums["reward_range"] if sums["num_tasks"][0] else np.array([low, high])
    return {
        "sizes": sums["sizes"],
        "num_tasks": sums["num_tasks"] + 1.0,
        "codes": merged,
        "weights": weights,
        "lowest": lowest,
        "highest": highest,
        "known": sums["known"] + there,
        "references": references,
        "deviations": deviations,
        "pair_rewards": sums["pair_rewards"] + expected,
        "entered": sums["entered"] + entered,
        "entry_rewards": sums["entry_rewards"] + mean,
        "entry_ends": sums["entry_ends"] + ends,
        "unexplained": sums["unexplained"] + (not alike and not is_seen),
        "reward_range": np.array([min(low, before[0]), max(high, before[1])]),
        "reward_moments": sums["reward_moments"] + moments,
        "entry_squares": sums["entry_squares"] + np.square(mean),
        "entry_chance": sums["entry_chance"] + entry_chance,
        "pair_squares": sums["pair_squares"] + np.square(expected),
        "pair_chance": sums["pair_chance"] + pair_chance,
        "noise": sums["noise"] + noise * is_noisy,
        "apart": sums["apart"] + (_apart(model, of_transition, s) if is_seen else 0.0),
    }


def of_entries(model: TaskModel, values: Float, num_states: int) -> Float:
    """Return the means of transitions' values by the state that they enter [S]."""
    times = np.bincount(model.next_state, minlength=num_states)
    return np.asarray(np.bincount(model.next_state, values, num_states) / np.maximum(times, 1))


def _noise(model: TaskModel) -> tuple[Float, Float]:
    """Return squares of rewards about the mean of their transition and how many are free, and visits [R].

    Where probabilities are known visits are infinite, and the square is the variance of one reward.
    """
    size = model.visits.size
    off = np.square(model.reward - model.expected[model.pair])
    within = model.variance - np.bincount(model.pair, model.probability * off, size)
    there = np.bincount(model.pair, minlength=size)
    known = np.isinf(model.visits)
    freedom = np.where(known, 1.0, np.maximum(model.visits - there, 0.0)) * (there > 0)
    squares = np.maximum(within, 0.0) * np.where(known, 1.0, model.visits) * (freedom > 0.0)
    return np.array([squares.sum(), freedom.sum()]), model.probability * model.visits[model.pair]


def _apart(model: TaskModel, visits: Float, num_states: int) -> Float:
    """Return squares of transitions' rewards about that of the state entered, by visits, and how many."""
    number = np.bincount(model.next_state, visits, num_states)
    mean = np.bincount(model.next_state, visits * model.reward, num_states) / np.maximum(number, 1.0)
    squares = visits * np.square(model.reward - mean[model.next_state])
    return np.array([squares.sum(), float(len(visits) - np.count_nonzero(number))])


def _zeros(num_states: int, num_actions: int) -> dict[str, Float]:
    pairs = num_states * num_actions
    return {
        "sizes": np.array([num_states, num_actions], float),
        "known": np.zeros(pairs),
        "references": np.zeros((2, pairs)),
        "deviations": np.zeros((2, pairs)),
        "pair_rewards": np.zeros(pairs),
        "entered": np.zeros(num_states),
        "entry_rewards": np.zeros(num_states),
        "entry_ends": np.zeros(num_states),
        "unexplained": np.zeros(1),
        "reward_range": np.zeros(2),
        "reward_moments": np.zeros(2),
        "entry_squares": np.zeros(num_states),
        "entry_chance": np.zeros(num_states),
        "pair_squares": np.zeros(pairs),
        "pair_chance": np.zeros(pairs),
        "noise": np.zeros(2),
        "apart": np.zeros(2),
    }


def _extremes(place: NDArray[np.int64], values: Float, count: int) -> tuple[Float, Float]:
    """Return the smallest and the largest of the values at each place."""
    least, most = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(least, place, values)
    np.maximum.at(most, place, values)
    return least, most


def _compared(
    sums: dict[str, Float], rows: NDArray[np.uint64], there: NDArray[np.bool_]
) -> tuple[Float, Float]:
    """Return references and deviations after one more task with these rows."""
    first = there & (sums["known"] == 0)
    references = np.where(first, rows.astype(np.float64), sums["references"])
    other = there & (rows.astype(np.float64) != references)
    if not other.any():
        return references, sums["deviations"]
    number = np.full(int(other.sum()), sums["num_tasks"][0], np.int64)
    total = sums["deviations"].astype(np.uint64)
    total[other] += _hashed(rows[other], number) >> np.uint64(12)
    return references, (total & np.uint64(2**52 - 1)).astype(np.float64)


def _whole(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return numbers as integers that are the same for what differs by no more than rounding."""
    fraction, exponent = np.frexp(values.astype(np.float64))
    rounded = np.ldexp(np.rint(fraction * _STEPS), exponent) + 0.0  # -0 is 0
    return np.asarray(rounded.view(np.int64))


def _hashed(*parts: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a hash of integers side by side: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    found = np.zeros(parts[0].shape, np.uint64)
    for part in parts:
        found = (found ^ part.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found ^= found >> np.uint64(31)
    return found
