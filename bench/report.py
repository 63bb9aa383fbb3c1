"""What the comparison found, as a table and as a picture; and where and with what it was measured."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metarl_fast import benchmark, build_info, checks
from metarl_fast.benchmark import WORKLOADS


@dataclass(frozen=True)
class Result:
    """One side of one comparison; `ratio` is its time over this package's, for each turn."""

    workload: str
    behaviour: str
    program: str
    title: str
    tasks_per_run: int
    seconds_per_task: float
    updates_per_second: float | None
    mean_value: float
    z: float
    ratio: float
    ratio_min: float
    ratio_max: float
    target: float | None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "ok" if self.ratio >= self.target else "short"


def number(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def cell(result: Result) -> str:
    if result.program == "metarl_fast":
        if result.updates_per_second is None:
            return f"{1e6 * result.seconds_per_task:,.0f} µs a learner"
        return f"{number(1e-6 * result.updates_per_second)} M updates/s"
    text = f"**{number(result.ratio)}x** ({number(result.ratio_min)} to {number(result.ratio_max)})"
    return text if result.target is None else f"{text}, target {number(result.target)}: {result.verdict}"


def unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def markdown(results: Sequence[Result]) -> str:
    """Return a table for each set of workloads that has the same programs."""
    lines: list[str] = []
    for chosen in (
        [r for r in results if r.workload != "FrozenLake"],
        [r for r in results if r.workload == "FrozenLake"],
    ):
        columns = unique(r.workload for r in chosen)
        if not columns:
            continue
        found = {(r.program, r.behaviour, r.workload): r for r in chosen}
        lines += ["", f"| against | behaviour | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
        for program in unique(r.program for r in chosen):
            for behaviour in unique(r.behaviour for r in chosen):
                row = [found.get((program, behaviour, column)) for column in columns]
                title = next((r.title for r in row if r), None)
                if title:
                    cells = " | ".join(cell(r) if r else "" for r in row)
                    lines.append(f"| {title} | {behaviour} | {cells} |")
    return "\n".join(lines[1:])


# Of Okabe and Ito's palette, which colour-blind readers can tell apart: where we are faster, and slower.
FASTER, SLOWER = ("#0072B2", "#56B4E9"), ("#D55E00", "#E69F00")


def draw(results: Sequence[Result], path: Path, title: str) -> None:
    """Draw the ratios as bars that begin at 1, a panel for each workload, with lines at the targets."""
    checks.require_extra("matplotlib", "bench")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bars = [r for r in results if r.program != "metarl_fast"]
    rows = [
        [r for r in bars if r.workload != "FrozenLake"],
        [r for r in bars if r.workload == "FrozenLake"],
    ]
    rows = [chosen for chosen in rows if chosen]
    heights = [len({(r.program, r.behaviour) for r in chosen}) + 2 for chosen in rows]
    columns = max((len({r.workload for r in chosen}) for chosen in rows), default=1)
    figure = Figure(figsize=(5 + 2.6 * columns, 0.6 + 0.27 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(max(len(rows), 1), columns, height_ratios=heights or None)
    limits = (
        min((min(r.ratio_min / 1.5, 0.5) for r in bars), default=0.5),
        max((1.5 * max(r.ratio_max, r.target or 1) for r in bars), default=2),
    )
    behaviours = unique(r.behaviour for r in bars)
    for row, chosen in enumerate(rows):
        for column, workload in enumerate(unique(r.workload for r in chosen)):
            axes = figure.add_subplot(grid[row, column])
            axes.set_xlim(limits)
            _draw_panel(axes, workload, chosen, behaviours)
            if column > 0:
                axes.tick_params(labelleft=False)
    lost = any(r.ratio < 1 for r in bars)
    figure.legend(handles=_legend(behaviours, lost), loc="outside right center", frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=10)
    figure.supxlabel("times as fast as the peer", fontsize=9)
    figure.savefig(path, dpi=150)


def _draw_panel(axes: Any, workload: str, chosen: Sequence[Result], behaviours: Sequence[str]) -> None:
    titles = unique(r.title for r in chosen)
    height = 0.8 / len({r.behaviour for r in chosen})
    for k, title in enumerate(titles):
        for i, r in enumerate(r for r in chosen if (r.workload, r.title) == (workload, title)):
            y = k - 0.4 + (i + 0.5) * height
            colour = (FASTER if r.ratio >= 1 else SLOWER)[behaviours.index(r.behaviour)]
            axes.barh(y, r.ratio - 1, 0.9 * height, left=1, color=colour)
            axes.plot([r.ratio_min, r.ratio_max], [y, y], color="#444444", linewidth=1)
            if r.target is not None:
                axes.plot([r.target] * 2, [y - height / 2, y + height / 2], color="black", linewidth=2)
            text = f"{number(r.ratio)}x" + (" \N{CHECK MARK}" if r.verdict == "ok" else "")
            place = {"xycoords": ("axes fraction", "data"), "xytext": (4, 0), "textcoords": "offset points"}
            axes.annotate(text, (1, y), va="center", fontsize=8, **place)
    axes.axvline(1, color="#444444", linewidth=0.8)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    ticks = {0.1: "0.1", 1: "1", 10: "10", 100: "100", 1000: "1k", 10_000: "10k"}
    ticks = {x: text for x, text in ticks.items() if low <= x <= high}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_yticks(range(len(titles)), titles, fontsize=9)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    sizes = {work.name: f", S={work.num_states} A={work.num_actions}" for work in WORKLOADS}
    axes.set_title(workload + sizes.get(workload, " 8x8"), fontsize=10)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _legend(behaviours: Sequence[str], lost: bool) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    patches = [
        Patch(color=colours[behaviours.index(behaviour)], label=behaviour + note)
        for note, colours in (("", FASTER), (", peer is faster", SLOWER))[: 1 + lost]
        for behaviour in behaviours
    ]
    line = {"color": "black", "linewidth": 2, "linestyle": "none", "marker": "|", "markersize": 12}
    target = Line2D([], [], label="target (\N{CHECK MARK}: met)", markeredgewidth=2, **line)
    spread = Line2D([], [], label="least to most", color="#444444", linewidth=1)
    return [*patches, target, spread]


def context(threads: int, repeats: int) -> dict[str, Any]:
    """Say when, where and with what the numbers were taken."""
    versions = {}
    for package in ("metarl-fast", "numpy", "jax", "numba", "gymnasium"):
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": benchmark.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
        "build": build_info(),
        "threads": threads,
        "repeats": repeats,
    }
