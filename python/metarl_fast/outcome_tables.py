"""Outcome tables in the form of Gymnasium's toy-text `P`, written out as arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.recipes import Float

OutcomeTable: TypeAlias = "Mapping[int, Mapping[int, Sequence[tuple[float, int, float, bool]]]]"


def _sizes(tables: Sequence[Any]) -> tuple[int, int, int]:
    """Return the numbers of states, of actions, and of the outcomes of the longest list."""
    if not tables:
        raise ValueError("tables is empty, expected at least one outcome table")
    s, a, k = 0, 0, 0
    for index, table in enumerate(tables):
        if not isinstance(table, Mapping):
            raise TypeError(f"tables[{index}] is a {type(table).__name__}, expected a dict of states")
        s = s or len(table)
        for state in range(s):
            if state not in table or len(table) != s:
                name = f"outcomes[task={index}, state={state}]"
                raise ValueError(f"{name} is missing, or there are not {s} states numbered from 0")
            here = table[state]
            if type(here) is not dict and not isinstance(here, Mapping):  # the second is slow
                name = f"outcomes[task={index}, state={state}]"
                raise TypeError(f"{name} is a {type(here).__name__}, expected a dict of actions")
            for action, outcomes in here.items():
                if type(action) is not int or action < 0:
                    checks.integer(action, f"an action of outcomes[task={index}, state={state}]", 0)
                a, k = max(a, int(action) + 1), max(k, len(outcomes))
    if a == 0:
        raise ValueError("tables[0] has no actions in state 0")
    if k == 0:
        raise ValueError("the outcome lists are empty")
    return s, a, k


def outcome_arrays(
    tables: OutcomeTable | Sequence[OutcomeTable], terminal: NDArray[np.uint8] | None
) -> tuple[Float, NDArray[np.int32], Float, NDArray[np.uint8]]:
    """Return probability, next_state, reward and terminated, each [N, S, A, K]; unused places hold 0.

    What the tables say of states in `terminal` [S] or [N, S] is not looked at.
    """
    checks.sequence(tables, "tables")
    batch: list[OutcomeTable] = [tables] if isinstance(tables, Mapping) else list(tables)
    s, a, k = _sizes(batch)
    shape = (len(batch), s, a, k)
    ends = np.zeros(s, np.uint8) if terminal is None else terminal
    ends = np.broadcast_to(checks.shape(ends, "terminal", (s,), shape[:2]), shape[:2])
    checks.memory(math.prod(shape) * 21, f"{len(batch)} outcome tables")
    probability: Float = np.zeros(shape)
    next_state: NDArray[np.int32] = np.zeros(shape, np.int32)
    reward: Float = np.zeros(shape)
    terminated: NDArray[np.uint8] = np.zeros(shape, np.uint8)
    for index, table in enumerate(batch):
        lives = np.flatnonzero(ends[index] == 0).tolist()
        rows = [(state, *row) for state in lives for row in table[state].items()]
        columns: Sequence[Any] = _plain_columns(rows, s) or _checked_columns(rows, index, s)
        counts = [len(outcomes) for _, _, outcomes in rows]
        pairs = np.repeat(np.array([row[:2] for row in rows], np.int64).reshape(-1, 2), counts, axis=0)
        places = np.arange(len(pairs)) - np.repeat(np.cumsum([0, *counts[:-1]])[: len(counts)], counts)
        where = (index, *pairs.T, places)
        probability[where], next_state[where], reward[where], terminated[where] = columns
    return probability, next_state, reward, terminated


Row: TypeAlias = "tuple[int, int, Sequence[tuple[float, int, float, bool]]]"
_TYPES: tuple[set[type], ...] = (
    {float, np.float64},
    {int, np.int64},
    {float, int, np.float64},
    {bool, np.bool_},
)
"""What nearly all tables hold, column by column."""


def _plain_columns(rows: Sequence[Row], num_states: int) -> list[NDArray[Any]] | None:
    """Return the columns of all outcomes, if they are such that nothing has to be looked at one by one."""
    outcomes = [outcome for row in rows for outcome in row[2]]
    if any(type(outcome) is not tuple or len(outcome) != 4 for outcome in outcomes):
        return None
    columns = list(zip(*outcomes, strict=True)) or [()] * 4
    if any(not set(map(type, column)) <= types for column, types in zip(columns, _TYPES, strict=True)):
        return None
    try:
        found = [np.array(column, kind) for column, kind in zip(columns, "dqd?", strict=True)]
    except OverflowError:
        return None
    chance, entered, reward, _ = found
    fits = (entered >= 0) & (entered < num_states) & np.isfinite(chance)
    fits &= np.isfinite(reward) | np.isneginf(reward)
    return found if fits.all() else None


def _checked_columns(rows: Sequence[Row], index: int, num_states: int) -> list[list[Any]]:
    """Return the same of outcomes that are looked at one by one; name what is wrong."""
    columns: list[list[Any]] = [[], [], [], []]
    for state, action, outcomes in rows:
        name = f"outcomes[task={index}, state={state}, action={action}]"
        for outcome in outcomes:
            if len(outcome) != 4:
                raise ValueError(
                    f"{name} holds {checks.shown(outcome)}, "
                    "expected (probability, next state, reward, terminated)"
                )
            never = isinstance(outcome[2], (float, np.floating)) and outcome[2] == -math.inf
            columns[0].append(checks.real(outcome[0], f"a probability of {name}"))
            columns[1].append(checks.integer(outcome[1], f"a next state of {name}", 0, num_states - 1))
            columns[2].append(outcome[2] if never else checks.real(outcome[2], f"a reward of {name}"))
            columns[3].append(checks.flag(outcome[3], f"a termination of {name}"))
    return columns
