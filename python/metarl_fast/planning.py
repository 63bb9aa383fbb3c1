"""Exact planning over batches, in float64."""

from __future__ import annotations

import math
import time
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.criterion import DISCOUNT, Criterion, Horizon, planning_horizon
from metarl_fast.engine import Progress
from metarl_fast.policies import GivenPolicies, given_policies
from metarl_fast.runtime import thread_count
from metarl_fast.scratch import check_scratch, with_helpers
from metarl_fast.shards import parts
from metarl_fast.solutions import BoundedSolution, PolicyValues, Solution, SolverInfo
from metarl_fast.tasks import Task, Tasks, as_batch

_Arrays: TypeAlias = "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]"
"""Values, action values, policy and returns."""


class Took:
    """What a solution takes, while it is found: the core fills the arrays."""

    def __init__(self, num_tasks: int) -> None:
        self.iterations = np.zeros(num_tasks, np.int64)
        self.bound = np.zeros(num_tasks)
        self.begun = time.perf_counter()

    def of(self, places: slice) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return what is to be filled for some of the tasks."""
        return self.iterations[places], self.bound[places]

    def solution(self, arrays: _Arrays) -> BoundedSolution:
        """Return the arrays, filled, with what that took."""
        info = SolverInfo(self.iterations, self.bound, time.perf_counter() - self.begun)
        return BoundedSolution(*arrays, self.bound, info)


def room_for_solution(batch: Tasks, more_bytes: int = 0) -> _Arrays:
    """Return values, q_values, policy and returns to be filled."""
    n, s, a = len(batch), batch.num_states, batch.num_actions
    checks.memory(n * s * (8 + 8 * a + 4) + more_bytes, f"the values of {n} tasks")
    return np.empty((n, s)), np.empty((n, s, a)), np.empty((n, s), np.int32), np.empty(n)


def of_part(arrays: _Arrays, places: slice) -> _Arrays:
    """Return what is to be filled for some of the tasks."""
    values, q_values, policy, returns = arrays
    return values[places], q_values[places], policy[places], returns[places]


def solver_bytes(core: _core.TaskBatch) -> int:
    """Return the scratch of one thread's direct solves: equations, or eight small tasks at once."""
    s, a = core.num_states, core.num_actions
    if core.dense and s < 10_000:
        small = 64 * s * (2 * a * (s + 2) + 2 * s + 20) if s <= 32 else 0
        return 8 * (s * (s + 10) + s * (a + 2)) + small
    # Compressed rows, and what is eliminated: where that is more than 256 MB the core goes by sweeps.
    rows = s * a * (12 * core.num_outcomes + 48)
    return rows + min(12 * s * s, 400_000_000) + 64 * s


