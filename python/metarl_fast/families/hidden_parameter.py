"""Tasks between a few tasks, with weights of their own."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.base import Alike, Family
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.sharing import keep_seed, shared_tasks
from metarl_fast.families.splitting import content_labels
from metarl_fast.seeding import Seed


@dataclass(frozen=True)
class HiddenParameter(Alike, CoreFamily):
    """Tasks between a few tasks of a family: each step goes as in the k'th of them with probability w_k.

    The weights w ~ Dirichlet(concentration, ..., concentration) are all in which tasks differ; who knows the
    few has num_tasks - 1 numbers to find out. Rows, expected rewards and starts are weighted means; outcome
    lists stand one after the other. A state that is terminal in some of the few goes as in the others.

    Parameters
    ----------
    family
        Of which the few are drawn: `family.sample(num_tasks, rng=seed)`. All actions are available there.
    num_tasks
        How many.
    concentration
        Above 0; the smaller, the nearer tasks are to one of the few.
    seed
        Names the few.

    Notes
    -----
    A hidden-parameter MDP (Doshi-Velez and Konidaris, "Hidden parameter Markov decision processes", IJCAI
    2016) whose tasks are linear in their parameters.
    """

    group = "Related tasks"

    family: Family
    num_tasks: int = 3
    concentration: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.family, Family):
            raise TypeError(f"family is {checks.shown(self.family)}, expected a family")
        checks.keep(self, "num_tasks", checks.integer, 2, 1000)
        checks.keep(self, "concentration", checks.real, 1e-3, 1e9)
        keep_seed(self)

    @property
    def _model(self) -> Family:
        return self.family

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each, about the same few.

        Raises
        ------
        ValueError
            If the few are all the same task.
        """
        few = self.family.sample(self.num_tasks, rng=self.seed).segment(0)
        if len(set(content_labels(few))) == 1:
            raise ValueError(
                f"the {self.num_tasks} tasks of seed {self.seed} are the same one, and so are all between "
                "them: the parts of a split would draw the same ones"
            )
        return super().split(held_out, rng=rng)

    def _core_family(self) -> _core.Family:
        tasks = shared_tasks(self.family, self.num_tasks, self.seed)
        return _core.HiddenParameter(tasks=tasks, concentration=self.concentration)
