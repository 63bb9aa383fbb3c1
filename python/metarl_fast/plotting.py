"""Pictures; needs the extra `plot`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from metarl_fast import checks
from metarl_fast.files import Path, whole_file
from metarl_fast.statistics import Interval

# Okabe and Ito's palette, which colour-blind readers can tell apart; the reference lines stay grey.
_STYLE: dict[str, dict[str, Any]] = {
    "scratch": {"color": "#000000", "linestyle": "--"},
    "transfer": {"color": "#E69F00", "linestyle": "--"},
    "average_q": {"color": "#0072B2"},
    "reptile": {"color": "#D55E00"},
    "policy_prior": {"color": "#009E73"},
    "optimal": {"color": "#999999", "linestyle": ":"},
}
_LABEL = {
    "scratch": "from scratch",
    "transfer": "from another task",
    "average_q": "average Q (meta)",
    "reptile": "Reptile (meta)",
    "policy_prior": "policy prior (meta)",
    "optimal": "optimal table",
}


def adaptation(
    scores: Mapping[str, Interval], episodes: Sequence[int], path: Path, *, title: str = ""
) -> None:
    """Draw one line a start with its interval, over the episodes spent on the new task.

    Parameters
    ----------
    scores
        By start, means and intervals [len(episodes)].
    episodes
        Where they were taken; drawn on an axis that is linear to 1 and logarithmic beyond.
    path
        A file whose ending names the format, such as .png or .svg.
    title
        Above the picture.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        For scores that are no intervals, or of another length than `episodes`.
    """
    checks.require_extra("matplotlib", "plot")
    if not scores:
        raise ValueError("scores is empty, expected at least one interval")
    for name, found in scores.items():
        if not isinstance(found, Interval):
            kind = type(found).__name__
            raise TypeError(f"scores[{name!r}] is a {kind}, expected what `interval()` of a curve returns")
        checks.shape(found.mean, f"scores[{name!r}].mean", (len(episodes),))
    # Not pyplot: it keeps state and may want a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    target = os.fsdecode(path)
    kind = os.path.splitext(target)[1][1:].lower()
    known = sorted(figure.canvas.get_supported_filetypes())
    if kind not in known:
        raise ValueError(f"path is {checks.shown(target)}, expected a name that ends in {', '.join(known)}")
    axes = figure.subplots()
    for name, found in scores.items():
        style = _STYLE.get(name, {})
        (line,) = axes.plot(
            episodes, found.mean, marker="o", markersize=4, label=_LABEL.get(name, name), **style
        )
        axes.fill_between(episodes, found.low, found.high, color=line.get_color(), alpha=0.18, linewidth=0)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(list(episodes), [str(e) for e in episodes])
    axes.minorticks_off()
    axes.set_xlabel("episodes on the new task")
    axes.set_ylabel("score (0 = random, 1 = optimal)")
    axes.set_title(title, fontsize=11)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with whole_file(target) as file:
        figure.savefig(file, dpi=150, format=kind)
