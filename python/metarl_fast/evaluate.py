"""Scores between the random policy (0) and the optimum (1), and adaptation curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.engine import Progress, as_batch, check_learner, episode_steps, train
from metarl_fast.learners import Learner
from metarl_fast.planning import backward_induction, planning_horizon, policy_evaluation, policy_iteration
from metarl_fast.seeding import Seed
from metarl_fast.statistics import Interval, bootstrap_mean
from metarl_fast.tasks import Task, Tasks

# Tables are evaluated in parts of about this many bytes.
_PART = 2**27


def greedy_policy(q_table: ArrayLike) -> NDArray[np.float64]:
    """Return the greedy policy [..., S, A] of action values [..., S, A]; equally good actions share alike.

    Sharing matters before anything is learned: the greedy policy of an all-zero table is the random policy.
    """
    q = checks.array(q_table, "q_table", np.float64)
    if q.ndim < 2 or q.shape[-1] == 0:
        raise ValueError(f"q_table has shape {q.shape}, expected (..., S, A)")
    best = checks.finite(q, "q_table") == q.max(axis=-1, keepdims=True)
    return np.asarray(best / best.sum(axis=-1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Bounds:
    """Exact expected returns that scale a score, for one criterion.

    Attributes
    ----------
    random
        Of the uniformly random policy [N].
    optimal
        Of the optimal policy [N].
    discount
        The criterion's discount.
    horizon
        The criterion's steps, or None for no time limit.
    """

    random: NDArray[np.float64]
    optimal: NDArray[np.float64]
    discount: float
    horizon: int | None

    @property
    def learnable(self) -> NDArray[np.bool_]:
        """Whether the random policy is worse than the optimum [N]; else nothing can be learned."""
        return np.asarray(self.optimal - self.random > 1e-9 * np.maximum(1.0, np.abs(self.random)))


def bounds(
    tasks: Tasks | Task,
    discount: float = 0.95,
    *,
    horizon: int | None = None,
    num_threads: int | None = None,
) -> Bounds:
    """Return the exact returns of the random and of the optimal policy.

    With `discount` below 1 and no `horizon` the problem is discounted and endless; otherwise episodes have
    `horizon` (default `tasks.horizon`) steps.
    """
    batch = as_batch(tasks)
    if discount == 1.0 and horizon is None:
        horizon = planning_horizon(batch, None)
    uniform = np.full((batch.num_states, batch.num_actions), 1.0 / batch.num_actions)
    baseline = policy_evaluation(batch, uniform, discount, horizon=horizon, num_threads=num_threads)
    if horizon is None:
        best = policy_iteration(batch, discount, num_threads=num_threads)
    else:
        best = backward_induction(batch, horizon, discount, num_threads=num_threads)
    return Bounds(baseline.returns, best.returns, float(discount), horizon)


def score(
    tasks: Tasks | Task, policy: ArrayLike, limits: Bounds, *, num_threads: int | None = None
) -> NDArray[np.float64]:
    """Return (J - J_random) / (J_optimal - J_random) for policies in the forms of `policy_evaluation`.

    Returns
    -------
    ndarray [N] or [N, P]
        NaN for tasks on which the random policy is optimal: nothing can be learned there.
    """
    batch = as_batch(tasks)
    if not isinstance(limits, Bounds):
        raise TypeError(f"limits is a {type(limits).__name__}, expected what `bounds` returns")
    checks.shape(limits.optimal, "limits.optimal", (len(batch),))
    found = policy_evaluation(
        batch, policy, limits.discount, horizon=limits.horizon, num_threads=num_threads
    ).returns
    extra = found.ndim - 1
    low = limits.random.reshape(-1, *[1] * extra)
    room = limits.optimal.reshape(-1, *[1] * extra) - low
    learnable = limits.learnable.reshape(low.shape)
    scores = np.full(found.shape, np.nan)
    np.divide(found - low, room, out=scores, where=np.broadcast_to(learnable, found.shape))
    return scores


@dataclass(frozen=True, eq=False)
class AdaptationCurve:
    """How well N learners did after few episodes.

    Attributes
    ----------
    episodes
        Numbers of episodes.
    scores
        Exact score of the greedy policy [N, len(episodes)]; NaN where nothing can be learned.
    returns
        What the learners earned in each episode while they adapted [N, max(episodes)].
    """

    episodes: tuple[int, ...]
    scores: NDArray[np.float64]
    returns: NDArray[Any]

    def interval(
        self, *, rng: Seed = 0, confidence: float = 0.95, clusters: ArrayLike | None = None
    ) -> Interval:
        """Return the mean over tasks with the interval of `bootstrap_mean`, each [len(episodes)].

        `clusters` are labels [N] of tasks that have something in common; `Family.clusters(tasks)` has them.
        """
        return bootstrap_mean(self.scores, rng=rng, confidence=confidence, clusters=clusters)


def adapt(
    learner: Learner,
    tasks: Tasks | Task,
    episodes: Sequence[int] = (0, 1, 2, 5, 10, 20, 50),
    *,
    num_steps: int | None = None,
    rng: Seed = None,
    initial_table: ArrayLike | None = None,
    limits: Bounds | None = None,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> AdaptationCurve:
    """Let the learner adapt to each task and score its greedy policy after the given numbers of episodes.

    Parameters
    ----------
    learner, tasks, num_steps, rng, initial_table, num_threads, progress
        As in `train`.
    episodes
        Increasing numbers of episodes; 0 scores the initial table itself.
    limits
        From `bounds`, to share over several calls; default: for the learner's discount, and for episodes of
        `num_steps` if that is 1.

    Returns
    -------
    AdaptationCurve
    """
    batch = as_batch(tasks)
    check_learner(learner, batch)
    scored_at = checks.increasing(episodes, "episodes")
    steps = episode_steps(batch, num_steps)
    if limits is None:
        horizon = steps if learner.discount == 1.0 else None
        limits = bounds(batch, learner.discount, horizon=horizon, num_threads=num_threads)
    run = train(
        learner,
        batch,
        scored_at[-1],
        steps,
        rng=rng,
        initial_table=initial_table,
        snapshot_episodes=scored_at,
        q_table=False,
        policy=False,
        num_threads=num_threads,
        progress=progress,
    )
    assert run.snapshots is not None
    assert run.returns is not None
    scores = np.empty((len(batch), len(scored_at)))
    per_task = max(1, 8 * run.snapshots[:1].size)
    step = max(1, _PART // per_task)
    for first in range(0, len(batch), step):
        part = slice(first, first + step)
        policies = greedy_policy(run.snapshots[part])
        part_limits = Bounds(limits.random[part], limits.optimal[part], limits.discount, limits.horizon)
        scores[part] = score(batch[part], policies, part_limits, num_threads=num_threads)
    return AdaptationCurve(tuple(scored_at), scores, run.returns)
