"""Tasks from Gymnasium's toy-text environments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.data import from_outcomes
from metarl_fast.joining import concatenate
from metarl_fast.recipes import Float
from metarl_fast.tasks import Task, Tasks

_PASSIVE = frozenset(
    {
        "Wrapper",
        "Autoreset",
        "HumanRendering",
        "OrderEnforcing",
        "PassiveEnvChecker",
        "RecordEpisodeStatistics",
        "RecordVideo",
        "RenderCollection",
        "TimeLimit",
    }
)
"""Gymnasium's wrappers that leave alone what actions do and earn, and what is seen of the state."""


def from_gymnasium(envs: Any | Sequence[Any], *, horizon: int | None = None) -> Tasks:
    """Make tasks from environments that publish their model: FrozenLake, Taxi, CliffWalking and the like.

    Parameters
    ----------
    envs
        A Gymnasium environment, or several with the same numbers of states and actions, in a list or in a
        vector environment that holds them (`SyncVectorEnv`), whose `unwrapped`
        has the outcome lists `P[state][action] = [(probability, next state, reward, terminated), ...]` and
        the start distribution `initial_state_distrib`, or `isd` as it was called before. Environments of
        `metarl_fast.envs` give the tasks in place.
        Repeated next states, and termination that belongs to the transition, are kept as they are.
    horizon
        Steps of an episode; default the shortest of the environment's time limits, else the
        `max_episode_steps` that it was registered with, if it has one. If one of several has none, they have
        none together.

    Returns
    -------
    Tasks

    Raises
    ------
    TypeError
        If an environment has no `P`: names and vector environments have not.
    ValueError
        If `P` may not describe what `step` does (Taxi with `fickle_passenger=True`, a wrapper that changes
        actions, rewards, starts or what is seen of the state), or the environments differ in shape.
    """
    environments = _listed(envs)
    if not environments:
        raise ValueError("envs is empty, expected at least one environment")
    own = [getattr(getattr(env, "unwrapped", env), "task", None) for env in environments]
    limits = [time_limit(env) for env in environments]
    steps: Any = horizon
    if horizon is None and None not in limits:
        steps = limits[0] if len(set(limits)) == 1 else np.array(limits, np.int64)
    if all(isinstance(task, Task) for task in own):
        for env in environments:
            _refuse_changes(env)
        return _own_tasks(own, steps)
    models = [_model(env) for env in environments]
    starts = [_start(model) for model in models]
    sizes = [len(start) for start in starts]
    if len(set(sizes)) > 1:
        raise ValueError(f"the environments have {checks.shown(sizes)} states, expected the same number")
    return from_outcomes([model.P for model in models], start=np.array(starts), horizon=steps)


def _listed(envs: Any) -> list[Any]:
    """Return single environments: those of a vector that holds them, too."""
    if isinstance(envs, (list, tuple)):
        return list(envs)
    return list(envs.envs) if hasattr(envs, "num_envs") and hasattr(envs, "envs") else [envs]


def _own_tasks(own: list[Any], horizon: Any) -> Tasks:
    """Return the tasks of this package's environments, in memory."""
    parts = [replace(task.batch.materialise(), horizon=None) for task in own]
    tasks = parts[0] if len(parts) == 1 else concatenate(parts)
    return replace(tasks, horizon=horizon)


def _model(env: Any) -> Any:
    """Return the bare environment, whose P describes what `env` does; refuse others."""
    if isinstance(env, str):
        raise TypeError(
            f"envs is {checks.shown(env)}, expected an environment: give gymnasium.make({checks.shown(env)})"
        )
    name = type(env).__name__
    if hasattr(env, "num_envs"):
        raise TypeError(
            f"envs is a {name} of {env.num_envs} environments, expected single ones: give a list of them, as "
            "gymnasium.make makes them"
        )
    bare = getattr(env, "unwrapped", env)
    name = type(bare).__name__
    if not hasattr(bare, "P") or not (hasattr(bare, "initial_state_distrib") or hasattr(bare, "isd")):
        raise TypeError(f"{name} has no outcome lists P and initial_state_distrib, so its model is unknown")
    if getattr(bare, "fickle_passenger", False):
        raise ValueError(
            f"{name} has fickle_passenger=True, which its P does not describe: "
            "make it with fickle_passenger=False"
        )
    _refuse_changes(env)
    return bare


def _refuse_changes(env: Any) -> None:
    for wrapper in _wrappers(env):
        if not _is_passive(wrapper):
            raise ValueError(
                f"{type(wrapper).__name__} changes what P describes, or is not known not to: give the "
                "environment without this wrapper"
            )


def _wrappers(env: Any) -> Iterator[Any]:
    """Yield what is wrapped around the bare environment, from the outside."""
    bare = getattr(env, "unwrapped", env)
    while env is not bare:
        yield env
        env = getattr(env, "env", bare)


def _is_passive(wrapper: Any) -> bool:
    """Whether whoever defines the wrapper's `step` and `reset` is one of Gymnasium's that change nothing."""
    for method in ("step", "reset"):
        if method in vars(wrapper):
            return False
        owner = next((kind for kind in type(wrapper).__mro__ if method in vars(kind)), type(wrapper))
        package = owner.__module__.partition(".")[0]
        if package not in ("gymnasium", "gym") or owner.__name__ not in _PASSIVE:
            return False
    return True


def time_limit(env: Any) -> int | None:
    """Return the steps after which an episode is cut, or None."""
    bare, unknown = getattr(env, "unwrapped", env), object()
    own = getattr(bare, "episode_limit", unknown)  # of this package's environments
    limits = [vars(wrapper).get("_max_episode_steps") for wrapper in _wrappers(env)]
    found = [limit for limit in (*limits, own) if limit is not None and limit is not unknown]
    if not found and own is unknown:
        registered = getattr(getattr(env, "spec", None), "max_episode_steps", None)
        found = [registered] if registered is not None and registered > 0 else []
    return min(found, default=None)


def _start(bare: Any) -> Float:
    found = bare.initial_state_distrib if hasattr(bare, "initial_state_distrib") else bare.isd
    start = checks.array(found, "initial_state_distrib", np.float64)
    if start.ndim != 1:
        raise ValueError(f"initial_state_distrib has shape {start.shape}, expected a number for each state")
    return start
