"""What a planner loses that is not told which kind its task is of: `python bench/kinds.py`.

Tasks are of two kinds, and `EmpiricalBayes` learns one prior of both, or finds out itself whether there are
two kinds (`num_kinds=(1, 2)`); beside it stand planners that learned one kind alone, each in held-out tasks
of its own. Every seed has its own splits and meta-training.
"""

from __future__ import annotations

import argparse

import metarl_fast as mf

EPISODES = (1, 2, 3, 5, 10, 20)
KINDS = {
    "two sets of walls": [
        mf.GoalGrid(7, walls=walls, step_reward=-0.02)
        for walls in (
            (".......", "######.", ".......", ".######", ".......", "######.", "......."),
            (".#...#.", ".#.#.#.", ".#.#.#.", ".#.#.#.", ".#.#.#.", ".#.#.#.", "...#..."),
        )
    ],
    "two orders of actions": [mf.Darkroom(action_orders=(order,)) for order in (0, 60)],
}


def measured(kinds, seed, num_tasks):
    """Return the mean returns by episode of one planner for all, and of those told the kind."""
    halves = [kind.split(0.2, rng=seed) for kind in kinds]
    training_tasks = mf.Mixture(tuple(training for training, _ in halves))
    both = [mf.EmpiricalBayes(num_kinds=number).fit(training_tasks, rng=seed) for number in (1, (1, 2))]
    found = {"one prior": [], "kinds found": [], "told the kind": []}
    for training, held_out in halves:
        tasks = held_out.sample(num_tasks, rng=seed + 1000)
        told = mf.EmpiricalBayes().fit(training, rng=seed)
        for name, planner in zip(found, (*both, told), strict=True):
            run = mf.train(planner, tasks, EPISODES[-1], rng=seed + 2000, mean_returns=True)
            found[name].append(run.mean_returns)
    return {name: sum(returns) / len(kinds) for name, returns in found.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=500)
    options = parser.parse_args(arguments)
    print(f"{'':37}" + "".join(f"{f'episode {e}':>12}" for e in EPISODES))
    for kind, families in KINDS.items():
        runs = [measured(families, seed, options.tasks) for seed in range(options.seeds)]
        for name in runs[0]:
            means = sum(run[name] for run in runs) / len(runs)
            print(f"{kind:23}{name:14}" + "".join(f"{means[e - 1]:12.2f}" for e in EPISODES), flush=True)


if __name__ == "__main__":
    main()
