"""What a learner is: frozen settings that may go to tasks of any size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from metarl_fast import _core, checks
from metarl_fast.learners.agent import Agent
from metarl_fast.learners.initial_values import initial_values
from metarl_fast.learners.table import Table
from metarl_fast.seeding import Seed, make_key
from metarl_fast.settings import Settings
from metarl_fast.simulator import Simulator
from metarl_fast.tasks import Task

_SCHEDULED = 2**16
"""Episodes of an agent for which epsilon and the temperature decay; then they stay as they are."""


@dataclass(frozen=True)
class Learner(Settings, ABC):
    """Base of all learners: hyper-parameters, which `train` runs on tasks.

    Parameters
    ----------
    num_states, num_actions
        S and A; None: those of the tasks.
    """

    num_states: int | None = None
    num_actions: int | None = None

    def __post_init__(self) -> None:
        for name in ("num_states", "num_actions"):
            if getattr(self, name) is not None:
                checks.keep(self, name, checks.integer, 1, 2**31 - 1)

    @property
    @abstractmethod
    def discount(self) -> float:
        """What the learner discounts by, 0 to 1; `adapt` scores what it learned by the same."""

    @property
    def initial_q(self) -> float | Table:
        """The action values that are learned from; 0 for a learner that has none."""
        return 0.0

    def _accept_initial_q(self) -> None:
        """Check what is learned from: a number, or a table of the learner's sizes."""
        table = self.initial_q
        if not isinstance(table, Table):
            if not checks.single(table):
                shown = checks.shown(table)
                raise TypeError(f"initial_q is {shown}, expected a number, or Table(values) of an array")
            checks.keep(self, "initial_q", checks.real)
            return
        for name, found in (("num_states", table.num_states), ("num_actions", table.num_actions)):
            if getattr(self, name) not in (None, found):
                raise ValueError(
                    f"{name} is {getattr(self, name)}, but initial_q has the shape {table.shape}"
                )

    @abstractmethod
    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner, for a run of `num_episodes`."""

    def agent(self, task: Task | Simulator, *, rng: Seed = None, dtype: DTypeLike = np.float32) -> Agent:
        """Return the learner at work in one task, step by step; it learns what `train` would.

        Parameters
        ----------
        task
            The task; or a `Simulator` of it, whose random numbers the agent then shares, as in `train`.
        rng
            None, an integer, a SeedSequence or a Generator. The agent's own random numbers are a function of
            it and of the task's id; None with a simulator.
        dtype
            float32 or float64, of the numbers that it learns in; with a simulator the type of its.

        Raises
        ------
        ValueError, TypeError
            For a task of other sizes than the learner's, and for a seed beside a simulator.
        """
        shares = isinstance(task, Simulator)
        if shares and rng is not None:
            raise ValueError(
                f"rng is {checks.shown(rng)}, expected None: an agent of a simulator shares its numbers"
            )
        of = task.task if isinstance(task, Simulator) else task
        if not isinstance(of, Task):
            raise TypeError(
                f"task is a {type(of).__name__}, expected a Task, such as tasks[0], or a Simulator"
            )
        self.check_sizes(of.num_states, of.num_actions)
        real = task.dtype if isinstance(task, Simulator) else checks.float_type(dtype, "dtype")
        table = initial_values(self.initial_q, "initial_q", of.batch, real).reshape(
            -1, of.num_states, of.num_actions
        )
        if isinstance(task, Simulator):
            stream = task.stream
        else:
            stream = _core.Stream(make_key(rng), of.id, _core.Purpose.acting)
        make: Any = _core.agent_float32 if real == np.float32 else _core.agent_float64
        return Agent(make(self.core(_SCHEDULED), of.batch.core, table[0], stream), of, real)

    def check_sizes(self, num_states: int, num_actions: int) -> None:
        """Refuse tasks of S states and A actions that are not the learner's.

        Raises
        ------
        ValueError
            With all numbers.
        """
        sizes, table = (self.num_states, self.num_actions), self.initial_q
        if any(
            size not in (None, found) for size, found in zip(sizes, (num_states, num_actions), strict=True)
        ):
            has = " and ".join(
                f"{size} {what}"
                for size, what in zip(sizes, ("states", "actions"), strict=True)
                if size is not None
            )
            raise ValueError(f"the learner has {has}, the tasks {num_states} and {num_actions}")
        if isinstance(table, Table) and table.shape[-2:] != (num_states, num_actions):
            raise ValueError(
                f"the learner's initial_q has {table.num_states} states and {table.num_actions} actions, "
                f"the tasks {num_states} and {num_actions}"
            )
