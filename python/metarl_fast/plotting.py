"""Pictures of curves with their intervals; needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.figures import new_figure, picture_format, save_figure
from metarl_fast.files import Path
from metarl_fast.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Style: TypeAlias = Mapping[str, Any]
"""Keyword arguments of matplotlib's `Axes.plot`."""

# Okabe and Ito's palette, which colour-blind readers can tell apart, but for its yellow, which paper
# swallows; who sees no colours at all has the markers.
_COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = "osD^vPX"
_LABEL_HEIGHT = 0.052
"""Of a line of text, as a fraction of the axes."""


def draw_curves(
    curves: Mapping[str, Interval],
    episodes: Sequence[int],
    *,
    ax: Axes | None = None,
    label: str = "",
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """Draw one line a curve with its interval and its name, over the episodes spent on a new task.

    Parameters
    ----------
    curves
        By name, means and intervals [len(episodes)].
    episodes
        Where they were taken; drawn on an axis that is linear to 1 and logarithmic beyond.
    ax
        Where to draw; default: the axes of a new figure, which no window shows.
    label
        Of the vertical axis.
    styles
        By name, what to change of a line; default: colours and markers in turn.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        For curves that are no intervals, or of another length than `episodes`.
    """
    checks.require_extra("matplotlib", "plot")
    if not curves:
        raise ValueError("scores is empty, expected at least one interval")
    for name, found in curves.items():
        if not isinstance(found, Interval):
            kind = type(found).__name__
            raise TypeError(f"scores[{name!r}] is a {kind}, expected what `interval()` of a curve returns")
        checks.shape(found.mean, f"scores[{name!r}].mean", (len(episodes),))
    axes = new_figure().subplots() if ax is None else ax
    many = len(episodes) > 20
    colours = _draw_lines(axes, episodes, curves, styles, markers=not many)
    ends = {name: (float(found.mean[-1]), colours[name]) for name, found in curves.items()}
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    ticks = list(episodes) if not many else [e for e in (1, 2, 5, 10, 20, 50, 100, 200, 500) if e in episodes]
    axes.set_xticks(ticks, [str(e) for e in ticks])
    axes.minorticks_off()
    if min(episodes) < max(episodes):
        axes.set_xlim(min(episodes), max(episodes))
    axes.set_xlabel("episodes on a new task")
    axes.set_ylabel(label)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    _name_beside(axes, ends)
    return axes


def _draw_lines(
    axes: Axes,
    at: Sequence[float] | NDArray[np.float64],
    curves: Mapping[str, Interval],
    styles: Mapping[str, Style] | None,
    *,
    markers: bool,
) -> dict[str, Any]:
    """Draw lines and their intervals in colours that no style has taken, and return the colours."""
    taken = [style.get("color") for style in (styles or {}).values()]
    free = [colour for colour in _COLOURS if colour not in taken] or _COLOURS
    automatic = zip(cycle(free), cycle(_MARKERS), strict=False)
    colours = {}
    for name, found in curves.items():
        style: dict[str, Any] = dict((styles or {}).get(name, {}))
        if "color" not in style:
            style["color"], marker = next(automatic)
            style.setdefault("marker", marker if markers else "")
        (line,) = axes.plot(at, found.mean, markersize=4.5, label=name.replace("_", " "), **style)
        colours[name] = line.get_color()
        axes.fill_between(at, found.low, found.high, color=colours[name], alpha=0.18, linewidth=0)
    return colours


def draw_profiles(
    profiles: Mapping[str, Interval],
    thresholds: NDArray[np.float64],
    *,
    ax: Axes | None = None,
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """Draw performance profiles: the share of scores above each threshold, with intervals.

    Parameters
    ----------
    profiles
        By name, what `performance_profile` returns for `thresholds`.
    thresholds
        Increasing.
    ax, styles
        As in `draw_curves`.
    """
    checks.require_extra("matplotlib", "plot")
    axes = new_figure().subplots() if ax is None else ax
    _draw_lines(axes, thresholds, profiles, styles, markers=False)
    axes.set_xlim(float(thresholds[0]), float(thresholds[-1]))
    axes.set_ylim(0.0, 1.02)
    axes.set_xlabel("score (0 = random, 1 = optimal)")
    axes.set_ylabel("share of scores above")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return axes


def _name_beside(axes: Axes, ends: Mapping[str, tuple[float, Any]]) -> None:
    """Write each curve's name to the right of its end, one above the other where ends lie close together."""
    low, high = axes.get_ylim()
    order = sorted(ends, key=lambda name: ends[name][0])
    wanted = np.array([(ends[name][0] - low) / (high - low) for name in order])
    for name, place, want in zip(order, _spread(wanted), wanted, strict=True):
        colour = ends[name][1]
        axes.annotate(
            name.replace("_", " "),
            xy=(1.0, want),
            xytext=(1.04, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=colour,
            fontsize=9.5,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "relpos": (0.0, 0.5),  # to where the text begins, and not through it
                "color": colour,
                "alpha": 0.5,
                "linewidth": 0.8,
                "shrinkA": 1,
                "shrinkB": 3,
            },
        )


def _spread(wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return increasing places at least a line of text apart, near those wanted: least squares.

    Places minus k lines must not fall: the isotonic regression of that, by pooling those that violate it.
    """
    pools: list[tuple[float, int]] = []
    for k, want in enumerate(wanted.tolist()):
        mean, count = want - k * _LABEL_HEIGHT, 1
        while pools and pools[-1][0] > mean:
            before, number = pools.pop()
            mean, count = (before * number + mean * count) / (number + count), number + count
        pools.append((mean, count))
    level = np.concatenate([np.full(count, mean) for mean, count in pools])
    places = level + _LABEL_HEIGHT * np.arange(len(wanted))
    # None above the axes; only names that are too high make room, not those far below them.
    return np.asarray(np.minimum(places, 1.0 - _LABEL_HEIGHT * np.arange(len(wanted))[::-1]))


def adaptation(
    scores: Mapping[str, Interval],
    episodes: Sequence[int],
    path: Path,
    *,
    title: str = "",
    styles: Mapping[str, Style] | None = None,
) -> None:
    """Write the picture of adaptation: scores over the episodes spent on the new task.

    Parameters
    ----------
    scores, episodes, styles
        As in `draw_curves`.
    path
        A file whose ending names the format, such as .png or .svg.
    title
        Above the picture.

    Raises
    ------
    ImportError, TypeError, ValueError
        As `draw_curves`, and for an ending that names no format.
    """
    figure = new_figure()
    picture_format(figure, path)  # refused before the work
    axes = draw_curves(
        scores, episodes, ax=figure.subplots(), label="score (0 = random, 1 = optimal)", styles=styles
    )
    axes.set_title(title, fontsize=11, loc="left")
    save_figure(figure, path)
