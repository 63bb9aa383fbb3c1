"""Tasks as the vector environment of stable-baselines3, which takes no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.envs.places_vector import PlacesVectorEnv

_Base: Any = checks.require_extra("stable_baselines3.common.vec_env", "test-clients").VecEnv


class VecTasks(_Base):  # type: ignore[misc]
    """A `TabularVectorEnv` or `TrialVectorEnv` with autoreset mode "SameStep" for stable-baselines3.

        PPO("MlpPolicy", VecTasks(TabularVectorEnv(family, 64, autoreset_mode="SameStep"))).learn(10_000)

    Parameters
    ----------
    env
        The vector environment.
    """

    def __init__(self, env: PlacesVectorEnv) -> None:
        if getattr(env, "autoreset_mode", None) is None or env.autoreset_mode.value != "SameStep":
            raise ValueError(f"env is {checks.shown(env)}, expected one with autoreset_mode='SameStep'")
        self.env = env
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> NDArray[Any]:
        """Begin episodes, with the seeds of `seed` and the tasks of `set_options` if they were called."""
        seeds: Any = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        seen, infos = self.env.reset(seed=seeds)
        for place, options in enumerate(self._options):
            if options:
                alone = np.arange(self.num_envs) == place
                seen, infos = self.env.reset(seed=seeds, options={**options, "reset_mask": alone})
        self.reset_infos = self._infos(infos)
        self._reset_seeds()
        self._reset_options()
        return np.asarray(seen)

    def _infos(self, infos: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what each sub-environment says."""
        names = [name for name in infos if not name.startswith(("_", "final_"))]
        return [
            {name: infos[name][place] for name in names if infos[f"_{name}"][place]}
            for place in range(self.num_envs)
        ]

    def step_async(self, actions: Any) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = np.asarray(actions, np.int64)

    def step_wait(self) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Take them; what ended an episode is `terminal_observation` of its info."""
        seen, rewards, terminated, truncated, infos = self.env.step(self._actions)
        done = terminated | truncated
        of_each, final = self._infos(infos), self._infos(infos.get("final_info", {}))
        for place in np.flatnonzero(done).tolist():
            self.reset_infos[place] = of_each[place]
            of_each[place] = final[place] | {
                "terminal_observation": infos["final_obs"][place],
                "TimeLimit.truncated": bool(truncated[place] and not terminated[place]),
            }
        return seen, rewards.astype(np.float32), done, of_each

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of sub-environments."""
        return [getattr(self.env.envs[place], attr_name) for place in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of sub-environments."""
        for place in self._get_indices(indices):
            setattr(self.env.envs[place], attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of sub-environments."""
        return [found(*args, **kwargs) for found in self.get_attr(method_name, indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return False for each: sub-environments have no wrappers."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[Any]:
        """Return the pictures of all sub-environments."""
        return self.env.render()

    def _get_indices(self, indices: Any) -> Iterable[int]:
        every = range(self.num_envs)
        if indices is None:
            return every
        return [every[indices]] if isinstance(indices, int) else [every[place] for place in indices]
