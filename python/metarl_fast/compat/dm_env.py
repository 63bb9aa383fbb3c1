"""A task as DeepMind's dm_env has environments."""

from __future__ import annotations

from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.envs.tabular import TabularEnv

_dm_env: Any = checks.require_extra("dm_env", "test-clients")
_Base: Any = _dm_env.Environment


class DmEnv(_Base):  # type: ignore[misc]
    """A `TabularEnv` for dm_env: time steps with a reward, a discount and an observation.

    The discount is 0 where the episode terminated, 1 where it was cut short, as dm_env means it.

    Parameters
    ----------
    env
        The environment.
    seed
        Of its first `reset`; None for a fresh one.
    """

    def __init__(self, env: TabularEnv, *, seed: int | None = None) -> None:
        self._env, self._seed, self._over = env, seed, True

    def reset(self) -> Any:
        """Begin an episode."""
        seen, _ = self._env.reset(seed=self._seed)
        self._seed, self._over = None, False
        return _dm_env.restart(self._shown(seen))

    def step(self, action: Any) -> Any:
        """Take an action; after an episode's end, begin the next one."""
        if self._over:
            return self.reset()
        seen, reward, terminated, truncated, _ = self._env.step(action)
        self._over = terminated or truncated
        if terminated:
            return _dm_env.termination(reward, self._shown(seen))
        return (_dm_env.truncation if truncated else _dm_env.transition)(reward, self._shown(seen))

    def observation_spec(self) -> Any:
        """Return what is seen: a number, or an array that is 1 at the state."""
        space: Any = self._env.observation_space
        if hasattr(space, "n"):
            return _dm_env.specs.DiscreteArray(int(space.n), dtype=np.int64, name="observation")
        return _dm_env.specs.BoundedArray(space.shape, space.dtype, space.low, space.high, "observation")

    def action_spec(self) -> Any:
        """Return the actions: numbers."""
        space: Any = self._env.action_space
        return _dm_env.specs.DiscreteArray(int(space.n), dtype=np.int64, name="action")

    @staticmethod
    def _shown(seen: Any) -> Any:
        return np.asarray(seen, np.int64) if isinstance(seen, int) else seen
