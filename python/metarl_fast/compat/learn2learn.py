"""learn2learn's environments: a family whose tasks an algorithm samples, sets and resets."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from metarl_fast import checks
from metarl_fast.compat.task_dicts import from_task_dicts, to_task_dicts
from metarl_fast.envs import TabularEnv, TabularVectorEnv
from metarl_fast.envs.places import Source, as_source
from metarl_fast.families import Family
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Task, Tasks

try:
    _Base: Any = import_module("learn2learn.gym").MetaEnv
except Exception:  # not installed, or one of the many packages that it needs is missing or too new
    _Base = object


class _Sampler:
    """Draws a family's tasks one after the other, or tasks of a batch in turn, as plain dicts."""

    def __init__(self, source: Source, rng: Seed) -> None:
        self.source, self._next = as_source(source), 0
        self._all = (
            self.source.sample(len(self.source._id_range), rng=rng)
            if isinstance(self.source, Family)
            else self.source
        )

    def draw(self, num_tasks: int) -> list[dict[str, Any]]:
        count = checks.integer(num_tasks, "num_tasks", 1)
        places = (self._next + np.arange(count)) % len(self._all)
        self._next += count
        return to_task_dicts(self._all[places])

    def task_for(self, task: Any) -> Any:
        """Return a new task for None, the one at a place for an integer, else the task."""
        if task is None:
            return self.draw(1)[0]
        if isinstance(task, (int, np.integer)) and not isinstance(task, bool):
            return self._all[int(task)]
        return task


def _as_task(task: Mapping[str, Any] | Task) -> Task:
    return task if isinstance(task, Task) else from_task_dicts(task)[0]


def _old_space(space: Any) -> Any:
    """Return the space as gym has it, where that was imported: cherry knows no other."""
    if "gym" not in sys.modules:
        return space
    spaces = import_module("gym.spaces")
    if hasattr(space, "n"):
        return spaces.Discrete(int(space.n))
    return spaces.Box(space.low, space.high, dtype=space.dtype.type)


