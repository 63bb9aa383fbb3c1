"""Many trials as one Gymnasium vector environment, stepped in the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.envs.observations import one_by_one
from metarl_fast.envs.places import Places, Source, as_source
from metarl_fast.envs.places_vector import PlacesVectorEnv, checked_num_envs
from metarl_fast.envs.trial import checked_steps, seen_of_trials, trial_space
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from gymnasium.vector import AutoresetMode, VectorEnv
else:
    vector = checks.require_extra("gymnasium.vector", "gym")
    AutoresetMode, VectorEnv = vector.AutoresetMode, vector.VectorEnv


class TrialVectorEnv(PlacesVectorEnv, VectorEnv[Any, Any, Any]):
    """Many trials as one Gymnasium vector environment; needs the extra `gym`.

    What it returns is what `gymnasium.vector.SyncVectorEnv` returns over a `TrialEnv` for each task, value by
    value, in all three modes of resetting.

    Parameters
    ----------
    source, num_envs, autoreset_mode, render_mode, rng, dtype, unavailable
        As `TabularVectorEnv` has them. A family draws another task for every trial.
    num_episodes, episode_steps
        As `TrialEnv` has them.
    """

    def __init__(
        self,
        source: Source,
        num_envs: int | None = None,
        *,
        num_episodes: int = 2,
        episode_steps: int | None = None,
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        unavailable: str = "refuse",
    ) -> None:
        found = as_source(source)
        self.num_episodes = checks.integer(num_episodes, "num_episodes", 1)
        steps = checked_steps(episode_steps, found.horizon)
        places = Places(
            found, checked_num_envs(num_envs, found), steps, self.num_episodes, dtype, unavailable
        )
        space = trial_space(places.num_states, places.num_actions)
        self._set_up(places, space, render_mode, autoreset_mode, rng)
        self._episode = np.zeros(self.num_envs, np.int64)
        self._over = np.ones(self.num_envs, np.bool_)
        self._last_seen = np.zeros((self.num_envs, *space.shape), np.float32)

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin trials; `seed` and `options` as `TabularVectorEnv` has them."""
        places = self._begin(seed, options, anew=True)
        self._episode[places], self._over[places] = 0, False
        self._last_seen[places] = self._seen_at_start()[places]
        return self._last_seen.copy(), self._infos(places)

    def _seen_at_start(self) -> NDArray[np.float32]:
        n = self.num_envs
        return self._seen(self._core.states, np.full(n, -1), np.zeros(n), np.zeros(n, np.bool_))

    def _seen(self, *of_each: Any) -> NDArray[np.float32]:
        return seen_of_trials(self._places.num_states, self._places.num_actions, *of_each)

    def _infos(self, places: NDArray[np.int64]) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        self._say(infos, "inner_episode", self._episode, places)
        if self._places.masked:
            self._say(infos, "action_mask", self._core.available(self._core.states), places)
        return infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take an action in every trial; one that is over is begun anew, as the mode says.

        Returns
        -------
        observations, rewards, terminated, truncated, infos
        """
        chosen = self._actions(actions)
        by_hand = self.autoreset_mode == AutoresetMode.DISABLED
        if by_hand and self._over.any():
            raise ValueError(
                f"the trial in place {self._over.argmax()} is over, expected a reset before this step"
            )
        self._places.prepare()
        anew = self._over.copy()
        found = self._new_arrays()
        rewards, terminated, truncated = found[2:]
        self._core.step(chosen, _core.Autoreset.next_step, *found)
        self._episode[anew] = 0
        ended = terminated | truncated
        over = ended & (self._episode + 1 == self.num_episodes)
        within = ended & ~over
        self._episode += within
        self._core.reset(np.flatnonzero(within))
        seen = self._seen(self._core.states, np.where(anew, -1, chosen), rewards, ended)
        done = np.flatnonzero(over)
        infos: dict[str, Any] = {}
        self._over = over
        if done.size and self.autoreset_mode == AutoresetMode.SAME_STEP:
            self._say_final(infos, one_by_one(seen[done]), done)
            infos["final_info"].update(self._infos(done))
            self._core.reset(done)
            self._episode[done] = 0
            self._over = np.zeros(self.num_envs, np.bool_)
            seen[done] = self._seen_at_start()[done]
        self._last_seen = seen.copy()
        return (
            seen,
            rewards,
            over,
            np.zeros(self.num_envs, np.bool_),
            infos | self._infos(self._places.everywhere),
        )
