"""What a vector environment shows of its sub-environments, which are places in the core and no objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.envs.one_place import checked_task
from metarl_fast.envs.pictures import picture
from metarl_fast.envs.places import Places
from metarl_fast.tasks import Task


class SubEnvironment:
    """One place of a vector environment, seen as `call`, `get_attr` and `set_attr` see it."""

    def __init__(self, env: SubEnvironments, place: int) -> None:
        self._env, self._place = env, place
        self.render_mode = env.render_mode
        self.metadata = env.metadata
        self.observation_space, self.action_space = env.single_observation_space, env.single_action_space

    @property
    def unwrapped(self) -> SubEnvironment:
        """Itself."""
        return self

    @property
    def spec(self) -> Any:
        """What the vector environment was made from, or None."""
        return self._env.spec

    @property
    def task(self) -> Task:
        """The task in place; another one may be put there, for episodes to come."""
        return self._env._places.task(self._place)

    @task.setter
    def task(self, task: Task) -> None:
        self._env._places.give(checked_task(task), np.array([self._place]))

    @property
    def state(self) -> int:
        """The state it is in."""
        return int(self._env._core.states[self._place])

    @property
    def episode_limit(self) -> int | None:
        """Steps after which an episode of the task is truncated, or None."""
        return self._env._places.limit(self._place)

    @property
    def elapsed_steps(self) -> int:
        """Steps of the episode so far."""
        return int(self._env._core.elapsed[self._place])

    def action_masks(self) -> NDArray[np.int8]:
        """Return 1 for each action [A] that is available in the present state, else 0."""
        return np.asarray(self._env._core.available(self._env._core.states)[self._place])

    def render(self) -> Any:
        """Return the picture of the present state."""
        return picture(self.task, self.state, self.render_mode)


class SubEnvironments:
    """A vector environment's `call`, `get_attr`, `set_attr` and `render`."""

    num_envs: int
    metadata: dict[str, Any]
    render_mode: str | None
    spec: Any
    single_observation_space: Any
    single_action_space: Any
    _places: Places

    @property
    def _core(self) -> Any:
        return self._places.core

    @property
    def envs(self) -> list[SubEnvironment]:
        """The sub-environments, [N]."""
        if "_envs" not in vars(self):
            self._envs = [SubEnvironment(self, place) for place in range(self.num_envs)]
        return self._envs

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Return the attribute of every sub-environment or, of methods, what they return."""
        found = [getattr(env, name) for env in self.envs]
        return tuple(value(*args, **kwargs) if callable(value) else value for value in found)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return the attribute of every sub-environment."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of every sub-environment, to one value or to one of a list each."""
        each = list(values) if isinstance(values, (list, tuple)) else [values] * self.num_envs
        if len(each) != self.num_envs:
            raise ValueError(f"values holds {len(each)} values, expected {self.num_envs}")
        for env, value in zip(self.envs, each, strict=True):
            setattr(env, name, value)

    def render(self) -> tuple[Any, ...]:
        """Return the picture of every sub-environment."""
        return self.call("render")
