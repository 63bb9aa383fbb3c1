"""What environments of one task share: the task in place, the state it is in, and its picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.envs.pictures import picture
from metarl_fast.envs.places import Places, Source, as_source, checked_options
from metarl_fast.families import Family
from metarl_fast.tasks import Task, Tasks

RENDER_MODES = ["ansi", "rgb_array"]


def checked_render_mode(value: str | None) -> str | None:
    """Return a mode of rendering."""
    if value is not None and value not in RENDER_MODES:
        raise ValueError(f"render_mode is {checks.shown(value)}, expected None, 'ansi' or 'rgb_array'")
    return value


def single_source(source: Source) -> Tasks | Family:
    """Return one task or a family."""
    found = as_source(source)
    if isinstance(found, Tasks) and len(found) != 1:
        raise ValueError(f"source holds {len(found)} tasks, expected one: TabularVectorEnv takes several")
    return found


def given_task(options: dict[str, Any] | None) -> Task | Tasks | None:
    """Return the task that the options of `reset` name, if any."""
    task = checked_options(options, "task").get("task")
    if task is None or isinstance(task, Task) or (isinstance(task, Tasks) and len(task) == 1):
        return task
    raise TypeError(f"options['task'] is {checks.shown(task)}, expected one Task")


def checked_task(task: Any) -> Task:
    """Return the one task."""
    if not isinstance(task, Task):
        raise TypeError(f"task is {checks.shown(task)}, expected one Task")
    return task


class OnePlace:
    """One place in the core, and what can be seen of it."""

    _places: Places
    render_mode: str | None

    @property
    def _core(self) -> Any:
        return self._places.core

    @property
    def task(self) -> Task:
        """The task in place; another one may be put there, for episodes to come."""
        return self._places.task(0)

    @task.setter
    def task(self, task: Task) -> None:
        self._places.give(checked_task(task), self._places.everywhere)

    @property
    def state(self) -> int:
        """The state it is in."""
        return int(self._places.core.states[0])

    @property
    def episode_limit(self) -> int | None:
        """Steps after which an episode of the task is truncated, or None."""
        return self._places.limit(0)

    @property
    def elapsed_steps(self) -> int:
        """Steps of the task's episode so far."""
        return int(self._places.core.elapsed[0])

    def action_masks(self) -> NDArray[np.int8]:
        """Return 1 for each action [A] that is available in the present state, else 0."""
        return np.asarray(self._places.core.available(self._places.core.states)[0])

    def render(self) -> Any:
        """Return the picture of the present state: a text, or pixels [height, width, 3]."""
        return picture(self.task, self.state, self.render_mode)
