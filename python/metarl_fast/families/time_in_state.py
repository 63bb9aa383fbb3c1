"""Tasks whose states say how many steps of the episode are gone."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.recipes import Ids


@dataclass(frozen=True)
class TimeInState(Around):
    """The tasks of a family with the step t of the episode in the state: (t, s) is state t * S + s.

    After `horizon` steps the episode ends. What is best then depends on the steps that are left, which no
    table of plain states can say: the optimum of these tasks is that of the family with this horizon, and
    `policy_iteration` finds what `backward_induction` finds there. Otherwise tasks are those of the family
    with the same seed; all are outcome lists.

    Parameters
    ----------
    family
        Whose tasks.
    horizon
        Steps of an episode; None for the family's.
    """

    family: Family
    horizon: int | None = None

    def __post_init__(self) -> None:
        self._keep_family()
        if self.horizon is None and self.family.horizon is None:
            raise ValueError("horizon is None, and the family has none: give a horizon")
        if self.horizon is None:
            object.__setattr__(self, "horizon", self.family.horizon)
        checks.keep(self, "horizon", checks.integer, 1, 2**31 - 1)
        states = self.num_states
        if states >= 2**31:
            raise ValueError(f"num_states * horizon is {states}, expected below 2^31")
        checks.memory(states * self.num_actions * 21, f"a task of {states} states")

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """Those of the family, once for each step."""
        return self.family.num_states * (self.horizon or 1)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        return _core.TimeInState(family=self.family._view(key, ids), horizon=self.horizon)
