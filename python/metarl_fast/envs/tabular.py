"""One task as a Gymnasium environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from metarl_fast import _core, checks
from metarl_fast.envs.observations import checked_observation, observation_space, seen_of_one
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


class TabularEnv(OnePlace, gymnasium.Env[Any, Any]):
    """One task as a Gymnasium environment; needs the extra `gym`.

    Observations are states, actions are those of the task; `info["action_mask"]` (int8 [A]) says which are
    available, where some are not. An episode that would start in a terminal state has no steps; the next one
    begins instead.

    What it answers is a function of the seed, the task's id and the actions. `reset(seed=s)` gives it the
    random numbers of `train(learner, task, rng=s)`, and so does `rng=s` without a seed.

    Parameters
    ----------
    source
        The task: a `Task`, or `Tasks` of one. Or a family, which draws a task for every episode: numbers 0,
        1, 2, ... of `family.sample(n, rng=seed)`. Or a family's settings as a table of plain values, as in
        files: `{"type": "GoalGrid", "size": 5}`.
    max_episode_steps
        After so many steps an episode is truncated. None for the task's horizon; 0 for no limit.
    observation
        "index": the state's number, `Discrete(S)`; "one_hot": float32 [S], 1 at the state.
    render_mode
        None, "ansi" (text) or "rgb_array". States are drawn where `Task.places` says, else in rows.
    episodes_per_task
        A family draws another task after so many episodes; 0: it never does.
    rng
        The seed if none is given to `reset`: None, an integer, a SeedSequence or a Generator.
    dtype
        float32 or float64, as in `train`: rewards are rounded to it.
    unavailable
        What an action does that the task does not have in a state: "refuse" raises ValueError, "stay" leaves
        the state as it is, for reward 0, as long as the episode lasts.

    Raises
    ------
    ValueError, TypeError
        For what is not one of these, and a task that starts in terminal states alone.
    """

    metadata = {"render_modes": RENDER_MODES, "render_fps": 4}  # noqa: RUF012

    def __init__(
        self,
        source: Source,
        *,
        max_episode_steps: int | None = None,
        observation: str = "index",
        render_mode: str | None = None,
        episodes_per_task: int = 1,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        unavailable: str = "refuse",
    ) -> None:
        self._places = Places(
            single_source(source), 1, max_episode_steps, episodes_per_task, dtype, unavailable
        )
        self._observation = checked_observation(observation)
        self.observation_space = observation_space(self._observation, self._places.num_states)
        self.action_space = gymnasium.spaces.Discrete(self._places.num_actions)
        self.render_mode = checked_render_mode(render_mode)
        self._seeds = Seeds(rng)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Parameters
        ----------
        seed
            An integer >= 0, which names the random numbers from here on and, with a family, the tasks; None
            to go on.
        options
            `{"task": task}` puts another task of the same size into place, from here on.

        Returns
        -------
        observation, info
        """
        super().reset(seed=seed)
        task = given_task(options)
        self._places.reset(self._places.everywhere, self._seeds.at_reset(self, seed, 1), task)
        self._seeds.begun = True
        return self._seen(self.state)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action.

        Returns
        -------
        observation, reward, terminated, truncated, info

        Raises
        ------
        ValueError, TypeError
            For an action out of range or not available, and for a step when no episode is under way.
        """
        chosen = checks.integer(action, "action", 0, self._places.num_actions - 1)
        state, reward, terminated, truncated = self._core.step_one(0, chosen, _core.Autoreset.disabled)
        observation, info = self._seen(state)
        return observation, reward, terminated, truncated, info

    def _seen(self, state: int) -> tuple[Any, dict[str, Any]]:
        observation = seen_of_one(self._observation, state, self._places.num_states)
        return observation, {"action_mask": self.action_masks()} if self._places.masked else {}
