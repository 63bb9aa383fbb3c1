"""Rollouts: a fixed policy acts in all places for many steps, and all of it stays in the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.envs.places import Places
from metarl_fast.result import Result
from metarl_fast.runtime import thread_count

KINDS = {
    "states": np.int32,
    "actions": np.int32,
    "rewards": None,  # the type of the environment's numbers
    "next_states": np.int32,
    "terminated": np.bool_,
    "truncated": np.bool_,
}


@dataclass(frozen=True, repr=False)
class Rollout(Result):
    """What happened, arrays [T, N] of T steps in N sub-environments; None for what was not kept."""

    states: NDArray[np.int32] | None = None
    """Where an action was taken."""
    actions: NDArray[np.int32] | None = None
    """Which."""
    rewards: NDArray[Any] | None = None
    """What it earned."""
    next_states: NDArray[np.int32] | None = None
    """What it led to. After an episode's end the next step's state is another one: where the next begins."""
    terminated: NDArray[np.bool_] | None = None
    """Whether it ended the episode."""
    truncated: NDArray[np.bool_] | None = None
    """Whether the episode was cut short there."""


def checked_policy(policy: Any, places: Places) -> tuple[Any, Any]:
    """Return (actions, probabilities), one of them or none."""
    if policy is None:
        return None, None
    n, s, a = places.size, places.num_states, places.num_actions
    given = checks.numeric(policy, "policy")
    if given.dtype.kind in "iu":
        found = checks.shape(checks.array(given, "policy", np.int32), "policy", (s,), (n, s))
        return checks.actions(found, a), None
    if given.dtype.kind == "b":
        raise TypeError("policy has dtype bool, expected actions or probabilities")
    checks.shape(given, "policy", (s, a), (n, s, a))
    return None, np.ascontiguousarray(checks.policy(given, a))


def roll_out(
    places: Places,
    policy: Any,
    num_steps: int,
    keep: Sequence[str],
    dtype: np.dtype[Any],
    num_threads: int | None,
) -> Rollout:
    """Act for so many steps and return what is to be kept of it."""
    steps = checks.integer(num_steps, "num_steps", 0, 2**31 - 1)
    actions, probabilities = checked_policy(policy, places)
    if isinstance(keep, str) or not set(keep) <= set(KINDS):
        raise ValueError(f"keep is {checks.shown(keep)}, expected some of {', '.join(KINDS)}")
    kinds = {name: np.dtype(kind or dtype) for name, kind in KINDS.items() if name in keep}
    wanted = steps * places.size * sum(kind.itemsize for kind in kinds.values())
    checks.memory(wanted, f"a rollout of {steps} steps in {places.size} sub-environments")
    found = {name: np.empty((steps, places.size), kind) for name, kind in kinds.items()}
    threads = thread_count(num_threads)
    # Tasks that Python draws are drawn between steps.
    size = max(1, 1 if places.draws_in_python else steps)
    for first in range(0, steps, size):
        places.prepare()
        parts = {name: found[name][first : first + size] if name in found else None for name in KINDS}
        places.core.rollout(size, actions, probabilities, **parts, num_threads=threads)
    return Rollout(**found)
