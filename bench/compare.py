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
import importlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import benchmark
from metarl_fast.benchmark import WORKLOADS, Learned
from report import Result, context, draw, markdown, unique

RANDOM_MDP_PEERS = (
    "numpy_loop",
    "jax_random",
    "jax_expert",
    "numba_simple",
    "numba_expert",
    "numba_interleaved",
)
FROZEN_LAKE_PEERS = ("gymnasium_loop", "numba_frozen_lake", "numba_frozen_lake_interleaved")
# How many times as fast this package is to be.
TARGETS = {
    "numpy_loop": {"W1": 5000, "W2": 1500, "W3": 500},
    "jax_random": {"W1": 60, "W2": 25, "W3": 15},
    "jax_expert": {"W1": 60, "W2": 25, "W3": 15},
    "numba_simple": {"W1": 12, "W2": 8, "W3": 15},
    "numba_expert": {"W1": 3, "W2": 8, "W3": 15},
    "gymnasium_loop": {"FrozenLake": 1000},
    "numba_frozen_lake": {"FrozenLake": 3},
}
# Of some thirty comparisons one in 50,000 runs exceeds this by chance.
LARGEST_Z = 5.0


class Disagreement(Exception):
    """A peer has learned something else."""


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
