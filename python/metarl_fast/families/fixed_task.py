"""Families of one task, such as a textbook's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from metarl_fast import _core
from metarl_fast.families.base import Family
from metarl_fast.families.python_recipe import draw_tasks
from metarl_fast.recipes import GeneratedRecipe, Ids, Recipe
from metarl_fast.seeding import Seed


class FixedTask(Family, ABC):
    """A family whose tasks are all the same one, and differ in what happens in them.

    `sample()` is the task; `sample(1000, rng=0)` is a lazy batch of a thousand, of which the core holds one,
    and a learner has another stream in each. Such a family goes where families go: into `Slippery`,
    `Permuted` or `Perturbed`, which make it a family of different tasks.

    A subclass is a frozen dataclass of the task's numbers and says `written`.
    """

    group = "Sutton and Barto"

    is_single_task = True
    _drawn_in_python = False

    @abstractmethod
    def written(self) -> Mapping[str, Any]:
        """Return the task: the arguments of `from_arrays` or `from_outcomes` by name, for a single task."""

    def task(self, rng: np.random.Generator) -> Mapping[str, Any]:
        """Return the task, whatever the generator."""
        return self.written()

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Raise ValueError: there is one task."""
        raise ValueError(
            f"{type(self).__name__} is a single task, which cannot be both trained on and held out: split a "
            "family of tasks around it, such as Perturbed"
        )

    def _recipe(self, key: int, ids: Ids) -> Recipe:
        return GeneratedRecipe(self, key, ids)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        return _same_task(self)


@lru_cache(maxsize=8)
def _same_task(family: FixedTask) -> _core.Family:
    return _core.SameTask(tasks=draw_tasks(family, 0, [0]).build())
