"""The article's loop in NumPy, with `choice(S, p=row)`."""

from __future__ import annotations

from metarl_fast.benchmark import Learned, Workload, run_numpy

TITLE = "the article's NumPy loop"
# Of the tasks; its time for each does not depend on how many there are.
MAX_TASKS = 8


def run(work: Workload, seed: int, num_threads: int) -> Learned:
    """Run on one thread: the loop has nothing to share out."""
    return run_numpy(work, seed)
