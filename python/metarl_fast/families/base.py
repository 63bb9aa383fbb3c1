"""What a family is: a law over tasks, which can be sampled and split."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.python_recipe import PythonRecipe, draw_tasks
from metarl_fast.families.splitting import content_labels, fraction, halves, refuse_recurring
from metarl_fast.recipes import Ids, Recipe, StoredRecipe, shifted
from metarl_fast.seeding import Seed, branch, make_key
from metarl_fast.tasks import Task, Tasks

NUM_IDS = 2**56
"""Tasks are numbered 0 to NUM_IDS - 1; a split gives a family's upper half to held-out tasks."""

# So many tasks of both halves are looked at when a family in Python is split.
_TASKS_COMPARED = 64


class Family:
    """A distribution over tasks.

    A family of one's own is a class with `num_states`, `num_actions`, optionally `horizon`, and a method
    `task`::

        class Corridor(metarl_fast.Family):
            num_states, num_actions, horizon = 5, 2, 20

            def task(self, rng):
                transitions = np.zeros((5, 2, 5))
                for s in range(5):
                    transitions[s, 0, max(s - 1, 0)] = 1.0
                    transitions[s, 1, min(s + 1, 4)] = 1.0
                rewards = np.zeros((5, 2))
                rewards[rng.integers(5)] = 1.0
                return {"transitions": transitions, "rewards": rewards, "start": 2}

        tasks = Corridor().sample(1000, rng=0)

    Beside `start` it may return `terminal` and `reward_noise`, each task's own, as `from_arrays` takes them
    for one task. Instead of transitions and rewards it may return `outcomes`, a table of `from_outcomes`, or
    its dict of arrays [S, A, K].
    Drawn tasks do not follow later changes of the family: `sample` keeps a copy of all that it holds.

    A family of few different tasks, like this one of five, needs a `split` of its own: see there.
    """

    num_states: int
    num_actions: int
    horizon: int | None = None
    split_path: tuple[int, ...] = ()
    """Which parts of which splits this family is; different ones draw different numbers for the same seed."""
    group = "Your own"
    """The heading under which lists of families have it."""
    is_single_task = False
    """Whether all tasks are the same one, so that looking at one says all."""
    _id_range = range(NUM_IDS)
    _drawn_in_python = True
    _episodes_per_segment = 0  # tasks do not change

    def task(self, rng: np.random.Generator) -> Mapping[str, Any]:
        """Draw one task: the arguments of `from_arrays` or `from_outcomes` by name, for a single task."""
        raise NotImplementedError(f"{type(self).__name__} has no method task(rng)")

    @property
    def places(self) -> NDArray[np.int64] | None:
        """Where a picture draws each state, (row, column) [S, 2]; None where states have no places."""
        return None

    @property
    def _named_by(self) -> dict[str, Any]:
        """What names a family that is no dataclass: its attributes, but for what it caches."""
        cached = (name for name in vars(self) if isinstance(getattr(type(self), name, None), cached_property))
        return {name: vars(self)[name] for name in sorted(vars(self).keys() - set(cached))}

    def _recipe(self, key: int, ids: Ids) -> Recipe:
        # A copy: tasks are drawn later, and must not follow changes of the family.
        return PythonRecipe(own_family(self), key, ids)

    def _draw(self, key: int, ids: Sequence[int]) -> StoredRecipe:
        """Draw tasks in Python, now."""
        return draw_tasks(self, key, ids)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        """Return the core's view of the family; where Python draws, of these tasks under this key alone."""
        drawn = self._draw(key, list(map(int, ids)))
        return _core.StoredFamily(tasks=drawn.named(ids).build())

    def _in_segment(self, segment: int) -> Family:
        """Return the family of its tasks as they are in a segment of their time."""
        return self

    @overload
    def sample(self, num_tasks: None = None, *, rng: Seed = None) -> Task: ...
    @overload
    def sample(self, num_tasks: int, *, rng: Seed = None) -> Tasks: ...
    def sample(self, num_tasks: int | None = None, *, rng: Seed = None) -> Task | Tasks:
        """Draw tasks; they are generated when somebody looks.

        Parameters
        ----------
        num_tasks
            N for a batch of N; None for a single `Task`.
        rng
            None, an integer, a SeedSequence or a Generator. The same `rng` gives the same tasks, and a longer
            sample begins with the shorter one.

        Raises
        ------
        ValueError, TypeError
            For a count below 0 or a bad `rng`.
        """
        count = 1 if num_tasks is None else checks.integer(num_tasks, "num_tasks", 0, len(self._id_range))
        key = branch(make_key(rng), self.split_path)
        tasks = Tasks(self._recipe(key, self._id_range[:count]), self.horizon)
        return tasks[0] if num_tasks is None else tasks

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), which never draw the same task.

        Here tasks are told apart by id: each half, a `FamilyPart`, gets half of the ids, whatever `held_out`
        and `rng`, and can be split again. That is enough where no two ids give the same task. A family of few
        different tasks overrides this method and divides those by `held_out`, as `GoalGrid` divides its
        goals; its parts draw different numbers for the same seed if their `split_path` differs.

        Parameters
        ----------
        held_out
            Fraction of what there is to divide that is kept for evaluation, above 0 and below 1.
        rng
            Decides what is held out, where there is something to decide; the default does it alike each time.

        Raises
        ------
        ValueError
            If `task` draws the same task again among the first 64 of each half.
        """
        fraction(held_out)
        make_key(rng)
        # A copy: the halves must not follow changes of the family.
        family = own_family(self)
        parts = [FamilyPart(family, ids) for ids in halves(self._id_range)]
        few = [part.sample(min(_TASKS_COMPARED, len(part._id_range)), rng=0) for part in parts]
        if isinstance(few[0].recipe, PythonRecipe):
            refuse_recurring(few[0], few[1], type(self).__name__)
        return parts[0], parts[1]

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return labels [N], alike for tasks that have in common what a split would tell apart.

        An interval over these (`AdaptationCurve.interval(clusters=...)`) says how far a mean holds for tasks
        of other goals or maps; one over tasks that share a few says nothing of others. Here, tasks that are
        the same have the same label.
        """
        return np.array(content_labels(tasks), np.int64)


