"""This package against its peers, end to end: `python bench/compare.py --json out.json --png ratios.png`.

Each peer is an honest best effort in a file of its own under bench/peers/; what they need is installed by
`pip install 'metarl-fast[bench]'`, and those that cannot be imported are skipped. All sides get the same
number of threads. They are warmed up (compilation does not count), then take turns; ratios are taken within
each turn. A comparison between programs that learn different things means nothing, so a difference between
their learned values beyond statistical error ends the run.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import importlib
import importlib.metadata
import json
import math
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import benchmark, build_info, checks
from metarl_fast.benchmark import WORKLOADS, Learned

RANDOM_MDP_PEERS = (
    "numpy_loop",
    "jax_scan",
    "jax_sharded",
    "numba_simple",
    "numba_expert",
    "numba_cumulative",
)
FROZEN_LAKE_PEERS = ("gymnasium_loop", "numba_frozen_lake")
# How many times as fast this package is to be.
TARGETS = {
    "numpy_loop": {"W1": 5000, "W2": 1500, "W3": 500},
    "jax_scan": {"W1": 60, "W2": 25, "W3": 15},
    "numba_simple": {"W1": 12, "W2": 8, "W3": 15},
    "numba_expert": {"W1": 3, "W2": 8, "W3": 15},
    "gymnasium_loop": {"FrozenLake": 1000},
    "numba_frozen_lake": {"FrozenLake": 3},
}
# Of some thirty comparisons one in 50,000 runs exceeds this by chance.
LARGEST_Z = 5.0


class Disagreement(Exception):
    """A peer has learned something else."""


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


def z_score(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Return the difference of two means in standard errors, for samples of equal variance.

    Pooled, because a slow peer has but a handful of tasks, too few to know its own variance.
    """
    n, m = len(ours), len(theirs)
    squares = ((ours - ours.mean()) ** 2).sum() + ((theirs - theirs.mean()) ** 2).sum()
    difference = float(theirs.mean() - ours.mean())
    if difference == 0.0:
        return 0.0
    error = math.sqrt(squares / (n + m - 2) * (1 / n + 1 / m))
    return difference / error if error > 0.0 else math.copysign(math.inf, difference)


def compare(
    work: Any,
    engine: Callable[..., Learned],
    peers: dict[str, ModuleType],
    *,
    repeats: int,
    threads: int,
    slow_share: float = 1.0,
) -> list[Result]:
    """Race the engine against the peers; raise Disagreement if one of them learns something else."""
    programs: dict[str, Callable[[int], Learned]] = {
        "metarl_fast": partial(engine, work, num_threads=threads)
    }
    sizes = {"metarl_fast": work.num_tasks}
    for name, peer in peers.items():
        most = getattr(peer, "MAX_TASKS", None)
        tasks = work.num_tasks if most is None else min(work.num_tasks, max(1, int(most * slow_share)))
        programs[name] = partial(peer.run, replace(work, num_tasks=tasks), num_threads=threads)
        sizes[name] = tasks
    laps = benchmark.race(programs, repeats)
    ours = laps["metarl_fast"]
    updates = getattr(work, "updates_per_task", None)
    results = []
    for name, found in laps.items():
        z = 0.0 if found is ours else z_score(ours.values, found.values)
        if abs(z) > LARGEST_Z:
            raise Disagreement(
                f"{name} learned {found.values.mean():.4f} on average ({len(found.values)} tasks of {work}), "
                f"metarl_fast {ours.values.mean():.4f}: {z:+.1f} standard errors"
            )
        seconds = float(np.median(found.seconds_per_task))
        ratios = found.seconds_per_task / ours.seconds_per_task
        results.append(
            Result(
                workload=work.name,
                behaviour=work.behaviour,
                program=name,
                title=getattr(peers.get(name), "TITLE", name),
                tasks_per_run=sizes[name],
                seconds_per_task=seconds,
                updates_per_second=None if updates is None else updates / seconds,
                mean_value=float(found.values.mean()),
                z=z,
                ratio=float(np.median(ratios)),
                ratio_min=float(ratios.min()),
                ratio_max=float(ratios.max()),
                target=TARGETS.get(name, {}).get(work.name),
            )
        )
    return results


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


