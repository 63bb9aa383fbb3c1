"""Thompson sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metarl_fast import _core, checks
from metarl_fast.learners.bandits import BanditLearner


@dataclass(frozen=True)
class ThompsonSampling(BanditLearner):
    """Thompson sampling, for bandits: draw each arm's mean from what is known of it, pull the best one drawn.

    Of "bernoulli" rewards, 0 or 1, an arm's mean has the law Beta(successes + ones seen, failures + zeros
    seen); of "gaussian" ones of known noise it is normal, beginning with Normal(prior_mean, prior_std)
    (Thompson 1933; Chapelle and Li 2011; Russo et al. 2018, sections 3 and 4).

    `q_table` holds the expectations of the arms' means.

    Parameters
    ----------
    rewards
        "bernoulli" or "gaussian".
    successes, failures
        Of the prior Beta of Bernoulli rewards, above 0.
    prior_mean, prior_std
        Of the prior of Gaussian rewards' means; the standard deviation is above 0.
    noise_std
        Standard deviation of Gaussian rewards about their arm's mean, above 0.
    """

    rewards: Literal["bernoulli", "gaussian"] = "bernoulli"
    successes: float = 1.0
    failures: float = 1.0
    prior_mean: float = 0.0
    prior_std: float = 1.0
    noise_std: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rewards not in ("bernoulli", "gaussian"):
            raise ValueError(f"rewards is {checks.shown(self.rewards)}, expected 'bernoulli' or 'gaussian'")
        checks.keep(self, "prior_mean", checks.real)
        for name in ("successes", "failures", "prior_std", "noise_std"):
            checks.keep(self, name, checks.real, 0.0, open_low=True)

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        return _core.ThompsonSampling(
            rewards=self.rewards,
            successes=float(self.successes),
            failures=float(self.failures),
            prior_mean=float(self.prior_mean),
            prior_std=float(self.prior_std),
            noise_std=float(self.noise_std),
        )
