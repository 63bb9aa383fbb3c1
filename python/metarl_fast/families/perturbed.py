"""Tasks around one task."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.base import Alike, Family
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.sharing import apart, keep_seed, shared_tasks
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Task


@dataclass(frozen=True)
class Perturbed(Alike, CoreFamily):
    """Tasks around one task: the larger the concentration, the more alike.

    Rows are Dirichlet(concentration * p) about its rows p, so an outcome has probability p on average, with
    variance p (1 - p) / (concentration + 1), and impossible ones stay so. Rewards of pairs are moved by
    N(0, reward_std^2). On such a family a learned table helps as far as the optimum of the centre is good
    around it.

    Parameters
    ----------
    base
        The centre: a task, or a family of which the task `base.sample(rng=seed)` is.
    concentration
        Above 0.
    reward_std
        Standard deviation of what is added to the rewards of each pair, whatever its outcome.
    seed
        Names the centre.
    """

    group = "Related tasks"

    base: Family | Task
    concentration: float = 10.0
    reward_std: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.base, (Family, Task)):
            raise TypeError(f"base is {checks.shown(self.base)}, expected a task or a family")
        checks.keep(self, "concentration", checks.real, 1e-3, 1e9)
        checks.keep(self, "reward_std", checks.real, 0.0, 1e300)
        keep_seed(self)

    @property
    def _model(self) -> Family | Task:
        return self.base

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each, about the same centre.

        Raises
        ------
        ValueError
            If the centre leaves nothing to draw: rows are certain, and `reward_std` is 0.
        """
        return apart(super().split(held_out, rng=rng), type(self).__name__)

    def _core_family(self) -> _core.Family:
        return _core.Perturbed(
            tasks=shared_tasks(self.base, 1, self.seed),
            concentration=self.concentration,
            reward_std=self.reward_std,
        )
