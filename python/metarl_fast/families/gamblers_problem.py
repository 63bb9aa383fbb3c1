"""The gambler's problem, example 4.3 of Sutton and Barto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.families.fixed_task import FixedTask


@dataclass(frozen=True)
class GamblersProblem(FixedTask):
    """A gambler stakes on flips of a coin until the goal is reached, for a reward of 1, or nothing is left.

    State s is the capital, from 0 to the goal, where the game is over; action a stakes a + 1, of which
    s or what is missing is the most: larger ones are not available there. Undiscounted, a value is the
    probability to win; below heads = 1/2 it is that of bold play, and many stakes are as good (Sutton and
    Barto, 2018, figure 4.3). Games start at any capital between, all alike.

    Parameters
    ----------
    goal
        The capital to reach, at least 2.
    heads
        The probability to win a flip.
    horizon
        Flips of a game; None, as games may be long: `train` wants to be told.
    """

    goal: int = 100
    heads: float = 0.4
    horizon: int | None = None

    def __post_init__(self) -> None:
        checks.keep(self, "goal", checks.integer, 2, 10000)
        checks.memory(self.num_states * self.num_actions * 2 * 40, f"a game to {self.goal}")
        checks.keep(self, "heads", checks.real, 0.0, 1.0)
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """The goal and all capitals below it."""
        return self.goal + 1

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """Half of the goal: more is never of use."""
        return self.goal // 2

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists [S, A, K]: heads and tails."""
        s, a = self.num_states, self.num_actions
        capital, stake = np.arange(s)[:, None], np.arange(a) + 1
        allowed = stake <= np.minimum(capital, self.goal - capital)
        to = np.stack([capital + stake, capital - stake], axis=-1).clip(0, self.goal)
        arrays = {
            "probability": allowed[..., None] * np.array([self.heads, 1.0 - self.heads]),
            "next_state": to,
            "reward": (to == self.goal) * np.array([1.0, 0.0]),
            "terminated": (to == 0) | (to == self.goal),
        }
        ends = np.zeros(s, bool)
        ends[[0, self.goal]] = True
        return {"outcomes": arrays, "start": ~ends / (s - 2), "terminal": ends}
