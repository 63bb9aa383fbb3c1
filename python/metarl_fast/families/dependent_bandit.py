"""Bandits of two arms of which one pays as often as the other does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metarl_fast import _core, checks
from metarl_fast.families.bandits import Bandit, keep_chances, split_varying
from metarl_fast.families.base import Family
from metarl_fast.families.laws import Uniform
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class DependentBandit(Bandit):
    """Two arms that pay 1 with the probabilities p and 1 - p, else 0.

    Every pull says as much of the arm that was not pulled. Who has learned that across tasks need not try
    both, as UCB1 and Thompson sampling for independent arms do.

    Parameters
    ----------
    first
        Law of p: `Uniform(low, high)`, or a tuple of numbers of which each task has one.
    num_pulls
        Steps of the episode.

    Notes
    -----
    Wang et al., "Learning to reinforcement learn" (2016, arXiv 1611.05763): p uniform on [0, 1], or one of
    two numbers that are easy, less easy and hard to tell apart.
    """

    first: Uniform | tuple[float, ...] = Uniform()
    num_pulls: int = 100

    def __post_init__(self) -> None:
        self._keep_counts("num_pulls")
        if isinstance(self.first, (tuple, list)):
            if not self.first:
                raise ValueError("first is empty, expected one number at least")
            values = tuple(checks.real(p, f"first[{k}]", 0.0, 1.0) for k, p in enumerate(self.first))
            object.__setattr__(self, "first", values)
        else:
            keep_chances(self.first, "first")

    @classmethod
    def easy(cls) -> Self:
        """Return bandits of which one arm pays with probability 0.9 and the other with 0.1."""
        return cls((0.1, 0.9))

    @classmethod
    def medium(cls) -> Self:
        """Return those of 0.75 and 0.25."""
        return cls((0.25, 0.75))

    @classmethod
    def hard(cls) -> Self:
        """Return those of 0.6 and 0.4."""
        return cls((0.4, 0.6))

    @property
    def num_arms(self) -> int:  # type: ignore[override]
        """2."""
        return 2

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each.

        Raises
        ------
        ValueError
            If p is one of a few numbers: both halves would draw the same tasks.
        """
        if isinstance(self.first, tuple):
            raise ValueError(
                f"first is {checks.shown(self.first)}, which makes {len(set(self.first))} different tasks at "
                "most: the parts of a split would draw the same ones"
            )
        return split_varying(self, self.first, held_out, rng)

    def _core_family(self) -> _core.Family:
        law = self.first if isinstance(self.first, Uniform) else Uniform()
        values = () if isinstance(self.first, Uniform) else self.first
        return _core.DependentBandit(low=law.low, high=law.high, values=np.array(values, np.float64))
