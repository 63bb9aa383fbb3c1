"""A conjugate prior over tasks, by maximum likelihood, for a learner that plans by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.conjugate import (
    LARGEST,
    LEAST,
    digamma,
    exceedances,
    log,
    of_exceedances,
    of_groups,
    of_log_means,
)
from metarl_fast.learners import Learner, PosteriorPlanner, TaskPrior
from metarl_fast.meta.fitted import State
from metarl_fast.meta.model_meta import ModelMeta
from metarl_fast.meta.prior_of_models import values_of
from metarl_fast.meta.task_models import TaskModel, check_sizes, of_entries

Float = NDArray[np.float64]

_MOST_PLACES = 64
"""Next states of a pair that a prior names; where there are more it leaves room for so many."""
_LEAST_STRENGTH = 1e-3


@dataclass(frozen=True)
class Bonus:
    """How to explore: a bonus in units of the prior's standard deviation of rewards, and how it decays."""

    size: float = 1.0
    decay: float = 0.5


BONUSES = (
    Bonus(),
    Bonus(0.0),
    Bonus(0.25),
    Bonus(0.5),
    Bonus(0.75),
    Bonus(1.5),
    Bonus(2.0),
    Bonus(1.0, 1.0),
    Bonus(2.0, 1.0),
    Bonus(3.0, 1.0),
)
"""The first one does well nearly everywhere, and is what is taken if there are too few tasks to choose."""


