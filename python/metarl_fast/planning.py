"""Exact planning over batches, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.engine import Progress, as_batch
from metarl_fast.runtime import thread_count
from metarl_fast.tasks import Task, Tasks, check_scratch


@dataclass(frozen=True, eq=False)
class Solution:
    """Optimal values of N tasks.

    Attributes
    ----------
    values
        v*(s) [N, S]; with a horizon, from the first step.
    q_values
        q*(s, a) [N, S, A]; with a horizon, at the first step.
    policy
        The first best action of each state [N, S]; with a horizon, of each step: [N, horizon, S].
    returns
        Expected optimal return from the start distribution [N].
    """

    values: NDArray[np.float64]
    q_values: NDArray[np.float64]
    policy: NDArray[np.int32]
    returns: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PolicyValues:
    """Values of given policies on N tasks.

    Attributes
    ----------
    values
        v(s) [N, S], or [N, P, S] for P policies a task.
    returns
        Expected return from the start distribution [N] or [N, P].
    """

    values: NDArray[np.float64]
    returns: NDArray[np.float64]


def _solve(
    tasks: Tasks | Task,
    discount: float,
    horizon: int,
    tolerance: float,
    num_threads: int | None,
    progress: Progress | None,
    *,
    sweeps: bool = False,
) -> Solution:
    batch = as_batch(tasks)
    n, s, a = len(batch), batch.num_states, batch.num_actions
    checks.memory(n * s * (8 + 8 * a + 4 + 4 * horizon), f"the values of {n} tasks")
    threads = thread_count(num_threads)
    threads = check_scratch(batch, threads, more_bytes=0 if horizon or sweeps else direct_bytes(batch))
    plan = np.empty((n, horizon, s), np.int32) if horizon else None
    policy = np.empty((n, s), np.int32)
    found = Solution(np.empty((n, s)), np.empty((n, s, a)), policy if plan is None else plan, np.empty(n))
    _core.solve(
        batch.core,
        discount,
        horizon,
        tolerance,
        sweeps,
        found.values,
        found.q_values,
        policy,
        plan,
        found.returns,
        threads,
        checks.callback(progress, "progress"),
    )
    return found


def direct_bytes(batch: Tasks) -> int:
    """Return the scratch of one thread's direct solves: a system of equations, rewards and actions."""
    s, a = batch.num_states, batch.num_actions
    if batch.core.dense and s < 10_000:
        return 8 * (s * (s + 10) + s * (a + 2))
    # Compressed rows, and what is eliminated: where that is more than 256 MB the core goes by sweeps.
    rows = s * a * (12 * batch.core.num_outcomes + 48)
    return rows + min(12 * s * s, 400_000_000) + 64 * s


