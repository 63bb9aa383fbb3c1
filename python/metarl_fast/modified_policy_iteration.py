"""Planning by sweeps of one policy after the other: small memory, and threads within one large task."""

from __future__ import annotations

from metarl_fast import _core, checks
from metarl_fast.criterion import DISCOUNT
from metarl_fast.engine import Progress
from metarl_fast.planning import Took, of_part, room_for_solution
from metarl_fast.runtime import thread_count
from metarl_fast.scratch import check_scratch, with_helpers
from metarl_fast.shards import parts
from metarl_fast.solutions import BoundedSolution
from metarl_fast.tasks import Task, Tasks, as_batch


def modified_policy_iteration(
    tasks: Tasks | Task,
    discount: float = DISCOUNT,
    *,
    tolerance: float = 1e-10,
    num_sweeps: int = 16,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> BoundedSolution:
    """Solve the discounted problem by sweeps that mostly follow one policy (Puterman and Shin 1978).

    A round is a sweep that improves the policy and says how far values may still be off (MacQueen 1966), and
    up to `num_sweeps` that only value it. In tasks that mix quickly and never end they use the values of the
    sweep before, and what is left falls as fast as the task mixes, whatever the discount. In others they use
    new values at once, there and back, within ranges of states that are the same on any number of threads:
    so are all results. A task of 10,000 states or more is swept by several threads if it stands in outcome
    lists.

    For small tasks `policy_iteration` is faster and exact. This one needs no more memory than compressed
    rows, 12 bytes an outcome and 41 a pair, beside the task itself and its solution.

    Parameters
    ----------
    tasks
        N tasks, or one.
    discount
        0 to below 1. For undiscounted tasks use `policy_iteration`, or `backward_induction` with a horizon.
    tolerance
        Largest error of any value, also in units of the task's largest value. Where doubles cannot hold that
        the iteration ends too: `error_bound` of the solution says what was reached.
    num_sweeps
        Sweeps that value each policy, at most: policies that will change are not worth many.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For a discount or another number out of range.
    """
    batch = as_batch(tasks)
    gamma = checks.real(discount, "discount", 0.0, 1.0)
    if gamma == 1.0:
        raise ValueError("discount is 1.0, expected below 1: use policy_iteration, or backward_induction")
    precision = checks.real(tolerance, "tolerance", 0.0, open_low=True)
    sweeps = checks.integer(num_sweeps, "num_sweeps", 1, 2**31 - 1)
    report = checks.callback(progress, "progress")
    wanted = thread_count(num_threads)
    arrays, took = room_for_solution(batch), Took(len(batch))
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        pairs = core.num_states * core.num_actions
        rows = pairs * (12 * core.num_outcomes + 49) + 16 * core.num_states
        threads = with_helpers(core, check_scratch(core, wanted, more_bytes=rows), wanted)
        filled = (*of_part(arrays, places), *took.of(places))
        _core.modified_policy_iteration(core, gamma, precision, sweeps, *filled, threads, part.progress)
    return took.solution(arrays)
