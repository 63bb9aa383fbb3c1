"""Families around families: what such combinations share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family, FamilyPart, divided, own_family
from metarl_fast.families.python_recipe import PythonRecipe
from metarl_fast.recipes import DrawnRecipe, GeneratedRecipe, Ids, Recipe, StoredRecipe, shifted
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Tasks

if TYPE_CHECKING:
    from typing_extensions import Self


class Combination(Family, ABC):
    """A family whose tasks are made of those of other families, its parts.

    The core makes them when somebody looks, as it draws its own families. Parts may be written in Python:
    then it is Python that draws, a shard of tasks at a time, and the core that combines.
    """

    group = "Families around families"

    @property
    @abstractmethod
    def _parts(self) -> tuple[Family, ...]:
        """The families inside."""

    @abstractmethod
    def _with_parts(self, parts: tuple[Family, ...]) -> Self:
        """Return the same combination of other families."""

    @abstractmethod
    def _view(self, key: int, ids: Ids) -> _core.Family: ...

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """S."""
        return self._parts[0].num_states

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """A."""
        return self._parts[0].num_actions

    @property
    def places(self) -> NDArray[np.int64] | None:
        """Those of the families, where all have the same."""
        found = [part.places for part in self._parts]
        same = all(np.array_equal(found[0], each) for each in found)  # type: ignore[arg-type]
        return found[0] if same and found[0] is not None and len(found[0]) == self.num_states else None

    @property
    def horizon(self) -> int | None:  # type: ignore[override]
        """The longest of the families' horizons; None if one of them does not say."""
        horizons = [part.horizon for part in self._parts]
        known = [steps for steps in horizons if steps is not None]
        return max(known) if len(known) == len(horizons) else None

    @property
    def split_path(self) -> tuple[int, ...]:  # type: ignore[override]
        """Which parts of which splits the families are."""
        paths = [(part._id_range.start, *part.split_path) for part in self._parts]
        if not any(any(path) or len(path) > 1 for path in paths):
            return ()
        return tuple(number for path in paths for number in (len(path), *path))

    @property
    def _id_range(self) -> range:  # type: ignore[override]
        return range(min(len(part._id_range) for part in self._parts))

    @property
    def _drawn_in_python(self) -> bool:  # type: ignore[override]
        return any(part._drawn_in_python for part in self._parts)

    @property
    def _episodes_per_segment(self) -> int:  # type: ignore[override]
        return self._parts[0]._episodes_per_segment

    def _in_segment(self, segment: int) -> Family:
        return self._with_parts(tuple(part._in_segment(segment) for part in self._parts))

    def _recipe(self, key: int, ids: Ids) -> Recipe:
        if self._drawn_in_python:
            return PythonRecipe(own_family(self), key, ids)
        return GeneratedRecipe(self, key, ids)

    def _draw(self, key: int, ids: Sequence[int]) -> StoredRecipe:
        return GeneratedRecipe(self, key, np.array(ids, np.uint64)).stored()

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Self, Self]:
        """Return (training family, held-out family): the same combination of the families' halves.

        Raises
        ------
        ValueError
            What the families' own splits raise.
        """
        training, found = zip(*(divided(part, held_out, rng) for part in self._parts), strict=True)
        return self._with_parts(training), self._with_parts(found)


class Around(Combination):
    """A combination of one family."""

    family: Family

    def _keep_family(self) -> None:
        if not isinstance(self.family, Family):
            raise TypeError(f"family is {checks.shown(self.family)}, expected a family")

    @property
    def _parts(self) -> tuple[Family, ...]:
        return (self.family,)

    def _with_parts(self, parts: tuple[Family, ...]) -> Self:
        dataclass: Any = self
        return replace(dataclass, family=parts[0])  # type: ignore[no-any-return]

    def _inside(self, key: int, ids: Ids) -> Tasks:
        """Return the family's tasks that those of these ids are made of; here of the same key."""
        return tasks_of_part(self.family, key, ids)

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return the family's labels of the tasks that these were made of.

        Tasks in memory do not say what they were: of those, the same have the same label.
        """
        recipe = tasks.recipe
        if not isinstance(recipe, DrawnRecipe):
            return super().clusters(tasks)
        return self.family.clusters(self._inside(recipe.key, recipe.ids))


def tasks_of_part(part: Family, key: int, ids: Ids) -> Tasks:
    """Return the tasks that a part draws for a combination's ids, under the key that it has there."""
    own_ids = shifted(ids, part.ids[0]) if isinstance(part, FamilyPart) else ids
    return Tasks(part._recipe(key, own_ids), part.horizon)
