"""The stochastic chain: N steps against odds of one in N each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask
from metarl_fast.families.grid import Chain


@dataclass(frozen=True)
class StochasticChain(Chain, FixedTask):
    """A chain of N states and episodes of N steps: left (action 0) always works, right (1) mostly.

    Going right fails with probability 1/N and then leads left. Going left in the first state pays 0 and going
    right in the last one 1 on average, with noise of variance 1: which of them is worth the way, only many
    visits say.

    Parameters
    ----------
    length
        N.
    noise
        Whether both rewards are noisy: one more or one less, evenly. The source has Gaussian noise of the
        same mean and variance, of these two pairs alone; outcomes hold numbers.

    Notes
    -----
    Osband and Van Roy, "Why is posterior sampling better than optimism for reinforcement learning?" (2017,
    arXiv 1607.00215), section 4, with the numbers of their TabulaRL.
    """

    group = "Chains"

    length: int = 10
    noise: bool = True

    num_actions = 2

    def __post_init__(self) -> None:
        checks.keep(self, "length", checks.integer, 2, 2**28)
        checks.memory(self.length * 2 * 4 * 40, f"a task of {self.length} states")
        checks.keep(self, "noise", checks.flag)

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """The length."""
        return self.length

    @property
    def horizon(self) -> int:  # type: ignore[override]
        """The length."""
        return self.length

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists: a step that works or not, with more or less reward."""
        n = self.length
        left, right = np.maximum(np.arange(n) - 1, 0), np.minimum(np.arange(n) + 1, n - 1)
        to = np.stack([np.stack([left, left], axis=-1), np.stack([right, left], axis=-1)], axis=1)
        chance = np.array([[1.0, 0.0], [1.0 - 1.0 / n, 1.0 / n]])
        mean, noise = np.zeros((n, 2)), np.zeros((n, 2))
        mean[n - 1, 1] = 1.0
        noise[0, 0] = noise[n - 1, 1] = float(self.noise)
        arrays = {
            "probability": np.broadcast_to(np.repeat(chance / 2.0, 2, axis=-1), (n, 2, 4)),
            "next_state": np.repeat(to, 2, axis=-1),
            "reward": mean[..., None] + noise[..., None] * [1.0, -1.0, 1.0, -1.0],
            "terminated": np.zeros((n, 2, 4), bool),
        }
        return {"outcomes": arrays, "start": 0}
