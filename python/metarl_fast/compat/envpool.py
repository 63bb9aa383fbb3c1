"""Tasks behind EnvPool's interface: actions are sent, and what came of them is received, in batches."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.envs.vector import TabularVectorEnv


class Pool:
    """A `TabularVectorEnv` as EnvPool has pools, in the form of its `env_type="gymnasium"`.

    Nothing is computed in between: what was sent first is received first, so that runs can be repeated.
    Observations are int32 and rewards float32, as EnvPool's are. The step after an episode's end begins the
    next one, whatever its action.

    Parameters
    ----------
    env
        The vector environment, with autoreset mode "NextStep" and observations by index.
    batch_size
        How many sub-environments `recv` returns at once; default all.
    """

    def __init__(self, env: TabularVectorEnv, batch_size: int | None = None) -> None:
        if getattr(env, "autoreset_mode", None) is None or env.autoreset_mode.value != "NextStep":
            raise ValueError(f"env is {checks.shown(env)}, expected one with autoreset_mode='NextStep'")
        if not hasattr(env.single_observation_space, "n"):
            raise ValueError(f"env is {checks.shown(env)}, expected one with observation='index'")
        n = env.num_envs
        self.env, self.num_envs = env, n
        self.batch_size = n if batch_size is None else checks.integer(batch_size, "batch_size", 1, n)
        self.observation_space, self.action_space = env.single_observation_space, env.single_action_space
        self.config = {
            "num_envs": n,
            "batch_size": self.batch_size,
            "env_type": "gymnasium",
        }
        self._waiting: deque[tuple[int, int, float, bool, bool, int]] = deque()

    def __len__(self) -> int:
        return self.num_envs

    @property
    def all_env_ids(self) -> NDArray[np.int32]:
        """The numbers of all sub-environments."""
        return np.arange(self.num_envs, dtype=np.int32)

    @property
    def is_async(self) -> bool:
        """Whether batches are smaller than the pool."""
        return self.batch_size < self.num_envs

    def async_reset(self, seed: int | None = None) -> None:
        """Begin episodes everywhere; `recv` returns where."""
        self.env.reset(seed=seed)
        self._waiting.clear()
        self._waiting.extend((i, int(s), 0.0, False, False, 0) for i, s in enumerate(self.env.states))

    def send(self, action: Any, env_id: Any = None) -> None:
        """Take actions in the sub-environments of these numbers, default all."""
        ids = self.all_env_ids if env_id is None else np.asarray(env_id)
        found = *self.env.step_some(ids, action), self.env._core.elapsed[ids]
        self._waiting.extend(zip(ids.tolist(), *(part.tolist() for part in found), strict=True))

    def recv(self) -> tuple[Any, ...]:
        """Return (observations, rewards, terminated, truncated, info) of the next batch.

        Raises
        ------
        ValueError
            If fewer were sent, so that it would never come.
        """
        if len(self._waiting) < self.batch_size:
            raise ValueError(
                f"{len(self._waiting)} results are on their way, expected {self.batch_size}: call send first"
            )
        batch = [self._waiting.popleft() for _ in range(self.batch_size)]
        columns = (np.array(part) for part in zip(*batch, strict=True))
        ids, states, rewards, terminated, truncated, elapsed = columns
        info = {
            "env_id": ids.astype(np.int32),
            "players": {"env_id": ids.astype(np.int32)},
            "elapsed_step": elapsed.astype(np.int32),
        }
        return states.astype(np.int32), rewards.astype(np.float32), terminated, truncated, info

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        """Begin episodes everywhere and return the first batch's (observations, info)."""
        self.async_reset(seed)
        seen, _, _, _, info = self.recv()
        return seen, info

    def step(self, action: Any, env_id: Any = None) -> tuple[Any, ...]:
        """Send and receive."""
        self.send(action, env_id)
        return self.recv()

    def close(self) -> None:
        """Close the environment."""
        self.env.close()
