"""NChain: a chain on which a small reward at once keeps one from a large one at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask
from metarl_fast.families.grid import Chain


@dataclass(frozen=True)
class NChain(Chain, FixedTask):
    """A chain of S states: forward (action 0) pays at the end alone, back (1) pays a little at once.

    Going forward leads to the next state, for nothing; in the last state it stays there, for the large
    reward. Going back leads to the first state, for the small one. With probability `slip` the other of the
    two happens.

    Parameters
    ----------
    num_states
        S.
    slip
        How often the other action happens.
    small_reward, large_reward
        For going back, and for going forward in the last state.
    horizon
        Steps of an episode.

    Notes
    -----
    Strens, "A Bayesian framework for reinforcement learning", ICML 2000; the numbers are those of its chain.
    """

    group = "Chains"

    num_states: int = 5
    slip: float = 0.2
    small_reward: float = 2.0
    large_reward: float = 10.0
    horizon: int | None = 1000

    num_actions = 2

    def __post_init__(self) -> None:
        checks.keep(self, "num_states", checks.integer, 2, 2**28)
        checks.memory(self.num_states * 2 * 2 * 40, f"a task of {self.num_states} states")
        checks.keep(self, "slip", checks.real, 0.0, 1.0)
        for name in ("small_reward", "large_reward"):
            checks.keep(self, name, checks.real)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists."""
        s = self.num_states
        ahead = np.minimum(np.arange(s) + 1, s - 1)
        forward_pays = np.where(np.arange(s) == s - 1, self.large_reward, 0.0)
        # [S, A, K]: of each pair first what was meant, then the slip.
        to = np.stack([ahead, np.zeros(s, int)], axis=1)[:, [[0, 1], [1, 0]]]
        pays = np.stack([forward_pays, np.full(s, self.small_reward)], axis=1)[:, [[0, 1], [1, 0]]]
        probability = np.broadcast_to([1.0 - self.slip, self.slip], (s, 2, 2))
        ends = np.zeros((s, 2, 2), bool)
        arrays = {"probability": probability, "next_state": to, "reward": pays, "terminated": ends}
        return {"outcomes": arrays, "start": 0}
