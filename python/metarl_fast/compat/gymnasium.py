"""Tasks from Gymnasium's toy-text environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.data import from_outcomes
from metarl_fast.tasks import Tasks


def from_gymnasium(envs: Any | Sequence[Any], *, horizon: int | None = None) -> Tasks:
    """Make tasks from environments that publish their model: FrozenLake, Taxi, CliffWalking and the like.

    Parameters
    ----------
    envs
        A Gymnasium environment, or several with the same numbers of states and actions, whose `unwrapped`
        has the outcome lists `P[state][action] = [(probability, next state, reward, terminated), ...]`.
        Repeated next states, and termination that belongs to the transition, are kept as they are.
    horizon
        Steps of an episode; default the environment's own `max_episode_steps`, if it has one.

    Returns
    -------
    Tasks

    Raises
    ------
    TypeError
        If an environment has no `P`.
    ValueError
        If `P` does not describe what `step` does (Taxi with `fickle_passenger=True`, a wrapper that changes
        actions or rewards), or the environments differ in shape.
    """
    environments = list(envs) if isinstance(envs, (list, tuple)) else [envs]
    if not environments:
        raise ValueError("envs is empty, expected at least one environment")
    tables, starts, limits = [], [], []
    for env in environments:
        bare = getattr(env, "unwrapped", env)
        name = type(bare).__name__
        if not hasattr(bare, "P") or not hasattr(bare, "initial_state_distrib"):
            raise TypeError(
                f"{name} has no outcome lists P and initial_state_distrib, so its model is unknown"
            )
        if getattr(bare, "fickle_passenger", False):
            raise ValueError(
                f"{name} has fickle_passenger=True, which its P does not describe: "
                "make it with fickle_passenger=False"
            )
        _refuse_changed(env, bare)
        tables.append(bare.P)
        starts.append(checks.array(bare.initial_state_distrib, "initial_state_distrib", np.float64))
        spec = getattr(env, "spec", None)
        limits.append(None if spec is None else spec.max_episode_steps)
    sizes = [len(start) for start in starts]
    if len(set(sizes)) > 1:
        raise ValueError(f"the environments have {sizes} states, expected the same number")
    if horizon is None and len(set(limits)) == 1:
        horizon = limits[0]
    return from_outcomes(tables, start=np.array(starts), horizon=horizon)


def _refuse_changed(env: Any, bare: Any) -> None:
    """Refuse wrappers that change what actions do or earn: `P` is the bare environment's."""
    if env is bare:
        return
    gymnasium = checks.require_extra("gymnasium", "gym")
    while env is not bare:
        if isinstance(env, (gymnasium.ActionWrapper, gymnasium.RewardWrapper)):
            raise ValueError(
                f"{type(env).__name__} changes what P describes: give the environment without this wrapper"
            )
        env = getattr(env, "env", bare)
