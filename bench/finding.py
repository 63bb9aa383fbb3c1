"""A finding of a benchmark beside its target."""

from __future__ import annotations

from dataclasses import dataclass, field

from report import number


@dataclass(frozen=True)
class Finding:
    """What was found, its target, and what it was made of; `value` is None if it could not be measured."""

    question: str
    value: float | None
    unit: str
    target: float
    at_least: bool
    details: str = ""
    points: list[dict[str, float]] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not yet"
        meets = self.value >= self.target if self.at_least else self.value <= self.target
        return "pass" if meets else "short"

    def __str__(self) -> str:
        found = "-" if self.value is None else f"{number(self.value)}{self.unit}"
        bound = f"{'at least' if self.at_least else 'at most'} {number(self.target)}{self.unit}"
        return f"{self.question:<58}{found:>14}   {bound:<22}{self.verdict}"
