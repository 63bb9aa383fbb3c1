"""How far one has to look ahead to lose little."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from metarl_fast.criterion import Criterion
from metarl_fast.optimum import gaps_to_optimum, optimum
from metarl_fast.planning import backward_induction
from metarl_fast.policies import greedy_policy, random_policy
from metarl_fast.tasks import Tasks

_LOSS = 0.01
"""The share of the gain that a policy of the effective horizon may lose."""

_ENTRIES = 2**23
"""Of policies that stand in memory at once."""


def effective_horizon(tasks: Tasks, criterion: Criterion, num_threads: int | None) -> int | None:
    """Return how far one has to look ahead: by doubling, and then between the last two."""
    tasks = tasks.materialise()
    best = optimum(tasks, criterion, num_threads)
    gamma = criterion.discount_of_tables
    most = math.ceil(20 / (1.0 - gamma)) if criterion.horizon is None else int(np.max(criterion.horizon))
    known: dict[int, bool] = {}

    def look(steps: Sequence[int]) -> None:
        """Learn of so many steps each whether they are enough."""
        plans = (backward_induction(tasks, n, gamma, plan=False, num_threads=num_threads) for n in steps)
        policies = [random_policy(tasks.available), *(greedy_policy(plan.q_values) for plan in plans)]
        gaps = gaps_to_optimum(tasks, policies, criterion, best, num_threads)
        gain, *lost = gaps[gaps[:, 0] > 0.0].sum(axis=0)
        known.update(
            (n, math.isfinite(loss) and loss <= _LOSS * gain) for n, loss in zip(steps, lost, strict=True)
        )

    # Some numbers of steps at once, as many as memory is for: what actions lose is found once for all.
    halvings = 3 if 8 * tasks.num_states * tasks.num_actions * len(tasks) <= _ENTRIES else 1
    doubled = [*(1 << k for k in range((most - 1).bit_length())), most]
    for k in range(0, len(doubled), halvings):
        look(doubled[k : k + halvings])
        if any(known[n] for n in doubled[k : k + halvings]):
            break
    else:
        return None
    high = next(n for n in doubled if known[n])
    low = max((n for n in doubled if n < high), default=0)
    while high - low > 1:
        look(_middles(low, high, halvings))
        for _ in range(halvings):
            middle = (low + high) // 2
            if high - low > 1:
                low, high = (low, middle) if known[middle] else (middle, high)
    return high


def _middles(low: int, high: int, halvings: int) -> list[int]:
    """Return all numbers that so many halvings of what lies between may ask for."""
    if halvings == 0 or high - low <= 1:
        return []
    middle = (low + high) // 2
    return [*_middles(low, middle, halvings - 1), middle, *_middles(middle, high, halvings - 1)]
