"""Where policies spend their time: occupancy measures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.average_reward import stationary_policies
from metarl_fast.criterion import Horizon
from metarl_fast.engine import Progress
from metarl_fast.planning import criterion_of_policies, solver_bytes
from metarl_fast.policies import GivenPolicies, given_policies
from metarl_fast.runtime import thread_count
from metarl_fast.scratch import check_scratch
from metarl_fast.shards import parts
from metarl_fast.tasks import Task, Tasks, as_batch


def occupancy(
    tasks: Tasks | Task,
    policy: ArrayLike,
    discount: float | None = None,
    *,
    horizon: Horizon = None,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Return how often policies are expected to take each action in each state (Puterman 1994, section 6.9).

    The step at time t counts discount^t, from the start distribution on. So the sum over states and actions
    is 1 / (1 - discount) where episodes never end, or the expected length of an episode at discount 1, and
    the sum of occupancy times expected reward is what `policy_evaluation` returns. Every entry is right to a
    few units in its last place, however rare.

    Parameters
    ----------
    tasks, policy, num_threads, progress
        As in `policy_evaluation`.
    discount, horizon
        As there, with the defaults of `Criterion`: discount 1 with a horizon and 0.95 without; horizon that
        of the tasks with discount 1, else none.

    Returns
    -------
    ndarray [N, S, A], or [N, P, S, A] for P policies a task
        Times; of states, `occupancy.sum(axis=-1)`. Terminal states have 0. Infinity at discount 1 without a
        horizon, in states that are visited for ever.

    Raises
    ------
    ValueError, TypeError
        As `policy_evaluation`, and for tasks so large that an elimination takes more than 2e9 multiplications
        or 256 MB.
    """
    batch = as_batch(tasks)
    given = given_policies(policy, len(batch), batch.num_states, batch.num_actions)
    criterion = criterion_of_policies(batch, given, discount, horizon)
    steps = criterion.steps(len(batch))
    report = checks.callback(progress, "progress")
    wanted = thread_count(num_threads)
    visits = _room(batch, given)
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        threads = check_scratch(core, wanted, more_bytes=_scratch_bytes(core))
        own = given.of(places)
        _core.occupancy(
            core,
            criterion.discount,
            None if steps is None else steps[places],
            own.probability,
            own.action,
            visits[places],
            threads,
            part.progress,
        )
    return visits if given.several else visits[:, 0]


def long_run_occupancy(
    tasks: Tasks | Task,
    policy: ArrayLike,
    *,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Return the share of all steps, in the long run, that policies take each action in each state.

    From the start distribution on: of several recurrent classes each has as much as one ends up in it. The
    stationary distribution is `.sum(axis=-1)`; of a periodic chain the mean over time. Where episodes end,
    the share that is missing to 1 is what is spent after the end. The sum of shares times expected reward is
    the gain that `gain_and_bias` returns.

    Parameters
    ----------
    tasks, policy, num_threads, progress
        As in `gain_and_bias`.

    Returns
    -------
    ndarray [N, S, A], or [N, P, S, A] for P policies a task

    Raises
    ------
    ValueError, TypeError
        As `gain_and_bias`.
    """
    batch = as_batch(tasks)
    given = stationary_policies(policy, batch)
    report = checks.callback(progress, "progress")
    wanted = thread_count(num_threads)
    shares = _room(batch, given)
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        threads = check_scratch(core, wanted, more_bytes=_scratch_bytes(core))
        own = given.of(places)
        _core.long_run_occupancy(core, own.probability, own.action, shares[places], threads, part.progress)
    return shares if given.several else shares[:, 0]


def _room(tasks: Tasks, given: GivenPolicies) -> NDArray[np.float64]:
    size = len(tasks), given.count, tasks.num_states, tasks.num_actions
    checks.memory(8 * size[0] * size[1] * size[2] * size[3], f"the occupancies of {size[0]} tasks")
    return np.empty(size)


def _scratch_bytes(core: _core.TaskBatch) -> int:
    """Return what one thread needs: an elimination, and its factors."""
    return 2 * solver_bytes(core)
