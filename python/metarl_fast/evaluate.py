"""Scores between the random policy (0) and the optimum (1), and adaptation curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from metarl_fast import checks
from metarl_fast.adaptation_jobs import adapt_by_jobs, bounds_by_jobs
from metarl_fast.criterion import Criterion, Horizon
from metarl_fast.engine import HasLearner, Progress, as_learner, check_learner, episode_steps, part_of, train
from metarl_fast.executors import Executor, checked_executor, using
from metarl_fast.files import Path
from metarl_fast.learners import Learner
from metarl_fast.optimum import optimum
from metarl_fast.part_files import check_repeatable
from metarl_fast.planning import criterion_of_policies, evaluate
from metarl_fast.policies import given_policies
from metarl_fast.result import Result
from metarl_fast.seeding import Seed
from metarl_fast.shards import alike, end_to_end
from metarl_fast.statistics import Interval, bootstrap_mean
from metarl_fast.tasks import Task, Tasks, as_batch, checked_horizon

# Tables are evaluated in parts of about this many bytes.
_PART = 2**27


@dataclass(frozen=True, eq=False, repr=False)
class Bounds(Result):
    """What scales a score, for one criterion: exact returns, and how far apart they are.

    Attributes
    ----------
    random
        Return of the random policy, uniform over the actions that are available [N].
    optimal
        Return of the optimal policy [N].
    discount
        The criterion's discount.
    horizon
        The criterion's steps, for all tasks or for each [N]; None for no time limit.
    gap
        optimal - random [N], not as a difference, which loses digits, but as the value of what the random
        policy loses at each step.
    values
        v*(s) [N, S] without a time limit; None with one.
    """

    random: NDArray[np.float64]
    optimal: NDArray[np.float64]
    discount: float
    horizon: int | NDArray[np.int64] | None
    gap: NDArray[np.float64]
    values: NDArray[np.float64] | None

    @property
    def learnable(self) -> NDArray[np.bool_]:
        """Whether the random policy is worse than the optimum [N]; else nothing can be learned.

        It is not if, in every state that it enters, all actions are equally good but for rounding.
        """
        return np.asarray(self.gap > 0.0)

    @classmethod
    def joined(cls, parts: Sequence[Bounds]) -> Bounds:
        """Put the bounds of parts of a batch together: `shards.join`."""
        horizons = [part.horizon for part in parts]
        if any(horizon is None for horizon in horizons):
            horizon = alike(parts, "horizon")
        else:
            each = [np.broadcast_to(np.asarray(part.horizon), part.optimal.shape) for part in parts]
            horizon = checked_horizon(np.concatenate(each), sum(map(len, each)))
        return cls(
            end_to_end(parts, "random"),
            end_to_end(parts, "optimal"),
            alike(parts, "discount"),
            horizon,
            end_to_end(parts, "gap"),
            end_to_end(parts, "values"),
        )

    def part(self, places: slice) -> Bounds:
        """Return those of some of the tasks."""
        horizon = self.horizon[places] if isinstance(self.horizon, np.ndarray) else self.horizon
        return Bounds(
            self.random[places],
            self.optimal[places],
            self.discount,
            horizon,
            self.gap[places],
            None if self.values is None else self.values[places],
        )


def bounds(
    tasks: Tasks | Task,
    discount: float | None = None,
    *,
    horizon: Horizon = None,
    num_threads: int | None = None,
    executor: Executor | None = None,
) -> Bounds:
    """Return the exact returns of the random and of the optimal policy, and how far apart they are.

    Parameters
    ----------
    tasks
        N tasks, or one.
    discount, horizon
        How policies are judged, with the defaults of `Criterion`: discount 1 with a horizon and 0.95 without;
        horizon that of the tasks with discount 1, else none.
    num_threads, executor
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range, and undiscounted tasks that have no horizon.
    """
    batch = as_batch(tasks)
    criterion = Criterion.of(batch, discount, horizon)
    where = checked_executor(executor)
    if where is not None and len(batch):
        found = bounds_by_jobs(bounds, batch, criterion, where, num_threads)
        arrays: dict[str, Any] = {"values": None, **found}
        return Bounds(discount=criterion.discount, horizon=criterion.horizon, **arrays)
    best = optimum(batch, criterion, num_threads)
    values = best.values if criterion.horizon is None else None
    returns, gaps = np.empty((len(batch), 1)), np.empty((len(batch), 1))
    evaluate(
        batch, None, criterion, returns=returns, gaps=gaps, optimal_values=values, num_threads=num_threads
    )
    return Bounds(returns[:, 0], best.returns, criterion.discount, criterion.horizon, gaps[:, 0], values)


def learning_bounds(
    tasks: Tasks,
    discount: float,
    num_steps: int | ArrayLike | None,
    episodes: Sequence[int] = (0,),
    *,
    num_threads: int | None = None,
    executor: Executor | None = None,
) -> dict[int, Bounds]:
    """Return what scales the scores of learners, by the segments that the tasks are in after `episodes`.

    With discount 1 episodes have their time limit, `num_steps`; with a smaller one none.

    Raises
    ------
    ValueError
        If nothing can be learned on any of the tasks.
    """
    with using(checked_executor(executor)):
        found = _by_segment(tasks, discount, episode_steps(tasks, num_steps), episodes, num_threads)
    if len(tasks) and not any(limits.learnable.any() for limits in found.values()):
        raise ValueError(f"the random policy is optimal on all {len(tasks)} tasks: nothing can be learned")
    return found


def _by_segment(
    tasks: Tasks,
    discount: float,
    steps: int | NDArray[np.int64],
    episodes: Sequence[int],
    num_threads: int | None,
) -> dict[int, Bounds]:
    horizon = steps if discount == 1.0 else math.inf
    return {
        segment: bounds(tasks.segment(segment), discount, horizon=horizon, num_threads=num_threads)
        for segment in sorted(set(_segments(tasks, episodes)))
    }


def _segments(tasks: Tasks, episodes: Sequence[int]) -> list[int]:
    """Return the segment of the tasks' time that the next episode lies in, after each number of episodes."""
    every = tasks.recipe.episodes_per_segment
    return [episode // every if every else 0 for episode in episodes]


def score(
    tasks: Tasks | Task, policy: ArrayLike, limits: Bounds, *, num_threads: int | None = None
) -> NDArray[np.float64]:
    """Return (J - J_random) / (J_optimal - J_random) for policies in the forms of `policy_evaluation`.

    It is computed as 1 - (J_optimal - J) / (J_optimal - J_random), where a difference to the optimum is the
    value of what a policy loses at each step (Kakade and Langford 2002, lemma 6.1): a sum of numbers that are
    not negative. So the score depends neither on the unit of the rewards nor on how large the values are,
    policies of best actions score 1 and the random policy 0.

    Parameters
    ----------
    tasks, policy, num_threads
        As in `policy_evaluation`.
    limits
        From `bounds`, which chose the discount and the horizon.

    Returns
    -------
    ndarray [N] or [N, P]
        NaN for tasks on which the random policy is optimal: nothing can be learned there.

    Raises
    ------
    ValueError, TypeError
        As `policy_evaluation`, and for limits of other tasks.
    """
    batch = as_batch(tasks)
    check_limits(limits, batch)
    given = given_policies(policy, len(batch), batch.num_states, batch.num_actions)
    horizon = math.inf if limits.horizon is None else limits.horizon
    criterion = criterion_of_policies(batch, given, limits.discount, horizon)
    gaps = np.empty((len(batch), given.count))
    evaluate(batch, given, criterion, gaps=gaps, optimal_values=limits.values, num_threads=num_threads)
    scores = np.full(gaps.shape, np.nan)
    learnable = np.broadcast_to(limits.learnable[:, None], gaps.shape)
    np.divide(gaps, limits.gap[:, None], out=scores, where=learnable)
    np.subtract(1.0, scores, out=scores)
    return scores if given.several else scores[:, 0]


def check_limits(limits: Bounds, tasks: Tasks) -> None:
    """Refuse what is not from `bounds` for so many tasks."""
    if not isinstance(limits, Bounds):
        raise TypeError(f"limits is a {type(limits).__name__}, expected what `bounds` returns")
    checks.shape(limits.optimal, "limits.optimal", (len(tasks),))


@dataclass(frozen=True, eq=False, repr=False)
class AdaptationCurve(Result):
    """How well N learners did after few episodes.

    With `num_runs=R` both arrays have an axis R after N.

    Attributes
    ----------
    episodes
        Numbers of episodes.
    scores
        Exact score of the policy learned [N, len(episodes)], greedy in action values but for learners of
        preferences; NaN where nothing can be learned. Of tasks that
        change: on the task as it is in the next episode.
    returns
        What the learners earned in each episode while they adapted [N, max(episodes)].
    """

    episodes: tuple[int, ...]
    scores: NDArray[np.float64]
    returns: NDArray[Any]

    @classmethod
    def joined(cls, parts: Sequence[AdaptationCurve]) -> AdaptationCurve:
        """Put the curves of parts of a batch together: `shards.join`."""
        return cls(alike(parts, "episodes"), end_to_end(parts, "scores"), end_to_end(parts, "returns"))

    def interval(
        self, *, rng: Seed = 0, confidence: float = 0.95, clusters: ArrayLike | None = None
    ) -> Interval:
        """Return the mean over tasks with the interval of `bootstrap_mean`, each [len(episodes)].

        `clusters` are labels [N] of tasks that have something in common; `Family.clusters(tasks)` has them.
        A task's runs are no further tasks: it counts once, by their mean.
        """
        of_tasks = self.scores.mean(axis=1) if self.scores.ndim == 3 else self.scores
        return bootstrap_mean(of_tasks, rng=rng, confidence=confidence, clusters=clusters)


def adapt(
    learner: Learner | HasLearner,
    tasks: Tasks | Task,
    episodes: Sequence[int] = (0, 1, 2, 5, 10, 20, 50),
    *,
    num_steps: int | None = None,
    rng: Seed = None,
    initial_table: ArrayLike | None = None,
    num_runs: int | None = None,
    limits: Bounds | Mapping[int, Bounds] | None = None,
    dtype: DTypeLike = np.float32,
    num_threads: int | None = None,
    executor: Executor | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> AdaptationCurve:
    """Let the learner adapt to each task and score its greedy policy after the given numbers of episodes.

    Tasks that change (`Switching`, `Drifting`) are scored as they are in the episode that comes next: right
    after a switch what was learned meets another task.

    Parameters
    ----------
    learner, tasks, num_steps, rng, initial_table, num_runs, dtype, num_threads, executor, checkpoint
        As in `train`; so is `progress`.
    episodes
        Increasing numbers of episodes; 0 scores the initial table itself.
    limits
        From `bounds`, to share over several calls; default: for the learner's discount, without a time limit
        if that is below 1, and for episodes of `num_steps` if it is 1. Of tasks that change a dict, by
        segment.

    Returns
    -------
    AdaptationCurve
    """
    batch = as_batch(tasks)
    learner = as_learner(learner)
    check_learner(learner, batch)
    given = limits if limits is None or isinstance(limits, Mapping) else {0: limits}
    for of_segment in () if given is None else given.values():
        check_limits(of_segment, batch)
    runs = 1 if num_runs is None else checks.integer(num_runs, "num_runs", 1, 2**31 - 1)
    _check_room_for_snapshots(episodes, batch, runs)
    scored_at = checks.increasing(episodes, "episodes")
    segments = _segments(batch, scored_at)
    if given is not None and not given.keys() >= set(segments):
        raise ValueError(
            f"limits are of the segments {sorted(given)}, but after {checks.shown(scored_at)} episodes these "
            f"tasks are in {sorted(set(segments))}: give a dict of what `bounds(tasks.segment(k))` returns"
        )
    steps = episode_steps(batch, num_steps)
    where = checked_executor(executor)
    if (where is not None or checkpoint is not None) and len(batch):
        check_repeatable(checkpoint, rng)
        told = {
            "episodes": scored_at,
            "num_steps": steps,
            "rng": rng,
            "initial_table": initial_table if initial_table is None else np.asarray(initial_table),
            "num_runs": num_runs,
            "limits": given,
            "dtype": checks.float_type(dtype, "dtype"),
        }
        found = adapt_by_jobs(
            adapt, learner, batch, told, where, checkpoint, num_threads, checks.callback(progress, "progress")
        )
        return AdaptationCurve(tuple(scored_at), found["scores"], found["returns"])
    # Learning comes first: it checks everything else before it begins. Then what scales the scores, and they.
    report, stages = checks.callback(progress, "progress"), 2 if given is not None else 3
    run = train(
        learner,
        batch,
        scored_at[-1],
        steps,
        rng=rng,
        initial_table=initial_table,
        num_runs=num_runs,
        snapshot_episodes=scored_at,
        q_table=False,
        policy=False,
        dtype=dtype,
        num_threads=num_threads,
        progress=part_of(report, 0, stages, len(batch)),
    )
    if given is None:
        given = _by_segment(batch, learner.discount, steps, scored_at, num_threads)
    scores, different = np.empty(run.snapshots.shape[:-2]), sorted(set(segments))
    for place, segment in enumerate(different, start=(stages - 1) * len(different)):
        columns = [k for k, found in enumerate(segments) if found == segment]
        # One piece of consecutive columns is looked at where it stands.
        tables = run.snapshots[..., columns[0] : columns[-1] + 1, :, :]
        there = learner, batch.segment(segment), tables, given[segment], num_threads
        scores[..., columns] = _scores(*there, part_of(report, place, stages * len(different), len(batch)))
    return AdaptationCurve(tuple(scored_at), scores, run.returns)


def _scores(
    learner: Learner,
    tasks: Tasks,
    tables: NDArray[Any],
    limits: Bounds,
    num_threads: int | None,
    progress: Progress | None,
) -> NDArray[np.float64]:
    """Return the scores [N, ...] of the policies of what was learned [N, ..., S, A], part by part."""
    scores = np.empty(tables.shape[:-2])
    size = math.prod((8, *tables.shape[1:-2], tasks.num_states, tasks.num_actions))
    step = max(1, min(_PART // max(1, size), max(256, len(tasks) // 20)))
    for first in range(0, len(tasks), step):
        part = slice(first, first + step)
        policies = learner.policies(learner.values_in(tasks[part], tables[part]))
        policies = policies.reshape(len(policies), -1, *policies.shape[-2:])
        found = score(tasks[part], policies, limits.part(part), num_threads=num_threads)
        scores[part] = found.reshape(scores[part].shape)
        if progress is not None:
            progress(min(part.stop, len(tasks)), len(tasks))
    return scores


def _check_room_for_snapshots(episodes: Any, tasks: Tasks, num_runs: int) -> None:
    """Refuse what does not fit before so many numbers are looked at one by one."""
    if isinstance(episodes, (range, np.ndarray)):
        entries = len(tasks) * num_runs * tasks.num_states * tasks.num_actions + 8
        checks.memory(
            4 * len(episodes) * entries, lambda: f"tables after {len(episodes)} numbers of episodes"
        )