def policy_iteration(
    tasks: Tasks | Task,
    discount: float = 0.95,
    *,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Solve the discounted problem without a time limit exactly (Howard 1960; Puterman 1994, section 6.4).

    Policies are valued by a direct solve without subtractions (Grassmann, Taksar and Heyman 1985): the work
    does not depend on the discount, and every value has an error of a few units in the last place of what its
    rewards, made positive, would be worth. Actions that differ by less than rounding count as equal: their
    action values are the state's value.

    Outcome lists too large for that (an elimination of 2e9 multiplications or 256 MB: grids of 1e5 cells,
    Garnet problems of some thousand states) go by modified policy iteration with bounds, at discounts below
    1: no value is wrong by more than 1e-10 of the largest, or 7e-15 / (1 - discount) if that is more.

    Parameters
    ----------
    tasks
        N tasks, or one.
    discount
        0 to 1. At 1 every policy worth following must end (a stochastic shortest path), or rest where rewards
        are 0. States that no start leads to and that cost more and more for ever are worth -infinity.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For a discount out of range, and at discount 1 for tasks that may go on for ever in a state where
        rewards are not 0.
    """
    gamma = checks.real(discount, "discount", 0.0, 1.0)
    return _solve(tasks, gamma, 0, 1.0, num_threads, progress)


def value_iteration(
    tasks: Tasks | Task,
    discount: float = 0.95,
    *,
    tolerance: float = 1e-8,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Solve the discounted problem without a time limit (Sutton and Barto, section 4.4).

    Parameters
    ----------
    tasks
        N tasks, or one.
    discount
        0 to below 1; the work grows as 1 / (1 - discount). For undiscounted episodes use
        `backward_induction`.
    tolerance
        Largest error of any value, if doubles can hold it: below a few units in the last place of the largest
        value the iteration stops where it cannot improve.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For a discount or tolerance out of range.
    """
    gamma = checks.real(discount, "discount", 0.0, 1.0)
    if gamma == 1.0:
        raise ValueError("discount is 1.0, expected below 1: use backward_induction with a horizon")
    tolerance = checks.real(tolerance, "tolerance", 0.0, open_low=True)
    return _solve(tasks, gamma, 0, tolerance, num_threads, progress, sweeps=True)


def backward_induction(
    tasks: Tasks | Task,
    horizon: int | None = None,
    discount: float = 1.0,
    *,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Solve episodes of `horizon` steps exactly (Puterman 1994, section 4.5).

    The policy may differ from step to step.

    Parameters
    ----------
    tasks
        N tasks, or one.
    horizon
        Steps; default `tasks.horizon`.
    discount
        0 to 1.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, or tasks without a horizon when none is given.
    """
    steps = planning_horizon(as_batch(tasks), horizon)
    return _solve(tasks, checks.real(discount, "discount", 0.0, 1.0), steps, 1.0, num_threads, progress)


def planning_horizon(tasks: Tasks, horizon: int | None) -> int:
    """Return `horizon`, else the tasks' own."""
    if horizon is None and tasks.horizon is None:
        raise ValueError("these tasks have no horizon: give one")
    return checks.integer(tasks.horizon if horizon is None else horizon, "horizon", 1)


def _policy_table(policy: ArrayLike, tasks: Tasks) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Return (probabilities [N, P, S, A] or [P, S, A], the result's leading shape)."""
    n, s, a = len(tasks), tasks.num_states, tasks.num_actions
    given = checks.numeric(policy, "policy")
    if given.dtype.kind in "iu":
        checks.shape(given, "policy", (s,), (n, s))
    elif not (given.ndim == 4 and given.shape[0] == n and given.shape[2:] == (s, a)):
        checks.shape(given, "policy", (s, a), (n, s, a), (n, given.shape[1] if given.ndim == 4 else 1, s, a))
    table = checks.policy(given, a)
    if table.ndim == 4:
        return table, (n, table.shape[1])
    return (table[None] if table.ndim == 2 else table[:, None]), (n,)


def policy_evaluation(
    tasks: Tasks | Task,
    policy: ArrayLike,
    discount: float = 0.95,
    *,
    horizon: int | None = None,
    tolerance: float = 1e-8,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> PolicyValues:
    """Value stationary policies exactly (Sutton and Barto, section 4.1).

    Parameters
    ----------
    tasks
        N tasks, or one.
    policy
        Actions, as integers: [S] for all tasks, or [N, S]. Or probabilities, as floats: [S, A], [N, S, A], or
        [N, P, S, A] for P policies a task. Policies that change from step to step are not supported.
    discount
        0 to 1. At 1 without a horizon the policy must end, or rest where rewards are 0, from every start.
    horizon
        Steps of an episode; None for no time limit.
    tolerance
        As in `value_iteration`; unused with a horizon.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range and rows that are not distributions.
    """
    batch = as_batch(tasks)
    gamma = checks.real(discount, "discount", 0.0, 1.0)
    table, leading = _policy_table(policy, batch)
    num_policies = table.shape[-3]
    checks.memory(len(batch) * num_policies * (batch.num_states + 1) * 8, f"the values of {len(batch)} tasks")
    threads = thread_count(num_threads)
    # Under a policy an outcome is a weight and a successor.
    threads = check_scratch(
        batch, threads, bytes_per_outcome=12, more_bytes=0 if horizon else direct_bytes(batch)
    )
    values = np.empty((len(batch), num_policies, batch.num_states))
    returns = np.empty((len(batch), num_policies))
    _core.evaluate(
        batch.core,
        gamma,
        0 if horizon is None else checks.integer(horizon, "horizon", 1),
        checks.real(tolerance, "tolerance", 0.0, open_low=True),
        table,
        values,
        returns,
        threads,
        checks.callback(progress, "progress"),
    )
    return PolicyValues(values.reshape(*leading, batch.num_states), returns.reshape(leading))
