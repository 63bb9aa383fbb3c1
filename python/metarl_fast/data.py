"""Tasks from the user's data: arrays, or outcome lists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.forms import Layout, checked_layout, dense_rewards, dense_transitions
from metarl_fast.outcome_tables import OutcomeTable, outcome_arrays
from metarl_fast.recipes import Float, StoredRecipe
from metarl_fast.sparse import (
    dense_of_sparse,
    is_sparse,
    rewards_of_entries,
    sparse_transitions,
    written_out_by_pair,
)
from metarl_fast.tasks import Horizon, Tasks, checked_horizon

Sparse: TypeAlias = Any
"""A sparse matrix of scipy's, or a list of them."""


def _start_distribution(start: ArrayLike | None, num_tasks: int, num_states: int) -> Float:
    """Return distributions [S] or [N, S] from those, a state, or a state per task; None is state 0."""
    values = checks.numeric(0 if start is None else start, "start")
    if values.dtype.kind in "iu" and values.ndim <= 1:
        if values.ndim == 1:
            checks.shape(values, "start", (num_tasks,))
        if values.size and not (0 <= values.min() and values.max() < num_states):
            worst = values.min() if values.min() < 0 else values.max()
            raise ValueError(f"start is state {worst}, expected 0 to {num_states - 1}")
        return checks.one_hot(values, num_states)
    found = checks.array(values, "start", np.float64)
    return _own(checks.shape(found, "start", (num_states,), (num_tasks, num_states)))


def _booleans(value: ArrayLike, name: str) -> NDArray[np.uint8]:
    found = checks.array(value, name, np.uint8)
    if (found > 1).any():
        raise ValueError(f"{name} has the value {found.max()}, expected booleans")
    return found


