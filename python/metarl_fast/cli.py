"""The command `metarl-fast`."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from metarl_fast import __version__, benchmark, gallery, reproduce, side_by_side
from metarl_fast.compare import compare
from metarl_fast.config import read_table
from metarl_fast.describe import describe
from metarl_fast.experiment import Experiment, Results
from metarl_fast.families import Family
from metarl_fast.figures import new_figure, picture_format, save_figure
from metarl_fast.files import check_writable
from metarl_fast.meta import Fitted
from metarl_fast.progress_bar import ProgressBar
from metarl_fast.runtime import build_info, thread_count
from metarl_fast.splits import halves_of
from metarl_fast.store import load


class Progress:
    """A bar on standard error: tqdm's if it is installed, else a line of text a stage.

    Where nobody can see it, as after `2>&-` or on a full disk, there is none: the work goes on.
    """

    def __init__(self) -> None:
        self._bar: ProgressBar | None = None
        self._stage = ""
        self._bars = True
        try:
            ProgressBar()
        except ImportError as error:
            self._bars = False
            _say(f"no progress bar: {error}")

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how far the stage is."""
        if stage != self._stage:
            self.close()
            self._stage = stage
            if self._bars:
                self._bar = ProgressBar(f"{stage:<28}")
            else:
                _say(f"{stage} ...")
        if self._bar is not None:
            self._bar(done, total)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None


def _say(line: str) -> None:
    """Write to standard error, if somebody can see it."""
    with suppress(OSError):
        print(line, file=sys.stderr)


@dataclass(frozen=True)
class _Report:
    """How a command shows its results: as text, and in a picture."""

    text: Callable[[Results], str] = Results.text
    plot: Callable[[Results, Path], None] = Results.plot


def _finish(results: Results, out: Path, seconds: float, report: _Report) -> None:
    results.save(out)
    print(report.text(results))
    print(f"\n{seconds:.1f} s.")
    written = ["results.json", *(["meta.npz"] if results.experiment.save is not None else [])]
    try:
        report.plot(results, out / "adaptation.png")
        written.append("adaptation.png")
    except ImportError as error:
        print(f"no picture: {error}", file=sys.stderr)
    print(f"wrote {', '.join(str(out / name) for name in written)}")


def _run(experiment: Experiment, options: argparse.Namespace, report: _Report) -> None:
    # What cannot be is found out before the work: threads, splits, a folder, its files.
    thread_count(options.threads)
    experiment.split(0)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in ("results.json", "meta.npz", "adaptation.png"):
        check_writable(options.out / name)
    progress = Progress()
    began = time.perf_counter()
    try:
        results = experiment.run(num_threads=options.threads, progress=progress)
    finally:
        progress.close()
    _finish(results, options.out, time.perf_counter() - began, report)


def _quickstart(options: argparse.Namespace) -> None:
    _run(Experiment.from_table({"seed": options.seed}), options, _Report())
    print(f"next: metarl-fast adapt {options.out / 'meta.npz'}, or metarl-fast train --config FILE.toml")


def _train(options: argparse.Namespace) -> None:
    table = read_table(options.config)
    if options.seed is not None:
        table["seed"] = options.seed
    _run(Experiment.from_table(table), options, _Report())


def _compare(options: argparse.Namespace) -> None:
    table = {} if options.config is None else read_table(options.config)
    for name in ("seed", "splits", "num_steps"):
        if getattr(options, name) is not None:
            table[name] = getattr(options, name)
    if options.family is None and options.settings:
        raise ValueError(f"{options.settings[0]} is a setting of a family: name it by --family")
    family = None if options.family is None else gallery.named(options.family, options.settings)
    experiment = side_by_side.experiment(family, table)
    _run(experiment, options, _Report(side_by_side.text, side_by_side.plot))