def own_family(family: Family) -> Family:
    """Copy a family with all that it holds, but for what cannot be copied."""
    try:
        return copy.deepcopy(family)
    except Exception:  # a lock, a generator, an open file
        twin = copy.copy(family)
        for name, value in list(getattr(family, "__dict__", {}).items()):
            with suppress(Exception):
                object.__setattr__(twin, name, copy.deepcopy(value))
        return twin


def divided(family: Family, share: float, rng: Seed) -> tuple[Family, Family]:
    """Return both parts of a split; a family of one's own may have one that is the same whatever the seed."""
    takes_rng = "rng" in inspect.signature(family.split).parameters
    return family.split(share, rng=rng) if takes_rng else family.split(share)


class Alike(Family):
    """Base of families whose states, actions, places and horizon are those of another one, or of a task."""

    @property
    def _model(self) -> Family | Task:
        raise NotImplementedError

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """S."""
        return self._model.num_states

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """A."""
        return self._model.num_actions

    @property
    def horizon(self) -> int | None:  # type: ignore[override]
        """Steps of an episode, or None if the other one does not say."""
        return self._model.horizon

    @property
    def places(self) -> NDArray[np.int64] | None:
        """Those of the other one."""
        return self._model.places


@dataclass(frozen=True)
class FamilyPart(Alike):
    """The tasks of a family whose ids lie in a range; what `split` makes of families with endless tasks.

    Parameters
    ----------
    family
        The whole family.
    ids
        The range, half open: (first, end).
    """

    family: Family
    ids: tuple[int, int]

    def __post_init__(self) -> None:
        if not isinstance(self.family, Family) or isinstance(self.family, FamilyPart):
            raise TypeError(f"family is {checks.shown(self.family)}, expected a whole family")
        first, end = checks.pair(self.ids, "ids", 0, NUM_IDS)
        if not first < end:
            raise ValueError(f"ids is ({first}, {end}), expected first < end")
        object.__setattr__(self, "ids", (first, end))

    @property
    def _model(self) -> Family:
        return self.family

    @property
    def _id_range(self) -> range:  # type: ignore[override]
        return range(*self.ids)

    @property
    def split_path(self) -> tuple[int, ...]:  # type: ignore[override]
        """The family's: ids tell the parts apart."""
        return self.family.split_path

    @property
    def _drawn_in_python(self) -> bool:  # type: ignore[override]
        return self.family._drawn_in_python

    @property
    def _episodes_per_segment(self) -> int:  # type: ignore[override]
        return self.family._episodes_per_segment

    def _in_segment(self, segment: int) -> Family:
        return replace(self, family=self.family._in_segment(segment))

    def task(self, rng: np.random.Generator) -> Mapping[str, Any]:
        """Draw one task of the family."""
        return self.family.task(rng)

    def _recipe(self, key: int, ids: Ids) -> Recipe:
        return self.family._recipe(key, ids)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        # A family around this one counts from 0.
        family = self.family._view(key, shifted(ids, self.ids[0]))
        return _core.FamilyPart(family=family, first=self.ids[0])

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return two parts of what the family's own split returns.

        They keep these ids where that tells tasks apart by what they are, and get half of them each where it
        tells them apart by their ids.
        """
        whole = divided(self.family, held_out, rng)
        by_id = all(isinstance(part, FamilyPart) for part in whole)
        ids = halves(self._id_range) if by_id else (self.ids, self.ids)
        families = [part.family if isinstance(part, FamilyPart) else part for part in whole]
        return FamilyPart(families[0], ids[0]), FamilyPart(families[1], ids[1])

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return the labels of the family."""
        return self.family.clusters(tasks)