def _own(values: NDArray[Any], shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Copy what may be the user's memory, in C order and of the shape it is meant for."""
    full = np.broadcast_to(values, values.shape if shape is None else shape)
    checks.memory(full.size * full.itemsize, lambda: f"a copy of shape {full.shape}")
    return np.array(full, order="C")


def _accepted(
    probability: Float,
    next_state: NDArray[np.int32] | None,
    reward: Float,
    terminated: NDArray[np.uint8] | None,
    *,
    terminal: ArrayLike | None,
    start: ArrayLike | None,
    horizon: Horizon,
    reward_noise: ArrayLike,
) -> Tasks:
    """Make tasks of arrays that are ours: the core checks them and brings them into its form."""
    n, s = probability.shape[:2]
    infer = terminal is None and terminated is not None
    if terminal is None:
        ends = np.zeros((n, s) if infer else s, np.uint8)
    else:
        ends = _own(checks.shape(_booleans(terminal, "terminal"), "terminal", (s,), (n, s)))
    if checks.single(reward_noise):
        noise = np.array(checks.real(reward_noise, "reward_noise", 0.0))
    else:
        noise = _own(
            checks.shape(checks.array(reward_noise, "reward_noise", np.float64), "reward_noise", (n,))
        )
    starts = _start_distribution(start, n, s)
    masked = _core.accept(probability, next_state, reward, terminated, ends, starts, infer)
    recipe = StoredRecipe(
        probability,
        next_state,
        reward,
        terminated,
        ends,
        starts,
        noise,
        range(n),
        masked=masked,
    )
    tasks = Tasks(recipe, checked_horizon(horizon, n))
    _ = tasks.core  # what is left to check is checked here, not at first use
    return tasks


def from_arrays(
    transitions: ArrayLike | Sparse,
    rewards: ArrayLike | Sparse,
    *,
    layout: Layout | None = None,
    start: ArrayLike | None = None,
    terminal: ArrayLike | None = None,
    horizon: Horizon = None,
    reward_noise: ArrayLike = 0.0,
) -> Tasks:
    """Make tasks from transition and reward arrays.

    Parameters
    ----------
    transitions
        Probabilities [N, S, A, S], or [S, A, S] for one task. A row sums to 1 within 1e-5, and is divided by
        its sum; a row of zeros says that the action is not available. Or sparse matrices of scipy's, which
        become outcome lists: A of [S, S], or one [S*A, S] whose row s*A + a belongs to action a in state s;
        a list of either is N tasks.
    rewards
        By state [S], by pair [S, A] or by transition [S, A, S]; with an axis N in front for each task, or
        sparse by transition, or one sparse [S, A]. Minus infinity says that an action is not available.
        [N, S, 1], [1, S, A], [N, S, A, 1] and [1, S, A, S] say the same, also where N = S = A: there three
        axes could be read in two ways, and are refused; two are [S, A].
    layout
        "sas" for [S, A, S], "ass" for [A, S, S] as in pymdptoolbox, of transitions and of rewards by
        transition; in a sparse [S*A, S] "ass" is row a*S + s. Default: what alone fits; three axes of one
        length are refused; otherwise "sas".
    start
        Integers are states: one, or one a task [N]. Others are probabilities: a distribution [S], or one a
        task [N, S]. Default state 0.
    terminal
        Booleans [S] or [N, S]: entering such a state ends the episode. Its value is 0, and what transitions
        and rewards say of it does not matter.
    horizon
        Steps of an episode, the default of `train`: for all tasks, or [N].
    reward_noise
        Standard deviation of Gaussian noise on each sampled reward: for all tasks, or [N].

    Returns
    -------
    Tasks
        With ids 0 to N-1, of copies of the arrays.

    Raises
    ------
    ValueError, TypeError
        For wrong shapes or types, rows that are not distributions, values that are not finite, and states
        that are not terminal and have no action.
    """
    order = checked_layout(layout)
    given: dict[str, Any] = {
        "terminal": terminal,
        "start": start,
        "horizon": horizon,
        "reward_noise": reward_noise,
    }
    if is_sparse(transitions):
        return _from_sparse(transitions, rewards, order, given)
    probability, order = dense_transitions(transitions, order)
    n, s, a, _ = probability.shape
    rewards = written_out_by_pair(rewards, s, a)
    if is_sparse(rewards):
        reward = dense_of_sparse(rewards, (n, s, a), order)
    else:
        reward = dense_rewards(rewards, (n, s, a), order)
    if reward.shape[-1] == 1:
        return _accepted(_own(probability), None, _own(reward[..., 0], (n, s, a)), None, **given)
    full = probability.shape
    checks.memory(math.prod(full) * 21, "rewards by transition")
    ends = np.zeros(s, np.uint8) if terminal is None else _booleans(terminal, "terminal")
    checks.shape(ends, "terminal", (s,), (n, s))
    return _accepted(
        _own(probability),
        _own(np.arange(s, dtype=np.int32), full),
        _own(reward, full),
        _own(ends.reshape(-1, 1, 1, s), full),
        **{**given, "terminal": ends},
    )


def _from_sparse(transitions: Sparse, rewards: Any, layout: Layout | None, given: dict[str, Any]) -> Tasks:
    rows = sparse_transitions(transitions, layout)
    checks.memory(math.prod(rows.shape) * 21, f"the outcome lists of {rows.sizes[0]} tasks")
    reward = rewards_of_entries(rewards, rows, layout)
    never = np.zeros(rows.sizes[1], np.uint8)
    return _accepted(
        rows.fill(rows.probability, np.zeros(rows.shape)),
        rows.fill(rows.next_state, np.zeros(rows.shape, np.int32)),
        rows.fill(reward, np.zeros(rows.shape)),
        np.zeros(rows.shape, np.uint8),
        **{**given, "terminal": never if given["terminal"] is None else given["terminal"]},
    )


def from_outcomes(
    tables: OutcomeTable | Sequence[OutcomeTable] | Mapping[str, ArrayLike] | None = None,
    *,
    probability: ArrayLike | None = None,
    next_state: ArrayLike | None = None,
    reward: ArrayLike | None = None,
    terminated: ArrayLike | None = None,
    start: ArrayLike | None = None,
    terminal: ArrayLike | None = None,
    horizon: Horizon = None,
    reward_noise: ArrayLike = 0.0,
) -> Tasks:
    """Make tasks from outcome lists, in the form of Gymnasium's toy-text `P` or as arrays.

    Parameters
    ----------
    tables
        `table[state][action]` is a list of (probability, next state, reward, terminated); one table, or a
        list of N tables with the same states. A next state may occur more than once. An action that a state
        does not list, or lists without outcomes, is not available there. Or a dict of the four arrays below,
        as `Tasks.outcomes` gives them.
    probability, next_state, reward, terminated
        Arrays [N, S, A, K], or [S, A, K] for one task, instead of tables; places that are not used hold
        probability 0.
    terminal
        Booleans [S] or [N, S]: nothing is done in such a state, its value is 0, and its outcomes do not
        matter. Default: the states that are entered from others, each time with the end of the episode; but
        not those where episodes begin and something is to be done.
    start, horizon, reward_noise
        As in `from_arrays`.

    Returns
    -------
    Tasks
        With ids 0 to N-1.

    Raises
    ------
    ValueError, TypeError
        For missing states, probabilities that do not sum to 1, states out of range, and states that are not
        terminal and have no action.
    """
    arrays: dict[str, Any] = {
        "probability": probability,
        "next_state": next_state,
        "reward": reward,
        "terminated": terminated,
    }
    given: dict[str, Any] = {
        "terminal": terminal,
        "start": start,
        "horizon": horizon,
        "reward_noise": reward_noise,
    }
    listed: Any = tables
    if isinstance(tables, Mapping) and tables and all(isinstance(key, str) for key in tables):
        if set(tables) != set(arrays):
            raise ValueError(f"tables has the arrays {sorted(map(str, tables))}, expected {sorted(arrays)}")
        arrays, listed = dict(listed), None
    if listed is not None:
        for name, value in arrays.items():
            if value is not None:
                raise TypeError(f"{name} is given beside tables: give tables or the four arrays")
        ends = None if terminal is None else _booleans(terminal, "terminal")
        return _accepted(*outcome_arrays(listed, ends), **given)
    for name, value in arrays.items():
        if value is None:
            raise TypeError(f"{name} is missing: give tables or the four arrays")
    types = (np.float64, np.int32, np.float64)
    names = ("probability", "next_state", "reward")
    found = [checks.array(arrays[name], name, kind) for name, kind in zip(names, types, strict=True)]
    found.append(_booleans(arrays["terminated"], "terminated"))
    shape = found[0].shape
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise ValueError(f"probability has shape {shape}, expected (N, S, A, K) or (S, A, K)")
    for name, values in zip((*names, "terminated"), found, strict=True):
        checks.shape(values, name, shape)
    copies = [_own(values, shape if len(shape) == 4 else (1, *shape)) for values in found]
    return _accepted(copies[0], copies[1], copies[2], copies[3], **given)
