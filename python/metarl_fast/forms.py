"""The forms in which transitions and rewards are given: which axis is which."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from metarl_fast import checks
from metarl_fast.recipes import Float
from metarl_fast.tasks import Task

Layout: TypeAlias = Literal["sas", "ass"]
"""Order of the axes of a task's transitions: [S, A, S'], or [A, S, S'] as in pymdptoolbox."""


def checked_layout(value: Any) -> Layout | None:
    """Return `value` if it names a layout or is None."""
    if value not in ("sas", "ass", None):
        raise ValueError(f"layout is {checks.shown(value)}, expected 'sas', 'ass' or None")
    return value  # type: ignore[no-any-return]


def dense_transitions(value: Any, layout: Layout | None) -> tuple[Float, Layout]:
    """Return a view [N, S, A, S] and the layout that was given or that alone fits."""
    if isinstance(value, Task):
        layout = layout or "sas"
    found = checks.array(value, "transitions", np.float64)
    shape = found.shape
    axes = shape[-3:] if found.ndim in (3, 4) else (0, 1, 2)
    fits: dict[Layout, bool] = {"sas": axes[0] == axes[2], "ass": axes[1] == axes[2]}
    if layout is None:
        # Four axes are this package's own form; three are every library's.
        if found.ndim == 3 and all(fits.values()) and not np.array_equal(found, found.swapaxes(0, 1)):
            raise ValueError(
                f"transitions has shape {shape}, which is [S, A, S'] as well as [A, S, S']: "
                "say layout='sas' or layout='ass'"
            )
        layout = "ass" if fits["ass"] and not fits["sas"] else "sas"
    if not fits[layout]:
        expected = "(N, S, A, S) or (S, A, S)" if layout == "sas" else "(N, A, S, S) or (A, S, S)"
        raise ValueError(f"transitions has shape {shape}, expected {expected}")
    if 0 in axes:
        raise ValueError(f"transitions has shape {shape}: at least one state and action are needed")
    if found.ndim == 3:
        found = found[None]
    return found if layout == "sas" else found.swapaxes(1, 2), layout


def dense_rewards(value: Any, sizes: tuple[int, int, int], layout: Layout) -> Float:
    """Return a view of four axes that goes with [N, S, A, S']: 1 long where rewards do not depend on it."""
    n, s, a = sizes
    found = checks.array(value, "rewards", np.float64)
    after = (s, a, s) if layout == "sas" else (a, s, s)
    name = "[S, A, S]" if layout == "sas" else "[A, S, S]"
    # What each shape may mean, and the axes it is read with.
    readings = [
        ("[S]", (s,), (1, s, 1, 1)),
        ("[S, A]", (s, a), (1, s, a, 1)),
        ("[N, S, A]", (n, s, a), (n, s, a, 1)),
        (name, after, (1, *after)),
        ("[N, S, 1]", (n, s, 1), (n, s, 1, 1)),
        ("[1, S, A]", (1, s, a), (1, s, a, 1)),
        ("[N, S, A, 1]", (n, s, a, 1), (n, s, a, 1)),
        (f"[1, {name[1:]}", (1, *after), (1, *after)),
        (f"[N, {name[1:]}", (n, *after), (n, *after)),
    ]
    fitting = [reading for reading in readings if reading[1] == found.shape]
    if not fitting and found.shape == (n, s):  # where it is [S, A] too it means that
        fitting = [("[N, S]", (n, s), (n, s, 1, 1))]
    if len({axes for _, _, axes in fitting}) > 1:
        raise ValueError(
            f"rewards has shape {found.shape}, which is {fitting[0][0]} as well as {fitting[1][0]}: give "
            "rewards[..., None] if they are of each task by pair, rewards[None] if they are of all tasks by "
            "transition"
        )
    if not fitting:
        checks.shape(
            found, "rewards", *dict.fromkeys([shape for _, shape, _ in readings[:4]] + [(n, *after)])
        )
    by_name, _, axes = fitting[0]
    by_transition = name[1:] in by_name
    found = found.reshape(axes)
    return found.swapaxes(1, 2) if by_transition and layout == "ass" else found
