"""The task of Sutton and Barto's example 6.7, on which Q-learning believes in luck."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask

# Normal quantiles in the middle of 16 equally likely parts, scaled to variance 1; those below 0 mirror them.
_QUANTILES = np.array(
    [0.07841241, 0.23720211, 0.40225007, 0.57913216, 0.77642176, 1.00999017, 1.31801090, 1.86273187]
)


@dataclass(frozen=True)
class MaximizationBias(FixedTask):
    """Two states: from A right (action 1) ends the episode and left (0) leads to B, whose actions lose.

    All rewards are 0 but those of B's actions, which end the episode and pay N(-0.1, 1). The largest of
    several estimates of them is above 0 for long, so that Q-learning goes left most of the time;
    `DoubleQLearning` does so less (Sutton and Barto, 2018, figure 6.5, there with ten actions).

    Parameters
    ----------
    num_actions
        Actions of B, at least 2; A has the first two of them.
    mean, noise
        Of B's rewards, which are 16 equally likely numbers: normal quantiles, scaled to that deviation.
        Outcomes hold numbers, and noise of a task would lie on A's rewards as well.
    """

    num_actions: int = 10
    mean: float = -0.1
    noise: float = 1.0

    num_states = 2
    horizon = 2

    def __post_init__(self) -> None:
        checks.keep(self, "num_actions", checks.integer, 2, 2**20)
        checks.keep(self, "mean", checks.real, -1e300, 1e300)
        checks.keep(self, "noise", checks.real, 0.0, 1e300)

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists."""
        halves = _QUANTILES / math.sqrt(math.fsum(_QUANTILES * _QUANTILES) / len(_QUANTILES))
        rewards = self.mean + self.noise * np.concatenate([-halves[::-1], halves])
        lottery = [(1.0 / len(rewards), 1, reward, True) for reward in rewards.tolist()]
        a = {0: [(1.0, 1, 0.0, False)], 1: [(1.0, 0, 0.0, True)]}
        return {"outcomes": {0: a, 1: dict.fromkeys(range(self.num_actions), lottery)}, "start": 0}
