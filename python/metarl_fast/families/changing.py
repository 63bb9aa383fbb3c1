"""Families whose tasks change as time goes on: what they share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metarl_fast import checks
from metarl_fast.families.combination import Around

if TYPE_CHECKING:
    from typing_extensions import Self


class Changing(Around):
    """A combination of one family whose tasks have segments in time, each of `every` episodes."""

    group = "Changing in time"

    every: int
    segment: int | None

    def __post_init__(self) -> None:
        self._keep_family()
        if self.family._drawn_in_python:
            raise TypeError(
                f"family is {checks.shown(self.family)}, whose tasks Python draws: expected one that the "
                "core draws while it learns, such as GoalGrid, TaskDistribution or RiverSwim"
            )
        if self.family._episodes_per_segment:
            raise ValueError(
                f"family is {checks.shown(self.family)}, whose tasks change themselves: expected one whose "
                "do not"
            )
        checks.keep(self, "every", checks.integer, 1, 2**31 - 1)
        if self.segment is not None:
            checks.keep(self, "segment", checks.integer, 0, 2**31 - 1)

    @property
    def _episodes_per_segment(self) -> int:  # type: ignore[override]
        return self.every if self.segment is None else 0

    def _in_segment(self, segment: int) -> Self:
        here: Any = self  # a dataclass
        return self if self.segment is not None else replace(here, segment=segment)
