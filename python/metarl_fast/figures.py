"""Figures that no window shows, and files of them; needs the extra `plot`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from metarl_fast import checks
from metarl_fast.files import Path, whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float = 8.0, height: float = 4.6) -> Figure:
    """Return a figure of so many inches that no window shows and no global state keeps."""
    checks.require_extra("matplotlib", "plot")
    # Not pyplot: it keeps state and may want a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def picture_format(figure: Figure, path: Path) -> str:
    """Return the format that a file's ending names; ValueError if it names none."""
    target = os.fsdecode(path)
    kind = os.path.splitext(target)[1][1:].lower()
    known = sorted(figure.canvas.get_supported_filetypes())
    if kind not in known:
        raise ValueError(f"path is {checks.shown(target)}, expected a name that ends in {', '.join(known)}")
    return kind


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all, in the format that the file's ending names."""
    kind, target = picture_format(figure, path), os.fsdecode(path)
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with whole_file(target) as file:
        figure.savefig(file, dpi=150, format=kind)