def policy_iteration(
    tasks: Tasks | Task,
    discount: float = DISCOUNT,
    *,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> BoundedSolution:
    """Solve the problem without a time limit exactly (Howard 1960; Puterman 1994, section 6.4).

    Policies are valued by a direct solve without subtractions (Grassmann, Taksar and Heyman 1985): the work
    does not depend on the discount, and every value has an error of a few units in the last place of what its
    rewards, made positive, would be worth. Actions that differ by less than rounding count as equal: their
    action values are the state's value. Beyond discounts of 1 - 1e-7 two policies that earn alike a step may
    count as equal though their values differ, by 1e-8 of the largest or less.

    Outcome lists too large for that (an elimination of 2e9 multiplications or 256 MB: grids of 1e5 cells,
    Garnet problems of some thousand states) go by modified policy iteration with bounds, at discounts below
    1: no value is wrong by more than 1e-10 of the largest, or 7e-15 / (1 - discount) if that is more.

    The solution's bound is what looking one step ahead proves (MacQueen 1966), rounding included: that grows
    as 1 / (1 - discount), and values are mostly better.

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
    batch = as_batch(tasks)
    gamma = checks.real(discount, "discount", 0.0, 1.0)
    report = checks.callback(progress, "progress")
    wanted = thread_count(num_threads)
    arrays, took = room_for_solution(batch), Took(len(batch))
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        threads = with_helpers(core, check_scratch(core, wanted, more_bytes=solver_bytes(core)), wanted)
        filled = (*of_part(arrays, places), *took.of(places))
        _core.policy_iteration(core, gamma, *filled, threads, part.progress)
    return took.solution(arrays)


def value_iteration(
    tasks: Tasks | Task,
    discount: float = DISCOUNT,
    *,
    tolerance: float = 1e-12,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> BoundedSolution:
    """Solve the discounted problem without a time limit by sweeps (Sutton and Barto, section 4.4).

    The bound on the error is that of MacQueen (1966; Puterman 1994, section 6.6), widened by what rounding
    can have moved. Tasks that mix fast need few sweeps whatever the discount; others a number that grows as
    1 / (1 - discount).

    Parameters
    ----------
    tasks
        N tasks, or one.
    discount
        0 to below 1. For undiscounted tasks use `policy_iteration`, or `backward_induction` with a horizon.
    tolerance
        Largest error of any value, also in units of the task's largest value. Where doubles cannot hold that
        the iteration ends too: `error_bound` of the solution says what was reached.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For a discount or tolerance out of range.
    """
    batch = as_batch(tasks)
    gamma = checks.real(discount, "discount", 0.0, 1.0)
    if gamma == 1.0:
        raise ValueError("discount is 1.0, expected below 1: use policy_iteration, or backward_induction")
    precision = checks.real(tolerance, "tolerance", 0.0, open_low=True)
    report = checks.callback(progress, "progress")
    wanted = thread_count(num_threads)
    arrays, took = room_for_solution(batch), Took(len(batch))
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        threads = check_scratch(core, wanted)
        filled = (*of_part(arrays, places), *took.of(places))
        _core.value_iteration(core, gamma, precision, *filled, threads, part.progress)
    return took.solution(arrays)


def backward_induction(
    tasks: Tasks | Task,
    horizon: Horizon = None,
    discount: float | None = None,
    *,
    plan: bool = True,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Solve episodes of `horizon` steps exactly (Puterman 1994, section 4.5).

    The policy may differ from step to step. A horizon however long costs no more steps than change anything.

    Parameters
    ----------
    tasks
        N tasks, or one.
    horizon
        Steps of an episode, for all tasks or for each [N]; default that of the tasks.
    discount
        0 to 1; default 1, as for every criterion with a horizon (`Criterion`).
    plan
        Whether to keep the policy of every step; else only the first step's [N, S] is kept.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, or tasks without a horizon when none is given.
    MemoryError
        If there is no room for the plan.
    """
    batch = as_batch(tasks)
    wanted = planning_horizon(batch, horizon)
    criterion = Criterion.of(batch, 1.0 if discount is None else discount, wanted)
    longest = int(wanted.max(initial=1)) if isinstance(wanted, np.ndarray) else wanted
    report = checks.callback(progress, "progress")
    keep = checks.flag(plan, "plan")
    available_threads = thread_count(num_threads)
    size = len(batch), longest, batch.num_states
    arrays = room_for_solution(batch, 4 * math.prod(size) * keep)
    rows = np.empty(size, np.int32) if keep else None
    steps = criterion.steps(len(batch))
    assert steps is not None
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        # The outcomes that lead on are listed once for all steps, beside what pairs pay.
        scratch = 44 * batch.num_states * batch.num_actions
        threads = check_scratch(core, available_threads, bytes_per_outcome=12, more_bytes=scratch)
        _core.backward_induction(
            core,
            criterion.discount,
            steps[places],
            *of_part(arrays, places),
            _part(rows, places),
            threads,
            part.progress,
        )
    values, q_values, policy, returns = arrays
    return Solution(values, q_values, policy if rows is None else rows, returns)


def criterion_of_policies(tasks: Tasks, given: GivenPolicies, discount: Any, horizon: Any) -> Criterion:
    """Return the criterion of given policies: a plan has a horizon, that of its steps if none is said."""
    if given.steps is None:
        return Criterion.of(tasks, discount, horizon)
    criterion = Criterion.of(tasks, discount, given.steps if horizon is None else horizon)
    steps = criterion.steps(len(tasks))
    if steps is None:
        raise ValueError("horizon is inf, but the policy is a plan of so many steps")
    short = steps > given.steps
    if short.any():
        place = int(np.flatnonzero(short)[0])
        raise ValueError(
            f"horizon is {steps[place]}, but the plan of task {place} has {given.steps[place]} steps"
        )
    return criterion


def evaluate(
    tasks: Tasks,
    given: GivenPolicies | None,
    criterion: Criterion,
    *,
    values: NDArray[np.float64] | None = None,
    returns: NDArray[np.float64] | None = None,
    gaps: NDArray[np.float64] | None = None,
    optimal_values: NDArray[np.float64] | None = None,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Fill what is wanted of values [N, P, S], returns and gaps to the optimum [N, P].

    None for the policies means the random one, uniform over what is available. Without a horizon gaps need
    the optimal values [N, S].
    """
    count = 1 if given is None else given.count
    # Under a policy an outcome is a weight and a successor; for ever, there is a model of all actions.
    endless = criterion.horizon is None
    scratch = tasks.num_states * (8 * count + 40 * tasks.num_actions)
    steps, wanted = criterion.steps(len(tasks)), thread_count(num_threads)
    for part in parts(tasks, checks.callback(progress, "progress")):
        core, places = part.tasks.core, part.places
        threads = check_scratch(
            core,
            wanted,
            bytes_per_outcome=8 if endless else 12 * (count + 1),
            more_bytes=solver_bytes(core) * endless + scratch,
        )
        threads = with_helpers(core, threads, wanted)
        policies = None if given is None else given.of(places)
        _core.evaluate(
            core,
            criterion.discount,
            _part(steps, places),
            None if policies is None else policies.probability,
            None if policies is None else policies.action,
            _part(optimal_values, places),
            _part(values, places),
            _part(returns, places),
            _part(gaps, places),
            threads,
            part.progress,
        )


def _part(array: NDArray[Any] | None, places: slice) -> Any:
    """Return the rows of some of the tasks, if there are any."""
    return None if array is None else array[places]


def policy_evaluation(
    tasks: Tasks | Task,
    policy: ArrayLike,
    discount: float | None = None,
    *,
    horizon: Horizon = None,
    tolerance: float = 1e-12,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> PolicyValues:
    """Value policies exactly (Sutton and Barto, section 4.1).

    Parameters
    ----------
    tasks
        N tasks, or one.
    policy
        Actions, as integers: [S] for all tasks, [N, S], or as a plan for each step [N, horizon, S], as
        `backward_induction` returns it (several plans a task: [N, P, horizon, S]). Or probabilities, as
        floats: [S, A], [N, S, A], [N, P, S, A] for P policies a task, or [N, P, horizon, S, A] for P plans;
        rows that sum to 1 nearly are divided by their sum.
    discount, horizon
        How policies are judged, with the defaults of `Criterion`: discount 1 with a horizon and 0.95 without;
        horizon that of the tasks with discount 1, else none. A plan's horizon is its number of steps. At
        discount 1 without a horizon the policy must end, or rest where rewards are 0, from every start.
    tolerance
        Has no effect: values are exact. Programs written when they were not may still give it.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, rows that are not distributions, and policies that take an action where it
        is not available, naming the task, the state and the action.
    """
    batch = as_batch(tasks)
    checks.real(tolerance, "tolerance", 0.0, open_low=True)
    given = given_policies(policy, len(batch), batch.num_states, batch.num_actions)
    criterion = criterion_of_policies(batch, given, discount, horizon)
    size = len(batch), given.count, batch.num_states
    checks.memory(8 * (size[0] * size[1] * (size[2] + 1)), f"the values of {len(batch)} tasks")
    values, returns = np.empty(size), np.empty(size[:2])
    evaluate(
        batch, given, criterion, values=values, returns=returns, num_threads=num_threads, progress=progress
    )
    return PolicyValues(values, returns) if given.several else PolicyValues(values[:, 0], returns[:, 0])
