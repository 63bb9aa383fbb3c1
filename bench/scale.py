"""What a shard costs, what travels, and what several processes gain: the figures of docs/scale.md.

python bench/scale.py [--seconds 10] [--processes 2]
"""

from __future__ import annotations

import argparse
import os
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import metarl_fast as mf
from metarl_fast.shards import TASKS_PER_SHARD

LEARNER = mf.QLearning(epsilon=0.2)
FAMILIES = {
    "TaskDistribution(10, 5)": mf.TaskDistribution(10, 5, horizon=10),
    "GoalGrid(9)": mf.GoalGrid(9, horizon=50),
    "GoalGrid(31)": mf.GoalGrid(31, horizon=200),
}
REDUCED = {"returns": False, "q_table": False, "policy": False, "mean_returns": True}
EPISODES = 100


def measured(work, pool=None):
    """Seconds that work takes by the clock, and of processors, whoever else uses those."""
    begun, before = time.perf_counter(), used(pool)
    work()
    return time.perf_counter() - begun, used(pool) - before


def used(pool):
    """Seconds of processors that this process and a pool's have used."""
    ticks = 0
    for process in [] if pool is None else pool._processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of the run that processes share")
    parser.add_argument("--processes", type=int, default=2)
    told = parser.parse_args()

    print(
        f"a shard of {TASKS_PER_SHARD} tasks, Q-learning for {EPISODES} episodes, seconds of one processor:"
    )
    for name, family in FAMILIES.items():
        tasks = family.sample(TASKS_PER_SHARD, rng=0)
        learn = partial(mf.train, LEARNER, tasks, EPISODES, rng=1, num_threads=1)
        learn(**REDUCED)
        took = median(measured(partial(learn, **REDUCED))[1] for _ in range(3))
        sent = len(pickle.dumps((LEARNER, tasks)))
        reduced, whole = (len(pickle.dumps(learn(**how).flat())) for how in (REDUCED, {}))
        print(
            f"  {name:<25}{took:7.3f} s; sent {sent:,} bytes; back {reduced:,} reduced, {whole:,} with tables"
        )

    family = FAMILIES["GoalGrid(9)"]
    one = measured(
        partial(mf.train, LEARNER, family.sample(8 * 1024, rng=0), EPISODES, num_threads=1, **REDUCED)
    )[1]
    shards = max(8, int(told.seconds / one * 8))
    tasks = family.sample(shards * TASKS_PER_SHARD, rng=0)
    run = partial(mf.train, LEARNER, tasks, EPISODES, rng=1, num_threads=1, **REDUCED)
    alone, found = [], []
    with ProcessPoolExecutor(told.processes, mp_context=get_context("spawn")) as pool:
        mf.train(LEARNER, tasks[:8192], EPISODES, rng=1, executor=pool, **REDUCED)  # they import the package
        empty = median(measured(lambda: pool.submit(int).result())[0] for _ in range(100))
        for _ in range(3):  # by turns: the machine may have others on it
            alone.append(measured(run))
            found.append(measured(partial(run, executor=pool), pool))
        same = run().mean_returns.tobytes() == run(executor=pool).mean_returns.tobytes()
    print(f"a job that does nothing: {1e3 * empty:.2f} ms")
    for what, k in (("of the clock", 0), ("of processors", 1)):
        one, more = (median(pair[k] for pair in pairs) for pairs in (alone, found))
        share = one / (more * (told.processes if k == 0 else 1))
        print(
            f"{shards} shards, seconds {what}: one thread {one:.2f}, {told.processes} processes {more:.2f}; "
            f"{100 * share:.0f} % efficient"
        )
    print(f"same bits: {same}")


if __name__ == "__main__":
    main()
