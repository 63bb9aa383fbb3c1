"""How the engine scales, each finding beside its target: `python bench/scaling.py --json scaling.json`.

Threads, number of tasks, memory, short adaptation, meta-training, tiny calls, huge tasks. What is timed is
the whole call: drawing the tasks, learning, reading out the greedy policies. Runs that are compared take
turns, and medians are given. Memory is the peak of a fresh process, the interpreter included.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import metarl_fast as mf
from finding import Finding
from metarl_fast import benchmark
from metarl_fast.benchmark import WORKLOADS, Learned, Workload
from metarl_fast.runtime import thread_count
from metarl_fast.seeding import child
from report import context, number

W1 = WORKLOADS[0]
UPDATES_PER_EPISODE = W1.num_steps
# Runs of fewer tasks are repeated until so many are done: a run of some milliseconds says little.
ENOUGH_TASKS = 32_000
MEGABYTE = 1e6


def learn(work: Workload, seed: int, num_threads: int, enough_tasks: int = 1) -> Learned:
    """Do the work, once or until `enough_tasks` are done, and keep the policies alone."""
    s, a = work.num_states, work.num_actions
    family = mf.TaskDistribution(s, a)
    learner = mf.QLearning(
        s, a, learning_rate=work.learning_rate, discount=work.discount, epsilon=work.epsilon
    )
    policies = []
    for k in range(math.ceil(max(enough_tasks, work.num_tasks) / work.num_tasks)):
        run = mf.train(
            learner,
            family.sample(work.num_tasks, rng=child(seed, 2 * k)),
            work.num_episodes,
            work.num_steps,
            rng=child(seed, 2 * k + 1),
            returns=False,
            q_table=False,
            num_threads=num_threads,
        )
        policies.append(run.policy)
    policy = policies[0] if len(policies) == 1 else np.concatenate(policies)
    return Learned(policy[:, 0], policy)


# --- the questions -----------------------------------------------------------------------------------------


def threads(options: argparse.Namespace) -> list[Finding]:
    """Ask what a second thread brings, and where there are more processors, what they bring."""
    most = thread_count()
    counts = sorted({1, 2, *(2**k for k in range(2, 5)), most})
    counts = [count for count in counts if count <= most]
    question = "two threads against one, W1"
    if most < 2:
        return [Finding(question, None, "x", 1.9, True, "one processor is all there is")]
    work = replace(W1, num_tasks=options.tasks(8 * W1.num_tasks))
    programs = {str(count): partial(learn, work, num_threads=count) for count in counts}
    laps = benchmark.race(programs, options.repeats)
    seconds = {name: each.seconds_per_task for name, each in laps.items()}
    points = [
        {
            "threads": count,
            "updates_per_second": float(work.updates_per_task / np.median(seconds[str(count)])),
            "times_one_thread": float(np.median(seconds["1"] / seconds[str(count)])),
        }
        for count in counts
    ]
    details = "; ".join(
        f"{benchmark.threads_of(count)} {number(1e-6 * point['updates_per_second'])}"
        for count, point in zip(counts, points, strict=True)
    )
    details += " million updates a second"
    return [Finding(question, points[1]["times_one_thread"], "x", 1.9, True, details, points)]


def sizes(options: argparse.Namespace) -> list[Finding]:
    """Ask whether an update costs the same among a thousand tasks and among a million."""
    works = [replace(W1, num_tasks=options.tasks(n)) for n in (1000, 10_000, 100_000, 1_000_000)]
    enough = options.tasks(ENOUGH_TASKS)
    programs = {
        str(work.num_tasks): partial(learn, work, num_threads=options.threads, enough_tasks=enough)
        for work in works
    }
    laps = benchmark.race(programs, options.repeats)
    points = [
        {
            "tasks": work.num_tasks,
            "nanoseconds": float(
                1e9 * np.median(laps[str(work.num_tasks)].seconds_per_task) / work.updates_per_task
            ),
        }
        for work in works
    ]
    cost = [point["nanoseconds"] for point in points]
    details = "; ".join(f"{point['tasks']:,.0f} tasks {point['nanoseconds']:.3g} ns" for point in points)
    spread = 100 * (max(cost) / min(cost) - 1)
    return [
        Finding(
            "cost of an update, 1e3 to 1e6 tasks: most over least", spread, " %", 10, False, details, points
        )
    ]


def adaptation(options: argparse.Namespace) -> list[Finding]:
    """Ask how many tasks a second can be adapted to, and what share of that is drawing them."""
    work = replace(W1, num_tasks=options.tasks(200_000))
    updates = (1000, 100, 0)
    programs = {
        str(n): partial(
            learn, replace(work, num_episodes=n // UPDATES_PER_EPISODE), num_threads=options.threads
        )
        for n in updates
    }
    seconds = {int(n): laps.seconds_per_task for n, laps in benchmark.race(programs, options.repeats).items()}
    points = [{"updates": n, "tasks_per_second": float(1 / np.median(seconds[n]))} for n in updates]
    details = "; ".join(
        f"{p['updates']:,} updates {number(p['tasks_per_second'])} tasks a second" for p in points
    )
    share = float(100 * np.median(seconds[0] / seconds[100]))
    speed = points[0]["tasks_per_second"]
    drawing = "drawing is measured as a run of no episodes"
    return [
        Finding("tasks a second, 1,000 updates each", speed, "", 400_000, True, details, points),
        Finding("share of drawing the tasks, 100 updates each", share, " %", 50, False, drawing),
    ]


def meta_training(options: argparse.Namespace) -> list[Finding]:
    """Ask how long Reptile takes to look at all the tasks, and what it holds meanwhile."""
    n = options.tasks(100_000)
    found = [in_fresh_process("reptile", n, options.threads) for _ in range(options.repeats)]
    seconds, peak = (float(np.median([each[name] for each in found])) for name in ("seconds", "peak"))
    details = f"{number(peak / MEGABYTE)} MB"
    return [Finding(f"Reptile on {n:,} tasks, 1,000 updates each", seconds, " s", 3, False, details)]


def recording(options: argparse.Namespace) -> list[Finding]:
    """Ask how many steps a second go into memory, and how many there are without."""
    family, learner = mf.TaskDistribution(10, 5, horizon=10), mf.QLearning()
    tasks = family.sample(options.tasks(20_000), rng=0)

    def live(record: bool) -> None:
        mf.train(learner, tasks, 100, rng=1, record=record, q_table=False, num_threads=options.threads)

    live(True)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(options.repeats):
        for record, each in seconds.items():
            began = time.perf_counter()
            live(record)
            each.append(time.perf_counter() - began)
    rates = {record: 1000 * len(tasks) / float(np.median(each)) for record, each in seconds.items()}
    details = f"without recording {number(1e-6 * rates[False])}; 9 bytes a step, into fresh memory"
    value = 1e-6 * rates[True]
    return [Finding("steps a second recorded into memory, 10x5", value, " million", 60, True, details)]


def histories(options: argparse.Namespace) -> list[Finding]:
    """Ask how many steps of learning histories a second a consumer gets, by turn, by place, and as files."""
    lifetime = 20_000  # steps of 1,000 episodes in algorithm distillation's Darkroom
    family, learner = mf.Darkroom.ad(), mf.QLearning(epsilon=0.2)
    made = mf.Histories(learner, family.sample(options.tasks(1024), rng=0), 1000, rng=1)
    rates: dict[str, list[float]] = {}
    used: dict[str, list[float]] = {}
    for _ in range(options.repeats):
        for name, batch, size in (("1,000 steps", 64, 1000), ("80 steps", 256, 80)):
            began, worked = time.perf_counter(), time.process_time()
            steps = sum(found.mask.size for found in made.iterate(batch, size, num_threads=options.threads))
            assert steps >= len(made) * lifetime
            rates.setdefault(name, []).append(1e-6 * len(made) * lifetime / (time.perf_counter() - began))
            used.setdefault(name, []).append(1e-6 * len(made) * lifetime / (time.process_time() - worked))
    details = "; ".join(
        f"contexts of {name} {number(float(np.median(rates[name])))} million, "
        f"{number(float(np.median(used[name])))} a second of one core"
        for name in rates
    )
    short = mf.Histories(learner, made.tasks, 100, rng=1)
    waits = []
    for place in range(0, len(short), -(-len(short) // 20)):
        began = time.perf_counter()
        short.context(place, 500, 1000)
        waits.append(1e3 * (time.perf_counter() - began))
    count = options.tasks(5000)
    many = mf.Histories(learner, family.sample(count, rng=0), 1000, rng=1)
    with tempfile.TemporaryDirectory() as folder:
        began, worked = time.perf_counter(), time.process_time()
        many.to_npz(folder, num_threads=options.threads)
        seconds, of_cores = time.perf_counter() - began, time.process_time() - worked
    said = f"{number(of_cores)} s of one core"
    consumed = float(np.median(rates["1,000 steps"]))
    return [
        Finding("steps of histories a second into a consumer", consumed, " million", 60, True, details),
        Finding("1,000 steps of a lifetime by place", float(np.median(waits)), " ms", 10, False),
        Finding(f"{count * lifetime:,} steps into NumPy shards", seconds, " s", 30, False, said),
    ]


def tiny_call(options: argparse.Namespace) -> list[Finding]:
    """Ask what a call costs that has next to nothing to do."""
    learner = mf.QLearning(10, 5)
    family = mf.TaskDistribution(10, 5)
    tasks = family.sample(1, rng=0)

    def train(batch: mf.Tasks) -> None:
        mf.train(learner, batch, 1, 10, rng=1)

    def draw_and_train() -> None:
        train(family.sample(1, rng=0))

    calls = 1000
    found: dict[str, list[float]] = {"train": [], "draw": []}
    programs: dict[str, Callable[[], None]] = {"train": partial(train, tasks), "draw": draw_and_train}
    for _ in range(options.repeats + 1):  # the first to warm up
        for name, program in programs.items():
            began = time.perf_counter()
            for _ in range(calls):
                program()
            found[name].append((time.perf_counter() - began) / calls)
    microseconds = {name: 1e6 * float(np.median(each[1:])) for name, each in found.items()}
    details = f"with sample() {number(microseconds['draw'])} µs"
    return [Finding("a call of train with one tiny task", microseconds["train"], " µs", 20, False, details)]


def memory(options: argparse.Namespace) -> list[Finding]:
    """Ask what a million tasks cost that nobody looks at."""
    n = options.tasks(1_000_000)
    found = in_fresh_process("many_tasks", n, options.threads)
    return [_memory_finding(f"peak memory of {n:,} lazy tasks, mean returns alone", found, 200)]


def implicit(options: argparse.Namespace) -> list[Finding]:
    """Ask whether a task can have a million states."""
    states = options.tasks(1_000_000)
    found = in_fresh_process("huge_task", states, options.threads)
    return [_memory_finding(f"peak memory of one task, S={states:,} A=10, 1e6 updates", found, 1000)]


def _memory_finding(question: str, found: dict[str, Any], target: float) -> Finding:
    if "not_yet" in found:
        return Finding(question, None, " MB", target, False, found["not_yet"])
    return Finding(question, found["peak"] / MEGABYTE, " MB", target, False, f"in {found['seconds']:.3g} s")


# --- in a process of its own -------------------------------------------------------------------------------


def many_tasks(num_tasks: int, num_threads: int) -> None:
    """Learn on lazy tasks of the size of W1; keep each episode's mean return and nothing else."""
    tasks = mf.TaskDistribution(10, 5).sample(num_tasks, rng=0)
    wanted = {"returns": False, "q_table": False, "policy": False, "mean_returns": True}
    mf.train(mf.QLearning(10, 5), tasks, 100, 10, rng=1, num_threads=num_threads, **wanted)


