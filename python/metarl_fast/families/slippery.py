"""Tasks where what is done is now and then another action than what was chosen."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.recipes import Ids


@dataclass(frozen=True)
class Slippery(Around):
    """The tasks of a family where, with some probability, any of the state's actions is taken instead.

    Rows and expected rewards of a pair become (1 - w) (s, a) + w / n sum_b (s, b) over the n actions
    that the state has, so what is chosen happens with probability 1 - w + w / n. Otherwise tasks are
    those of the family with the same seed. Outcome lists of all actions stand one after the other, A times
    as long.

    Parameters
    ----------
    family
        Whose tasks.
    probability
        w, how often chance chooses; at 1 actions make no difference.
    """

    family: Family
    probability: float = 0.1

    def __post_init__(self) -> None:
        self._keep_family()
        checks.keep(self, "probability", checks.real, 0.0, 1.0)
        s, a = self.num_states, self.num_actions
        checks.memory(s * a * a * 21, f"outcome lists of {s} states and {a} actions that slip")

    def _view(self, key: int, ids: Ids) -> _core.Family:
        return _core.Slippery(family=self.family._view(key, ids), probability=self.probability)
