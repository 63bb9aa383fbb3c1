"""Tasks as Xenoverse's AnyMDP samplers draw them and its environment takes them: dicts of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.data import from_outcomes
from metarl_fast.tasks import Task, Tasks

KEYS = {"transition", "reward", "reward_noise", "s_0", "s_0_prob", "s_e", "max_steps"}
"""What such a dict holds at least."""


def to_anymdp(task: Task) -> dict[str, Any]:
    """Return what `AnyMDPEnv.set_task` takes.

    Raises
    ------
    ValueError
        For what that environment cannot do: episodes that end elsewhere than on entering a terminal state or
        begin in one, actions that are not available, and no horizon.
    """
    found = {name: np.array(values) for name, values in task.outcomes.items()}
    s, a = task.num_states, task.num_actions
    ends, possible = np.array(task.terminal), found["probability"] > 0.0
    lived = possible & ~ends[:, None, None]
    if (lived & (found["terminated"] != ends[found["next_state"]])).any():
        raise ValueError("an episode ends elsewhere than on entering a terminal state, as it cannot there")
    if not possible.any(axis=-1).all():
        raise ValueError("some actions are not available, as all are there")
    if task.horizon is None:
        raise ValueError("horizon is None, expected a number of steps")
    start = np.array(task.start)
    if start[ends].any():
        raise ValueError("an episode begins in a terminal state, as it cannot there")
    # Outcomes that lead to the same state are one there, which pays their mean.
    transition, paid = np.zeros((s, a, s)), np.zeros((s, a, s))
    where = (*np.nonzero(lived)[:2], found["next_state"][lived])
    np.add.at(transition, where, found["probability"][lived])
    np.add.at(paid, where, (found["probability"] * found["reward"])[lived])
    reward = np.divide(paid, transition, out=np.zeros_like(paid), where=transition > 0.0)
    begins = np.flatnonzero(start)
    return {
        "ns": s,
        "na": a,
        "max_steps": task.horizon,
        "state_mapping": np.arange(s),
        "s_0": begins,
        "s_0_prob": start[begins],
        "s_e": np.flatnonzero(ends),
        "transition": transition,
        "reward": reward,
        "reward_noise": np.full((s, a, s), task.reward_noise),
        "final_goal_terminate": bool(ends[-1]),
        "id": task.id,
    }


def from_anymdp(given: Mapping[str, Any]) -> Tasks:
    """Make the task of such a dict, its states named as the environment shows them.

    A state that the task does not use is terminal, and nothing leads to it. The standard deviation of the
    noise of all rewards is the root of the mean square of what the dict has for those that are possible.
    """
    transition = checks.array(given["transition"], "transition", np.float64)
    if transition.ndim != 3 or transition.shape[0] != transition.shape[2] or not transition.size:
        raise ValueError(f"transition has shape {transition.shape}, expected (n, A, n)")
    inner, a = transition.shape[:2]
    states = checks.integer(given.get("ns", inner), "ns", inner)
    names = _names(given.get("state_mapping", np.arange(inner)), inner, states)
    arrays = {
        name: checks.shape(checks.array(given[name], name, np.float64), name, transition.shape)
        for name in ("reward", "reward_noise")
    }
    ended, begins = (_inside(given[name], name, inner) for name in ("s_e", "s_0"))
    chances = checks.shape(checks.array(given["s_0_prob"], "s_0_prob", np.float64), "s_0_prob", begins.shape)
    terminal, start = np.ones(states, bool), np.zeros(states)
    terminal[names], start[names[begins]] = False, chances
    terminal[names[ended]] = True
    table: dict[str, NDArray[Any]] = {
        "probability": np.zeros((states, a, inner)),
        "next_state": np.broadcast_to(names, (states, a, inner)),
        "reward": np.zeros((states, a, inner)),
        "terminated": np.broadcast_to(terminal[names], (states, a, inner)),
    }
    table["probability"][..., 0] = 1.0  # where nothing is done
    lives = np.delete(np.arange(inner), ended)
    table["probability"][names[lives]] = transition[lives]
    table["reward"][names[lives]] = arrays["reward"][lives]
    possible = transition[lives] > 0.0
    noise = np.sqrt(np.mean(arrays["reward_noise"][lives][possible] ** 2)) if possible.any() else 0.0
    # The original draws a real number of steps, and counts until it is reached.
    horizon = int(np.ceil(checks.real(given["max_steps"], "max_steps", 1.0, 2.0**31)))
    return from_outcomes(table, start=start, terminal=terminal, horizon=horizon, reward_noise=float(noise))


def _names(mapping: Any, inner: int, states: int) -> NDArray[np.int64]:
    """Return the name of each state, all different."""
    names = checks.array(mapping, "state_mapping", np.int64)
    checks.shape(names, "state_mapping", (inner,))
    if len(set(names.tolist())) < inner or names.min() < 0 or names.max() >= states:
        raise ValueError(
            f"state_mapping is {checks.shown(mapping)}, expected different states of 0 to {states - 1}"
        )
    return names


def _inside(places: Any, name: str, inner: int) -> NDArray[np.int64]:
    found = checks.array(places, name, np.int64).ravel()
    if found.size and not (0 <= found.min() and found.max() < inner):
        raise ValueError(f"{name} is {checks.shown(places)}, expected states of 0 to {inner - 1}")
    return found
