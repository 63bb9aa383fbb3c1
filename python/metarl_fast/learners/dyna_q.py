"""Dyna-Q."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.learners.base import Learner
from metarl_fast.learners.table import Table


@dataclass(frozen=True)
class DynaQ(Learner):
    """Q-learning that, after every step, also learns from some steps that it remembers.

    Of each pair (state, action) it keeps where it led the last time, and for what reward. A planning step
    takes a state that was seen, one of the actions taken there, both evenly, and makes the same update as a
    step of its own (Sutton and Barto, 2nd ed., section 8.2). It explores as epsilon-greedy learners do.

    What it remembers is the last outcome alone: on a task that is not deterministic it learns from one of
    many. `PosteriorPlanner` counts them.

    Parameters
    ----------
    learning_rate
        Step size, 0 to 1.
    discount
        0 to 1.
    epsilon
        Probability of a uniformly random action, 0 to 1.
    planning_steps
        n, at least 0; with 0 it is Q-learning.
    initial_q
        What is learned from: the value of every entry, or a `Table` [S, A], or [N, S, A] for each of N tasks.
    """

    learning_rate: float = 0.1
    discount: float = 0.95
    epsilon: float = 0.1
    planning_steps: int = 5
    initial_q: float | Table = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("learning_rate", "discount", "epsilon"):
            checks.keep(self, name, checks.real, 0.0, 1.0)
        checks.keep(self, "planning_steps", checks.integer, 0, 2**20)
        self._accept_initial_q()

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        return _core.DynaQ(
            learning_rate=float(self.learning_rate),
            discount=float(self.discount),
            epsilon=float(self.epsilon),
            planning_steps=int(self.planning_steps),
        )
