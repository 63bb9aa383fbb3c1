"""A million tasks on a SLURM cluster
==================================

By submitit, whose executor is one that ``executor=`` takes::

    python examples/slurm.py --folder run --partition cpu
    python examples/slurm.py --folder run --tasks 8192 --shards 2 --cluster local   # on this machine

SLURM takes a while to begin a job, so each has many shards: ``shards_per_job`` says how many, rather than a
second's worth. What jobs have returned is kept in the folder: the same command goes on from there.
"""

from __future__ import annotations

import argparse
import os

import submitit

import metarl_fast as mf


class Slurm:
    """Gives submitit's jobs the size that SLURM likes."""

    def __init__(self, executor: submitit.Executor, shards_per_job: int, in_flight: int) -> None:
        self.submit = executor.submit
        self.shards_per_job, self.in_flight = shards_per_job, in_flight


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", default="slurm-run", help="for checkpoints and the logs of jobs")
    parser.add_argument("--cluster", help="local: processes on this machine; default: SLURM, if it is there")
    parser.add_argument("--partition", help="SLURM's, if it has several")
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=64, help="shards of 1,024 tasks in a job")
    parser.add_argument("--cpus", type=int, default=8, help="processors, and threads, of a job")
    parser.add_argument("--jobs", type=int, default=100, help="jobs in the queue at once")
    told = parser.parse_args()

    queue = submitit.AutoExecutor(os.path.join(told.folder, "logs"), cluster=told.cluster)
    queue.update_parameters(timeout_min=60, cpus_per_task=told.cpus)
    if told.partition:
        queue.update_parameters(slurm_partition=told.partition)

    tasks = mf.GoalGrid(5, slip=0.1, horizon=30).sample(told.tasks, rng=0)
    run = mf.train(
        mf.QLearning(epsilon=0.2),
        tasks,
        num_episodes=100,
        rng=1,
        q_table=False,
        policy=False,
        returns=False,
        mean_returns=True,
        num_threads=told.cpus,
        executor=Slurm(queue, told.shards, told.jobs),
        checkpoint=os.path.join(told.folder, "parts"),
        progress=lambda done, total: print(f"{done:,} of {total:,} tasks"),
    )
    print(f"mean return of the last episode: {run.mean_returns[-1]:.4f}")


if __name__ == "__main__":
    main()
