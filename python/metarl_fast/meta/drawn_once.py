"""Tasks that several candidates learn on, drawn once for all of them."""

from __future__ import annotations

from metarl_fast import checks
from metarl_fast.tasks import Tasks


def drawn_once(tasks: Tasks) -> Tasks:
    """Return tasks that all candidates learn on: in memory, if they take little there and do not change."""
    numbers = len(tasks) * tasks.num_states * tasks.num_actions * tasks.core.num_outcomes
    small = tasks.recipe.at_once is None and 21 * numbers <= checks.ALWAYS_FITS
    return tasks.materialise() if small and not tasks.core.episodes_per_segment else tasks
