"""What the tabular temporal-difference rules share: a table to learn in by steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners.table import Table
from metarl_fast.learners.td_settings import TdSettings


@dataclass(frozen=True)
class TdLearner(TdSettings):
    """Base of the tabular learners: an action-value table, and its update rule.

    As hyper-parameters a learner goes to `train`; as an object it learns step by step in `q_table`, by its
    `update`, and whoever calls that chooses the actions. The table is made when it is first wanted. Learners
    are equal if their settings are, whatever they have learned step by step; copies and pickles keep it.

    Settings and behaviour are those of `TdSettings`. Which actions are not available `train` knows from the
    tasks, the step-by-step learner when its `q_table` says -inf, which no update touches.
    """

    _num_tables: ClassVar[int] = 1
    _made_when_wanted: ClassVar[tuple[str, ...]] = ("_tables",)

    def _new_tables(self, count: int, value: float | Table) -> NDArray[np.float64]:
        """Return tables [count, S, A] that hold `value`."""
        if isinstance(value, Table) and len(value.shape) > 2:
            raise ValueError(
                f"initial_q has the shape {value.shape}, a table for each of {value.shape[0]} tasks: "
                "to learn step by step a learner needs one"
            )
        s, a = self._sizes()
        checks.memory(count * s * a * 8, f"a q_table of {s} states and {a} actions")
        found = np.empty((count, s, a))
        found[:] = value
        return found

    def _sizes(self) -> tuple[int, int]:
        """Return S and A of the step-by-step learner."""
        for table in (self.initial_q, self.learning_rate):
            if isinstance(table, Table):
                return table.num_states, table.num_actions
        if self.num_states is None or self.num_actions is None:
            name = type(self).__name__
            raise ValueError(
                f"num_states is {self.num_states} and num_actions is {self.num_actions}: to learn step by "
                f"step a learner needs both, as in {name}(10, 5); train takes them from the tasks"
            )
        return self.num_states, self.num_actions

    @cached_property
    def _tables(self) -> NDArray[np.float64]:
        return self._new_tables(self._num_tables, self.initial_q)

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickles and copies hold: settings, and what was learned step by step, if anything."""
        state = super().__getstate__()
        for name in self._made_when_wanted:
            if name in state and np.array_equal(state[name], getattr(type(self), name).func(self)):
                del state[name]
        return state

    @property
    def q_table(self) -> NDArray[np.float64]:
        """The step-by-step learner's table [S, A]. `train` does not touch it.

        Raises
        ------
        ValueError
            If the learner has no sizes: `num_states` or `num_actions` is None.
        """
        table: NDArray[np.float64] = self._tables[0]
        return table

    def _rate(self, state: int, action: int) -> float:
        """Return the step size of a pair."""
        rates = self.learning_rate
        return float(rates.values[state, action]) if isinstance(rates, Table) else rates

    def _check_transition(
        self, state: int, action: int, reward: float, next_state: int, terminated: bool
    ) -> None:
        s, a = self._sizes()
        checks.integer(state, "state", 0, s - 1)
        checks.integer(action, "action", 0, a - 1)
        checks.integer(next_state, "next_state", 0, s - 1)
        checks.real(reward, "reward")
        checks.flag(terminated, "terminated")

    def get_policy(self) -> NDArray[np.int64]:
        """Return the first best action of each state, shape [S]."""
        return np.asarray(self.q_table.argmax(axis=1), dtype=np.int64)
