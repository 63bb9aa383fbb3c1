"""Tasks with the same rewards and different rows."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core
from metarl_fast.families.base import Family
from metarl_fast.families.sharing import SharedPart
from metarl_fast.recipes import Ids
from metarl_fast.tasks import Tasks


@dataclass(frozen=True)
class SharedRewards(SharedPart):
    """The tasks of a family with expected rewards of pairs that all have in common.

    Rows, starts and terminal states differ from task to task.

    Parameters
    ----------
    family
        Whose rows, starts and terminal states.
    seed
        Names the task whose expected rewards and noise all tasks have: `base.sample(rng=seed)`.
    base
        The family that it is drawn from; None for the same one.
    """

    group = "Related tasks"

    family: Family
    seed: int = 0
    base: Family | None = None

    def _view(self, key: int, ids: Ids) -> _core.Family:
        dynamics = self.family._view(_core.key_of_part(key, 0), ids)
        return _core.Spliced(dynamics=dynamics, rewards=self._shared())

    def _inside(self, key: int, ids: Ids) -> Tasks:
        return super()._inside(_core.key_of_part(key, 0), ids)
