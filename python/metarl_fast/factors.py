"""States as several small numbers, such as row and column: what a network can generalise over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metarl_fast.families import Family
from metarl_fast.tasks import Task, Tasks


def factors(tasks: Family | Tasks | Task) -> NDArray[np.int64]:
    """Return each state as small numbers [S, F], no two states alike.

    On maps they are row and column, and, where several states lie in one place, which of them it is, such as
    whether the key is there. A network that sees one number out of S learns nothing of states in which it was
    never rewarded; of a row and a column it does. States that lie on no map are one number each: F is 1.

    Parameters
    ----------
    tasks
        Of a family that has `places`, or the family.

    Raises
    ------
    TypeError
        For anything else.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> mf.factors(mf.Darkroom(3))[5].tolist()
    [1, 2]
    """
    if isinstance(tasks, Family):
        number, places = tasks.num_states, tasks.places
    elif isinstance(tasks, (Tasks, Task)):
        batch = tasks.batch if isinstance(tasks, Task) else tasks
        number, places = batch.num_states, batch.recipe.places
    else:
        raise TypeError(f"tasks is a {type(tasks).__name__}, expected a family or tasks")
    if places is None:
        return np.arange(number)[:, None]
    cells = np.asarray(places, np.int64) - np.min(places, axis=0)
    further = _further(cells)
    return np.column_stack([cells, *further])


def _further(cells: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return which of several like maps each state lies on, and which of a place's states it is, if so.

    Maps lie side by side with an empty column between them: columns are then counted anew on each.
    """
    found = []
    filled = np.isin(np.arange(cells[:, 1].max() + 1), cells[:, 1])
    begins = np.flatnonzero(filled & ~np.concatenate([[False], filled[:-1]]))
    on_map = np.searchsorted(begins, cells[:, 1], side="right") - 1
    maps = [{(r, c - begins[k]) for r, c in cells[on_map == k].tolist()} for k in range(len(begins))]
    if len(maps) > 1 and all(each == maps[0] for each in maps):
        cells[:, 1] -= begins[on_map]
        found.append(on_map)
        whole = np.column_stack([cells, on_map])
    else:
        whole = cells
    _, of_state = np.unique(whole, axis=0, return_inverse=True)
    order = np.argsort(of_state.ravel(), kind="stable")
    which = np.empty(len(cells), np.int64)
    in_order = of_state.ravel()[order]
    which[order] = np.arange(len(cells)) - np.searchsorted(in_order, in_order)
    return [*found, which] if which.any() else found
