"""Tasks whose rewards are shaped by a potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.recipes import Ids


@dataclass(frozen=True)
class Shaped(Around):
    """The tasks of a family with the rewards r + discount * Phi(s') - Phi(s).

    Phi(s') is 0 where the outcome ends the episode. Whatever Phi, at this discount the optimal policies are
    those of the family, and the value of every policy in s changes by Phi(s) alone: what a learner earns
    changes, not what it should do. A bonus that is no difference of potentials has no such promise.

    Parameters
    ----------
    family
        Whose tasks.
    potential
        Phi, S numbers.
    discount
        That of the criterion, 0 to 1.

    Notes
    -----
    Ng, Harada and Russell, "Policy invariance under reward transformations", ICML 1999. Learning under
    shaping is learning that starts from the action values Phi(s): Wiewiora, "Potential-based shaping and
    Q-value initialization are equivalent", JAIR 19 (2003). With a horizon the value after the last step is
    missing: there the promise holds for `Shaped(TimeInState(family), ...)` alone.

    With one seed the tasks are those of the family with that seed; dense tasks become outcome lists.
    """

    family: Family
    potential: Any
    discount: float = 1.0

    def __post_init__(self) -> None:
        self._keep_family()
        s = self.family.num_states
        potential = checks.shape(checks.array(self.potential, "potential", np.float64), "potential", (s,))
        checks.finite(potential, "potential")
        checks.real(np.abs(potential).max(initial=0.0), "the largest potential", 0.0, 1e300)
        object.__setattr__(self, "potential", tuple(potential.tolist()))
        checks.keep(self, "discount", checks.real, 0.0, 1.0)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        potential = np.array(self.potential, np.float64)
        return _core.Shaped(family=self.family._view(key, ids), potential=potential, discount=self.discount)
