"""What a learner is: frozen settings that may go to tasks of any size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.learners.table import Table
from metarl_fast.settings import Settings


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

    @abstractmethod
    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner, for a run of `num_episodes`."""

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
