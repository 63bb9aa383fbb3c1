"""Several learners adapt to common tasks with the same random numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from metarl_fast import checks
from metarl_fast.comparison import Comparison
from metarl_fast.engine import Progress, as_learner, check_learner
from metarl_fast.evaluate import adapt, learning_bounds
from metarl_fast.executors import Executor
from metarl_fast.files import Path
from metarl_fast.learners import Learner
from metarl_fast.part_files import check_repeatable
from metarl_fast.seeding import Seed, child, make_key
from metarl_fast.statistics import checked_confidence
from metarl_fast.tasks import Task, Tasks, as_batch


def compare(
    contenders: Mapping[str, Any],
    tasks: Tasks | Task | Sequence[Tasks],
    episodes: Sequence[int] = (0, 1, 2, 5, 10, 20, 50),
    *,
    num_steps: int | None = None,
    rng: Seed = None,
    num_runs: int | None = None,
    discount: float | None = None,
    clusters: ArrayLike | None = None,
    confidence: float = 0.95,
    dtype: DTypeLike = np.float32,
    num_threads: int | None = None,
    executor: Executor | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Let every contender adapt to the same tasks with the same random numbers.

    Parameters
    ----------
    contenders
        By name: a learner, or anything that has one as its `learner`, such as what a meta-learner's `fit`
        returns; or a list of these, its members: the same meta-learner fitted with several seeds or on
        several splits. Means are then over members too, and intervals say how far they hold for a further
        one.
    tasks
        N tasks for all, or a list of batches of N tasks, one for each split: the member in a list's k-th
        place then adapts to the k-th batch, and a single learner to all of them.
    episodes
        Increasing numbers of episodes after which greedy policies are scored; 0 scores what learners start
        from.
    num_steps, num_runs, dtype, num_threads, executor
        As in `train`.
    rng
        As in `train`. On one batch each contender does what `adapt` does with this `rng`; the batches of a
        list have independent random numbers.
    discount
        For which policies are scored; default: the contenders' own, which must then be the same. 1 scores
        episodes of `num_steps`.
    clusters
        Labels [N] of tasks that have something in common, as in `bootstrap_mean`; of several members these
        are the units, whatever the tasks have in common.
    confidence
        Of the intervals.
    checkpoint
        As in `train`: the folder then has one for each member of each contender.
    progress
        Called now and then with (tasks done, in all), over all contenders.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError, TypeError
        Before any learning: for contenders that do not fit the tasks or each other, and tasks on which
        nothing can be learned.
    """
    batches = _listed(tasks)
    _check_batches(batches)
    teams = _teams(contenders, batches)
    scored_at = tuple(checks.increasing(episodes, "episodes"))
    labels = None if clusters is None else checks.rectangular(clusters, "clusters")
    if labels is not None:
        checks.shape(labels, "clusters", (len(batches[0]),))
    level = checked_confidence(confidence)
    check_repeatable(checkpoint, rng)
    # One seed for all contenders: a generator would give each of them another one.
    seed = rng if isinstance(rng, (int, np.integer, np.random.SeedSequence)) else make_key(rng)
    seeds = [child(make_key(seed), k) for k in range(len(batches))] if len(batches) > 1 else [seed]
    criterion = _discount(teams, discount)
    limits = [
        learning_bounds(batch, criterion, num_steps, scored_at, num_threads=num_threads, executor=executor)
        for batch in batches
    ]
    total = sum(len(batches[k]) for team in teams.values() for _, k in team)
    report = _Report(checks.callback(progress, "progress"), total)
    curves = {}
    for number, (name, team) in enumerate(teams.items()):
        found = []
        for member, (learner, k) in enumerate(team):
            found.append(
                adapt(
                    learner,
                    batches[k],
                    scored_at,
                    num_steps=num_steps,
                    rng=seeds[k],
                    num_runs=num_runs,
                    limits=limits[k],
                    dtype=dtype,
                    num_threads=num_threads,
                    executor=executor,
                    checkpoint=_inside(checkpoint, f"contender-{number}-{member}"),
                    progress=report.tell,
                )
            )
            report.before += len(batches[k])
        curves[name] = tuple(found)
    return Comparison(scored_at, curves, labels, level, common_tasks=len(batches) == 1)


def _inside(checkpoint: Path | None, name: str) -> Path | None:
    return None if checkpoint is None else os.path.join(os.fsdecode(checkpoint), name)


class _Report:
    """Progress of one part after the other, told as that of all."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.before = progress, total, 0

    def tell(self, done: int, _: int) -> None:
        if self.progress is not None:
            self.progress(self.before + done, self.total)


def _listed(tasks: Any) -> list[Tasks]:
    if not isinstance(tasks, (list, tuple)):
        return [as_batch(tasks)]  # which refuses what is no batch
    if not tasks:
        raise ValueError("tasks is an empty list, expected a batch for each split")
    return [as_batch(batch) for batch in tasks]


def _check_batches(batches: list[Tasks]) -> None:
    sizes = [len(batch) for batch in batches]
    if not sizes[0]:
        raise ValueError("there are no tasks to compare on")
    if len(set(sizes)) > 1:
        raise ValueError(f"the batches have {checks.shown(sizes)} tasks, expected as many in each")


def _teams(contenders: Mapping[str, Any], batches: list[Tasks]) -> dict[str, list[tuple[Learner, int]]]:
    """Return of each contender its members, each with the place of the batch that it adapts to."""
    if not isinstance(contenders, Mapping):
        raise TypeError(f"contenders is {checks.shown(contenders)}, expected a dict of names and learners")
    if not contenders:
        raise ValueError("contenders is empty, expected at least one")
    teams = {}
    for name, given in contenders.items():
        if not isinstance(name, str):
            raise TypeError(f"a contender's name is {checks.shown(name)}, expected text")
        listed = isinstance(given, (list, tuple))
        members = [_member(name, member) for member in (given if listed else [given])]
        if not members:
            raise ValueError(f"contender {name!r} is an empty list, expected its members")
        if len(batches) > 1 and len(members) == 1:
            members = members * len(batches)
        if len(batches) > 1 and len(members) != len(batches):
            raise ValueError(
                f"contender {name!r} has {len(members)} members for {len(batches)} batches of tasks, "
                "expected one for each, or one for all"
            )
        team = [(member, k if len(batches) > 1 else 0) for k, member in enumerate(members)]
        for member, k in team:
            check_learner(member, batches[k])
        teams[name] = team
    return teams


def _member(name: str, member: Any) -> Learner:
    try:
        return as_learner(member)
    except TypeError:
        raise TypeError(
            f"contender {name!r} is a {type(member).__name__}, expected a learner such as QLearning, what "
            "the fit of a meta-learner returned, or a list of these"
        ) from None


def _discount(teams: Mapping[str, list[tuple[Learner, int]]], discount: float | None) -> float:
    """Return the one discount for which policies are scored."""
    if discount is not None:
        return checks.real(discount, "discount", 0.0, 1.0)
    found = sorted({float(member.discount) for team in teams.values() for member, _ in team})
    if len(found) > 1:
        raise ValueError(
            f"the contenders have the discounts {checks.shown(found)}: say for which one policies are "
            "scored, as discount="
        )
    return found[0]
