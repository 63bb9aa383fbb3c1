"""Tasks as tianshou's collectors want vector environments: some of them are reset and stepped at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.envs.observations import observed
from metarl_fast.envs.vector import TabularVectorEnv


class TianshouTasks:
    """A `TabularVectorEnv` with autoreset mode "Disabled" for tianshou's `Collector`.

    Parameters
    ----------
    env
        The vector environment.
    """

    is_async = False

    def __init__(self, env: TabularVectorEnv) -> None:
        if getattr(env, "autoreset_mode", None) is None or env.autoreset_mode.value != "Disabled":
            raise ValueError(f"env is {checks.shown(env)}, expected one with autoreset_mode='Disabled'")
        self.env, self.env_num, self.is_closed = env, env.num_envs, False
        self.observation_space = [env.single_observation_space] * env.num_envs
        self.action_space = [env.single_action_space] * env.num_envs
        self._seeds: list[int | None] | None = None

    def __len__(self) -> int:
        return self.env_num

    def _ids(self, chosen: Any) -> NDArray[np.int64]:
        return np.arange(self.env_num) if chosen is None else np.atleast_1d(np.asarray(chosen, np.int64))

    def _infos(self, ids: NDArray[np.int64]) -> NDArray[np.object_]:
        return np.array([{"env_id": int(place)} for place in ids], object)

    def reset(self, env_id: Any = None, **kwargs: Any) -> tuple[NDArray[Any], NDArray[np.object_]]:
        """Begin episodes in some sub-environments, default all; `seed` and `options` as the environment's."""
        ids = self._ids(env_id)
        mask = np.zeros(self.env_num, np.bool_)
        mask[ids] = True
        seed, self._seeds = kwargs.get("seed", self._seeds), None
        if isinstance(seed, (list, tuple)) and len(seed) == len(ids):  # one for each of these
            of_each = dict(zip(ids.tolist(), seed, strict=True))
            seed = [of_each.get(place) for place in range(self.env_num)]
        options = {**(kwargs.get("options") or {}), "reset_mask": mask}
        seen, _ = self.env.reset(seed=seed, options=options)
        return seen[ids], self._infos(ids)

    def step(self, action: Any, id: Any = None) -> tuple[NDArray[Any], ...]:
        """Take actions in some sub-environments, default all."""
        ids = self._ids(id)
        states, rewards, terminated, truncated = self.env.step_some(ids, action)
        seen = observed(self.env._observation, states, self.env._places.num_states)
        return seen, rewards, terminated, truncated, self._infos(ids)

    def seed(self, seed: int | list[int] | None = None) -> list[int | None]:
        """Seed the sub-environments from the next `reset` on."""
        given = [seed + i for i in range(self.env_num)] if isinstance(seed, int) else seed
        self._seeds = None if given is None else list(given)
        return [None] * self.env_num if given is None else list(given)

    def get_env_attr(self, key: str, id: Any = None) -> list[Any]:
        """Return an attribute of sub-environments."""
        return [getattr(self.env.envs[place], key) for place in self._ids(id)]

    def set_env_attr(self, key: str, value: Any, id: Any = None) -> None:
        """Set an attribute of sub-environments."""
        for place in self._ids(id):
            setattr(self.env.envs[place], key, value)

    def render(self, **kwargs: Any) -> list[Any]:
        """Return the pictures of all sub-environments."""
        return list(self.env.render())

    def close(self) -> None:
        """Close the environment."""
        self.env.close()
        self.is_closed = True
