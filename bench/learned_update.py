"""A learned update rule on LPG's five levels, which it never saw: `python bench/learned_update.py`.

Rules are evolved, and the other learners tuned, on small random grids. Each then lives in tasks of each level
for as many steps; returns are means over all episodes of a lifetime. Every seed has its own meta-training and
its own tasks, which all contenders share; the seed is the unit of the 95 % intervals. A star marks a
contender from which the evolved rule differs by more than the interval of their difference.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

import metarl_fast as mf

GRIDS = mf.LpgGrid(
    5,
    (mf.Uniform(0.0, 1.0), mf.Uniform(-1.0, 1.0), mf.Uniform(-1.0, 1.0)),
    (mf.LogUniform(0.01, 1.0),) * 3,
    (mf.LogUniform(0.001, 0.1),) * 3,
    smallest_size=4,
    fewest_objects=1,
    random_walls=7,
    horizon=100,
)
"""By the law of LPG's random grids, smaller ones."""
EPISODES = 8
LEVELS = {
    "random grids": GRIDS,  # others than those of meta-training, of the same law and as long
    "dense": mf.LpgGrid.dense(),
    "sparse": mf.LpgGrid.sparse(),
    "long": mf.LpgGrid.long(),
    "longer": mf.LpgGrid.longer(),
    "long_dense": mf.LpgGrid.long_dense(),
}
TUNED = {
    "Q-learning": (
        mf.QLearning(),
        {
            "learning_rate": (0.05, 1.0),
            "discount": (0.8, 0.99),
            "epsilon": (0.0, 0.3),
            "initial_q": (0.0, 1.0),
            "bonus": (0.0, 0.5),
        },
    ),
    "Q(lambda)": (
        mf.QLambda(),
        {
            "learning_rate": (0.05, 1.0),
            "discount": (0.8, 0.99),
            "epsilon": (0.0, 0.3),
            "initial_q": (0.0, 1.0),
            "trace_decay": (0.0, 1.0),
        },
    ),
    "actor-critic": (
        mf.ActorCritic(discounts_steps=False),
        {"learning_rate": (0.1, 20.0), "value_learning_rate": (0.02, 1.0), "discount": (0.8, 0.99)},
    ),
}


def evolved(seed, iterations):
    """Return a rule, and seconds to find it."""
    meta = mf.LearnedUpdate()
    start = time.perf_counter()
    tasks = iterations * meta.tasks_per_iteration
    found = meta.fit(GRIDS, None, EPISODES, num_iterations=iterations, num_tasks=tasks, rng=seed)
    return found, time.perf_counter() - start


def tuned(name, seed, num_random, num_tasks):
    """Return a learner with settings chosen on the same grids."""
    learner, space = TUNED[name]
    meta = mf.Tuned(space=space, num_random=num_random, tasks_per_iteration=num_tasks)
    return meta.fit(GRIDS, learner, EPISODES, num_iterations=5, num_tasks=5 * num_tasks, rng=seed)


def earned(learner, level, seed, num_tasks, num_steps):
    """Return the mean return of an episode."""
    family = LEVELS[level]
    tasks = family.sample(num_tasks, rng=1000 + seed)
    episodes = EPISODES if family is GRIDS else num_steps // family.horizon
    run = mf.train(learner, tasks, episodes, rng=2000 + seed, q_table=False, policy=False)
    return float(run.returns.mean())


def half_width(values):
    """Return that of the 95 % interval of a mean over seeds."""
    found = mf.bootstrap_mean(values)  # Student's: there are few seeds
    return float(found.high - found.mean)


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two seeds, few iterations, tasks and steps")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=300, help="of meta-training")
    parser.add_argument("--tasks", type=int, default=32, help="of each level and seed")
    parser.add_argument("--steps", type=int, default=25_000, help="of each lifetime")
    parser.add_argument("--random", type=int, default=64, help="candidates of random search for the tuned")
    parser.add_argument("--tuning-tasks", type=int, default=128, help="of each step of tuning")
    parser.add_argument("--json", help="where to write the figures")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    if options.quick:
        options.seeds, options.iterations, options.tasks, options.steps = 2, 1, 1, 2000
        options.random, options.tuning_tasks = 1, 1
    returns = {level: {} for level in LEVELS}
    for seed in range(options.seeds):
        rule, seconds = evolved(seed, options.iterations)
        print(f"seed {seed}: evolved in {seconds:.0f} s", flush=True)
        found = {"evolved": rule, "its start": mf.LearnedPolicyGradient()}
        found |= {name: tuned(name, seed, options.random, options.tuning_tasks) for name in TUNED}
        for level in LEVELS:
            for name, learner in found.items():
                mean = earned(learner, level, seed, options.tasks, options.steps)
                returns[level].setdefault(name, []).append(mean)
    names = list(returns["dense"])
    print(f"{'':14}" + "".join(f"{name:>18}" for name in names))
    for level, by_name in returns.items():
        cells = []
        for values in by_name.values():
            gap = np.subtract(by_name["evolved"], values)
            apart = abs(gap.mean()) > half_width(gap)
            cells.append(f"{np.mean(values):.2f} ±{half_width(values):.2f}{'*' if apart else ' '}")
        print(f"{level:14}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(returns, file, indent=1)


if __name__ == "__main__":
    main()
