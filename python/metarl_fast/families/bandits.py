"""Bandits: tasks of one episode of pulls, in which what is pulled decides nothing but the reward."""

from __future__ import annotations

from abc import ABC
from typing import Any

from metarl_fast import checks
from metarl_fast.families.base import Family
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.laws import Normal, Uniform
from metarl_fast.seeding import Seed


class Bandit(CoreFamily, ABC):
    """Base of bandits: `num_arms` actions, and one episode of `num_pulls` steps."""

    group = "Bandits"

    num_arms: int
    num_pulls: int

    def _keep_counts(self, *names: str) -> None:
        for name in names:
            checks.keep(self, name, checks.integer, 1, 2**31 - 1)
        s, a = self.num_states, self.num_actions
        checks.memory(s * a * (8 * s + 42), f"a bandit of {s} contexts and {a} arms")

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """1."""
        return 1

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """The number of arms."""
        return self.num_arms

    @property
    def horizon(self) -> int:  # type: ignore[override]
        """The number of pulls."""
        return self.num_pulls


def keep_chances(law: Any, name: str) -> None:
    """Check a law from which probabilities are drawn."""
    if not isinstance(law, Uniform):
        raise TypeError(f"{name} is {checks.shown(law)}, expected Uniform(low, high)")
    for end, value in (("low", law.low), ("high", law.high)):
        checks.real(value, f"{name}.{end}", 0.0, 1.0)


def split_varying(family: Bandit, law: Uniform | Normal, held_out: float, rng: Seed) -> tuple[Family, Family]:
    """Split by ids a family whose tasks differ by what they draw from a law, unless all draws are alike."""
    alike = law.std == 0.0 if isinstance(law, Normal) else law.low == law.high
    if alike:
        raise ValueError(
            f"means is {law}, which gives the same number to all tasks: the parts of a split would draw the "
            "same ones"
        )
    return Family.split(family, held_out, rng=rng)