@dataclass(frozen=True, kw_only=True)
class ConjugatePrior(ModelMeta):
    """Learns how tasks differ, where they share no more than a law, as the prior of a `PosteriorPlanner`.

    The law is that of random MDPs: where a pair (state, action) leads is drawn from a Dirichlet law, and the
    mean of its rewards from a normal one::

        p(. | s, a) ~ Dirichlet(alpha_1, ..., alpha_S)    mu(s, a) ~ N(m, v)    reward ~ N(mu(s, a), noise)

    Training tasks say by maximum likelihood what alpha, m, v and noise are (`dirichlet_from_counts`,
    `dirichlet_from_probabilities`, `normal_from_means`): the planner's prior is worth sum alpha visits, and
    noise / v rewards. So a learner knows before its first step how far to trust a few rewards, what is
    needed on families of which no table says anything. Probabilities of exact models that are 0 have no
    likeliest Dirichlet law; of tasks with some, sum alpha is what gives the mean of sum p^2.

    How to explore is chosen on an inner split, for the sum of returns over `num_episodes` of `fit`: give it
    as many as a new task will have.

        fitted = ConjugatePrior().fit(TaskDistribution.rl2(), num_episodes=50, rng=0)

    Where tasks have more in common, such as dynamics or goals, `EmpiricalBayes` knows more. To plan where a
    pair may lead to any state takes S^2 A operations a sweep; of more than 64 states a law shared by all
    names none, and what was not seen yet leads nowhere.

    Parameters
    ----------
    shared
        Whether one law is that of all pairs and next states, else each pair has its own: for tasks in which
        the same pairs are well known, or better, in all of them.
    """

    shared: bool = True

    candidates: ClassVar[tuple[Bonus, ...]] = BONUSES

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "shared", checks.flag)

    def default_learner(self) -> Learner:
        """Return the planner without a prior."""
        return PosteriorPlanner()

    def weights(self, num_episodes: int) -> Float:
        """Return what a return counts when settings are chosen, by episode: 1 each."""
        return np.ones(num_episodes)

    def nothing(self) -> State:
        """Return the sums over no tasks, of no size yet; of Q laws, one, or one of each pair.

        `above`, `above_in_all` [Q, K, M], [Q, L]
            How often counts of next states are above i, and how often those of all; K is 1 if shared.
        `known`, `zeros` [Q]
            How many rows of probabilities are known, and how many of these are 0.
        `logs`, `probabilities`, `squares` [Q, K], [Q, K], [Q]
            Their sums of log p, of p, and of sum p^2.
        `rewards` [Q, 3, M]
            By visits, 0 standing for known: how many means of rewards, their sums and those of squares.
        `noise` [2]
            Squares of rewards about their means, and of how many free ones.
        `entered`, `entry_ends` [S]
            In how many tasks a state can be entered, and sums of what part of episodes that ends.
        """
        return {
            "sizes": np.zeros(0),
            "num_tasks": np.zeros(1),
            "above": np.zeros((0, 0, 0)),
            "above_in_all": np.zeros((0, 0)),
            "known": np.zeros(0),
            "zeros": np.zeros(0),
            "logs": np.zeros((0, 0)),
            "probabilities": np.zeros((0, 0)),
            "squares": np.zeros(0),
            "rewards": np.zeros((0, 3, 0)),
            "noise": np.zeros(2),
            "entered": np.zeros(0),
            "entry_ends": np.zeros(0),
        }

    def with_model(self, sums: State, model: TaskModel, num_states: int, num_actions: int) -> State:
        """Return the sums after one more task of S states and A actions."""
        s, pairs = num_states, num_states * num_actions
        laws = 1 if self.shared else pairs
        if sums["sizes"].size == 0:
            sums = {**sums, **_zeros(s, num_actions, laws, 1 if self.shared else s)}
        check_sizes(sums, s, num_actions)
        checks.shape(sums["entered"], "entered", (s,))
        checks.shape(sums["known"], "known", (laws,))
        known = np.isinf(model.visits)
        visits = np.where(known, 0.0, model.visits)
        rows = np.zeros((pairs, s))
        rows[model.pair, model.next_state] = model.probability
        counts = np.rint(rows * visits[:, None])
        exact = rows[known].reshape(-1, s)
        logs = np.zeros(exact.shape)
        smooth = (exact > 0.0).all(axis=1)  # of laws with other rows nobody looks at these sums
        logs[smooth] = log(exact[smooth])
        law = np.zeros(pairs, np.int64) if self.shared else np.arange(pairs)
        tried = np.flatnonzero(model.visits > 0.0)

        def of_law(values: Float) -> Float:
            """Sum rows of known pairs: of all next states if shared, else of each."""
            if self.shared:
                return np.asarray(values.sum()).reshape(1, 1)
            found = np.zeros((pairs, s))
            found[known] = values
            return found

        freedom = np.where(known, 1.0, np.maximum(visits - 1.0, 0.0))
        squares = model.variance * np.where(known, 1.0, visits)
        found = {
            "above": exceedances(counts[visits > 0].reshape(1, 1, -1) if self.shared else counts[:, :, None]),
            "above_in_all": exceedances(visits.reshape(laws, -1)),
            "known": np.bincount(law, known, laws),
            "zeros": of_law(exact == 0.0).sum(axis=1),
            "logs": of_law(logs),
            "probabilities": of_law(exact),
            "squares": of_law(exact * exact).sum(axis=1),
            "rewards": _by_visits(law[tried], visits[tried].astype(np.int64), model.expected[tried], laws),
            "noise": np.array([squares[tried].sum(), freedom[tried].sum()]),
            "entered": (np.bincount(model.next_state, minlength=s) > 0).astype(float),
            "entry_ends": of_entries(model, model.end, s),
            "num_tasks": np.ones(1),
        }
        return {"sizes": sums["sizes"], **{key: _sum(sums[key], values) for key, values in found.items()}}

    def product(self, sums: State, chosen: Any, learner: Learner) -> PosteriorPlanner:
        """Return the planner with the prior of these sums and with this bonus."""
        base = learner
        if not isinstance(base, PosteriorPlanner):
            base = PosteriorPlanner(learner.num_states, learner.num_actions, discount=learner.discount)
        s, a = (int(size) for size in sums["sizes"])
        strengths, p = _next_states(sums, s)
        means, variances, noise = _rewards(sums)
        bonus = chosen.size * float(np.sqrt(variances.mean()))
        laws = np.zeros(s * a, np.int64) if self.shared else np.arange(s * a)
        next_states, probabilities = _places(p, s)
        next_states, probabilities = next_states[laws], probabilities[laws]
        ends = sums["entry_ends"] / np.maximum(sums["entered"], 1.0)
        of_pair = np.arange(s * a).reshape(s, a)
        reach = base.discount * probabilities * (1.0 - ends[np.maximum(next_states, 0)])
        prior = TaskPrior(
            of_pair.astype(np.int32),
            next_states,
            probabilities,
            "pair",
            means[laws],
            ends,
            values_of(bonus + means[laws], reach, next_states, of_pair),
            None if self.shared else strengths,
            _worth(noise, variances)[laws],
        )
        found = {"transition_strength": float(strengths[0])} if self.shared else {}
        return base.replace(prior=prior, bonus=bonus, bonus_decay=chosen.decay, **found)


