"""How many threads have work and memory: what each of them needs is counted before it is taken."""

from __future__ import annotations

import math

from metarl_fast import _core, checks

_FEW_THREADS = 64
"""Any machine may use these; how many more is for the core to say."""


def check_threads(
    core: _core.TaskBatch, num_threads: int, bytes_of_thread: float, *, tasks_at_once: int = 1, runs: int = 1
) -> int:
    """Return how many of `num_threads` have work, and memory for it; MemoryError if not even one has."""
    threads = max(1, min(num_threads, math.ceil(core.num_tasks * runs / tasks_at_once)))
    if threads > _FEW_THREADS:
        threads = min(threads, _core.most_threads())
    if bytes_of_thread * threads <= checks.ALWAYS_FITS:
        return threads
    scratch = int(bytes_of_thread)
    checks.memory(
        scratch,
        lambda: (
            f"work on tasks of {core.num_states} states, {core.num_actions} actions and "
            f"{core.num_outcomes} outcomes on one thread"
        ),
    )
    return max(1, min(threads, checks.available_memory() // scratch))


def check_scratch(
    core: _core.TaskBatch,
    num_threads: int,
    *,
    bytes_per_outcome: int = 0,
    more_bytes: int = 0,
    rows: bool = True,
) -> int:
    """Do the same for threads that hold one task as generated, and more.

    Without `rows` their rows of probabilities are not written out.
    """
    # A generated outcome has 8 + 4 + 8 + 1 bytes.
    outcomes = core.num_states * core.num_actions * (core.num_outcomes + 15 if rows else 2)
    return check_threads(core, num_threads, outcomes * (21 + bytes_per_outcome) + more_bytes)


def with_helpers(core: _core.TaskBatch, threads: int, num_threads: int) -> int:
    """Return how many to ask for: if every task has a thread, all, as others help with rows of large tasks.

    Helpers hold no task. Where tasks are too small to be shared the core takes as many as it has use for.
    """
    return max(threads, num_threads) if threads >= core.num_tasks else threads
