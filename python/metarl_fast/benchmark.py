"""How fast is it here: the work that `metarl-fast bench` and bench/compare.py measure, end to end.

Every program draws the tasks with a generator of its own, builds whatever tables it uses, learns, and reads
out the greedy policies. The tasks are those of `TaskDistribution`; episodes start in state 0.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.engine import train
from metarl_fast.families import TaskDistribution
from metarl_fast.learners import QLearning
from metarl_fast.runtime import build_info, thread_count
from metarl_fast.seeding import child


@dataclass(frozen=True)
class Workload:
    """So many Q-learning updates on so many random MDPs; epsilon 1 is the uniform behaviour."""

    name: str
    num_states: int
    num_actions: int
    num_tasks: int
    num_episodes: int = 500
    num_steps: int = 10
    epsilon: float = 1.0
    learning_rate: float = 0.1
    discount: float = 0.95

    @property
    def updates_per_task(self) -> int:
        """Updates that each task gets."""
        return self.num_episodes * self.num_steps

    @property
    def behaviour(self) -> str:
        """Its name."""
        return "uniform" if self.epsilon == 1.0 else f"epsilon-greedy {self.epsilon:g}"

    def __str__(self) -> str:
        sizes = f"S={self.num_states} A={self.num_actions}, {self.num_tasks:,} tasks"
        return f"{self.name}: {sizes}, {self.behaviour}"


WORKLOADS = (Workload("W1", 10, 5, 4096), Workload("W2", 64, 4, 1024), Workload("W3", 256, 4, 256))
# So many updates that generating the tasks does not count, on tables that stay in cache.
KERNEL_ALONE = Workload("kernel alone", 10, 5, 256, num_episodes=20_000)

LOOPS = ("NumPy loop", "Numba loop")


class Learned(NamedTuple):
    """What a program hands back for N tasks."""

    values: NDArray[Any]
    """max_a q(state 0, a) [N], to see that all programs learn the same."""
    policy: NDArray[Any]
    """Greedy actions [N, S]."""


def run_engine(work: Workload, seed: int, num_threads: int | None = None) -> Learned:
    """Do the work with this package."""
    s, a = work.num_states, work.num_actions
    run = train(
        QLearning(s, a, learning_rate=work.learning_rate, discount=work.discount, epsilon=work.epsilon),
        TaskDistribution(s, a).sample(work.num_tasks, rng=child(seed, 0)),
        work.num_episodes,
        work.num_steps,
        rng=child(seed, 1),
        returns=False,
        num_threads=num_threads,
    )
    return Learned(run.q_table[:, 0].max(axis=1), run.get_policy())


def run_numpy(work: Workload, seed: int) -> Learned:
    """Do the work with the tutorial's loop, one step at a time on one thread."""
    rng = np.random.RandomState(seed)
    s, a = work.num_states, work.num_actions
    values = np.empty(work.num_tasks)
    policy = np.empty((work.num_tasks, s), np.int64)
    for task in range(work.num_tasks):
        transitions = rng.rand(s, a, s)
        transitions /= transitions.sum(axis=2, keepdims=True)
        rewards = rng.rand(s, a)
        q_table = np.zeros((s, a))
        for _ in range(work.num_episodes):
            state = 0
            for _ in range(work.num_steps):
                explore = work.epsilon == 1.0 or rng.rand() < work.epsilon
                action = rng.randint(a) if explore else np.argmax(q_table[state])
                next_state = rng.choice(s, p=transitions[state, action])
                target = rewards[state, action] + work.discount * np.max(q_table[next_state])
                q_table[state, action] += work.learning_rate * (target - q_table[state, action])
                state = next_state
        values[task] = q_table[0].max()
        policy[task] = q_table.argmax(axis=1)
    return Learned(values, policy)


