"""Trials: several episodes in one task as one episode of Gymnasium, as learning to learn needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.envs.one_place import (
    RENDER_MODES,
    OnePlace,
    checked_render_mode,
    given_task,
    single_source,
)
from metarl_fast.envs.places import Places, Source
from metarl_fast.envs.seeds import Seeds
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    import gymnasium
else:
    gymnasium = checks.require_extra("gymnasium", "gym")

# Gymnasium takes an infinite bound for a mistake.
_MOST = float(np.finfo(np.float32).max)


def trial_space(num_states: int, num_actions: int) -> gymnasium.spaces.Box:
    """Return the space of what is seen of a trial: state, previous action and reward, an end."""
    low, high = np.zeros((2, num_states + num_actions + 2), np.float32)
    high[:] = 1.0
    low[-2], high[-2] = -_MOST, _MOST
    return gymnasium.spaces.Box(low, high, dtype=np.float32)


def seen_of_trials(
    num_states: int,
    num_actions: int,
    states: NDArray[np.int64],
    actions: NDArray[np.int64],
    rewards: NDArray[np.float64],
    ended: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return what is seen [N, S + A + 2]; action -1 stands for none, before the first step."""
    n = len(states)
    seen = np.zeros((n, num_states + num_actions + 2), np.float32)
    seen[np.arange(n), states] = 1.0
    acted = np.flatnonzero(actions >= 0)
    seen[acted, num_states + actions[acted]] = 1.0
    seen[:, -2], seen[:, -1] = rewards, ended
    return seen


class TrialEnv(OnePlace, gymnasium.Env[Any, Any]):
    """Several episodes in one task as one episode: what RL² (Duan et al. 2016) calls a trial.

    An agent with a memory that lasts for a trial can learn in it. It sees, as float32 [S + A + 2], the state
    (1 at its place), the previous action (likewise; none before the first step), the previous reward, and 1
    if an inner episode has just ended: the state is then the one where the next begins. With the last inner
    episode the trial ends, as `terminated`: nothing comes after it. A family draws another task for every
    trial.

    Parameters
    ----------
    source
        As `TabularEnv` has it.
    num_episodes
        Inner episodes of a trial.
    episode_steps
        Steps of an inner episode; None for the task's horizon, which it must then have.
    render_mode, rng, dtype, unavailable
        As `TabularEnv` has them.
    """

    metadata = {"render_modes": RENDER_MODES, "render_fps": 4}  # noqa: RUF012

    def __init__(
        self,
        source: Source,
        *,
        num_episodes: int = 2,
        episode_steps: int | None = None,
        render_mode: str | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        unavailable: str = "refuse",
    ) -> None:
        self.num_episodes = checks.integer(num_episodes, "num_episodes", 1)
        found = single_source(source)
        steps = checked_steps(episode_steps, found.horizon)
        self._places = Places(found, 1, steps, self.num_episodes, dtype, unavailable)
        self.observation_space = trial_space(self._places.num_states, self._places.num_actions)
        self.action_space = gymnasium.spaces.Discrete(self._places.num_actions)
        self.render_mode = checked_render_mode(render_mode)
        self._seeds = Seeds(rng)
        self._episode = 0
        self._over = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin a trial; `seed` and `options` as `TabularEnv` has them."""
        super().reset(seed=seed)
        task, keys = given_task(options), self._seeds.at_reset(self, seed, 1)
        self._places.reset(self._places.everywhere, keys, task, anew=True)
        self._seeds.begun = True
        self._episode, self._over = 0, False
        return self._seen(self.state, -1, 0.0, False), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action in the present inner episode.

        Returns
        -------
        observation, reward, terminated, truncated, info
            `info["inner_episode"]` is the number of the inner episode that the observation belongs to.
        """
        if self._over:
            raise ValueError("the trial is over, expected a reset before this step")
        chosen = checks.integer(action, "action", 0, self._places.num_actions - 1)
        state, reward, terminated, truncated = self._core.step_one(0, chosen, _core.Autoreset.disabled)
        ended = terminated or truncated
        self._over = ended and self._episode + 1 == self.num_episodes
        if ended and not self._over:
            self._episode += 1
            self._core.reset(self._places.everywhere)
            state = self.state
        return self._seen(state, chosen, reward, ended), reward, self._over, False, self._info()

    def _seen(self, state: int, action: int, reward: float, ended: bool) -> NDArray[np.float32]:
        sizes = self._places.num_states, self._places.num_actions
        one = np.array([state]), np.array([action]), np.array([reward]), np.array([ended])
        return np.asarray(seen_of_trials(*sizes, *one)[0])

    def _info(self) -> dict[str, Any]:
        found: dict[str, Any] = {"inner_episode": self._episode}
        if self._places.masked:
            found["action_mask"] = self.action_masks()
        return found


def checked_steps(episode_steps: int | None, horizon: Any) -> int | None:
    """Return the steps of an inner episode; a trial needs an end."""
    if episode_steps is None and horizon is None:
        raise ValueError("episode_steps is None and the tasks have no horizon, expected steps of an episode")
    return None if episode_steps is None else checks.integer(episode_steps, "episode_steps", 1)
