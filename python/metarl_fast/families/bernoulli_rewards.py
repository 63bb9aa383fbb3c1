"""Tasks that pay one of two numbers."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.recipes import Ids


@dataclass(frozen=True)
class BernoulliRewards(Around):
    """The tasks of a family with rewards that are one of two numbers, and expected as they were.

    An outcome that pays r pays `high` with probability (r - low) / (high - low), else `low`: Bernoulli noise
    instead of the family's Gaussian noise. What lies outside of low and high pays the nearer of them. With
    one seed the tasks are otherwise those of the family; all are outcome lists.

    Parameters
    ----------
    family
        Whose tasks.
    low, high
        What is paid.
    """

    family: Family
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        self._keep_family()
        checks.keep(self, "low", checks.real)
        checks.keep(self, "high", checks.real, self.low, open_low=True)
        checks.real(self.high - self.low, "high - low")

    def _view(self, key: int, ids: Ids) -> _core.Family:
        return _core.BernoulliRewards(family=self.family._view(key, ids), low=self.low, high=self.high)
