"""Bandits whose arms pay 1 or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metarl_fast import _core
from metarl_fast.families.bandits import Bandit, keep_chances, split_varying
from metarl_fast.families.base import Family
from metarl_fast.families.laws import Uniform
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self

_PULLS, _ARMS = (10, 100, 500), (5, 10, 50)


@dataclass(frozen=True)
class BernoulliBandit(Bandit):
    """Arms that pay 1 with a probability of their own, else 0.

    A task has one state and is one episode of `num_pulls` steps: `train(learner, tasks, num_episodes=1)`.

    Parameters
    ----------
    num_arms
        A.
    num_pulls
        Steps of the episode.
    means
        Law of each arm's probability: `Uniform(low, high)`.

    Notes
    -----
    Arms are alike before the first pull, so a meta-learned table can be no better than a constant one; what
    can be learned across tasks is how to explore. Per pull the optimum is the mean of the largest of A
    uniform numbers, A / (A + 1) of `Uniform(0, 1)`.
    """

    num_arms: int = 10
    num_pulls: int = 100
    means: Uniform = Uniform()

    def __post_init__(self) -> None:
        self._keep_counts("num_arms", "num_pulls")
        keep_chances(self.means, "means")

    @classmethod
    def rl2(cls, num_pulls: int = 100, num_arms: int = 10) -> Self:
        """Return one of the nine settings of RL² (Duan et al. 2016, arXiv 1611.02779, table 1).

        Parameters
        ----------
        num_pulls
            10, 100 or 500.
        num_arms
            5, 10 or 50.

        Raises
        ------
        ValueError
            For other numbers.
        """
        for name, value, known in (("num_pulls", num_pulls, _PULLS), ("num_arms", num_arms, _ARMS)):
            if value not in known:
                raise ValueError(f"{name} is {value!r}, expected {known[0]}, {known[1]} or {known[2]}")
        return cls(num_arms, num_pulls)

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each.

        Raises
        ------
        ValueError
            If all arms have the same mean.
        """
        return split_varying(self, self.means, held_out, rng)

    def _core_family(self) -> _core.Family:
        return _core.BernoulliBandit(num_arms=self.num_arms, low=self.means.low, high=self.means.high)