@cache
def _numba_program() -> Any:
    numba = checks.require_extra("numba", "bench")
    prange = numba.prange

    # The same loop, parallel over tasks, in the subset of Python that Numba compiles well: `choice(p=...)`
    # becomes a search in cumulative rows. `np.random` means each thread's own generator here.
    @numba.njit(parallel=True)  # type: ignore[untyped-decorator]
    def learn(
        s: int,
        a: int,
        num_tasks: int,
        num_episodes: int,
        num_steps: int,
        epsilon: float,
        learning_rate: float,
        discount: float,
        seed: int,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        values = np.empty(num_tasks)
        policy = np.empty((num_tasks, s), np.int64)
        for task in prange(num_tasks):
            np.random.seed(seed * num_tasks + task)
            cumulative = np.random.rand(s, a, s)
            for state in range(s):
                for action in range(a):
                    row = np.cumsum(cumulative[state, action])
                    cumulative[state, action] = row / row[-1]
            rewards = np.random.rand(s, a)
            q_table = np.zeros((s, a))
            for _ in range(num_episodes):
                state = 0
                for _ in range(num_steps):
                    action = 0
                    if epsilon == 1.0 or np.random.rand() < epsilon:
                        action = int(np.random.rand() * a)
                    else:
                        for k in range(1, a):
                            if q_table[state, k] > q_table[state, action]:
                                action = k
                    u = np.random.rand()
                    next_state = 0
                    while next_state < s - 1 and cumulative[state, action, next_state] <= u:
                        next_state += 1
                    largest = q_table[next_state, 0]
                    for k in range(1, a):
                        largest = max(largest, q_table[next_state, k])
                    target = rewards[state, action] + discount * largest
                    q_table[state, action] += learning_rate * (target - q_table[state, action])
                    state = next_state
            values[task] = q_table[0].max()
            for state in range(s):
                policy[task, state] = np.argmax(q_table[state])
        return values, policy

    return learn


def run_numba(work: Workload, seed: int, num_threads: int | None = None) -> Learned:
    """Do the work with what a user makes of the tutorial's loop with Numba; needs the extra `bench`."""
    numba = checks.require_extra("numba", "bench")
    numba.set_num_threads(min(thread_count(num_threads), numba.config.NUMBA_NUM_THREADS))
    return Learned(
        *_numba_program()(
            work.num_states,
            work.num_actions,
            work.num_tasks,
            work.num_episodes,
            work.num_steps,
            work.epsilon,
            work.learning_rate,
            work.discount,
            seed,
        )
    )


class Laps(NamedTuple):
    """What a program needed and learned in R repetitions of n tasks."""

    seconds_per_task: NDArray[np.float64]
    """[R]"""
    values: NDArray[np.float64]
    """`Learned.values` of all repetitions [R * n]."""


def race(programs: Mapping[str, Callable[[int], Learned]], repeats: int) -> dict[str, Laps]:
    """Let each program run once to warm up, then all in turn `repeats` times, each time with another seed.

    In turn, because a machine that is busy for a while is then slow for all of them. The pause lets the
    threads of the program before, which wait for more work for some milliseconds, fall asleep.
    """
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    values: dict[str, list[NDArray[Any]]] = {name: [] for name in programs}
    for run in programs.values():
        run(0)
    for seed in range(1, repeats + 1):
        for name, run in programs.items():
            time.sleep(0.02)
            began = time.perf_counter()
            learned = run(seed)
            elapsed = time.perf_counter() - began
            seconds[name].append(elapsed / len(learned.values))
            values[name].append(learned.values)
    return {name: Laps(np.array(seconds[name]), np.concatenate(values[name])) for name in programs}


def measure(work: Workload, num_threads: int, *, repeats: int = 5, numpy_tasks: int = 2) -> dict[str, Laps]:
    """Race this package on 1 and `num_threads` threads, the loop in NumPy, and Numba's if it is installed.

    NumPy gets `numpy_tasks` of the tasks, and none for 0: its time for each does not depend on how many.
    """
    programs: dict[str, Callable[[int], Learned]] = {
        threads_of(n): partial(run_engine, work, num_threads=n) for n in sorted({1, num_threads})
    }
    if numpy_tasks > 0:
        programs[LOOPS[0]] = partial(run_numpy, replace(work, num_tasks=numpy_tasks))
        if find_spec("numba"):
            programs[LOOPS[1]] = partial(run_numba, work, num_threads=num_threads)
    return race(programs, repeats)


def machine() -> str:
    """Name the processor and how many of them this process may use."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {thread_count()} of {os.cpu_count()} processors"


def threads_of(count: int) -> str:
    """Name a number of threads."""
    return f"{count} thread{'s' * (count > 1)}"


def report(num_threads: int | None = None) -> Iterator[str]:
    """Measure in about a minute, and yield the lines of a table as they are ready."""
    threads = thread_count(num_threads)
    yield f"metarl_fast {version('metarl-fast')} ({build_info()['isa']}) on {machine()}"
    yield "Q-learning, million updates a second, drawing the tasks included; medians of 5 runs"
    yield ""
    for work in (*WORKLOADS, KERNEL_ALONE):
        for epsilon in (1.0, 0.1):
            kind = replace(work, epsilon=epsilon)
            laps = measure(kind, threads, numpy_tasks=0 if work is KERNEL_ALONE else 2)
            if kind == WORKLOADS[0]:
                yield " " * 50 + "".join(f"{name:>{_width(name)}}" for name in laps)
            line = f"{kind!s:<50}"
            for name, found in laps.items():
                speed = 1e-6 * work.updates_per_task / np.median(found.seconds_per_task)
                cell = f"{speed:.3g}"
                if name in LOOPS:
                    ours = laps[threads_of(threads)].seconds_per_task
                    cell += f" ({np.median(found.seconds_per_task / ours):,.0f}x)"
                line += f"{cell:>{_width(name)}}"
            yield line
    yield ""
    yield f"(7x): metarl_fast is 7 times as fast, on {threads_of(threads)}"
    yield f"{KERNEL_ALONE.name}: {KERNEL_ALONE.updates_per_task:,} updates a task, drawing hardly counts"


def _width(name: str) -> int:
    return 18 if name in LOOPS else 11
