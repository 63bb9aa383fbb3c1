"""Which of several kinds each training task is of: hard EM over the models of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast.conjugate import log
from metarl_fast.meta.task_models import TaskModel

Float = NDArray[np.float64]
Integers = NDArray[np.int64]

_RESTARTS = 4
_ROUNDS = 50
_EVEN = 0.1
"""How many tasks the uniform law of next states, and of ends, is worth in each kind."""
_ROUNDING = 1e-12
"""A variance beside the square of the largest reward that is rounding."""


@dataclass(frozen=True)
class _Cells:
    """What models of N tasks say, one number a cell; keys count what it is said of."""

    task: Integers
    key: Integers
    value: Float

    def sums(self, tasks: NDArray[np.bool_], size: int) -> Float:
        """Return sums of the values of some tasks by key."""
        there = tasks[self.task]
        return np.bincount(self.key[there], self.value[there], size).astype(np.float64)

    def squared(self) -> _Cells:
        return _Cells(self.task, self.key, np.square(self.value))

    def counted(self) -> _Cells:
        return _Cells(self.task, self.key, np.ones(self.value.size))


@dataclass(frozen=True)
class _Kind:
    """Sums over the tasks of one kind."""

    number: float
    led: Float
    """Probabilities of transitions [R]."""
    known: Float
    """In how many tasks a pair could be tried [P]."""
    rewards: Float
    squares: Float
    """Of the pairs' expected rewards [P]."""
    entered: Float
    """In how many tasks a state can be entered [S]."""
    ends: Float
    """What part of that ended episodes [S]."""

    def __add__(self, other: _Kind) -> _Kind:
        names = self.__dataclass_fields__
        return _Kind(*(getattr(self, name) + getattr(other, name) for name in names))

    def variance(self) -> tuple[float, float]:
        """Return squares of rewards about their mean, summed over pairs, and how many are free."""
        mean = self.rewards / np.maximum(self.known, 1.0)
        squares = np.maximum(self.squares - self.known * mean * mean, 0.0)
        return float(squares.sum()), float(np.maximum(self.known - 1.0, 0.0).sum())


