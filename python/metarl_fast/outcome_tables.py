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
            name = f"outcomes[task={index}, state={state}]"
            if state not in table or len(table) != s:
                raise ValueError(f"{name} is missing, or there are not {s} states numbered from 0")
            if not isinstance(table[state], Mapping):
                raise TypeError(f"{name} is a {type(table[state]).__name__}, expected a dict of actions")
            for action, outcomes in table[state].items():
                a = max(a, checks.integer(action, f"an action of {name}", 0) + 1)
                k = max(k, len(outcomes))
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
    probability = np.zeros(shape)
    next_state = np.zeros(shape, np.int32)
    reward = np.zeros(shape)
    terminated = np.zeros(shape, np.uint8)
    for index, table in enumerate(batch):
        for state in np.flatnonzero(ends[index] == 0).tolist():
            for action, outcomes in table[state].items():
                name = f"outcomes[task={index}, state={state}, action={action}]"
                for place, outcome in enumerate(outcomes):
                    if len(outcome) != 4:
                        raise ValueError(
                            f"{name} holds {checks.shown(outcome)}, "
                            "expected (probability, next state, reward, terminated)"
                        )
                    where = (index, state, action, place)
                    probability[where] = checks.real(outcome[0], f"a probability of {name}")
                    next_state[where] = checks.integer(outcome[1], f"a next state of {name}", 0, s - 1)
                    never = isinstance(outcome[2], (float, np.floating)) and outcome[2] == -math.inf
                    reward[where] = outcome[2] if never else checks.real(outcome[2], f"a reward of {name}")
                    terminated[where] = checks.flag(outcome[3], f"a termination of {name}")
    return probability, next_state, reward, terminated
