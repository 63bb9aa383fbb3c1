"""Families that the core draws: a lazy batch of a million of their tasks takes no memory."""

from __future__ import annotations

from abc import ABC, abstractmethod

from metarl_fast import _core
from metarl_fast.families.base import Family
from metarl_fast.recipes import GeneratedRecipe, Ids, Recipe


class CoreFamily(Family, ABC):
    """What such a family has to say: its settings, as the core has them."""

    _drawn_in_python = False

    @abstractmethod
    def _core_family(self) -> _core.Family:
        """Return the core's view of the family."""

    def _recipe(self, key: int, ids: Ids) -> Recipe:
        return GeneratedRecipe(self, key, ids)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        return self._core_family()
