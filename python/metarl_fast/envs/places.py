"""Tasks side by side in the core: which task stands in which place, and from which seed each is answered."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.config import from_config
from metarl_fast.envs.seeds import Keys
from metarl_fast.families import Family
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Task, Tasks, as_batch

Source: TypeAlias = "Task | Tasks | Family | dict[str, Any]"
"""Where tasks come from: tasks that stay, or a family, or its table of settings, that draws them."""


def as_source(source: Any) -> Tasks | Family:
    """Return tasks, or a family; a table of settings is read as a file's would be."""
    if isinstance(source, dict):
        source = from_config(source, Family)
    if isinstance(source, (Family, Tasks)):
        return source
    if isinstance(source, Task):
        return source.batch
    raise TypeError(
        f"source is {checks.shown(source)}, expected a Task, Tasks, a family, or a table of its settings"
    )


def stays_put(unavailable: Any) -> bool:
    """Return whether actions that are not available leave the state as it is."""
    if not isinstance(unavailable, str) or unavailable not in ("refuse", "stay"):
        raise ValueError(f"unavailable is {checks.shown(unavailable)}, expected 'refuse' or 'stay'")
    return unavailable == "stay"


def checked_options(options: dict[str, Any] | None, *known: str) -> dict[str, Any]:
    """Return the options of `reset`; refuse what other environments know, but not this one.

    Whatever else there is may be a wrapper's, as Gymnasium has it.
    """
    if not isinstance(options, (dict, type(None))):
        raise TypeError(f"options is {checks.shown(options)}, expected a dict or None")
    given = options or {}
    for name in _OPTIONS:
        if name in given and name not in known:
            raise ValueError(f"options has the key {name!r}, expected {' or '.join(known)}")
    return given


_OPTIONS = ("reset_mask", "task", "tasks")