def _adapt(options: argparse.Namespace) -> None:
    meta = load(options.meta)
    if not isinstance(meta, Fitted) or "family" not in meta.context:
        raise ValueError(
            f"{options.meta} does not say which tasks it is for: it was not written by quickstart or train"
        )
    settings = {**meta.context, "held_out_tasks": options.tasks, "seed": options.seed}
    if options.episodes:
        settings["episodes"] = sorted(set(options.episodes))
    experiment = Experiment.from_table(settings)
    # The split on which it was fitted, but other tasks of its held-out part.
    original = Experiment.from_table({**settings, "seed": meta.context.get("seed", 0)})
    _, held_out = halves_of(original.family, original.held_out, original.key(0))
    tasks = held_out.sample(options.tasks, rng=options.seed)
    progress = Progress()
    try:
        found = compare(
            {"scratch": experiment.learner, type(meta.meta).__name__: meta},
            tasks,
            experiment.episodes,
            num_steps=experiment.num_steps,
            rng=options.seed,
            clusters=held_out.clusters(tasks),
            num_threads=options.threads,
            progress=partial(progress, "adapting"),
        )
    finally:
        progress.close()
    print(found.table())


def _bench(options: argparse.Namespace) -> None:
    for line in benchmark.report(options.threads):
        print(line, flush=True)


def _families(options: argparse.Namespace) -> None:
    if options.name is None:
        if options.out is not None or options.show is not None:
            raise ValueError("--show and --out are about one family: name it")
        print(gallery.listed())
        print("\nnext: metarl-fast families Darkroom.ad --show 4 --out darkroom.png")
        return
    family = gallery.named(options.name, options.settings)
    out, figure = options.out or Path("family.png"), None
    if options.out is not None or options.show is not None:  # what has no picture is refused before the work
        figure = gallery.show(family, 4 if options.show is None else options.show, rng=options.seed)
        picture_format(figure, out)
    print("\n".join(gallery.described(family)))
    print(f"\n{_card(family, options.seed)}")
    if figure is not None:
        save_figure(figure, out)
        print(f"\nwrote {out}")


def _card(family: Family, seed: int) -> str:
    """Return the measures of a family, or why it has none: a task of one action can still be drawn."""
    try:
        return str(describe(family, rng=seed, precision=0.02, most_tasks=2048))
    except ValueError as error:
        return f"not measured: {error}"


