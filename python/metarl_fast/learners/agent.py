"""One learner living in one task, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.tasks import Task


class Agent:
    """A learner at work in one task: it acts, is told what came of it, and learns. `Learner.agent` makes it.

        state = simulator.reset()
        action = agent.act(state)
        next_state, reward, terminated = simulator.step(action)
        agent.observe(state, action, reward, next_state, terminated)

    Episodes begin and end by themselves: one begins with the first `act` after the last one has ended, and
    ends with an observation that is terminated or truncated. What differs from episode to episode, such as
    epsilon, goes by their number.
    """

    def __init__(self, core: _core.Agent, task: Task, dtype: np.dtype[Any]) -> None:
        self._core, self._task, self._dtype = core, task, dtype

    def begin_episode(self) -> None:
        """Go on to the next episode; if the present one has not ended, its path goes on in it.

        Needed only where `act` cannot know: for an episode that starts in a terminal state and has no steps,
        and for tasks that go on past the time limit, as in `train(..., continuing=True)`.
        """
        self._core.begin_episode()

    def act(self, state: int) -> int:
        """Return the action to take in a state.

        Raises
        ------
        ValueError, TypeError
            For a state out of range.
        """
        return self._core.act(checks.integer(state, "state", 0, self._task.num_states - 1))

    def observe(
        self,
        state: int,
        action: int,
        reward: float,
        next_state: int,
        terminated: bool = False,
        truncated: bool = False,
    ) -> None:
        """Learn from one step.

        Parameters
        ----------
        state, action, reward, next_state
            Where the action was taken, and what it led to.
        terminated
            It ended the episode: nothing is to be had from the next state.
        truncated
            The episode is cut short here; the next state counts.

        Raises
        ------
        ValueError, TypeError
            For states and actions out of range, or a reward that is not finite.
        """
        last_state = self._task.num_states - 1
        self._core.observe(
            checks.integer(state, "state", 0, last_state),
            checks.integer(action, "action", 0, self._task.num_actions - 1),
            checks.real(reward, "reward"),
            checks.integer(next_state, "next_state", 0, last_state),
            checks.flag(terminated, "terminated"),
            checks.flag(truncated, "truncated"),
        )

    def end_episode(self) -> None:
        """End the episode, where no observation said so."""
        self._core.end_episode()

    def policy(self) -> NDArray[np.float64]:
        """Return what it would do with what it has learned: probabilities of actions [S, A]."""
        return self._core.policy()

    @property
    def q_table(self) -> NDArray[Any]:
        """What it thinks actions are worth, or its weights, a copy; -inf where they are not available."""
        return self._core.q_table.astype(self._dtype)

    def __repr__(self) -> str:
        """Return a line that says which task it lives in."""
        return f"Agent(task={self._task!r})"
