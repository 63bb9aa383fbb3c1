"""What families share that stand on tasks which all of their tasks have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.families.splitting import refuse_meeting
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Task

if TYPE_CHECKING:
    from typing_extensions import Self

_Half = TypeVar("_Half", bound=Family)

_TASKS_COMPARED = 16


def shared_tasks(base: Family | Task, count: int, seed: int) -> _core.TaskBatch:
    """Return the first tasks that a family draws of a seed, in memory; of a task, itself."""
    tasks = base.batch if isinstance(base, Task) else base.sample(count, rng=seed)
    return tasks.segment(0).materialise().core


def apart(halves: tuple[_Half, _Half], name: str) -> tuple[_Half, _Half]:
    """Return halves of a family, unless they draw the same tasks: what told those apart may be gone."""
    few = [half.sample(min(_TASKS_COMPARED, len(half._id_range)), rng=0) for half in halves]
    refuse_meeting(few[0], few[1], name)
    return halves


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

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Self, Self]:
        """Return (training family, held-out family), which have the same part in common.

        Raises
        ------
        ValueError
            What the family's own split raises, and if its tasks differ in nothing but what is replaced.
        """
        return apart(super().split(held_out, rng=rng), type(self).__name__)

    def _shared(self) -> _core.Family:
        return _core.SameTask(tasks=shared_tasks(self.base or self.family, 1, self.seed))
