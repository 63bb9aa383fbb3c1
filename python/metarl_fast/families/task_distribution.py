"""Independent random MDPs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.laws import (
    Dirichlet,
    Fixed,
    Garnet,
    Normal,
    RewardLaw,
    Uniform,
    drawn_from,
    fixed_values,
)
from metarl_fast.families.starts import keep_start, start_distribution
from metarl_fast.families.switching import Switching
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Tasks

if TYPE_CHECKING:
    from typing_extensions import Self

TransitionLaw: TypeAlias = Uniform | Dirichlet | Garnet


@dataclass(frozen=True)
class TaskDistribution(CoreFamily):
    """Random MDPs whose rows and rewards are drawn independently.

    Without further arguments the tutorial's distribution; `rl2`, `rl3` and `garnet` are those of the papers.

    Parameters
    ----------
    num_states, num_actions
        S and A.
    transitions
        Law of each row: `Uniform()`, `Dirichlet(alpha)` or `Garnet(branching)`.
    rewards
        Law of the expected reward of each pair: `Uniform(low, high)`, `Normal(mean, std)` or `Fixed(values)`.
    start
        Where episodes start: a state, `Uniform()`, or a distribution of S numbers.
    reward_noise
        Standard deviation of Gaussian noise on each sampled reward.
    horizon
        Steps of an episode, the default of `train`.

    Notes
    -----
    With uniform transitions and more than 64 states, rows are never written out: a next state is proposed,
    and accepted or not by its weight alone. So a task of a million states takes memory for rewards and
    action values only, S * A numbers each. With `Garnet(branching, by_pair=True)` and one state to start from
    a learner with linear values takes memory for its weights alone.

    These laws do not change when states other than the start, or actions, are renamed. The best meta-learned
    table is therefore constant over them: on this family meta-learning can find a good constant, not a good
    policy. `GoalGrid` is a family where a table helps.
    """

    group = "Random MDPs"

    num_states: int
    num_actions: int
    transitions: TransitionLaw = Uniform()
    rewards: RewardLaw = Uniform()
    start: Any = 0
    reward_noise: float = 0.0
    horizon: int | None = None

    def __post_init__(self) -> None:
        checks.keep(self, "num_states", checks.integer, 1, 2**31 - 1)
        checks.keep(self, "num_actions", checks.integer, 1, 2**31 - 1)
        s, a = self.num_states, self.num_actions
        if s * a >= 2**31:
            raise ValueError(f"num_states * num_actions is {s * a}, expected below 2^31")
        if not isinstance(self.transitions, (Uniform, Dirichlet, Garnet)):
            raise TypeError(
                f"transitions is {checks.shown(self.transitions)}, expected Uniform(), Dirichlet or Garnet"
            )
        if isinstance(self.transitions, Uniform) and self.transitions != Uniform():
            raise ValueError(f"transitions is {self.transitions}, expected Uniform(): weights are normalised")
        if isinstance(self.transitions, Garnet) and self.transitions.branching > s:
            raise ValueError(f"branching is {self.transitions.branching}, expected at most num_states={s}")
        # Long rows of the uniform law are never written out, so there may be more than memory holds.
        outcomes = s if isinstance(self.transitions, Dirichlet) else getattr(self.transitions, "branching", 1)
        if not (isinstance(self.transitions, Garnet) and self.transitions.by_pair):
            checks.memory(s * a * outcomes * 8, f"a task of {s} states and {a} actions")
        if not isinstance(self.rewards, (Uniform, Normal, Fixed)):
            raise TypeError(f"rewards is {checks.shown(self.rewards)}, expected Uniform, Normal or Fixed")
        if isinstance(self.rewards, Fixed):
            checks.shape(np.asarray(self.rewards.values), "rewards", (), (s, a))
        checks.keep(self, "reward_noise", checks.real, 0.0)
        checks.real(
            self.rewards.largest + 7.0 * self.reward_noise, "the largest reward with 7 * reward_noise"
        )
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)
        keep_start(self, s)

    @classmethod
    def rl2(cls) -> Self:
        """Return RL²'s random MDPs: 10 states, 5 actions, ten steps from state 0.

        Rows are Dirichlet(1), expected rewards N(1, 1), and each reward has unit noise. Duan et al., "RL²:
        fast reinforcement learning via slow reinforcement learning" (2016, arXiv 1611.02779), section 3.2.
        """
        return cls(10, 5, Dirichlet(1.0), Normal(1.0, 1.0), reward_noise=1.0, horizon=10)

    @classmethod
    def rl3(cls) -> Self:
        """Return RL³'s test of another distribution: RL²'s with rows that are Dirichlet(0.25).

        Bhatia et al., "RL³: boosting meta reinforcement learning via RL inside RL²" (2023, arXiv 2306.15909).
        """
        return cls(10, 5, Dirichlet(0.25), Normal(1.0, 1.0), reward_noise=1.0, horizon=10)

    @classmethod
    def garnet(
        cls,
        num_states: int,
        num_actions: int,
        branching: int,
        noise: float = 0.0,
        tau: float = 0.0,
        *,
        every: int = 1,
        start: Any = 0,
        horizon: int | None = None,
        by_pair: bool = False,
    ) -> Family:
        """Return Garnet(n, m, b, sigma, tau).

        Each pair has `branching` next states, with probabilities between sorted uniform cut points; expected
        rewards of pairs are N(0, 1), and each reward has noise of standard deviation `noise`. Archibald,
        McKinnon and Thomas, JORS 46 (1995); the numbers in this order are those of Bhatnagar, Sutton,
        Ghavamzadeh and Lee, "Natural actor-critic algorithms", Automatica 45 (2009).

        Parameters
        ----------
        num_states, num_actions, branching
            n, m and b.
        noise
            sigma.
        tau
            The rate at which states are drawn anew, next states, probabilities and expected rewards: after
            `every` episodes each is with this probability, so that tau n of n states are on average. Above 0
            the family is a `Switching` by state. (Those papers' tasks change at every time step; so do these
            with `horizon=1` and runs that are `continuing`.)
        every
            Episodes between changes.
        start, horizon
            As of `TaskDistribution`; the papers have no episodes.
        by_pair
            As of `Garnet`: for tasks of so many states that none should stand in memory.
        """
        law = Garnet(branching, by_pair)
        rewards = Normal(0.0, 1.0)
        still = cls(num_states, num_actions, law, rewards, start=start, reward_noise=noise, horizon=horizon)
        rate = checks.real(tau, "tau", 0.0, 1.0)
        return Switching(still, every, probability=rate, by="state") if rate > 0.0 else still

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each.

        Raises
        ------
        ValueError
            If there are so few different tasks that the halves would draw the same ones.
        """
        rewards, rows = self.rewards, self.transitions
        fixed = isinstance(rewards, Fixed) or (
            rewards.std == 0.0 if isinstance(rewards, Normal) else rewards.low == rewards.high
        )
        # A small alpha gives rows with nearly all weight on one state, to the last bit.
        certain = (isinstance(rows, Garnet) and rows.branching == 1) or (
            isinstance(rows, Dirichlet) and rows.alpha < 0.1
        )
        s, pairs = self.num_states, self.num_states * self.num_actions
        # Draws that vary continuously come from 32 random bits or more.
        one_pair = (1 if fixed else 2**32) * (s if certain or s == 1 else 2**32)
        different = one_pair ** min(pairs, 64)
        if different < 2**64:
            raise ValueError(
                f"this family has about {different} different tasks, so few that the parts of a split would "
                "draw the same ones: let rewards or rows vary more"
            )
        return super().split(held_out, rng=rng)

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return labels [N]: each task differs from all others."""
        return np.arange(len(tasks))

    def _core_family(self) -> _core.Family:
        rows = self.transitions
        law, alpha, branching = "uniform", 1.0, 1
        if isinstance(rows, Dirichlet):
            law, alpha = "dirichlet", rows.alpha
        elif isinstance(rows, Garnet):
            law, branching = "hashed_garnet" if rows.by_pair else "garnet", rows.branching
        return _core.TaskDistribution(
            num_states=self.num_states,
            num_actions=self.num_actions,
            transition_law=law,
            concentration=alpha,
            branching=branching,
            rewards=fixed_values(self.rewards, self.num_states, self.num_actions),
            **drawn_from(self.rewards),
            reward_noise=self.reward_noise,
            start=start_distribution(self.start, self.num_states),
        )
