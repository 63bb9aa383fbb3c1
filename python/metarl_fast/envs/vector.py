"""Many tasks as one Gymnasium vector environment, stepped in the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.envs.observations import checked_observation, observation_space, observed, seen_of_one
from metarl_fast.envs.places import Places, Source, as_source
from metarl_fast.envs.rollout import KINDS, Rollout, roll_out
from metarl_fast.envs.seeds import Seeds
from metarl_fast.envs.sub_environments import SubEnvironments
from metarl_fast.envs.tabular import RENDER_MODES, checked_render_mode
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Task, Tasks

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space
else:
    gymnasium = checks.require_extra("gymnasium", "gym")
    AutoresetMode, VectorEnv = gymnasium.vector.AutoresetMode, gymnasium.vector.VectorEnv
    batch_space = gymnasium.vector.utils.batch_space

_MODES = {
    AutoresetMode.NEXT_STEP: _core.Autoreset.next_step,
    AutoresetMode.SAME_STEP: _core.Autoreset.same_step,
    AutoresetMode.DISABLED: _core.Autoreset.disabled,
}


def checked_autoreset_mode(value: Any) -> AutoresetMode:
    """Return a mode of resetting; its name or value will do."""
    names = {mode.value: mode for mode in _MODES} | {mode.name: mode for mode in _MODES}
    if isinstance(value, AutoresetMode):
        return value
    if not isinstance(value, str) or value not in names:
        listed = ", ".join(mode.value for mode in _MODES)
        raise ValueError(f"autoreset_mode is {checks.shown(value)}, expected one of {listed}")
    return names[value]


class TabularVectorEnv(SubEnvironments, VectorEnv[Any, Any, Any]):
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
    max_episode_steps, observation, render_mode, episodes_per_task, rng, dtype
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
    ) -> None:
        found = as_source(source)
        if num_envs is None:
            if not isinstance(found, Tasks):
                raise ValueError("num_envs is None, expected how many environments to make of a family")
            num_envs = len(found)
        self._places = Places(found, num_envs, max_episode_steps, episodes_per_task, dtype)
        self._core = self._places.core
        self.num_envs = self._places.size
        self.autoreset_mode = checked_autoreset_mode(autoreset_mode)
        self._mode = _MODES[self.autoreset_mode]
        self.metadata = {
            "render_modes": RENDER_MODES,
            "render_fps": 4,
            "autoreset_mode": self.autoreset_mode,
        }
        self.render_mode = checked_render_mode(render_mode)
        self._observation = checked_observation(observation)
        self.single_observation_space = observation_space(self._observation, self._places.num_states)
        self.single_action_space = gymnasium.spaces.Discrete(self._places.num_actions)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._copy = checks.flag(copy, "copy")
        self._arrays = self._new_arrays()
        self._seeds = Seeds(rng)

    def _new_arrays(self) -> tuple[Any, ...]:
        n = self.num_envs
        return (
            np.empty(n, np.int64),
            np.empty(n, np.int64),
            np.empty(n),
            np.empty(n, np.bool_),
            np.empty(n, np.bool_),
        )

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
        super().reset(seed=seed if isinstance(seed, int) else None)
        given = options or {}
        places = self._chosen(given.get("reset_mask"))
        keys = self._seeds.at_reset(self, seed, self.num_envs, places.size == self.num_envs)
        self._places.reset(places, keys, given.get("tasks", given.get("task")))
        states = self._core.states
        infos: dict[str, Any] = {}
        if self._places.masked:
            self._say(infos, "action_mask", self._core.available(states), places)
        return observed(self._observation, states, self._places.num_states), infos

    def _chosen(self, mask: Any) -> NDArray[np.int64]:
        """Return the places of a mask."""
        if mask is None:
            return self._places.everywhere
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] is {checks.shown(mask)}, expected a boolean array")
        checks.shape(mask, "options['reset_mask']", (self.num_envs,))
        if not mask.any():
            raise ValueError("options['reset_mask'] has no True, expected at least one")
        return np.flatnonzero(mask)

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
            self._say_final(infos, entered, done)
            if done.size:
                self._say(infos["final_info"], "action_mask", masks, done)
        else:
            ended = self._core.step(chosen, self._mode, *found)
            if ended and same_step:
                self._say_final(infos, entered, np.flatnonzero(terminated | truncated))
        if self._places.masked:
            self._say(infos, "action_mask", self._core.available(states), self._places.everywhere)
        seen = observed(self._observation, states, self._places.num_states)
        return seen, rewards, terminated, truncated, infos

    def _actions(self, actions: Any) -> NDArray[np.int64]:
        right = isinstance(actions, np.ndarray) and actions.dtype == np.int64 and actions.ndim == 1
        if right and actions.flags.c_contiguous and actions.flags.aligned and len(actions) == self.num_envs:
            return np.asarray(actions)
        return checks.shape(checks.array(actions, "actions", np.int64), "actions", (self.num_envs,))

    def _say(self, infos: dict[str, Any], name: str, values: NDArray[Any], places: NDArray[np.int64]) -> None:
        """Add what some sub-environments say, and which do."""
        said = np.zeros(self.num_envs, np.bool_)
        said[places] = True
        shown = np.zeros_like(values)
        shown[places] = values[places]
        infos[name], infos[f"_{name}"] = shown, said

    def _say_final(self, infos: dict[str, Any], entered: NDArray[np.int64], done: NDArray[np.int64]) -> None:
        if not done.size:
            return
        said = np.zeros(self.num_envs, np.bool_)
        said[done] = True
        final = np.full(self.num_envs, None, object)
        for place in done.tolist():
            final[place] = seen_of_one(self._observation, int(entered[place]), self._places.num_states)
        infos["final_obs"], infos["_final_obs"] = final, said
        infos["final_info"], infos["_final_info"] = {}, said.copy()

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

    @property
    def tasks(self) -> list[Task]:
        """The tasks in place [N]."""
        return [self._places.task(place) for place in range(self.num_envs)]

    @property
    def states(self) -> NDArray[np.int64]:
        """The states they are in [N]."""
        return np.asarray(self._core.states)
