"""Pre-training on all tasks in sequence, and learning on from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from metarl_fast.meta.transfer import Transfer


@dataclass(frozen=True, kw_only=True)
class FineTuning(Transfer):
    """Start from one table that was taken through all training tasks, one after the other.

    The usual way to use many tasks without any thought of adapting: nothing makes it a good place to start
    from but that it served the tasks before. `Transfer` stops after the first of them.
    """

    default_iterations: ClassVar[int | None] = None
