"""Contextual bandits whose expected rewards are linear in features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metarl_fast import _core, checks
from metarl_fast.families.bandits import Bandit

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class LinearBandit(Bandit):
    """Arms whose means in a context s are <phi(s, a), theta>, theta each task's own.

    The features phi(s, a) ~ N(0, I/d) are the same in all tasks of the family, so a pull of one arm says
    something of all others to whoever has learned them; theta ~ N(0, I/d). States are contexts: one follows
    the other evenly, whatever is pulled, and an episode is `num_pulls` steps.

    Parameters
    ----------
    num_contexts
        S; 1 is a linear bandit without contexts.
    num_arms
        A.
    dimension
        d.
    num_pulls
        Steps of the episode.
    noise
        Standard deviation of the Gaussian noise on each reward.
    features
        The seed of the features, an integer from 0 to 2^53.

    Notes
    -----
    The law of the arms and of theta is that of Lee et al., "Supervised pretraining can learn in-context
    reinforcement learning" (DPT, 2023, arXiv 2306.14892).
    """

    num_contexts: int = 1
    num_arms: int = 10
    dimension: int = 2
    num_pulls: int = 200
    noise: float = 1.0
    features: int = 0

    def __post_init__(self) -> None:
        self._keep_counts("num_contexts", "num_arms", "num_pulls")
        checks.keep(self, "dimension", checks.integer, 1, 2**24)
        checks.keep(self, "noise", checks.real, 0.0, 1e300)
        checks.keep(self, "features", checks.integer, 0, 2**53)

    @classmethod
    def dpt(cls) -> Self:
        """Return DPT's linear bandits: ten arms in two dimensions, 200 pulls, noise of variance 0.3."""
        return cls(noise=math.sqrt(0.3))

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """The number of contexts."""
        return self.num_contexts

    def _core_family(self) -> _core.Family:
        return _core.LinearBandit(
            num_contexts=self.num_contexts,
            num_arms=self.num_arms,
            dimension=self.dimension,
            features=self.features,
            noise=self.noise,
        )
