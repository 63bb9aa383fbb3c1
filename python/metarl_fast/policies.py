"""Policies: the forms in which they are given, greedy ones of action values, softmax ones of preferences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks


def greedy_policy(q_table: ArrayLike) -> NDArray[np.float64]:
    """Return the greedy policy [..., S, A] of action values [..., S, A]; equally good actions share alike.

    Sharing matters before anything is learned: the greedy policy of an all-zero table is the random policy.
    Actions of value -infinity are not available; every state needs another one.

    Raises
    ------
    ValueError, TypeError
        For other shapes, NaN, +infinity, and states without an action.
    """
    q = checks.array(q_table, "q_table", np.float64)
    if q.ndim < 2 or q.shape[-1] == 0:
        raise ValueError(f"q_table has shape {q.shape}, expected (..., S, A)")
    top = q.max(axis=-1, keepdims=True)  # NaN if there is one
    if not np.isfinite(top).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(top))[0])[:-1]
        if np.isneginf(top[where]).all():
            raise ValueError(f"q_table{list(where)} is -inf for every action, expected one that is available")
        checks.finite(np.where(np.isneginf(q), 0.0, q), "q_table")
    best = q == top
    return np.asarray(best / best.sum(axis=-1, keepdims=True), dtype=np.float64)


def random_policy(available: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the policies [..., S, A] that are uniform over what is available [..., S, A]."""
    return np.asarray(available / available.sum(axis=-1, keepdims=True))


def softmax_policy(preferences: ArrayLike) -> NDArray[np.float64]:
    """Return exp(h[..., s, a]) / sum_b exp(h[..., s, b]), the policies [..., S, A] of preferences h.

    (Sutton and Barto, 2nd ed., section 13.1.) Actions of preference -infinity are not available; every state
    needs another one.

    Raises
    ------
    ValueError, TypeError
        For other shapes, NaN, +infinity, and states without an action.
    """
    h = checks.array(preferences, "preferences", np.float64)
    if h.ndim < 2 or h.shape[-1] == 0:
        raise ValueError(f"preferences has shape {h.shape}, expected (..., S, A)")
    top = checks.finite(h.max(axis=-1, keepdims=True), "the largest of preferences")  # NaN if there is one
    # The core's exp: NumPy's gives other bits on other processors.
    with np.errstate(over="ignore"):  # what is further below than doubles go has no part
        weights = _core.exp(h - top)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class GivenPolicies:
    """P policies for each of N tasks, in the core's form: one of two arrays, whose first axis is N or 1.

    Attributes
    ----------
    probability
        [N or 1, P, T, S, A], or None. T is 1 for a policy that is the same at every step.
    action
        [N or 1, P, T, S], or None.
    several
        Whether P is an axis of the results.
    steps
        Of each task's plans [N], if the policies may change from step to step.
    """

    probability: NDArray[np.float64] | None
    action: NDArray[np.int32] | None
    several: bool
    steps: NDArray[np.int64] | None

    @property
    def count(self) -> int:
        """P."""
        table = self.action if self.probability is None else self.probability
        assert table is not None
        return int(table.shape[1])

    def of(self, places: slice) -> GivenPolicies:
        """Return the policies of some of the tasks; those of all tasks stay those of all."""

        def part(table: NDArray[Any] | None) -> Any:
            return table if table is None or len(table) == 1 else table[places]

        return replace(self, probability=part(self.probability), action=part(self.action))


def given_policies(policy: ArrayLike, num_tasks: int, num_states: int, num_actions: int) -> GivenPolicies:
    """Return a policy in any of the forms that `policy_evaluation` lists.

    Raises
    ------
    ValueError, TypeError
        For other shapes, actions out of range, and rows that are not distributions.
    """
    n, s, a = num_tasks, num_states, num_actions
    given = checks.numeric(policy, "policy")
    if given.dtype.kind in "iu":
        plan = given.ndim >= 3
        several = given.ndim == 4
        checks.shape(given, "policy", (n, *given.shape[1:-1], s) if plan else (s,), (n, s))
        steps_axis = _steps_axis(given, -2) if plan else 1
        table = given.reshape(
            len(given) if given.ndim > 1 else 1, given.shape[1] if several else 1, steps_axis, s
        )
        steps = _planned_steps(table) if plan else None
        if steps is not None:
            table = np.where((np.arange(steps_axis) < steps[:, None])[:, None, :, None], table, 0)
        return GivenPolicies(None, np.ascontiguousarray(checks.actions(table, a), np.int32), several, steps)
    plan = given.ndim == 5
    several = given.ndim >= 4
    checks.shape(given, "policy", (n, *given.shape[1:-2], s, a) if several else (s, a), (n, s, a))
    steps_axis = _steps_axis(given, -3) if plan else 1
    shape = (len(given) if given.ndim > 2 else 1, given.shape[1] if several else 1, steps_axis, s, a)
    table = checks.policy(given, a).reshape(shape)
    return GivenPolicies(table, None, several, np.full(n, steps_axis) if plan else None)


def _steps_axis(policy: NDArray[Any], axis: int) -> int:
    if policy.shape[axis] == 0:
        raise ValueError(f"policy has shape {policy.shape}, expected at least one step")
    return int(policy.shape[axis])


def _planned_steps(actions: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many steps each task's plans [N, P, T, S] have: those beyond its horizon hold -1."""
    used = (actions != -1).any(axis=(1, 3))
    return np.asarray(np.where(used.any(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1), used.shape[1]))
