"""Tasks from the user's data: arrays, or outcome lists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from metarl_fast import checks
from metarl_fast.recipes import Float, StoredRecipe
from metarl_fast.tasks import Tasks


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
    return checks.shape(found, "start", (num_states,), (num_tasks, num_states))


def from_arrays(
    transitions: ArrayLike,
    rewards: ArrayLike,
    *,
    start: ArrayLike | None = None,
    terminal: ArrayLike | None = None,
    horizon: int | None = None,
    reward_noise: float = 0.0,
) -> Tasks:
    """Make tasks from transition and reward arrays.

    Parameters
    ----------
    transitions
        Probabilities [N, S, A, S], or [S, A, S] for one task; rows sum to 1 within 1e-5.
    rewards
        [N, S, A] by pair, or [N, S, A, S] by transition; without N for all tasks alike. [N, S, A, 1] and
        [1, S, A, S] say the same, also where N = S = A: there three axes could be read both ways, and are
        refused.
    start
        Integers are states: one, or one a task [N]. Others are probabilities: a distribution [S], or one a
        task [N, S]. Default state 0.
    terminal
        Booleans [S] or [N, S]: entering such a state ends the episode.
    horizon
        Steps of an episode, the default of `train`.
    reward_noise
        Standard deviation of Gaussian noise on each sampled reward.

    Returns
    -------
    Tasks
        With ids 0 to N-1. Float64 C-ordered arrays are used where they are, without a copy: do not change
        them afterwards.

    Raises
    ------
    ValueError, TypeError
        For wrong shapes or types, rows that are not distributions, and values that are not finite.
    """
    probability = checks.array(transitions, "transitions", np.float64)
    if probability.ndim == 3:
        probability = probability[None]
    if probability.ndim != 4 or probability.shape[1] != probability.shape[3]:
        raise ValueError(f"transitions has shape {np.shape(transitions)}, expected (N, S, A, S) or (S, A, S)")
    n, s, a, _ = probability.shape
    if 0 in (s, a):
        raise ValueError(
            f"transitions has shape {np.shape(transitions)}: at least one state and action are needed"
        )
    reward = checks.array(rewards, "rewards", np.float64)
    if n > 1 and reward.shape == (n, s, a) == (s, a, s):
        raise ValueError(
            f"rewards has shape {reward.shape}, which is [N, S, A] as well as [S, A, S]: give "
            "rewards[..., None] if they are of each task by pair, rewards[None] if they are of all tasks by "
            "transition"
        )
    if reward.shape == (n, s, a, 1):
        reward = reward[..., 0]
    checks.shape(reward, "rewards", (n, s, a), (n, s, a, s), (s, a), (s, a, s), (1, s, a, s))
    by_transition = reward.ndim == 4 or (reward.ndim == 3 and reward.shape != (n, s, a))
    full = (n, s, a, s) if by_transition else (n, s, a)
    checks.memory(math.prod(full) * 8, f"the rewards of {n} tasks")
    reward = np.ascontiguousarray(np.broadcast_to(reward, full))
    ends = checks.array(np.zeros(s, bool) if terminal is None else terminal, "terminal", np.uint8)
    checks.shape(ends, "terminal", (s,), (n, s))
    if (ends > 1).any():
        raise ValueError(f"terminal has the value {ends.max()}, expected booleans")
    next_state = terminated = None
    if by_transition:
        checks.memory(probability.size * 5, "rewards by transition")
        next_state = np.ascontiguousarray(np.broadcast_to(np.arange(s, dtype=np.int32), full))
        terminated = np.ascontiguousarray(np.broadcast_to(ends.reshape(-1, 1, 1, s), full))
    recipe = StoredRecipe(
        probability,
        next_state,
        reward,
        terminated,
        ends,
        _start_distribution(start, n, s),
        np.array(checks.real(reward_noise, "reward_noise", 0.0)),
        range(n),
    )
    tasks = Tasks(recipe, horizon)
    _ = tasks.core  # bad data is refused here, not at first use
    return tasks


OutcomeTable: TypeAlias = "Mapping[int, Mapping[int, Sequence[tuple[float, int, float, bool]]]]"


def _count_states_and_actions(tables: Sequence[OutcomeTable]) -> tuple[int, int]:
    if not tables:
        raise ValueError("tables is empty, expected at least one outcome table")
    for index, table in enumerate(tables):
        if not isinstance(table, Mapping):
            raise TypeError(f"tables[{index}] is a {type(table).__name__}, expected a dict of states")
    s = len(tables[0])
    a = len(tables[0][0]) if 0 in tables[0] else 0
    if a == 0:
        raise ValueError("tables[0] has no actions in state 0")
    for index, table in enumerate(tables):
        for state in range(s):
            missing = [act for act in range(a) if state not in table or act not in table[state]]
            if missing or len(table) != s or len(table[state]) != a:
                raise ValueError(
                    f"outcomes[task={index}, state={state}] does not list actions 0 to {a - 1}, "
                    f"or there are not {s} states"
                )
    return s, a


def from_outcomes(
    tables: OutcomeTable | Sequence[OutcomeTable],
    *,
    start: ArrayLike | None = None,
    horizon: int | None = None,
    reward_noise: float = 0.0,
) -> Tasks:
    """Make tasks from outcome lists in the form of Gymnasium's toy-text `P`.

    Parameters
    ----------
    tables
        `table[state][action]` is a list of (probability, next state, reward, terminated); one table, or a
        list of N tables with the same states and actions. A next state may occur more than once. Lists of
        fewer outcomes are padded with probability 0.
    start, horizon, reward_noise
        As in `from_arrays`.

    Returns
    -------
    Tasks
        With ids 0 to N-1.

    Raises
    ------
    ValueError, TypeError
        For missing entries, probabilities that do not sum to 1, and states out of range.
    """
    batch: list[OutcomeTable] = [tables] if isinstance(tables, Mapping) else list(tables)
    s, a = _count_states_and_actions(batch)
    k = max(len(table[state][action]) for table in batch for state in range(s) for action in range(a))
    if k == 0:
        raise ValueError("the outcome lists are empty")
    shape = (len(batch), s, a, k)
    checks.memory(int(np.prod(shape, dtype=object)) * 21, f"{len(batch)} outcome tables")
    probability = np.zeros(shape)
    next_state = np.zeros(shape, np.int32)
    reward = np.zeros(shape)
    terminated = np.zeros(shape, np.uint8)
    for index, table in enumerate(batch):
        for state in range(s):
            for action in range(a):
                name = f"outcomes[task={index}, state={state}, action={action}]"
                for place, outcome in enumerate(table[state][action]):
                    if len(outcome) != 4:
                        raise ValueError(
                            f"{name} holds {checks.shown(outcome)}, "
                            "expected (probability, next state, reward, terminated)"
                        )
                    where = (index, state, action, place)
                    probability[where] = checks.real(outcome[0], f"a probability of {name}")
                    next_state[where] = checks.integer(outcome[1], f"a next state of {name}", 0, s - 1)
                    reward[where] = checks.real(outcome[2], f"a reward of {name}")
                    terminated[where] = checks.flag(outcome[3], f"a termination of {name}")
    recipe = StoredRecipe(
        probability,
        next_state,
        reward,
        terminated,
        np.zeros(s, np.uint8),
        _start_distribution(start, len(batch), s),
        np.array(checks.real(reward_noise, "reward_noise", 0.0)),
        range(len(batch)),
    )
    tasks = Tasks(recipe, horizon)
    _ = tasks.core  # bad data is refused here, not at first use
    return tasks
