"""What is seen of a state: its number, or a vector that is 1 at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks

if TYPE_CHECKING:
    from gymnasium import spaces
else:
    spaces = checks.require_extra("gymnasium.spaces", "gym")

Observation: TypeAlias = Literal["index", "one_hot"]


def checked_observation(value: Any) -> Observation:
    """Return the name of a kind of observation."""
    if not isinstance(value, str) or value not in ("index", "one_hot"):
        raise ValueError(f"observation is {checks.shown(value)}, expected 'index' or 'one_hot'")
    return "one_hot" if value == "one_hot" else "index"


def observation_space(observation: Observation, num_states: int) -> spaces.Space[Any]:
    """Return the space of observations of one environment."""
    if observation == "index":
        return spaces.Discrete(num_states)
    return spaces.Box(0.0, 1.0, (num_states,), np.float32)


def observed(observation: Observation, states: NDArray[np.int64], num_states: int) -> NDArray[Any]:
    """Return what is seen of states [N]: the states, or float32 [N, S]."""
    if observation == "index":
        return states
    seen = np.zeros((len(states), num_states), np.float32)
    seen[np.arange(len(states)), states] = 1.0
    return seen


def one_by_one(seen: NDArray[Any]) -> NDArray[np.object_]:
    """Return the rows of an array as objects of their own."""
    found = np.empty(len(seen), object)
    for place, row in enumerate(seen):
        found[place] = row.copy()
    return found


def seen_of_one(observation: Observation, state: int, num_states: int) -> Any:
    """Return what is seen of one state: an integer, or float32 [S]."""
    if observation == "index":
        return state
    seen = np.zeros(num_states, np.float32)
    seen[state] = 1.0
    return seen
