"""One split of a family: tasks that contenders may learn from, drawn once, and tasks that judge them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from metarl_fast.families import Family
from metarl_fast.families.base import divided
from metarl_fast.families.python_recipe import PythonRecipe
from metarl_fast.families.splitting import contents, refuse_shared
from metarl_fast.seeding import Seed, child
from metarl_fast.tasks import Tasks

Part: TypeAlias = Literal["whole", "fitting", "tuning"]
"""Of the training family: all of it, what meta-learners see, and what tells how well they did."""

_FOR_TUNING = 0.25


@dataclass(frozen=True, eq=False)
class Few:
    """Tasks in the place of a family: there are no more than these."""

    tasks: Tasks

    def sample(self, num_tasks: int, *, rng: Seed = None) -> Tasks:
        """Return the first `num_tasks`, or as many as there are; nothing is drawn."""
        return self.tasks[:num_tasks]


@dataclass(frozen=True, eq=False)
class Split:
    """Training families and held-out tasks, disjoint by construction.

    Attributes
    ----------
    families
        The training family by part, or tasks in its place. Where it has too few different tasks to be
        divided again, each part is the whole.
    held_out
        The tasks that contenders are held against.
    key
        Of all random numbers.
    """

    families: dict[Part, Family | Few]
    held_out: Tasks
    key: int
    _drawn: dict[Part, Tasks] = field(default_factory=dict)

    @classmethod
    def of(cls, family: Family, share: float, num_held_out: int, key: int) -> Split:
        """Divide a family and draw the held-out tasks."""
        training, held_out = halves_of(family, share, key)
        try:
            fitting, tuning = divided(training, _FOR_TUNING, child(key, 1))
        except ValueError:
            fitting, tuning = training, training
        parts: dict[Part, Family | Few] = {"whole": training, "fitting": fitting, "tuning": tuning}
        return cls(parts, held_out.sample(num_held_out, rng=child(key, 2)), key)

    @classmethod
    def of_tasks(cls, training: Tasks, held_out: Tasks, key: int) -> Split:
        """Return the split of tasks that are there: all parts are the training tasks."""
        source = Few(training)
        return cls({"whole": source, "fitting": source, "tuning": source}, held_out, key)

    def tasks(self, part: Part, count: int) -> Tasks:
        """Return the first `count` training tasks of a part: the same ones for all contenders.

        What a family in Python has drawn it keeps: that may take longer than learning.
        """
        drawn = self._drawn.get(part)
        if drawn is None or len(drawn) < count:
            self._drawn[part] = drawn = self.families[part].sample(
                count, rng=child(self.key, 3, list(self.families).index(part))
            )
        return drawn[:count]

    def refuse_shared(self, count: int, name: str) -> None:
        """Refuse a split of a family in Python that does not keep its few different tasks apart."""
        if isinstance(self.held_out.recipe, PythonRecipe):
            refuse_shared(contents(self.tasks("fitting", count)), contents(self.held_out), name)


def halves_of(family: Family, share: float, key: int) -> tuple[Family, Family]:
    """Return the training and the held-out family of the split with this key."""
    return divided(family, share, child(key, 0))
