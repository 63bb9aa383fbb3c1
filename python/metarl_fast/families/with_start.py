"""Tasks that start elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import _core
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.families.laws import Uniform
from metarl_fast.families.starts import keep_start, start_distribution
from metarl_fast.recipes import Ids


@dataclass(frozen=True)
class WithStart(Around):
    """The tasks of a family with other starts; the rest of them is as the family draws it with that seed.

    Parameters
    ----------
    family
        Whose tasks.
    start
        A state, a distribution of S numbers, or `Uniform()`: each state alike that is not terminal in the
        task (exploring starts).
    """

    family: Family
    start: Any = Uniform()

    def __post_init__(self) -> None:
        self._keep_family()
        keep_start(self, self.family.num_states)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        everywhere = isinstance(self.start, Uniform)
        start = np.empty(0) if everywhere else start_distribution(self.start, self.num_states)
        return _core.WithStart(family=self.family._view(key, ids), start=start)
