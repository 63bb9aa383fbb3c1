"""Many tasks as one Gymnasium vector environment, stepped in the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.envs.observations import checked_observation, observation_space, observed, one_by_one
from metarl_fast.envs.places import Places, Source, as_source
from metarl_fast.envs.places_vector import MODES, PlacesVectorEnv, checked_num_envs
from metarl_fast.envs.rollout import KINDS, Rollout, roll_out
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from gymnasium.vector import AutoresetMode, VectorEnv
else:
    vector = checks.require_extra("gymnasium.vector", "gym")
    AutoresetMode, VectorEnv = vector.AutoresetMode, vector.VectorEnv


# Gymnasium's class is named once more, since skrl looks at direct bases alone; here and in other files.
class TabularVectorEnv(PlacesVectorEnv, VectorEnv[Any, Any, Any]):
    """Many tasks as one Gymnasium vector environment, one task a sub-environment; needs the extra `gym`.

    What it returns is what `gymnasium.vector.SyncVectorEnv` returns over a `TabularEnv` for each task, value
    by value, in all three modes of resetting.

    Random numbers are a function of a seed and the task's id. `reset(seed=s)` seeds sub-environment i with
    s + i, as Gymnasium does. With `rng=s`, or `reset(seed=[s] * num_envs)`, all have the one seed, and each
    task answers what it answers the learners of `train(learner, tasks, rng=s)`: a learner that draws its own
    numbers by `draw` then learns the same table, to the last bit.

    Parameters
    ----------
    source
        `Tasks`, one for each sub-environment; a single `Task` for all of them; a family, of which
        sub-environment i gets in its e-th turn the task i + e * num_envs of `family.sample(n, rng=seed)`
        (the first of the seeds, if there are several); or a family's settings as a table of plain values.
    num_envs
        N; default the number of tasks.
    max_episode_steps, observation, render_mode, episodes_per_task, rng, dtype, unavailable
        As `TabularEnv` has them.
    autoreset_mode
        Of `gymnasium.vector.AutoresetMode`: "NextStep", "SameStep" or "Disabled".
    copy
        With False, `step` writes into the arrays that it returned before and returns them again.

    Raises
    ------
    ValueError, TypeError
        For what is not one of these, and a task that starts in terminal states alone.
    """

    def __init__(
        self,
        source: Source,
        num_envs: int | None = None,
        *,
        max_episode_steps: int | None = None,
        observation: str = "index",
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        episodes_per_task: int = 1,
        copy: bool = True,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        unavailable: str = "refuse",
    ) -> None:
        found = as_source(source)
        size = checked_num_envs(num_envs, found)
        places = Places(found, size, max_episode_steps, episodes_per_task, dtype, unavailable)
        self._observation = checked_observation(observation)
        space = observation_space(self._observation, places.num_states)
        self._set_up(places, space, render_mode, autoreset_mode, rng)
        self._copy = checks.flag(copy, "copy")
        self._arrays = self._new_arrays()

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes.

        Parameters
        ----------
        seed
            None to go on; an integer s, which seeds sub-environment i with s + i; or one for each
            sub-environment, None for those that go on.
        options
            `"reset_mask"`: a boolean array [N], which sub-environments to reset; default all.
            `"task"` or `"tasks"`: a task for all of these, or one for each, from here on.

        Returns
        -------
        observations, infos
            Of all sub-environments.
        """
        places = self._begin(seed, options, anew=False)
        states = self._core.states
        infos: dict[str, Any] = {}
        if self._places.masked:
            self._say(infos, "action_mask", self._core.available(states), places)
        return observed(self._observation, states, self._places.num_states), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take an action in every sub-environment.

        Parameters
        ----------
        actions
            Integers [N]; those of sub-environments that are reset by this step are ignored.

        Returns
        -------
        observations, rewards, terminated, truncated, infos
            Rewards are float64 [N], flags booleans [N]. With "SameStep", `infos["final_obs"]` has the
            observation that ended an episode where one ended, None elsewhere; `"_final_obs"` says where.

        Raises
        ------
        ValueError, TypeError
            For actions out of range or not available, and, with "Disabled", for a step after an episode's
            end. No sub-environment has taken a step then.
        """
        chosen = self._actions(actions)
        self._places.prepare()
        found = self._new_arrays() if self._copy else self._arrays
        states, entered, rewards, terminated, truncated = found
        infos: dict[str, Any] = {}
        same_step = self.autoreset_mode == AutoresetMode.SAME_STEP
        if same_step and self._places.masked:  # what was available at the end is known before the reset
            self._core.step(chosen, _core.Autoreset.disabled, *found)
            masks, done = self._core.available(entered), np.flatnonzero(terminated | truncated)
            self._core.reset(done)
            states[:] = self._core.states
            if done.size:
                self._say_final(infos, self._seen_one_by_one(entered[done]), done)
                self._say(infos["final_info"], "action_mask", masks, done)
        else:
            ended = self._core.step(chosen, MODES[self.autoreset_mode], *found)
            if ended and same_step:
                done = np.flatnonzero(terminated | truncated)
                self._say_final(infos, self._seen_one_by_one(entered[done]), done)
        if self._places.masked:
            self._say(infos, "action_mask", self._core.available(states), self._places.everywhere)
        seen = observed(self._observation, states, self._places.num_states)
        return seen, rewards, terminated, truncated, infos

    def _seen_one_by_one(self, states: NDArray[np.int64]) -> NDArray[np.object_]:
        seen = observed(self._observation, states, self._places.num_states)
        return seen.astype(object) if seen.ndim == 1 else one_by_one(seen)

    def draw(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Draw the next random number of every sub-environment, for a learner that learns as in `train`.

        Returns
        -------
        numbers, companions
            Unsigned 32-bit integers [N]: learners of `train` draw them before they act, explore if the number
            is small, and choose among actions by its companion (`cpp/learners/behaviour.hpp`). Both are 0,
            and nothing is drawn, where no episode is under way.
        """
        under_way = np.flatnonzero(~self._core.over)
        found = np.zeros((2, self.num_envs), np.uint32)
        found[:, under_way] = self._core.draw(under_way)
        return found[0], found[1]

    def rollout(
        self,
        num_steps: int,
        policy: Any = None,
        *,
        keep: Sequence[str] = tuple(KINDS),
        num_threads: int | None = None,
    ) -> Rollout:
        """Act by a fixed policy for many steps, all of it in the core.

        Episodes that end are followed by the next ones at once. Actions are drawn from streams of their own:
        given to `step`, they lead to the same.

        Parameters
        ----------
        num_steps
            T, of each sub-environment.
        policy
            Actions [S], or [N, S] for each sub-environment its own; probabilities [S, A] or [N, S, A]; None
            for any available action.
        keep
            Which arrays of the `Rollout` to keep.
        num_threads
            Default OMP_NUM_THREADS, else the processors this process may use.

        Raises
        ------
        ValueError, TypeError
            For what is not a policy of these tasks, or takes an action that is not available.
        MemoryError
            If what is to be kept does not fit.
        """
        if not self._seeds.begun:
            self.reset()
        return roll_out(self._places, policy, num_steps, keep, self._places.dtype, num_threads)
