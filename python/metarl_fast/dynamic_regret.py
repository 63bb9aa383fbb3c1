"""Tasks that change: what an oracle that follows them would earn, and how much less others do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.criterion import Criterion, Horizon
from metarl_fast.engine import episode_steps
from metarl_fast.evaluate import Bounds, bounds
from metarl_fast.planning import criterion_of_policies, evaluate
from metarl_fast.policies import given_policies
from metarl_fast.result import Result
from metarl_fast.shards import end_to_end
from metarl_fast.tasks import Task, Tasks, as_batch


@dataclass(frozen=True, eq=False, repr=False)
class DynamicRegret(Result):
    """How much less than the dynamic optimum was returned by each of E episodes of N tasks.

    The dynamic optimum is that of an oracle that follows the task as it changes: in each episode it takes the
    policy that is optimal there and then (Besbes, Gur and Zeevi 2014; Cheung, Simchi-Levi and Zhu 2020).

    Attributes
    ----------
    optimal
        Expected return of the best policy in each episode [N, E].
    returns
        What was returned instead [N, E], or [N, P, E] of P policies, [N, R, E] of R runs.
    regret
        How much less that is, of the same shape; of policies exactly, not as a difference.
    """

    optimal: NDArray[np.float64]
    returns: NDArray[np.float64]
    regret: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """The regret of all episodes so far, of the same shape."""
        return np.asarray(self.regret.cumsum(axis=-1))

    @classmethod
    def joined(cls, parts: Sequence[DynamicRegret]) -> DynamicRegret:
        """Put that of parts of a batch together: `shards.join`."""
        return cls(*(end_to_end(parts, name) for name in ("optimal", "returns", "regret")))


def dynamic_regret(
    tasks: Tasks | Task,
    policy: ArrayLike,
    num_episodes: int,
    discount: float | None = None,
    *,
    horizon: Horizon = None,
    num_threads: int | None = None,
) -> DynamicRegret:
    """Return how much less than the dynamic optimum fixed policies earn while tasks change.

    Exactly, segment by segment of the tasks' time. Of tasks that do not change every episode is alike. Where
    the tasks of a batch are what changes (`Drifting(..., along="tasks")`), one episode a task says it:
    `regret` summed over the tasks.

    Parameters
    ----------
    tasks, policy, num_threads
        As in `policy_evaluation`. A policy stays the same in all episodes.
    num_episodes
        E.
    discount, horizon
        How policies are judged, with the defaults of `Criterion`.

    Raises
    ------
    ValueError, TypeError
        As `policy_evaluation`.
    """
    batch = as_batch(tasks)
    count = checks.integer(num_episodes, "num_episodes", 1, 2**31 - 1)
    given = given_policies(policy, len(batch), batch.num_states, batch.num_actions)
    criterion = criterion_of_policies(batch, given, discount, horizon)
    size = len(batch), given.count, count
    checks.memory(24 * size[0] * size[1] * size[2], f"the regret of {len(batch)} tasks")
    optimal, returns, regret = np.empty((len(batch), count)), np.empty(size), np.empty(size)
    for segment, episodes in _segments(batch, count):
        here = batch.segment(segment)
        limits = _limits(here, criterion, num_threads)
        earned, lost = np.empty(size[:2]), np.empty(size[:2])
        evaluate(
            here,
            given,
            criterion,
            returns=earned,
            gaps=lost,
            optimal_values=limits.values,
            num_threads=num_threads,
        )
        optimal[:, episodes] = limits.optimal[:, None]
        returns[..., episodes] = earned[..., None]
        regret[..., episodes] = lost[..., None]
    if given.several:
        return DynamicRegret(optimal, returns, regret)
    return DynamicRegret(optimal, returns[:, 0], regret[:, 0])


def regret_of_returns(
    tasks: Tasks | Task,
    returns: ArrayLike,
    num_steps: int | ArrayLike | None = None,
    *,
    num_threads: int | None = None,
) -> DynamicRegret:
    """Return how much less than the dynamic optimum a learner's episodes returned.

    Returns are of luck, too: an episode's regret may be negative, its expectation is not.

    Parameters
    ----------
    tasks
        N tasks, or one; those that were learned on.
    returns
        Undiscounted return of each episode from the first on [N, E], or [N, R, E], as `train` returns them.
    num_steps
        Steps of an episode, as `train` had them; default the tasks' horizon.
    num_threads
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For other shapes, and tasks without a horizon when no number of steps is given.
    """
    batch = as_batch(tasks)
    earned = checks.finite(checks.array(returns, "returns", np.float64), "returns")
    if earned.ndim not in (2, 3) or len(earned) != len(batch):
        raise ValueError(
            f"returns has shape {earned.shape}, expected ({len(batch)}, E) or ({len(batch)}, R, E)"
        )
    criterion = Criterion.of(batch, 1.0, episode_steps(batch, num_steps))
    optimal = np.empty((len(batch), earned.shape[-1]))
    for segment, episodes in _segments(batch, earned.shape[-1]):
        found = _limits(batch.segment(segment), criterion, num_threads).optimal
        optimal[:, episodes] = found[:, None]
    best = optimal if earned.ndim == 2 else optimal[:, None]
    return DynamicRegret(optimal, earned, best - earned)


def _limits(tasks: Tasks, criterion: Criterion, num_threads: int | None) -> Bounds:
    steps = np.inf if criterion.horizon is None else criterion.horizon
    return bounds(tasks, criterion.discount, horizon=steps, num_threads=num_threads)


def _segments(tasks: Tasks, num_episodes: int) -> Iterator[tuple[int, slice]]:
    """Yield the segments of the tasks' time that so many episodes lie in, and which lie in each."""
    every = tasks.recipe.episodes_per_segment or max(num_episodes, 1)
    for first in range(0, num_episodes, every):
        yield first // every, slice(first, min(first + every, num_episodes))
