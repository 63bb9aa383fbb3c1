"""The optimum for a criterion, with or without a time limit, and how much less policies earn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metarl_fast.criterion import Criterion
from metarl_fast.planning import backward_induction, evaluate, policy_iteration
from metarl_fast.policies import given_policies
from metarl_fast.solutions import Solution
from metarl_fast.tasks import Tasks


def optimum(tasks: Tasks, criterion: Criterion, num_threads: int | None) -> Solution:
    """Solve tasks for ever, or for the steps that they have; of these the first step's policy is kept."""
    if criterion.horizon is None:
        return policy_iteration(tasks, criterion.discount, num_threads=num_threads)
    steps = criterion.horizon
    return backward_induction(tasks, steps, criterion.discount, plan=False, num_threads=num_threads)


def gaps_to_optimum(
    tasks: Tasks,
    policies: Sequence[NDArray[np.float64]],
    criterion: Criterion,
    best: Solution,
    num_threads: int | None,
) -> NDArray[np.float64]:
    """Return how much less than the optimum each of the policies [N, S, A] earns [N, len(policies)].

    All at once: what actions lose is the same for all of them.
    """
    given = given_policies(np.stack(policies, axis=1), len(tasks), tasks.num_states, tasks.num_actions)
    gaps = np.empty((len(tasks), len(policies)))
    values = best.values if criterion.horizon is None else None
    evaluate(tasks, given, criterion, gaps=gaps, optimal_values=values, num_threads=num_threads)
    return gaps
