"""UCB1."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.learners.bandits import BanditLearner


@dataclass(frozen=True)
class UCB1(BanditLearner):
    """UCB1, for bandits: pull the arm whose mean is largest if it is as far above what was seen as it may be.

    Every arm is pulled once; from then on the one of the largest mean + reward_range sqrt(2 ln n / n_j), n
    counting all pulls and n_j the arm's own (Auer, Cesa-Bianchi and Fischer 2002, figure 1). Of several the
    first one. The regret grows with ln n if rewards lie in an interval as long as `reward_range`, or are
    Gaussian with half of it as their standard deviation.

    `q_table` holds the arms' mean rewards, 0 for those that were never pulled.

    Parameters
    ----------
    reward_range
        How far rewards may be apart, above 0.
    """

    reward_range: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "reward_range", checks.real, 0.0, open_low=True)

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        return _core.UCB1(reward_range=float(self.reward_range))