def _zeros(num_states: int, num_actions: int, laws: int, categories: int) -> State:
    """Return the sums over no tasks of such a size."""
    return {
        "sizes": np.array([num_states, num_actions], float),
        "above": np.zeros((laws, categories, 0)),
        "above_in_all": np.zeros((laws, 0)),
        "known": np.zeros(laws),
        "zeros": np.zeros(laws),
        "logs": np.zeros((laws, categories)),
        "probabilities": np.zeros((laws, categories)),
        "squares": np.zeros(laws),
        "rewards": np.zeros((laws, 3, 0)),
        "entered": np.zeros(num_states),
        "entry_ends": np.zeros(num_states),
    }


def _sum(first: Float, second: Float) -> Float:
    """Return the sum of arrays whose last axes may differ in length: what is missing is 0."""
    longer, shorter = (first, second) if first.shape[-1] >= second.shape[-1] else (second, first)
    found = longer.copy()
    found[..., : shorter.shape[-1]] += shorter
    return found


def _by_visits(law: NDArray[np.int64], visits: NDArray[np.int64], mean: Float, laws: int) -> Float:
    """Return by law and visits how many means there are, their sums and those of their squares [Q, 3, M]."""
    size = int(visits.max(initial=0)) + 1
    place = law * size + visits
    parts = [np.bincount(place, weight, laws * size) for weight in (np.ones(len(mean)), mean, mean * mean)]
    return np.stack([part.reshape(laws, size) for part in parts], axis=1)


def _next_states(sums: State, num_states: int) -> tuple[Float, Float]:
    """Return the Dirichlet laws of next states: sum alpha [Q], and alpha over it [Q, K]."""
    categories = sums["logs"].shape[1]
    alike = num_states // categories
    if not sums["known"].any():
        alpha = of_exceedances(sums["above"], sums["above_in_all"], alike)
    else:
        rows = np.maximum(sums["known"], 1.0)
        p = np.where(
            sums["known"][:, None] > 0.0, sums["probabilities"] / rows[:, None] / alike, 1 / num_states
        )
        # Of rows with zeros: E sum p^2 = (1 + a sum m^2) / (1 + a), with a = sum alpha and m = alpha / a.
        squares, least = sums["squares"] / rows, (p * p).sum(axis=1) * alike
        spread = np.maximum(squares - least, 1e-12)
        by_moments = np.clip((1.0 - squares) / spread, LEAST, LARGEST)
        smooth = (sums["known"] > 0.0) & (sums["zeros"] == 0.0)
        usual = digamma(1.0) - digamma(float(num_states))  # where there is nothing to be looked for
        logs = np.where(smooth[:, None], sums["logs"] / rows[:, None] / alike, usual)
        alpha = np.where(smooth[:, None], of_log_means(logs, alike), by_moments[:, None] * p)
    strengths = np.maximum(alpha.sum(axis=1) * alike, LEAST)
    return strengths, alpha / strengths[:, None]


def _rewards(sums: State) -> tuple[Float, Float, float]:
    """Return the normal laws of mean rewards, means [Q] and variances [Q], and the variance of one reward."""
    number, total, squares = np.moveaxis(sums["rewards"], 1, 0)
    noise = float(sums["noise"][0] / max(sums["noise"][1], 1.0))
    visits = np.arange(number.shape[1])
    of_means = np.where(visits > 0, noise / np.maximum(visits, 1), 0.0)
    mean, variance = of_groups(np.broadcast_to(of_means, number.shape), number, total, squares)
    there = number.sum(axis=1) > 0.0
    usual = total.sum() / max(float(number.sum()), 1.0)
    return np.where(there, mean, usual), variance, noise


def _worth(noise: float, variances: Float) -> Float:
    """Return how many rewards a mean is worth before the first: noise / variance."""
    worth = noise / np.maximum(variances, np.finfo(np.float64).tiny)
    return np.where(variances > 0.0, np.clip(worth, _LEAST_STRENGTH, LARGEST), LARGEST)


def _places(p: Float, num_states: int) -> tuple[NDArray[np.int32], Float]:
    """Return next states and their probabilities [Q, K]: the likeliest, of several alike all or none."""
    laws, size = len(p), min(num_states, _MOST_PLACES)
    if p.shape[1] < num_states:  # one law of all
        there = size == num_states
        found = np.arange(size) if there else np.full(size, -1)
        return np.tile(found.astype(np.int32), (laws, 1)), np.full((laws, size), there / num_states)
    order = np.argsort(-p, axis=1, kind="stable")[:, :size]
    return order.astype(np.int32), np.minimum(np.take_along_axis(p, order, axis=1), 1.0)
