"""Ids of environments: `gymnasium.make("metarl_fast:metarl/RL2MDP-v0")`."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from metarl_fast import checks, families
from metarl_fast.config import from_config
from metarl_fast.envs.places import Source
from metarl_fast.envs.tabular import TabularEnv
from metarl_fast.envs.trial import TrialEnv
from metarl_fast.envs.trial_vector import TrialVectorEnv
from metarl_fast.envs.vector import TabularVectorEnv
from metarl_fast.families import Family
from metarl_fast.listing import concrete
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from gymnasium.envs import registration
    from gymnasium.vector import AutoresetMode
else:
    registration = checks.require_extra("gymnasium.envs.registration", "gym")
    AutoresetMode = checks.require_extra("gymnasium.vector", "gym").AutoresetMode

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
    "Permuted": {"type": "Permuted", "family": _GRID},
    "Mixture": {"type": "Mixture", "families": [_GRID, {"type": "GoalGrid", "slip": 0.2}]},
    "Switching": {"type": "Switching", "family": RL2_MDP, "every": 10},
    "Drifting": {"type": "Drifting", "family": RL2_MDP, "every": 10},
}
"""Settings of families that have none by default, by the name in the id."""


def instances() -> dict[str, dict[str, Any]]:
    """Return the settings, as tables of plain values, of a family for each id."""
    found = dict(INSTANCES)
    for kind in concrete(vars(families), Family):
        if is_dataclass(kind) and not _needs_settings(kind):
            found.setdefault(kind.__name__, {"type": kind.__name__})
    return found


def _needs_settings(kind: Any) -> bool:
    given = (f for f in fields(kind) if f.init)
    return any(f.default is MISSING and f.default_factory is MISSING for f in given)


def _with(source: Source, settings: dict[str, Any]) -> Source:
    """Return a table of settings with some of them changed."""
    if not settings:
        return source
    if not isinstance(source, dict):
        raise TypeError(f"{', '.join(settings)} given with a {type(source).__name__}, expected no settings")
    return {**source, **settings}


class FamilyEnv(TabularEnv):
    """A `TabularEnv` as its id makes it: Gymnasium's own wrapper keeps the time limit.

    Settings of the family may be given by name, as in `gymnasium.make("metarl/GoalGrid-v0", size=5)`. The
    time limit is that of the id, or `max_episode_steps`, whatever they are.
    """

    def __init__(
        self,
        source: Source,
        *,
        observation: str = "index",
        render_mode: str | None = None,
        episodes_per_task: int = 1,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        **settings: Any,
    ) -> None:
        super().__init__(
            _with(source, settings),
            max_episode_steps=0,
            observation=observation,
            render_mode=render_mode,
            episodes_per_task=episodes_per_task,
            rng=rng,
            dtype=dtype,
        )


class FamilyVectorEnv(TabularVectorEnv):
    """A `TabularVectorEnv` as its id makes it; settings of the family may be given by name."""

    def __init__(
        self,
        source: Source,
        num_envs: int = 1,
        *,
        max_episode_steps: int | None = None,
        observation: str = "index",
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        episodes_per_task: int = 1,
        copy: bool = True,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        **settings: Any,
    ) -> None:
        super().__init__(
            _with(source, settings),
            num_envs,
            max_episode_steps=0 if max_episode_steps == -1 else max_episode_steps,  # Gymnasium's "no limit"
            observation=observation,
            render_mode=render_mode,
            autoreset_mode=autoreset_mode,
            episodes_per_task=episodes_per_task,
            copy=copy,
            rng=rng,
            dtype=dtype,
        )


class FamilyTrialEnv(TrialEnv):
    """A `TrialEnv` as its id makes it; settings of the family may be given by name."""

    def __init__(
        self,
        source: Source,
        *,
        num_episodes: int = 2,
        episode_steps: int | None = None,
        render_mode: str | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        **settings: Any,
    ) -> None:
        super().__init__(
            _with(source, settings),
            num_episodes=num_episodes,
            episode_steps=episode_steps,
            render_mode=render_mode,
            rng=rng,
            dtype=dtype,
        )


class FamilyTrialVectorEnv(TrialVectorEnv):
    """A `TrialVectorEnv` as its id makes it; settings of the family may be given by name."""

    def __init__(
        self,
        source: Source,
        num_envs: int = 1,
        *,
        num_episodes: int = 2,
        episode_steps: int | None = None,
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        **settings: Any,
    ) -> None:
        super().__init__(
            _with(source, settings),
            num_envs,
            num_episodes=num_episodes,
            episode_steps=episode_steps,
            render_mode=render_mode,
            autoreset_mode=autoreset_mode,
            rng=rng,
            dtype=dtype,
        )


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