class Places:
    """N places, each with a task, a stream of random numbers and an episode.

    Parameters
    ----------
    source
        Tasks, one for each place or one for all; or a family, of which the e-th task of place i has the
        number i + e * N.
    num_places
        N.
    max_episode_steps
        Steps of an episode; None for the tasks' horizon, 0 for no limit.
    episodes_per_task
        A family draws another task after so many episodes; 0: each keeps its first.
    dtype
        As in `train`: float32 or float64, of the numbers that rewards are rounded to.
    unavailable
        What an action that is not available does: "refuse" raises ValueError, "stay" leaves the state as it
        is, for reward 0.
    """

    def __init__(
        self,
        source: Tasks | Family,
        num_places: int,
        max_episode_steps: int | None,
        episodes_per_task: int,
        dtype: DTypeLike,
        unavailable: str,
    ) -> None:
        self.dtype = checks.float_type(dtype, "dtype")
        self.size = checks.integer(num_places, "num_envs", 1, 2**31 - 1)
        self.num_states, self.num_actions = source.num_states, source.num_actions
        self._limit = (
            None if max_episode_steps is None else checks.integer(max_episode_steps, "max_episode_steps", 0)
        )
        self._family = source if isinstance(source, Family) else None
        episodes = checks.integer(episodes_per_task, "episodes_per_task", 0)
        self._answers = self.size, episodes, stays_put(unavailable)
        self.core = self._new_core()
        self.everywhere = np.arange(self.size)
        self._tasks: list[Tasks] = []  # all that a place may have
        self._of: NDArray[np.int64] = np.zeros(self.size, np.int64)  # which of them each has
        self._drawn: Tasks | None = None  # by a family in Python
        self.masked = False  # whether any task has had actions that are not available
        if isinstance(source, Tasks):
            self.give(source, self.everywhere)
        else:
            self.draw_from_family(0)
            self.masked = self._tasks[0][:1].core.masked

    def _new_core(self) -> _core.VectorSimulatorFloat32 | _core.VectorSimulatorFloat64:
        of = _core.VectorSimulatorFloat32 if self.dtype == np.float32 else _core.VectorSimulatorFloat64
        return of(*self._answers)

    def give(self, tasks: Task | Tasks, places: NDArray[np.int64]) -> None:
        """Put tasks into places, one each or one for all; they stay."""
        batch = self._fitting(tasks, places)
        numbers = np.zeros_like(places) if len(batch) == 1 else np.arange(len(places))
        self.core.assign(places, batch.core, numbers, *self._limits(batch), False)
        self.masked |= batch.core.masked
        self._of[places] = len(self._tasks)
        self._tasks.append(batch)
        self._forget_unused()

    def _fitting(self, tasks: Task | Tasks, places: NDArray[np.int64]) -> Tasks:
        """Return tasks that can stand in these places."""
        batch = as_batch(tasks)
        if len(batch) not in (1, len(places)):
            raise ValueError(f"tasks holds {len(batch)} tasks, expected 1 or {len(places)}")
        if (batch.num_states, batch.num_actions) != (self.num_states, self.num_actions):
            raise ValueError(
                f"tasks have {batch.num_states} states and {batch.num_actions} actions, expected "
                f"{self.num_states} and {self.num_actions}"
            )
        return batch

    def draw_from_family(self, rng: Seed) -> None:
        """Begin anew with the family's first tasks under a seed, if the places have a family."""
        if self._family is None:
            return
        tasks = self._family.sample(len(self._family._id_range), rng=rng)
        self._tasks = [tasks]
        self._of[:] = 0
        self._drawn = None if tasks.recipe.at_once is None else tasks
        first = tasks if self._drawn is None else tasks[: self.size]
        self.core.assign(self.everywhere, first.core, self.everywhere, *self._limits(first), True)

    def prepare(self) -> None:
        """Have tasks ready for all places whose episodes may begin in the next step."""
        if self._drawn is None:
            return
        places = np.flatnonzero(self.core.expects_none)
        if places.size:
            tasks = self._drawn[self.core.numbers[places] + self.size]
            self.core.expect(places, tasks.core, *self._limits(tasks))

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in vars(self).items() if name != "core"}
        core = self.core
        return kept | {"follows": core.follows, "numbers": core.numbers, "standing": core.standing()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = dict(state)
        follows, numbers, standing = (kept.pop(name) for name in ("follows", "numbers", "standing"))
        vars(self).update(kept)
        self.core = self._new_core()
        for k, tasks in enumerate(self._tasks):
            of_family = bool(follows[self._of == k].all())
            places = np.flatnonzero(self._of == k)
            at, batch = numbers[places], tasks
            if of_family and self.draws_in_python:  # what has been drawn by now alone
                at, batch = np.arange(len(places)), tasks[at]
            self.core.assign(places, batch.core, at, *self._limits(batch), of_family)
        self.core.stand(standing)

    @property
    def draws_in_python(self) -> bool:
        """Whether tasks have to be drawn between steps."""
        return self._drawn is not None

    def _limits(self, tasks: Tasks) -> tuple[int, NDArray[np.int64] | None]:
        horizon = tasks.horizon if self._limit is None else self._limit
        if isinstance(horizon, np.ndarray):
            return 0, horizon
        return horizon or 0, None

    def _forget_unused(self) -> None:
        used, self._of = np.unique(self._of, return_inverse=True)
        self._tasks = [self._tasks[k] for k in used]

    def reset(
        self, places: NDArray[np.int64], keys: Keys, tasks: Task | Tasks | None, *, anew: bool = False
    ) -> None:
        """Begin episodes in places, in new tasks if some are given, with the random numbers of new keys.

        With `anew` a family draws other tasks, however many episodes the present ones have had.
        """
        if tasks is not None:
            self._fitting(tasks, places)
        if keys.root is not None:
            self.draw_from_family(keys.root)
        if tasks is not None:
            self.give(tasks, places)
        seeded = [place for place in range(self.size) if keys.of[place] is not None]
        if places.size < self.size and keys.root is None:  # of some places: the others go on
            chosen = set(places.tolist())
            seeded = [place for place in seeded if place in chosen]
        if seeded:
            new = np.array([keys.of[place] for place in seeded], np.uint64)
            self.core.seed(np.array(seeded, np.int64), new)
        if anew:
            self.core.leave(places)
        self.prepare()
        self.core.reset(places)

    def limit(self, place: int) -> int | None:
        """Return the steps of an episode in a place, None for no limit."""
        if self._limit is not None:
            return self._limit or None
        horizon: int | None = self.task(place).horizon
        return horizon

    def task(self, place: int) -> Task:
        """Return the task in a place."""
        tasks: Tasks = self._tasks[self._of[place]]
        return tasks[int(self.core.numbers[place])]
