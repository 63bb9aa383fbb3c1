"""Ids of environments: `gymnasium.make("metarl_fast:metarl/RL2MDP-v0")`."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from metarl_fast import checks
from metarl_fast.config import from_config
from metarl_fast.envs.places import Source
from metarl_fast.envs.tabular import TabularEnv
from metarl_fast.envs.trial import TrialEnv
from metarl_fast.envs.trial_vector import TrialVectorEnv
from metarl_fast.envs.vector import TabularVectorEnv
from metarl_fast.families import FAMILIES, Family

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.envs import registration
    from gymnasium.vector import VectorEnv
else:
    gymnasium = checks.require_extra("gymnasium", "gym")
    VectorEnv = gymnasium.vector.VectorEnv
    registration = checks.require_extra("gymnasium.envs.registration", "gym")

RL2_MDP = {
    "type": "TaskDistribution",
    "num_states": 10,
    "num_actions": 5,
    "transitions": {"type": "Dirichlet", "alpha": 1.0},
    "rewards": {"type": "Normal", "mean": 1.0, "std": 1.0},
    "reward_noise": 1.0,
    "horizon": 10,
}
"""The random MDPs of RL² (Duan et al. 2016, section 3.2)."""

_GRID = {"type": "GoalGrid"}

INSTANCES: dict[str, dict[str, Any]] = {
    "RL2MDP": RL2_MDP,
    "TaskDistribution": {
        "type": "TaskDistribution",
        "num_states": 10,
        "num_actions": 5,
        "horizon": 10,
    },
    "RiverSwim": {"type": "RiverSwim", "num_states": 6},
    "Mixture": {"type": "Mixture", "families": [_GRID, {"type": "GoalGrid", "slip": 0.2}]},
    "Switching": {"type": "Switching", "family": RL2_MDP, "every": 10},
    "Drifting": {"type": "Drifting", "family": RL2_MDP, "every": 10},
    "Shaped": {"type": "Shaped", "family": _GRID, "potential": [0.0] * 81},
    "LpgGrid": {
        "type": "LpgGrid",
        "size": 13,
        "rewards": [1.0, -1.0],
        "end_probabilities": [1.0, 1.0],
        "respawn_probabilities": [0.0, 0.0],
        "horizon": 50,
    },
    "Perturbed": {"type": "Perturbed", "base": _GRID},
    "GridWorld": {"type": "GridWorld", "rows": ["S..#", ".#..", "...G"]},
}
"""Settings of families that have none by default, by the name in the id."""


def instances() -> dict[str, dict[str, Any]]:
    """Return the settings, as tables of plain values, of a family for each id."""
    found = dict(INSTANCES)
    for kind in FAMILIES:
        needs = _needed_settings(kind) if is_dataclass(kind) else [""]
        if needs in ([], ["family"]):  # around another family
            settings = {"family": _GRID} if needs else {}
            found.setdefault(kind.__name__, {"type": kind.__name__, **settings})
    return found


def _needed_settings(kind: Any) -> list[str]:
    given = (f for f in fields(kind) if f.init)
    return [f.name for f in given if f.default is MISSING and f.default_factory is MISSING]


def _arguments(source: Source, given: dict[str, Any], known: type) -> dict[str, Any]:
    """Return arguments of an environment; what is none of them goes into the family's settings."""
    names = signature(known).parameters
    settings = {name: value for name, value in given.items() if name not in names}
    options = {name: value for name, value in given.items() if name in names}
    if settings and not isinstance(source, dict):
        raise TypeError(f"{', '.join(settings)} given with a {type(source).__name__}, expected no settings")
    changed = {**source, **settings} if isinstance(source, dict) else source
    # Agents that do not look at masks may do anything.
    return {"source": changed, "unavailable": "stay", **options}


class FamilyEnv(TabularEnv, gymnasium.Env[Any, Any]):
    """A `TabularEnv` as its id makes it: Gymnasium's own wrapper keeps the time limit.

    Settings of the family may be given by name, as in `gymnasium.make("metarl/GoalGrid-v0", size=5)`. The
    time limit is that of the id, or `max_episode_steps`, whatever they are. Actions that are not available
    leave the state as it is.
    """

    def __init__(self, source: Source, **given: Any) -> None:
        super().__init__(**_arguments(source, {**given, "max_episode_steps": 0}, TabularEnv))


class FamilyVectorEnv(TabularVectorEnv, VectorEnv[Any, Any, Any]):
    """A `TabularVectorEnv` as its id makes it; see `FamilyEnv`."""

    def __init__(self, source: Source, num_envs: int = 1, **given: Any) -> None:
        if given.get("max_episode_steps") == -1:  # Gymnasium's word for no limit
            given["max_episode_steps"] = 0
        super().__init__(**_arguments(source, {**given, "num_envs": num_envs}, TabularVectorEnv))


class FamilyTrialEnv(TrialEnv, gymnasium.Env[Any, Any]):
    """A `TrialEnv` as its id makes it; see `FamilyEnv`."""

    def __init__(self, source: Source, **given: Any) -> None:
        super().__init__(**_arguments(source, given, TrialEnv))


class FamilyTrialVectorEnv(TrialVectorEnv, VectorEnv[Any, Any, Any]):
    """A `TrialVectorEnv` as its id makes it; see `FamilyEnv`. Trials are as long as their episodes are."""

    def __init__(self, source: Source, num_envs: int = 1, **given: Any) -> None:
        limit = given.pop("max_episode_steps", -1)
        if limit not in (-1, None):
            raise ValueError(
                f"max_episode_steps is {limit!r}, but trials side by side end with their episodes: "
                "give num_episodes, and the family's horizon"
            )
        super().__init__(**_arguments(source, {**given, "num_envs": num_envs}, TrialVectorEnv))


def _register(name: str, kind: str, horizon: int | None, settings: dict[str, Any]) -> None:
    registration.register(
        id=f"metarl/{name}-v0",
        entry_point=f"{__name__}:{kind}Env",
        vector_entry_point=f"{__name__}:{kind}VectorEnv",
        max_episode_steps=horizon,
        kwargs=settings,
    )


def register_ids() -> None:
    """Register ids `metarl/NAME-v0` of all families, and `NAME-OneHot` and `NAME-Trial`."""
    for name, table in instances().items():
        if f"metarl/{name}-v0" in registration.registry:
            continue
        horizon = from_config(table, Family).horizon
        _register(name, "Family", horizon, {"source": table})
        _register(f"{name}-OneHot", "Family", horizon, {"source": table, "observation": "one_hot"})
        if horizon is not None:
            _register(f"{name}-Trial", "FamilyTrial", None, {"source": table})
