"""Tasks of low rank, with features that all have in common."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.core_family import CoreFamily


@dataclass(frozen=True)
class LowRank(CoreFamily):
    """Random MDPs with P(s' | s, a) = <phi(s, a), mu(s')> and r(s, a) = <phi(s, a), theta>.

    All of d numbers. The features phi(s, a) ~ Dirichlet(1, ..., 1) are the same in all tasks; mu_k ~
    Dirichlet(1, ..., 1) over states and theta ~ N(0, I) are each task's own. Who has learned phi has
    (S + 1) d numbers to find out instead of S A (S + 1). Episodes start in state 0.

    Parameters
    ----------
    num_states, num_actions
        S and A.
    rank
        d.
    features
        The seed of the features, an integer from 0 to 2^53.
    reward_noise
        Standard deviation of Gaussian noise on each sampled reward.
    horizon
        Steps of an episode.

    Notes
    -----
    With known features a linear MDP (Jin, Yang, Wang and Jordan, "Provably efficient reinforcement learning
    with linear function approximation", COLT 2020), else a low-rank one (Agarwal, Kakade, Krishnamurthy and
    Sun, "FLAMBE", NeurIPS 2020). The laws of phi, mu and theta are chosen here.
    """

    group = "Related tasks"

    num_states: int = 10
    num_actions: int = 5
    rank: int = 3
    features: int = 0
    reward_noise: float = 0.0
    horizon: int | None = None

    def __post_init__(self) -> None:
        for name in ("num_states", "num_actions"):
            checks.keep(self, name, checks.integer, 1, 2**31 - 1)
        checks.keep(self, "rank", checks.integer, 1, 2**20)
        s, a = self.num_states, self.num_actions
        checks.memory(8 * s * (a * s + self.rank), f"a task of {s} states and {a} actions")
        checks.keep(self, "features", checks.integer, 0, 2**53)
        checks.keep(self, "reward_noise", checks.real, 0.0, 1e300)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    def _core_family(self) -> _core.Family:
        return _core.LowRank(
            num_states=self.num_states,
            num_actions=self.num_actions,
            rank=self.rank,
            features=self.features,
            reward_noise=self.reward_noise,
        )
