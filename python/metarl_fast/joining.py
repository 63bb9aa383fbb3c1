"""Batches put one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from metarl_fast.tasks import Horizon, Task, Tasks, checked_horizon


def concatenate(batches: Iterable[Tasks | Task], *, horizon: Horizon = None) -> Tasks:
    """Put batches one after the other.

    Tasks keep their ids, and learn what they learned before. Tasks of the same id meet the same random
    numbers: `from_arrays` numbers its tasks from 0 each time, so where they should meet independent ones put
    the arrays together instead.

    Parameters
    ----------
    batches
        Batches of equal S and A, or single tasks. Lazy ones of one family and one seed stay lazy; others go
        together when all are in memory.
    horizon
        Steps of an episode, for all tasks or [N]; default the batches' own, or None if one has none.

    Raises
    ------
    ValueError
        For no batches, other shapes, and lazy batches that are not one family's and seed's: those
        have to be written out with `materialise()` first.
    TypeError
        For anything else than batches and tasks.
    MemoryError
        If there is no room for the copies.
    """
    parts: list[Tasks] = []
    for place, batch in enumerate(batches):
        part = batch.batch if isinstance(batch, Task) else batch
        if not isinstance(part, Tasks):
            raise TypeError(f"batches[{place}] is a {type(part).__name__}, expected Tasks or a Task")
        parts.append(part)
    if not parts:
        raise ValueError("batches is empty, expected at least one")
    recipe = parts[0].recipe.join([part.recipe for part in parts[1:]])
    return Tasks(
        recipe, checked_horizon(_own_horizons(parts) if horizon is None else horizon, len(recipe.ids))
    )


def _own_horizons(parts: Sequence[Tasks]) -> Horizon:
    """Return the horizons that batches bring along: one number if that says it, None if one has none."""
    own = [part.horizon for part in parts]
    if any(steps is None for steps in own):
        return None
    if all(isinstance(steps, int) and steps == own[0] for steps in own):
        return own[0]
    each = zip(own, parts, strict=True)
    steps = [np.broadcast_to(np.asarray(h, np.int64), (len(part),)) for h, part in each]
    together: NDArray[np.int64] = np.concatenate(steps)
    return together if together.size else own[0]
