"""A library of known tasks: what a batch holds, each kind once, with what is optimal in it."""

from __future__ import annotations

import numpy as np

from metarl_fast.learners import TaskLibrary
from metarl_fast.planning import policy_iteration
from metarl_fast.relabelling import equally_good
from metarl_fast.tasks import Task, Tasks, as_batch


def known_tasks(tasks: Tasks | Task, discount: float = 0.99) -> TaskLibrary:
    """Return the library of N tasks, for `CommittedThompson`.

    Tasks that are the same become one, with their weights' sum. Of tasks that change it has what they are at
    first. Of actions that are equally good but for rounding the values are made the same.

    Parameters
    ----------
    tasks
        N tasks, at least 1, such as a thousand of a family's training tasks.
    discount
        Of the optimal values, 0 to 1.

    Raises
    ------
    ValueError, TypeError
        For no tasks, for tasks of which some have noisy rewards and some have not, and for what
        `policy_iteration` refuses.
    MemoryError
        For more tasks than fit into memory, written out.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> mf.known_tasks(mf.Darkroom(3).sample(200, rng=0))
    TaskLibrary(9 tasks, num_states=9, num_actions=5, discount=0.99)
    """
    first = as_batch(tasks).segment(0)
    if len(first) == 0:
        raise ValueError("tasks has no tasks, expected at least one")
    listed = first.outcomes
    parts = [listed[name] for name in ("probability", "next_state", "reward", "terminated")]
    noise = np.broadcast_to(np.asarray(first.reward_noise, np.float64), len(first))
    number: dict[bytes, int] = {}
    which = [
        number.setdefault(b"".join(np.ascontiguousarray(part[k]).tobytes() for part in (*parts, noise)), k)
        for k in range(len(first))
    ]
    kept = np.fromiter(number.values(), np.int64)
    values = policy_iteration(first[kept], discount).q_values
    there = np.isfinite(values)
    lowest = np.where(there, values, np.inf).min(axis=(1, 2), keepdims=True)
    best = equally_good(values) > 0.0
    values = np.where(there, values, lowest - 1.0)  # what cannot be done is nobody's choice
    return TaskLibrary(
        np.bincount(which, minlength=len(first))[kept].astype(np.float64),
        parts[0][kept],
        np.where(parts[0][kept] > 0.0, parts[1][kept], 0),
        parts[2][kept],
        parts[3][kept],
        noise[kept],
        np.where(best, values.max(axis=-1, keepdims=True), values),
        discount,
    )