class _Models:
    """The models of N tasks side by side, and how likely each is under what is known of a kind.

    Each pair is taken to have been tried once. Of a kind k, in which a pair was known in N tasks::

        log P(t | k) = sum_{s, a, s'} p_t(s' | s, a) log((sum_k p(s' | s, a) + e / S) / (N + e))
                       + sum_{s, a} log N(r_t(s, a); (m + sum_k r(s, a)) / (1 + N), v (1 + 1 / (1 + N)))
                       + sum_{s'} log P_k(end | s'), as of next states

    the predictive probabilities of Dirichlet, normal and beta priors; m is the mean over all kinds. Sums
    leave out t itself.
    """

    def __init__(
        self, models: Sequence[TaskModel], before: Sequence[dict[str, Float]], num_states: int
    ) -> None:
        s, pairs = num_states, models[0].visits.size
        self.number, self.num_states, self.num_pairs = len(models), s, pairs
        task = np.repeat(np.arange(len(models)), [model.pair.size for model in models])
        codes = np.concatenate([model.pair * s + model.next_state for model in models])
        self.codes = np.unique(np.concatenate([codes, *(one["codes"].astype(np.int64) for one in before)]))
        probability = np.concatenate([model.probability for model in models])
        self.led = _Cells(task, np.searchsorted(self.codes, codes), probability)
        known = np.stack([np.bincount(model.pair, minlength=pairs) > 0 for model in models])
        of_task, pair = np.nonzero(known)
        self.paid = _Cells(of_task, pair, np.stack([model.expected for model in models])[known])
        place = task * s + codes % s
        times = np.bincount(place, minlength=len(models) * s)
        ends = np.bincount(place, np.concatenate([model.end for model in models]), len(models) * s)
        there = np.flatnonzero(times)
        self.ended = _Cells(there // s, there % s, ends[there] / times[there])
        self.before = [self._kind_of(sums) for sums in before]
        everybody = self.kind(np.ones(len(models), bool))
        for one in self.before:
            everybody += one
        self.usual = everybody.rewards / np.maximum(everybody.known, 1.0)
        self.least_variance = _ROUNDING * max(float(np.square(self.paid.value).max(initial=0.0)), 1e-200)
        self.everybody = everybody

    def _kind_of(self, sums: dict[str, Float]) -> _Kind:
        """Return what sums over tasks before say of a kind."""
        led = np.zeros(self.codes.size)
        if sums["sizes"].size == 0:
            pairs, states = (np.zeros(size) for size in (self.num_pairs, self.num_states))
            return _Kind(0.0, led, pairs, pairs, pairs, states, states)
        led[np.searchsorted(self.codes, sums["codes"].astype(np.int64))] = sums["weights"]
        names = ("known", "pair_rewards", "pair_squares", "entered", "entry_ends")
        return _Kind(float(sums["num_tasks"][0]), led, *(sums[name] for name in names))

    def kind(self, tasks: NDArray[np.bool_]) -> _Kind:
        """Return the sums over some of the tasks."""
        s, pairs = self.num_states, self.num_pairs
        return _Kind(
            float(tasks.sum()),
            self.led.sums(tasks, self.codes.size),
            self.paid.counted().sums(tasks, pairs),
            self.paid.sums(tasks, pairs),
            self.paid.squared().sums(tasks, pairs),
            self.ended.counted().sums(tasks, s),
            self.ended.sums(tasks, s),
        )

    def log_likelihood(self, kind: _Kind, own: NDArray[np.bool_], variance: float) -> Float:
        """Return log P(t | k) of each task [N]; `own` says which are in the sums of the kind."""
        cells = self.led
        inside, pair = own[cells.task], self.codes[cells.key] // self.num_states
        above = np.maximum(kind.led[cells.key] - inside * cells.value, 0.0) + _EVEN / self.num_states
        found = self._by_task(cells, cells.value * log(above / (kind.known[pair] - inside + _EVEN)))
        cells = self.paid
        inside = own[cells.task]
        worth = 1.0 + kind.known[cells.key] - inside
        off = cells.value - (self.usual[cells.key] + kind.rewards[cells.key] - inside * cells.value) / worth
        spread = variance * (1.0 + 1.0 / worth)
        found += self._by_task(cells, -0.5 * (log(spread) + off * off / spread))
        cells = self.ended
        inside = own[cells.task]
        number = kind.entered[cells.key] - inside
        ends = np.clip(kind.ends[cells.key] - inside * cells.value, 0.0, number)
        yes, no = ends + 0.5 * _EVEN, number - ends + 0.5 * _EVEN
        of_ends = cells.value * log(yes / (number + _EVEN)) + (1.0 - cells.value) * log(no / (number + _EVEN))
        return found + self._by_task(cells, of_ends)

    def _by_task(self, cells: _Cells, values: Float) -> Float:
        return np.bincount(cells.task, values, self.number).astype(np.float64)

    def judged(self, labels: Integers) -> Float:
        """Return log w(k) P(t | k) [N, K] of tasks that are of these kinds; -1: of none yet."""
        own = [labels == k for k in range(len(self.before))]
        kinds = [one + self.kind(tasks) for one, tasks in zip(self.before, own, strict=True)]
        squares, freedom = np.sum([kind.variance() for kind in kinds], axis=0)
        if not freedom:
            squares, freedom = self.everybody.variance()
        variance = max(squares / max(freedom, 1.0), self.least_variance)
        total = sum(kind.number for kind in kinds)
        found = np.empty((self.number, len(kinds)))
        for k, kind in enumerate(kinds):
            weight = (kind.number - own[k] + 1.0) / (total + len(kinds))
            found[:, k] = log(weight) + self.log_likelihood(kind, own[k], variance)
        return found


def kinds_of(
    models: Sequence[TaskModel],
    before: Sequence[dict[str, Float]],
    num_states: int,
    generator: np.random.Generator,
) -> Integers:
    """Return the kind of each model [N], of K, by what sums over tasks `before` say of each.

    Hard EM (classification EM: Celeux and Govaert, CSDA 14, 1992): each task goes to the kind under which it
    is likeliest, until none goes elsewhere. If nothing is known of any kind, several starts are tried, each
    from tasks that are unlike one another, chosen as k-means++ does (Arthur and Vassilvitskii, SODA 2007).
    """
    found = _Models(models, before, num_states)
    if any(kind.number for kind in found.before):
        return _settled(found, np.full(len(models), -1))[1]
    starts = (_apart(found, len(before), generator) for _ in range(_RESTARTS))
    _, labels = max((_settled(found, start) for start in starts), key=lambda one: one[0])
    _, firsts = np.unique(labels, return_index=True)
    order = {int(labels[first]): k for k, first in enumerate(np.sort(firsts))}  # numbered as they come
    return np.array([order[int(label)] for label in labels])


def likelihood_of(models: Sequence[TaskModel], kinds: Sequence[dict[str, Float]], num_states: int) -> float:
    """Return log max_k w(k) P(t | k), summed over tasks that are in no sums of a kind."""
    found = _Models(models, kinds, num_states)
    return float(found.judged(np.full(len(models), -1)).max(axis=1).sum())


def _settled(models: _Models, labels: Integers) -> tuple[float, Integers]:
    """Return the likeliest labels on the way from these, and log P of all tasks with them."""
    best = -np.inf, labels
    for _ in range(_ROUNDS):
        judged = models.judged(labels)
        after = judged.argmax(axis=1)
        total = float(judged.max(axis=1).sum())
        if total > best[0]:
            best = total, after
        if (after == labels).all():
            break
        labels = after
    return best


def _apart(models: _Models, count: int, generator: np.random.Generator) -> Integers:
    """Return labels of which each kind has one task, the others none: the likelier the worse explained."""
    labels = np.full(models.number, -1)
    everybody = np.zeros(models.number, bool)
    squares, freedom = models.everybody.variance()
    variance = max(squares / max(freedom, 1.0), models.least_variance)
    missed = np.ones(models.number)
    nearest = np.full(models.number, -np.inf)
    for k in range(min(count, models.number)):
        chance = np.cumsum(missed)
        seed = int(np.searchsorted(chance, generator.random() * chance[-1], side="right"))
        seed = min(seed, models.number - 1)
        labels[seed] = k
        alone = everybody.copy()
        alone[seed] = True
        nearest = np.maximum(nearest, models.log_likelihood(models.kind(alone), everybody, variance))
        missed = np.maximum(nearest.max() - nearest, 0.0) * (labels < 0)
        if not missed.any():
            break
    return labels
