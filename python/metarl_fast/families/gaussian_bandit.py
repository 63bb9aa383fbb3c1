"""Bandits whose arms pay a mean of their own and Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metarl_fast import _core, checks
from metarl_fast.families.bandits import Bandit, split_varying
from metarl_fast.families.base import Family
from metarl_fast.families.laws import Normal, Uniform
from metarl_fast.families.task_distribution import TaskDistribution
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class GaussianBandit(Bandit):
    """Arms whose means are drawn from a law; each pull adds Gaussian noise.

    A task has one state and is one episode of `num_pulls` steps: `train(learner, tasks, num_episodes=1)`. To
    the core it is the random MDP of one state.

    Parameters
    ----------
    num_arms
        A.
    num_pulls
        Steps of the episode.
    means
        Law of each arm's mean: `Normal(mean, std)` or `Uniform(low, high)`.
    noise
        Standard deviation of the noise.
    """

    num_arms: int = 10
    num_pulls: int = 100
    means: Normal | Uniform = Normal()
    noise: float = 1.0

    def __post_init__(self) -> None:
        self._keep_counts("num_arms", "num_pulls")
        if not isinstance(self.means, (Normal, Uniform)):
            raise TypeError(f"means is {checks.shown(self.means)}, expected Normal or Uniform")
        checks.keep(self, "noise", checks.real, 0.0)
        checks.real(self.means.largest + 7.0 * self.noise, "the largest reward with 7 * noise")

    @classmethod
    def testbed(cls) -> Self:
        """Return the 10-armed testbed of Sutton and Barto (2018), section 2.3: N(0, 1) means, unit noise."""
        return cls(10, 1000)

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each.

        Raises
        ------
        ValueError
            If all arms have the same mean.
        """
        return split_varying(self, self.means, held_out, rng)

    def _core_family(self) -> _core.Family:
        return TaskDistribution(1, self.num_arms, rewards=self.means, reward_noise=self.noise)._core_family()
