"""Tasks seen through observations."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.recipes import Ids
from metarl_fast.tasks import Tasks


@dataclass(frozen=True)
class BlockMdp(Around):
    """The tasks of a family seen through observations: each of its states shows itself as one of several.

    Which, is drawn anew whenever it is entered; no two states show themselves alike. So S states become
    S * m, of which m are the same to whoever knows: state z * m + x is the x'th observation of z. Values are
    those of the family. Around this, `Permuted(..., actions=False)` hides which belong together.

    Parameters
    ----------
    family
        Whose tasks.
    observations
        m.
    concentration
        How often a state shows itself as which is Dirichlet(concentration, ..., concentration), drawn for
        each state of each task.

    Notes
    -----
    Du et al., "Provably efficient RL with rich observations via latent state decoding", ICML 2019.
    """

    group = "Related tasks"

    family: Family
    observations: int = 2
    concentration: float = 1.0

    def __post_init__(self) -> None:
        self._keep_family()
        checks.keep(self, "observations", checks.integer, 1, 2**31 - 1)
        checks.keep(self, "concentration", checks.real, 1e-3, 1e9)
        s, a, m = self.num_states, self.num_actions, self.observations
        if s >= 2**31:
            raise ValueError(f"num_states * observations is {s}, expected below 2^31")
        checks.memory(s * a * m * 8, f"a task of {s} states and {a} actions")

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """Those of the family, `observations` times."""
        return self.family.num_states * self.observations

    def _view(self, key: int, ids: Ids) -> _core.Family:
        return _core.BlockMdp(
            family=self.family._view(_core.key_of_part(key, 0), ids),
            observations=self.observations,
            concentration=self.concentration,
        )

    def _inside(self, key: int, ids: Ids) -> Tasks:
        return super()._inside(_core.key_of_part(key, 0), ids)
