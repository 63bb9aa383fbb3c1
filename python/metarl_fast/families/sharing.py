"""What families share that stand on tasks which all of their tasks have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.tasks import Task

if TYPE_CHECKING:
    from typing_extensions import Self


def shared_tasks(base: Family | Task, count: int, seed: int) -> _core.TaskBatch:
    """Return the first tasks that a family draws of a seed, in memory; of a task, itself."""
    tasks = base.batch if isinstance(base, Task) else base.sample(count, rng=seed)
    return tasks.segment(0).materialise().core


def keep_seed(family: Any) -> None:
    """Check the field `seed` of a frozen dataclass."""
    checks.keep(family, "seed", checks.integer, 0)


class SharedPart(Around):
    """Base of families whose tasks have a part in common: that of one task, of the seed.

    Halves of a split have it in common, too: it is the whole family that draws it.
    """

    seed: int
    base: Family | None

    def __post_init__(self) -> None:
        self._keep_family()
        keep_seed(self)
        if self.base is None:
            return
        if not isinstance(self.base, Family):
            raise TypeError(f"base is {checks.shown(self.base)}, expected a family or None")
        for name in ("num_states", "num_actions"):
            if getattr(self.base, name) != getattr(self.family, name):
                raise ValueError(
                    f"base has {getattr(self.base, name)} {name.removeprefix('num_')}, "
                    f"expected {getattr(self.family, name)} as the family"
                )

    def _with_parts(self, parts: tuple[Family, ...]) -> Self:
        halves: Any = super()._with_parts(parts)  # a dataclass
        object.__setattr__(halves, "base", self.base or self.family)
        return halves  # type: ignore[no-any-return]

    def _shared(self) -> _core.Family:
        return _core.SameTask(tasks=shared_tasks(self.base or self.family, 1, self.seed))
