"""One task that answers, step by step."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from metarl_fast import _core, checks
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Task


class Simulator:
    """One task that answers: `reset` begins an episode, `step` takes an action.

    The answers are those that `train` gives a learner, drawn in the same order from the same stream: an agent
    that shares it (`learner.agent(simulator)`) learns what `train` learns, to the last bit. There is no time
    limit: who steps says when an episode is cut short.

    Parameters
    ----------
    task
        One task, such as `tasks[0]`.
    rng
        None, an integer, a SeedSequence or a Generator. The answers are a function of it and of the task's
        id.
    dtype
        float32 or float64, of the numbers that learners work in: rewards are rounded to it.

    Raises
    ------
    ValueError, TypeError
        For what is not a task, a seed or one of these types.
    """

    def __init__(self, task: Task, *, rng: Seed = None, dtype: DTypeLike = np.float32) -> None:
        if not isinstance(task, Task):
            raise TypeError(f"task is a {type(task).__name__}, expected one Task, such as tasks[0]")
        self._task = task
        self._dtype = checks.float_type(dtype, "dtype")
        self._stream = _core.Stream(make_key(rng), task.id, _core.Purpose.learning)
        single = self._dtype == np.float32
        kind: type[_core.SimulatorFloat32 | _core.SimulatorFloat64] = (
            _core.SimulatorFloat32 if single else _core.SimulatorFloat64
        )
        self._core = kind(task.batch.core, self._stream)

    @property
    def task(self) -> Task:
        """The task that answers."""
        return self._task

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """The type of its numbers."""
        return self._dtype

    @property
    def stream(self) -> _core.Stream:
        """Its random numbers, which an agent may share."""
        return self._stream

    @property
    def state(self) -> int:
        """The state it is in."""
        return self._core.state

    @property
    def terminated(self) -> bool:
        """Whether the episode is over, or would begin in a terminal state, and so has no steps."""
        return self._core.terminated

    def reset(self) -> int:
        """Begin an episode and return its first state."""
        return self._core.reset()

    def step(self, action: int) -> tuple[int, float, bool]:
        """Take an action; return (next state, reward, whether the episode terminated).

        Raises
        ------
        ValueError, TypeError
            For an action out of range or not available, and for a step when no episode is under way.
        """
        return self._core.step(checks.integer(action, "action", 0, self._task.num_actions - 1))

    def __repr__(self) -> str:
        """Return a line that says which task it is of."""
        return f"Simulator(task={self._task!r})"
