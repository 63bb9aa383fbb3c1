"""Families whose tasks change as time goes on: what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metarl_fast import checks
from metarl_fast.families.combination import Around

if TYPE_CHECKING:
    from typing_extensions import Self


def word(value: Any, name: str, known: Sequence[str]) -> str:
    """Return `value` if it is one of the words known."""
    if not isinstance(value, str) or value not in known:
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(f"{name} is {checks.shown(value)}, expected {' or '.join(map(repr, known))}")
    return value


class Changing(Around):
    """A combination of one family whose tasks have segments in time, each of `every` episodes.

    Or, along the tasks, the batch is that time: each `every` tasks are a segment of task 0.
    """

    group = "Changing in time"

    every: int
    segment: int | None
    along: str

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
        checks.keep(self, "along", word, ("episodes", "tasks"))

    @property
    def _episodes_per_segment(self) -> int:  # type: ignore[override]
        return self.every if self.segment is None and self.along == "episodes" else 0

    @property
    def _time(self) -> dict[str, Any]:
        """What the core is told of time, by name."""
        segment = -1 if self.segment is None else self.segment
        return {"every": self.every, "segment": segment, "along": self.along}

    def _in_segment(self, segment: int) -> Self:
        here: Any = self  # a dataclass
        stays = self.segment is not None or self.along == "tasks"
        return self if stays else replace(here, segment=segment)
