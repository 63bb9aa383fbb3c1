"""Adaptation within a few episodes to goals never seen: `python bench/few_shot.py`.

Each figure stands beside its target. Every seed has its own split and meta-training; returns are those
of the behaviour itself; targets are those without noise. Steps a second are those of one thread, by the
time that the processor worked.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass

import metarl_fast as mf

EPISODES = (1, 2, 5, 10)
FAMILIES = {
    "AD Darkroom": (mf.Darkroom.ad(), (2.4, 6.4, 15.4, 16.4)),
    "DPT Darkroom": (mf.Darkroom.dpt(), (44.0, 90.0, 91.5, 91.8)),
    "key-to-door": (mf.KeyToDoor(), (0.72, 1.50, 1.99, 2.0)),
    "goal grid": (mf.GoalGrid(10, goals=mf.Region((5, 10), (5, 10))), (0.92, 0.99, 1.0, 1.0)),
}
ON_REQUEST = {"driving": (mf.Driving(), None)}
"""With `--only`: combinations of road and destination that no training task has."""
LEAST_SPEED = 300_000


@dataclass(frozen=True)
class Found:
    """What one seed gave."""

    returns: list[float]
    optimum: float
    fit_seconds: float
    steps_per_second: float


def noisy(family, reward_noise):
    """Return the family, its rewards with so much noise."""
    if not reward_noise:
        return family
    return mf.WithRewards(family, mf.Fixed(0.0), added=True, reward_noise=reward_noise)


def measured(family, seed, num_tasks, options):
    """Meta-train on one part of a split and adapt to tasks of the other."""
    unseen = {"by": ("road", "destination")} if isinstance(family, mf.Driving) else {}
    training, held_out = family.split(0.2, rng=seed, **unseen)
    planner = mf.PosteriorPlanner(discount=options.discount)
    start = time.perf_counter()
    meta = mf.EmpiricalBayes(
        experience=options.experience, num_kinds=tuple(options.kinds), end_rewards=options.end_rewards
    )
    fitted = meta.fit(training, planner, rng=seed)
    fit_seconds = time.perf_counter() - start
    tasks = held_out.sample(num_tasks, rng=seed + 1000)
    small = {"rng": seed + 2000, "num_threads": 1, "q_table": False, "policy": False}
    steps = mf.train(fitted, tasks[:100], EPISODES[-1], record=True, **small).history.length.mean()
    start = time.process_time()
    returns = mf.train(fitted, tasks, EPISODES[-1], **small).returns.mean(axis=0)
    seconds = time.process_time() - start
    optimum = float(mf.bounds(tasks, 1.0, horizon=tasks.horizon).optimal.mean())
    return Found([float(returns[e - 1]) for e in EPISODES], optimum, fit_seconds, num_tasks * steps / seconds)


def row(name, *cells):
    return f"{name:14}" + "".join(f"{cell:>18}" for cell in cells)


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one seed and 200 tasks")
    parser.add_argument("--only", default="", help="families whose name holds this")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument(
        "--experience", type=int, default=0, help="episodes in training tasks; 0: their models"
    )
    parser.add_argument("--reward-noise", type=float, default=0.0, help="standard deviation of each reward")
    parser.add_argument("--discount", type=float, default=0.95, help="by which the planner plans")
    parser.add_argument("--kinds", type=int, nargs="+", default=[1], help="of so many kinds tasks may be")
    parser.add_argument("--end-rewards", action="store_true", help="apart from what pairs give")
    parser.add_argument("--json", help="where to write the figures")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    seeds, num_tasks = (1, 200) if options.quick else (options.seeds, options.tasks)
    results = {}
    print(row("", *(f"episode {e}" for e in EPISODES), "optimum", "seconds to fit", "steps a second"))
    for name, (family, targets) in (FAMILIES | (ON_REQUEST if options.only else {})).items():
        if options.only not in name:
            continue
        tried = noisy(family, options.reward_noise)
        runs = [measured(tried, seed, num_tasks, options) for seed in range(seeds)]
        means = [sum(column) / seeds for column in zip(*(run.returns for run in runs), strict=True)]
        cells = [f"{mean:.2f}" for mean in means]
        if targets:
            cells = [f"{cell} (>= {target:g})" for cell, target in zip(cells, targets, strict=True)]
        optimum = sum(run.optimum for run in runs) / seeds
        fit = sum(run.fit_seconds for run in runs) / seeds
        speed = sorted(run.steps_per_second for run in runs)[seeds // 2]
        print(row(name, *cells, f"{optimum:.2f}", f"{fit:.1f}", f"{speed:,.0f}"), flush=True)
        results[name] = {"means": means, "targets": targets, "runs": [asdict(run) for run in runs]}
    print(f"in brackets what is to be reached; of steps a second {LEAST_SPEED:,}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
