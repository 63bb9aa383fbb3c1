"""Peak memory of a million lazy tasks of every family that the core draws: `python bench/memory.py`.

Each family gets a process of its own, which learns one episode a task, keeps mean returns alone and is told
to stop after some seconds (`--seconds`): whatever depends on the number of tasks has been allocated then, and
scratch depends on the threads. `--seconds inf` learns all of them.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import metarl_fast as mf
from metarl_fast.config import from_config
from metarl_fast.envs.registration import instances

MILLION = 1_000_000
MOST = 200.0  # MB


class Enough(Exception):
    """Some seconds are over."""


def families():
    """By name: families of the core, with the settings that their Gymnasium ids have."""
    found = {name: from_config(settings) for name, settings in instances().items()}
    return {name: family for name, family in found.items() if not family._drawn_in_python}


def learn(family, seconds):
    """Learn on a million tasks for so long; return how many were done."""
    tasks = family.sample(MILLION, rng=0)
    done, end = 0, time.perf_counter() + seconds

    def look(now, _):
        nonlocal done
        done = now
        if time.perf_counter() > end:
            raise Enough

    learner = mf.QLearning(epsilon=0.1)
    try:
        mf.train(
            learner,
            tasks,
            1,
            None if family.horizon else 1,
            q_table=False,
            policy=False,
            returns=False,
            mean_returns=True,
            progress=look,
        )
    except Enough:
        return done
    return MILLION


def peak():
    """MB that this process has ever had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each family (default 2)")
    parser.add_argument("--only", default="", help="families whose name holds this")
    parser.add_argument("--family", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.family is not None:
        print(learn(families()[options.family], options.seconds), peak())
        return
    print(f"a process that has imported the package: {peak():.0f} MB")
    worst = 0.0
    for name in families():
        if options.only not in name:
            continue
        command = [sys.executable, __file__, "--family", name, "--seconds", str(options.seconds)]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        done, megabytes = printed.split()
        worst = max(worst, float(megabytes))
        whole = "" if int(done) == MILLION else f" ({done} done)"
        print(f"{name}: {float(megabytes):.0f} MB{whole}", flush=True)
    print(f"at most {worst:.0f} MB, target {MOST:.0f}: {'met' if worst < MOST else 'MISSED'}")


if __name__ == "__main__":
    main()
