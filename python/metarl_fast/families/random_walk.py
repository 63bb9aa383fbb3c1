"""The random walk of Sutton and Barto, examples 6.2 and 7.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask
from metarl_fast.families.grid import Chain


@dataclass(frozen=True)
class RandomWalk(Chain, FixedTask):
    """A walk from the middle of S states to one of both ends, left or right evenly; there is one action.

    A task to predict in: what is to be learned are values. Leaving to the right pays 1; undiscounted, and
    with 0 to the left, the values are 1/(S + 1), 2/(S + 1), ... (Sutton and Barto, 2018, example 6.2: five
    states; example 7.1: 19, with -1 to the left).

    Parameters
    ----------
    num_states
        S, odd.
    left_reward, right_reward
        For leaving.
    horizon
        Steps of an episode; None, as walks may be long: `train` wants to be told.
    """

    num_states: int = 5
    left_reward: float = 0.0
    right_reward: float = 1.0
    horizon: int | None = None

    num_actions = 1

    def __post_init__(self) -> None:
        checks.keep(self, "num_states", checks.integer, 1, 2**20)
        if self.num_states % 2 == 0:
            raise ValueError(f"num_states is {self.num_states}, expected an odd number: walks start midway")
        for name in ("left_reward", "right_reward"):
            checks.keep(self, name, checks.real)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists."""
        last = self.num_states - 1
        table = {}
        for state in range(self.num_states):
            left = (0.5, max(state - 1, 0), self.left_reward if state == 0 else 0.0, state == 0)
            right = (0.5, min(state + 1, last), self.right_reward if state == last else 0.0, state == last)
            table[state] = {0: [left, right]}
        return {"outcomes": table, "start": last // 2}