def _rows(text: str) -> list[int]:
    """Return the numbers of a list such as 10,25."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 10,25") from None


def _reproduce(options: argparse.Namespace) -> None:
    # What cannot be is found out before the work.
    for path in (options.json, options.plot):
        if path is not None:
            check_writable(path)
    if options.plot is not None:
        picture_format(new_figure(), options.plot)
    progress = Progress()
    began = time.perf_counter()
    try:
        found = reproduce.reproduced(
            options.table,
            options.rows,
            num_tasks=options.tasks,
            num_seeds=options.seeds,
            rng=options.seed,
            num_threads=options.threads,
            progress=progress,
        )
    finally:
        progress.close()
    print(found.text())
    print(f"\n{time.perf_counter() - began:.1f} s, meta-training included.")
    if options.json is not None:
        found.save(options.json)
    if options.plot is not None:
        found.plot(options.plot)


def _info(options: argparse.Namespace) -> None:
    for name, value in build_info().items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):<16}{text}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metarl-fast", description="Meta-reinforcement learning on tabular MDPs."
    )
    parser.add_argument("--version", action="version", version=f"metarl-fast {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    quickstart = commands.add_parser(
        "quickstart", help="meta-learn, tune, and adapt to new tasks of four rooms in under a minute"
    )
    quickstart.add_argument(
        "--out", type=Path, default=Path("quickstart"), help="folder for the results (%(default)s)"
    )
    quickstart.add_argument("--seed", type=int, default=0)
    quickstart.set_defaults(run=_quickstart)

    train = commands.add_parser(
        "train", help="the same job with other families, learners and contenders, from a TOML file"
    )
    train.add_argument("--config", type=Path, required=True, metavar="FILE.toml")
    train.add_argument("--out", type=Path, default=Path("run"), help="folder for the results (%(default)s)")
    train.add_argument("--seed", type=int, default=None, help="instead of the file's")
    train.set_defaults(run=_train)

    side = commands.add_parser(
        "compare", help="all meta-learners and baselines side by side on the held-out tasks of a family"
    )
    side.add_argument("settings", nargs="*", metavar="SETTING=VALUE", help="of the family, such as size=5")
    side.add_argument("--family", metavar="NAME", help="such as GoalGrid, or Darkroom.ad")
    side.add_argument("--config", type=Path, metavar="FILE", help="settings in the place of the default's")
    side.add_argument(
        "--out", type=Path, default=Path("compare"), help="folder for the results (%(default)s)"
    )
    side.add_argument("--splits", type=int, help="each with a meta-training of its own (5)")
    side.add_argument("--steps", type=int, dest="num_steps", help="time limit, where a family has none")
    side.add_argument("--seed", type=int, help="of everything (0)")
    side.set_defaults(run=_compare)

    adapt = commands.add_parser("adapt", help="adapt to new held-out tasks from a saved meta-learner")
    adapt.add_argument("meta", type=Path, metavar="META.npz")
    adapt.add_argument("--tasks", type=int, default=1000, help="how many held-out tasks (%(default)s)")
    adapt.add_argument("--episodes", type=int, nargs="+", help="when to score (default: as when it was made)")
    adapt.add_argument("--seed", type=int, default=1)
    adapt.set_defaults(run=_adapt)

    bench = commands.add_parser("bench", help="measure the speed of this machine in about a minute")
    bench.set_defaults(run=_bench)

    again = commands.add_parser("reproduce", help="a published table, and what is found here beside it")
    again.add_argument(
        "table", choices=list(reproduce.TABLES), help="RL2's random MDPs, or what stands beside them here"
    )
    again.add_argument(
        "--rows", type=_rows, default=list(reproduce.ROWS), help="episodes of a trial (10,25,50,75,100)"
    )
    again.add_argument("--tasks", type=int, default=10_000, help="held-out tasks of each seed (%(default)s)")
    again.add_argument("--seeds", type=int, default=3, help="meta-training seeds (%(default)s)")
    again.add_argument("--seed", type=int, default=0, help="of everything (%(default)s)")
    again.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    again.add_argument("--plot", type=Path, metavar="FILE", help="where to draw them")
    again.set_defaults(run=_reproduce)

    for command in (quickstart, train, side, adapt, bench, again):
        command.add_argument(
            "--threads", type=int, default=None, help="default: OMP_NUM_THREADS, else all processors"
        )

    shown = commands.add_parser("families", help="the families of tasks; one of them in numbers and pictures")
    shown.add_argument("name", nargs="?", help="such as Darkroom, or Darkroom.ad for a paper's setting")
    shown.add_argument("settings", nargs="*", metavar="SETTING=VALUE", help="such as size=5 slip=0.1")
    shown.add_argument("--show", type=int, metavar="N", help="draw the first N tasks with optimal policies")
    shown.add_argument("--out", type=Path, metavar="FILE", help="where to (family.png)")
    shown.add_argument("--seed", type=int, default=0)
    shown.set_defaults(run=_families)

    info = commands.add_parser("info", help="version, compiler, instruction sets, threads")
    info.set_defaults(run=_info)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without ± shows a mark in its place
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output is gone: `metarl-fast info | head -1`
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, MemoryError, ImportError, RecursionError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"metarl-fast: {message}", file=sys.stderr)
        return 1
    finally:
        _drop_what_cannot_be_written()
    return 0


def _drop_what_cannot_be_written() -> None:
    """Throw away output that has nowhere to go, or Python would complain of it at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