def huge_task(num_states: int, num_threads: int) -> None:
    """A million updates on one task of so many states."""
    tasks = mf.TaskDistribution(num_states, 10).sample(1, rng=0)
    learner = mf.QLearning(num_states, 10)
    mf.train(learner, tasks, 100_000, 10, rng=1, returns=False, num_threads=num_threads)


def reptile(num_tasks: int, num_threads: int) -> None:
    """Meta-learn on so many tasks of the size of W1."""
    family, size = mf.TaskDistribution(10, 5, horizon=10), min(num_tasks, 1024)
    count, meta = math.ceil(num_tasks / size), mf.Reptile(tasks_per_iteration=size)
    meta.fit(family, mf.QLearning(), 100, num_iterations=count, rng=0, num_threads=num_threads)


def peak_memory() -> float:
    """Return the most bytes of memory that this process has held."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        # Not getrusage's maximum: that counts what the parent held when it made this process.
        return 1024.0 * int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def alone(name: str, *sizes: int) -> None:
    """Run one of the programs above and print what it took, or why it cannot be run yet, as JSON."""
    began = time.perf_counter()
    try:
        {"many_tasks": many_tasks, "huge_task": huge_task, "reptile": reptile}[name](*sizes)
        found = {"peak": peak_memory(), "seconds": time.perf_counter() - began}
    except MemoryError as error:
        found = {"not_yet": f"refused: {error}"}
    print(json.dumps(found))


def in_fresh_process(name: str, *sizes: int) -> dict[str, Any]:
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import scaling; "
    program += f"scaling.alone({name!r}, *{sizes!r})"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# --- the program -------------------------------------------------------------------------------------------

QUESTIONS: dict[str, Callable[[argparse.Namespace], list[Finding]]] = {
    "threads": threads,
    "sizes": sizes,
    "adaptation": adaptation,
    "meta_training": meta_training,
    "recording": recording,
    "histories": histories,
    "tiny_call": tiny_call,
    "memory": memory,
    "implicit": implicit,
}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=list(QUESTIONS), metavar="QUESTION",
                        help=f"of {', '.join(QUESTIONS)}")  # fmt: skip
    parser.add_argument("--repeats", type=int, default=5, help="turns after the warm-up (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="if these are not the question (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the work: does it work?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON")
    options = parser.parse_args(arguments)
    if options.repeats < 1 or options.threads < 1:
        parser.error("--repeats and --threads are to be at least 1")
    options.tasks = lambda n: math.ceil(n / 100) if options.quick else n
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    about = context(options.threads, options.repeats)
    where = f"{about['machine']}, {benchmark.threads_of(options.threads)}, {about['date'][:10]}"
    print(f"metarl_fast {about['versions']['metarl-fast']} ({about['build']['isa']}) on {where}")
    print(f"medians of {options.repeats} turns\n")
    findings: list[Finding] = []
    for finding in (found for name in options.only for found in QUESTIONS[name](options)):
        findings.append(finding)
        print(finding, *([f"\n    {finding.details}"] if finding.details else []), sep="", flush=True)
    if options.quick:
        print("\n--quick: smaller than the work that the targets are for.")
    if options.json:
        rows = [{**asdict(finding), "verdict": finding.verdict} for finding in findings]
        options.json.write_text(json.dumps({**about, "findings": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
