"""Tasks whose states and actions are renamed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.recipes import Ids
from metarl_fast.tasks import Tasks


@dataclass(frozen=True)
class Permuted(Around):
    """The tasks of a family with their states and actions renamed, in each task otherwise.

    What a learner knows of a state's or an action's name is then worth nothing, only what it knows of tasks:
    starts, terminal states and available actions are renamed with the rest, and every order of the names is
    equally likely.

    Parameters
    ----------
    family
        Whose tasks.
    states, actions
        Whether those are renamed.

    Notes
    -----
    A split is one into renamed tasks of the family's halves. Of a few tiny tasks two different ones may be
    the same but for their names.
    """

    family: Family
    states: bool = True
    actions: bool = True

    def __post_init__(self) -> None:
        self._keep_family()
        checks.keep(self, "states", checks.flag)
        checks.keep(self, "actions", checks.flag)

    @property
    def places(self) -> NDArray[np.int64] | None:
        """None where states are renamed: each task has them elsewhere."""
        return None if self.states else self.family.places

    def _view(self, key: int, ids: Ids) -> _core.Family:
        family = self.family._view(_core.key_of_part(key, 0), ids)
        return _core.Permuted(family=family, states=int(self.states), actions=int(self.actions))

    def _inside(self, key: int, ids: Ids) -> Tasks:
        return super()._inside(_core.key_of_part(key, 0), ids)
