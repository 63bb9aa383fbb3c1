"""Tasks with the same rows and different rewards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core
from metarl_fast.families.base import Family
from metarl_fast.families.sharing import SharedPart
from metarl_fast.recipes import Ids
from metarl_fast.tasks import Tasks


@dataclass(frozen=True)
class SharedDynamics(SharedPart):
    """The tasks of a family with rows, starts and terminal states that all have in common.

    Only rewards differ from task to task: a pair pays what it is expected to pay in the family's task,
    wherever it leads here. What a model learns of one task holds in all.

    Parameters
    ----------
    family
        Whose rewards.
    seed
        Names the task whose rows, starts and terminal states all tasks have: `base.sample(rng=seed)`.
    base
        The family that it is drawn from; None for the same one.
    """

    group = "Related tasks"

    family: Family
    seed: int = 0
    base: Family | None = None

    @property
    def places(self) -> NDArray[np.int64] | None:
        """Those of the family whose rows these are."""
        return (self.base or self.family).places

    def _view(self, key: int, ids: Ids) -> _core.Family:
        rewards = self.family._view(_core.key_of_part(key, 1), ids)
        return _core.Spliced(dynamics=self._shared(), rewards=rewards)

    def _inside(self, key: int, ids: Ids) -> Tasks:
        return super()._inside(_core.key_of_part(key, 1), ids)
