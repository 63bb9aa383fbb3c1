"""Mixtures of families."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Combination, tasks_of_part
from metarl_fast.recipes import DrawnRecipe, Ids, explicit_ids
from metarl_fast.tasks import Tasks

if TYPE_CHECKING:
    from typing_extensions import Self


def _listed(value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} is {checks.shown(value)}, expected a tuple of them")
    return tuple(value)


@dataclass(frozen=True)
class Mixture(Combination):
    """Each task comes from one of several families; its id decides from which.

    Parameters
    ----------
    families
        Families of equal S and A. Some may be dense and some outcome lists: then all tasks are such lists,
        padded to the longest.
    weights
        How often each is chosen, numbers >= 0 of any sum; None for all alike.

    Notes
    -----
    Two mentions of one family draw different tasks. `horizon` is the longest of the families'. A split is one
    into mixtures of the halves of each family.
    """

    families: tuple[Family, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        families = _listed(self.families, "families")
        if not families:
            raise ValueError("families is empty, expected at least one family")
        for place, family in enumerate(families):
            if not isinstance(family, Family):
                raise TypeError(f"families[{place}] is {checks.shown(family)}, expected a family")
            sizes = [(one.num_states, one.num_actions) for one in (families[0], family)]
            if sizes[0] != sizes[1]:
                (s, a), (other_s, other_a) = sizes
                raise ValueError(
                    f"families[{place}] has {other_s} states and {other_a} actions, families[0] {s} and {a}: "
                    "expected families of equal sizes"
                )
            if family._episodes_per_segment != families[0]._episodes_per_segment:
                raise ValueError(
                    f"families[{place}] changes at other times than families[0], expected the same for all"
                )
        object.__setattr__(self, "families", families)
        if self.weights is None:
            return
        weights = tuple(checks.real(weight, "weights", 0.0) for weight in _listed(self.weights, "weights"))
        if len(weights) != len(families):
            raise ValueError(f"{len(weights)} weights for {len(families)} families, expected as many")
        checks.real(sum(weights), "the sum of weights", 0.0, open_low=True)
        object.__setattr__(self, "weights", weights)

    @property
    def _parts(self) -> tuple[Family, ...]:
        return self.families

    def _with_parts(self, parts: tuple[Family, ...]) -> Self:
        return replace(self, families=parts)

    def _cumulative(self) -> NDArray[np.float64]:
        sums = np.cumsum(np.ones(len(self.families)) if self.weights is None else self.weights)
        return np.asarray(sums / sums[-1], np.float64)

    def _choices(self, key: int, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the place of each task's family [N], as the core chooses it."""
        numbers = [_core.stream(key, int(task), _core.Purpose.parts, 1)[0] for task in ids]
        drawn = np.array(numbers, np.float64) * 2.0**-32
        return np.searchsorted(self._cumulative()[:-1], drawn, side="right")

    def _view(self, key: int, ids: Ids) -> _core.Family:
        views = []
        listed = explicit_ids(ids) if self._drawn_in_python else np.empty(0, np.uint64)
        choices = self._choices(key, listed)
        for place, family in enumerate(self.families):
            own = listed[choices == place]
            # One at least, which says what the family's tasks look like.
            own_ids = own if len(own) else listed[:1]
            views.append(family._view(_core.key_of_part(key, place), own_ids))
        return _core.Mixture(families=views, cumulative=self._cumulative())

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return the labels that each task has in its family; in another family they are others.

        Tasks in memory do not say which family they are from: of those, the same have the same label.
        """
        recipe = tasks.recipe
        if not isinstance(recipe, DrawnRecipe):
            return super().clusters(tasks)
        ids = explicit_ids(recipe.ids)
        choices, labels = self._choices(recipe.key, ids), np.empty(len(ids), np.int64)
        first = 0
        for place, family in enumerate(self.families):
            own = choices == place
            part = tasks_of_part(family, _core.key_of_part(recipe.key, place), ids[own])
            found = np.unique(family.clusters(part), return_inverse=True)[1]
            labels[own] = first + found
            first += int(found.max(initial=-1)) + 1
        return labels