def draw(results: Sequence[Result], path: Path, title: str) -> None:
    """Draw the ratios as bars on a logarithmic axis, with the targets as black lines."""
    checks.require_extra("matplotlib", "bench")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bars = [r for r in results if r.program != "metarl_fast"]
    groups = unique(f"{r.workload}\n{r.behaviour}" for r in bars)
    colours = dict(
        zip(
            unique(r.title for r in bars),
            ("#000000", "#E69F00", "#F0E442", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"),
            strict=False,
        )
    )
    figure = Figure(figsize=(1.7 * len(groups) + 3, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for g, group in enumerate(groups):
        members = [r for r in bars if f"{r.workload}\n{r.behaviour}" == group]
        width = 0.8 / len(members)
        for k, r in enumerate(members):
            x = g - 0.4 + (k + 0.5) * width
            spread = [[r.ratio - r.ratio_min], [r.ratio_max - r.ratio]]
            axes.bar(x, r.ratio, width, color=colours[r.title], yerr=spread, ecolor="#777777", label=r.title)
            # At the foot of the bar, where no target line can lie.
            text = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": 8, "zorder": 5}
            patch = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
            axes.text(x, 0.02, number(r.ratio), transform=axes.get_xaxis_transform(), bbox=patch, **text)
            if r.target is not None:
                axes.hlines(r.target, x - width / 2, x + width / 2, color="#CC0000", linewidth=2)
    axes.axhline(1, color="#777777", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xticks(range(len(groups)), groups, fontsize=9)
    axes.set_ylabel("times as fast as the peer (red: target)")
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    first = dict(zip(labels, handles, strict=True))
    figure.legend(
        first.values(), first.keys(), loc="outside lower center", frameon=False, fontsize=9, ncols=2
    )
    figure.savefig(path, dpi=150)


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


def load_peers(names: Iterable[str]) -> dict[str, ModuleType]:
    """Import the peers that can be imported, and say which cannot."""
    peers = {}
    for name in names:
        try:
            peers[name] = importlib.import_module(f"peers.{name}")
        except ImportError as error:
            missing = isinstance(error, ModuleNotFoundError)
            advice = ": pip install 'metarl-fast[bench]'" if missing else ""
            print(f"skipped {name}: {error}{advice}", file=sys.stderr)
    return peers


def limit_processors(threads: int) -> None:
    """Keep this process, JAX's pool included, to as many processors; before JAX and Numba are imported."""
    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    workloads = [work.name for work in WORKLOADS] + ["FrozenLake"]
    peers = [*RANDOM_MDP_PEERS, *FROZEN_LAKE_PEERS]
    parser.add_argument("--workloads", nargs="+", choices=workloads, default=workloads)
    parser.add_argument("--peers", nargs="+", choices=peers, default=peers)
    parser.add_argument("--repeats", type=int, default=5, help="turns after the warm-up (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="for every side (%(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="about a minute: a quarter of the tasks, uniform only, two turns"
    )
    for kind in ("json", "csv", "png"):
        parser.add_argument(f"--{kind}", type=Path, metavar="FILE", help=f"write {kind.upper()}")
    options = parser.parse_args(arguments)
    if options.repeats < 1 or options.threads < 1:
        parser.error("--repeats and --threads are to be at least 1")
    return options


def contests(
    options: argparse.Namespace,
) -> Iterable[tuple[Any, Callable[..., Learned], dict[str, ModuleType]]]:
    """Yield what is to be done, by whom of us, and against whom."""
    peers = load_peers(name for name in RANDOM_MDP_PEERS if name in options.peers)
    for work in WORKLOADS:
        if work.name in options.workloads:
            for epsilon in (1.0,) if options.quick else (1.0, 0.1):
                yield replace(work, epsilon=epsilon), benchmark.run_engine, peers
    if "FrozenLake" in options.workloads:
        peers = load_peers(name for name in FROZEN_LAKE_PEERS if name in options.peers)
        if peers:
            lake = importlib.import_module("peers.frozen_lake")
            yield lake.FrozenLake(), lake.run_engine, peers


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    limit_processors(options.threads)
    repeats = 2 if options.quick else options.repeats
    about = context(options.threads, repeats)
    results: list[Result] = []
    for full, engine, peers in contests(options):
        work = replace(full, num_tasks=full.num_tasks // 4) if options.quick else full
        print(f"{work} ...", file=sys.stderr)
        try:
            results += compare(
                work,
                engine,
                peers,
                repeats=repeats,
                threads=options.threads,
                slow_share=0.25 if options.quick else 1.0,
            )
        except Disagreement as error:
            print(f"compare.py: {error}", file=sys.stderr)
            return 1
    where = f"{about['machine']}, {options.threads} threads, {about['date'][:10]}"
    print(f"metarl_fast {about['versions']['metarl-fast']} on {where}")
    print(f"median (least to most) of {repeats} turns, drawing the tasks included")
    print()
    print(markdown(results))
    few = unique(
        f"{r.title} on {r.tasks_per_run}"
        for r in results
        if r.program != "metarl_fast" and r.tasks_per_run < 16
    )
    if few:
        print(f"\nTime for each task, measured on few of them: {'; '.join(few)}.")
    if options.quick:
        print("\n--quick: smaller than the work that the targets are for.")
    if options.json:
        rows = [{**asdict(r), "verdict": r.verdict} for r in results]
        options.json.write_text(json.dumps({**about, "results": rows}, indent=1) + "\n", encoding="utf-8")
    if options.csv and results:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*asdict(results[0]), "verdict"])
            writer.writeheader()
            writer.writerows({**asdict(r), "verdict": r.verdict} for r in results)
    if options.png:
        draw(results, options.png, where)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
