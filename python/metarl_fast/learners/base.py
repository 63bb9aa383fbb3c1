"""What a learner is: frozen settings that may go to tasks of any size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.learners.agent import Agent
from metarl_fast.learners.initial_values import initial_values
from metarl_fast.learners.table import Table
from metarl_fast.policies import greedy_policy
from metarl_fast.seeding import Seed, make_key
from metarl_fast.settings import Settings
from metarl_fast.simulator import Simulator
from metarl_fast.tasks import Task, Tasks

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
    chooses_ahead: ClassVar[bool] = False
    """Whether what it learns from a step is the action that it chose in the next state."""

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
        self._check_table(table)

    def _check_table(self, table: Table) -> None:
        """Refuse a table to start from of other sizes than the learner's."""
        self._check_pairs(table, "initial_q")

    def _check_pairs(self, table: Table, of: str) -> None:
        """Refuse a table of pairs, the setting `of`, of other sizes than the learner's."""
        for name, found in (("num_states", table.num_states), ("num_actions", table.num_actions)):
            if getattr(self, name) not in (None, found):
                raise ValueError(f"{name} is {getattr(self, name)}, but {of} has the shape {table.shape}")

    def policies(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the policies [..., S, A] that its action values [..., S, A] stand for.

        Those that `adapt` scores: greedy in action values, but for learners of preferences.
        """
        return greedy_policy(values)

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
        shape = self.table_shape(of.num_states, of.num_actions)
        table = initial_values(self.initial_q, "initial_q", of.batch, real, shape).reshape(-1, *shape)
        if isinstance(task, Simulator):
            stream = task.stream
        else:
            stream = _core.Stream(make_key(rng), of.id, _core.Purpose.acting)
        make: Any = _core.agent_float32 if real == np.float32 else _core.agent_float64
        return Agent(make(self.core(_SCHEDULED), of.batch.core, table[0], stream), of, real)

    def table_shape(self, num_states: int, num_actions: int) -> tuple[int, int]:
        """Return the shape of what is learned from, and of what was learned, on tasks of S states: (S, A)."""
        return num_states, num_actions

    def action_values(self, learned: NDArray[Any], num_states: int) -> NDArray[Any]:
        """Return action values [..., S, A] of what was learned: of a table that is itself."""
        return learned

    def values_in(self, tasks: Tasks, learned: NDArray[Any]) -> NDArray[Any]:
        """Return action values [N, ..., S, A] of what N tasks taught, -inf for what is not available.

        Weights do not know which actions are available.
        """
        values = self.action_values(learned, tasks.num_states)
        if values is learned or not tasks.core.masked:
            return values
        there = tasks.available.reshape(len(tasks), *(1,) * (values.ndim - 3), *values.shape[-2:])
        return np.where(there, values, -np.inf)

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
        rows, columns = self.table_shape(num_states, num_actions)
        if isinstance(table, Table) and table.shape[-2:] != (rows, columns):
            what = "states" if rows == num_states else "rows"
            raise ValueError(
                f"the learner's initial_q has {table.num_states} {what} and {table.num_actions} actions, "
                f"the tasks {rows} and {columns}"
            )

    def _check_sizes_of(self, name: str, num_states: int, num_actions: int) -> None:
        """Refuse tasks of S states and A actions that are not those of what a setting holds."""
        held = getattr(self, name)
        if (held.num_states, held.num_actions) != (num_states, num_actions):
            raise ValueError(
                f"the learner's {name} has {held.num_states} states and {held.num_actions} actions, "
                f"the tasks {num_states} and {num_actions}"
            )