class MetaEnv(_Base):  # type: ignore[misc]  # learn2learn's own where it can be imported
    """A family as learn2learn's `MetaEnv`: an environment whose task is sampled and set.

    A subclass of `learn2learn.gym.MetaEnv` where that can be imported, else one that has its methods. Needs
    the extra `gym`.

    Parameters
    ----------
    source
        A family, or its table of settings; or `Tasks`, which are taken in turn.
    task
        The first task; default one that is sampled.
    api
        "gym": `reset()` returns the observation and `step` four values, as learn2learn and cherry want them,
        and spaces are those of the package gym if that was imported;
        "gymnasium": as Gymnasium has it.
    observation
        "one_hot", float32 [S], or "index".
    max_episode_steps, dtype, render_mode
        As `TabularEnv` has them.
    rng
        Decides which tasks are sampled and what they answer.
    """

    def __init__(
        self,
        source: Source,
        task: Mapping[str, Any] | Task | None = None,
        *,
        api: str = "gym",
        observation: str = "one_hot",
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if api not in ("gym", "gymnasium"):
            raise ValueError(f"api is {checks.shown(api)}, expected 'gym' or 'gymnasium'")
        self._new_api = api == "gymnasium"
        self._sampler = _Sampler(source, rng)
        first = self._sampler.source
        self._env = TabularEnv(
            first if isinstance(first, Family) else first[0],
            max_episode_steps=max_episode_steps,
            observation=observation,
            render_mode=render_mode,
            rng=rng,
            dtype=dtype,
        )
        self.observation_space, self.action_space = self._env.observation_space, self._env.action_space
        if not self._new_api:
            self.observation_space = _old_space(self.observation_space)
            self.action_space = _old_space(self.action_space)
        self.metadata, self.render_mode = TabularEnv.metadata, render_mode
        self.spec = None
        self._seed: int | None = None
        if _Base is object:
            self.set_task(self.sample_tasks(1)[0] if task is None else task)
        else:
            super().__init__(task)

    @property
    def unwrapped(self) -> MetaEnv:
        """Itself."""
        return self

    def sample_tasks(self, num_tasks: int) -> list[dict[str, Any]]:
        """Return the family's next tasks as plain dicts of arrays (`to_task_dicts`)."""
        return self._sampler.draw(num_tasks)

    def set_task(self, task: Mapping[str, Any] | Task) -> bool:
        """Put a task into place, for the episodes that `reset` begins."""
        self._given = _as_task(task)
        self._task = to_task_dicts(self._given)[0] if isinstance(task, Task) else task
        return True

    def get_task(self) -> Any:
        """Return the task in place, a dict."""
        return self._task

    def reset_task(self, task: Mapping[str, Any] | Task | int | None = None) -> Any:
        """Put a task into place and return it: a new one, or of `Tasks` the one at a place, or this one."""
        self.set_task(self._sampler.task_for(task))
        return self._task

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Seed what the task answers from the next `reset` on, as old environments are seeded."""
        self._seed = None if seed is None else checks.integer(seed, "seed", 0)
        return [seed]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode in the task."""
        seed, self._seed = self._seed if seed is None else seed, None
        seen, info = self._env.reset(seed=seed, options={**(options or {}), "task": self._given})
        return (seen, info) if self._new_api else seen

    def step(self, action: Any) -> tuple[Any, ...]:
        """Take an action.

        Returns
        -------
        observation, reward, done, info
            Or, with `api="gymnasium"`, observation, reward, terminated, truncated, info. In the old form
            `info["TimeLimit.truncated"]` says whether an episode was only cut short.
        """
        seen, reward, terminated, truncated, info = self._env.step(action)
        if self._new_api:
            return seen, reward, terminated, truncated, info
        cut = {"TimeLimit.truncated": True} if truncated and not terminated else {}
        return seen, reward, terminated or truncated, {**info, **cut}

    def render(self, mode: str | None = None) -> Any:
        """Return the picture of the present state."""
        return self._env.render()

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class VectorMetaEnv:
    """Many copies of a task, stepped in the core: learn2learn's `AsyncVectorEnv` without processes.

    An episode that ends is followed by the next one at once. Each copy has random numbers of its own.

    Parameters
    ----------
    source
        As `MetaEnv` has it.
    num_envs
        How many.
    observation, max_episode_steps, rng, dtype
        As `MetaEnv` has them.
    """

    is_vectorized = True

    def __init__(
        self,
        source: Source,
        num_envs: int,
        *,
        observation: str = "one_hot",
        max_episode_steps: int | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self._sampler = _Sampler(source, rng)
        first = self._sampler.draw(1)[0]
        self._env = TabularVectorEnv(
            _as_task(first),
            num_envs,
            max_episode_steps=max_episode_steps,
            observation=observation,
            autoreset_mode="SameStep",
            dtype=dtype,
        )
        self.num_envs = self._env.num_envs
        self.observation_space = _old_space(self._env.single_observation_space)
        self.action_space = _old_space(self._env.single_action_space)
        self.metadata, self.spec = self._env.metadata, None
        self._seed: int | None = make_key(rng)
        self.set_task(first)

    @property
    def unwrapped(self) -> VectorMetaEnv:
        """Itself."""
        return self

    def sample_tasks(self, num_tasks: int) -> list[dict[str, Any]]:
        """Return the family's next tasks as plain dicts of arrays."""
        return self._sampler.draw(num_tasks)

    def set_task(self, task: Any) -> bool:
        """Put a task into all copies, or one of a list or of `Tasks` into each, from the next `reset` on."""
        if isinstance(task, Tasks):
            self._given: Task | Tasks = task
        else:
            one = isinstance(task, (Mapping, Task))
            self._given = _as_task(task) if one else from_task_dicts(list(task))
        self._task = task
        return True

    def get_task(self) -> Any:
        """Return what was set."""
        return self._task

    def reset_task(self, task: Any = None) -> Any:
        """Put a task into all copies and return it, as `MetaEnv.reset_task` does."""
        self.set_task(self._sampler.task_for(task))
        return self._task

    def seed(self, seed: int) -> None:
        """Seed what the tasks answer from the next `reset` on."""
        self._seed = checks.integer(seed, "seed", 0)

    def reset(self) -> NDArray[Any]:
        """Begin an episode in every copy and return what is seen [num_envs, ...]."""
        seed, self._seed = self._seed, None
        seen, _ = self._env.reset(seed=seed, options={"tasks": self._given})
        return np.asarray(seen)

    def step(
        self, actions: Any
    ) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.bool_], list[dict[str, Any]]]:
        """Take an action in every copy.

        Returns
        -------
        observations, rewards, dones, infos
            Where an episode ended the observation is the next one's first; `infos[i]["final_obs"]` has the
            last, `infos[i]["TimeLimit.truncated"]` says whether it was only cut short.
        """
        seen, rewards, terminated, truncated, infos = self._env.step(actions)
        of_each: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for place in np.flatnonzero(terminated | truncated).tolist():
            of_each[place] = {
                "final_obs": infos["final_obs"][place],
                "TimeLimit.truncated": bool(truncated[place] and not terminated[place]),
            }
        return seen, rewards, terminated | truncated, of_each

    def close(self) -> None:
        """Do nothing: there is nothing to close."""
