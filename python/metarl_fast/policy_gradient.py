"""Exact gradients of the returns of softmax policies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.criterion import Criterion, Horizon
from metarl_fast.engine import Progress
from metarl_fast.learners import Table
from metarl_fast.planning import solver_bytes
from metarl_fast.result import Result
from metarl_fast.runtime import thread_count
from metarl_fast.scratch import check_scratch
from metarl_fast.shards import parts
from metarl_fast.tasks import Task, Tasks, as_batch

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class PolicyGradient(Result):
    """What softmax policies earn on N tasks, and how that moves with their preferences.

    Attributes
    ----------
    returns
        J [N], what `policy_evaluation` says of `softmax_policy(preferences)`.
    gradient
        dJ / dh [N, S, A]; 0 for actions that are not available.
    product
        The Hessian of J times the direction [N, S, A]; None if there was no direction.
    """

    returns: Float
    gradient: Float
    product: Float | None


def policy_gradient(
    tasks: Tasks | Task,
    preferences: ArrayLike | Table,
    discount: float | None = None,
    *,
    horizon: Horizon = None,
    direction: ArrayLike | None = None,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> PolicyGradient:
    """Return the exact returns of softmax policies, their gradients, and products with their Hessians.

    pi(a | s) = exp(h(s, a)) / sum_b exp(h(s, b)) for preferences h. With visits d and advantages A under pi,
    dJ / dh(s, a) = d(s) pi(a | s) A(s, a) (Sutton, McAllester, Singh and Mansour, NIPS 2000). The product of
    the Hessian and a direction is how that gradient moves along it: without a horizon by two more linear
    solves, with one in the same sweeps. Nothing is sampled.

    Parameters
    ----------
    tasks, num_threads, progress
        As in `policy_evaluation`.
    preferences
        h [S, A] for all tasks or [N, S, A]. Where an action is not available, whatever is said counts as
        -inf; where it is, -inf is an action that is never taken.
    discount, horizon
        As in `policy_evaluation`, with the defaults of `Criterion`: discount 1 with a horizon and 0.95
        without; horizon that of the tasks with discount 1, else none. At discount 1 without a horizon the
        policy must end.
    direction
        [S, A] for all tasks or [N, S, A].

    Raises
    ------
    ValueError, TypeError
        For other shapes, numbers that are not finite, tasks that never end at discount 1, and without a
        horizon for tasks so large that an elimination takes more than 2e9 multiplications or 256 MB.
    """
    batch = as_batch(tasks)
    size = len(batch), batch.num_states, batch.num_actions
    given = checks.array(
        preferences.values if isinstance(preferences, Table) else preferences, "preferences", np.float64
    )
    h = _rows(checks.action_values(checks.shape(given, "preferences", size[1:], size), "preferences"))
    u = None
    if direction is not None:
        along = checks.array(direction, "direction", np.float64)
        u = _rows(checks.finite(checks.shape(along, "direction", size[1:], size), "direction"))
    criterion = Criterion.of(batch, discount, horizon)
    steps = criterion.steps(len(batch))
    wanted = thread_count(num_threads)
    report = checks.callback(progress, "progress")
    entries = size[0] * size[1] * size[2]
    checks.memory(8 * entries * (1 if u is None else 2), lambda: f"the gradients of {size[0]} tasks")
    returns, gradient = np.empty(size[0]), np.empty(size)
    product = None if u is None else np.empty(size)
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        most = 0 if steps is None else int(steps[places].max(initial=0)) + 1
        scratch = 2 * solver_bytes(core) if steps is None else 16 * size[1] * (most + 2 * size[2] + 2)
        _core.policy_gradient(
            core,
            criterion.discount,
            None if steps is None else steps[places],
            _of(h, places),
            None if u is None else _of(u, places),
            returns[places],
            gradient[places],
            None if product is None else product[places],
            check_scratch(core, wanted, more_bytes=scratch),
            part.progress,
        )
    return PolicyGradient(returns, gradient, product)


def _rows(table: Float) -> Float:
    """Return [1, S, A] or [N, S, A], as the core reads it."""
    return np.ascontiguousarray(table.reshape(-1, *table.shape[-2:]))


def _of(table: Float, places: slice) -> Float:
    """Return the rows of some of the tasks; what is for all tasks stays that."""
    return table if len(table) == 1 else table[places]
