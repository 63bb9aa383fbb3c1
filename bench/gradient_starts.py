"""What starts found by gradients are worth on new tasks: `python bench/gradient_starts.py`.

Three tables: starts of action values, starts of softmax policies, and learners that adapt their scalars by
themselves. Figures are mean returns of an episode over the first few episodes in held-out tasks, which all
contenders of a seed share; every seed has its own meta-training and tasks, and is the unit of the 95 %
intervals. A star marks a contender whose difference to the first one is beyond the interval of that
difference.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

import metarl_fast as mf
from learned_update import half_width


class KnownAndNew(mf.Family):
    """Five bandits in a row: two arms of each are noisy and the same in all tasks, two are clear and new."""

    num_states, num_actions, horizon = 6, 4, 5

    def task(self, rng):
        known = np.random.default_rng(7).normal(size=(5, 2)) / 2
        reward = np.zeros((6, 4, 2))  # of two outcomes, equally likely
        reward[:5, :2] = known[:, :, None] + [2.0, -2.0]
        reward[:5, 2:] = rng.normal(size=(5, 2, 1))
        after = np.minimum(np.arange(6) + 1, 5)[:, None, None] + np.zeros((6, 4, 2), np.int64)
        outcomes = {
            "probability": np.full((6, 4, 2), 0.5),
            "next_state": after,
            "reward": reward,
            "terminated": after == 5,
        }
        return {"outcomes": outcomes, "start": 0, "terminal": np.arange(6) == 5}


_SOFT = mf.QLearning(learning_rate=0.3, temperature=0.1)
_POLICY = mf.Reinforce(learning_rate=2.0, value_learning_rate=0.2, discounts_steps=False)
_RANDOM = mf.TaskDistribution(4, 3, horizon=6)
_FAMILIES = {
    "random MDPs": _RANDOM,
    "shared dynamics": mf.SharedDynamics(mf.TaskDistribution.garnet(10, 4, 2, horizon=20)),
    "goals in a corner": mf.GoalGrid(5, goals=mf.Region((3, 5), (3, 5))),
    "goals anywhere": mf.GoalGrid(5),
    "known and new arms": KnownAndNew(),
}
_ALONE = {
    "RL2's MDPs": mf.TaskDistribution.rl2(),
    "Garnet, b=2": mf.TaskDistribution.garnet(20, 4, 2, horizon=40),
    "Garnet, drifting": mf.Drifting(mf.TaskDistribution.garnet(20, 4, 2, horizon=40), 2, 10),
    "slippery goals": mf.GoalGrid(8, slip=0.3),
}
VALUES = {
    "scratch": None,
    "Reptile": mf.Reptile(),
    "Maml": mf.Maml(),
    "Maml, return": mf.Maml(loss="return"),
    "Maml, lifetime": mf.Maml(loss="lifetime"),
    "MetaSgd": mf.MetaSgd(),
    "MetaSgd, lifetime": mf.MetaSgd(loss="lifetime"),
    "EsMaml": mf.EsMaml(),
}
POLICIES = {
    "scratch": None,
    "Reptile": mf.Reptile(),
    "PolicyReptile": mf.PolicyReptile(),
    "PolicyMaml": mf.PolicyMaml(step_size=0.2),
    "PolicyImaml": mf.PolicyImaml(strength=0.05, step_size=0.2),
    "EsMaml": mf.EsMaml(step_size=0.2),
}


def fitted(contenders, learner, tasks, options, seed):
    """Return each contender, fitted on training tasks."""
    more = {"num_iterations": options.iterations, "rng": seed}
    return {
        name: learner if meta is None else meta.fit(tasks, learner, options.episodes, **more)
        for name, meta in contenders.items()
    }


def ahead(contenders, learner, family, options, seed):
    """Return what contenders earn that were fitted on tasks of the same draw, which may share something."""
    tasks = family.sample(options.training_tasks + options.tasks, rng=seed)
    training, held_out = tasks[: options.training_tasks], tasks[options.training_tasks :]
    return earned(
        fitted(contenders, learner, training, options, seed), held_out, options.episodes, 2000 + seed
    )


def of_their_own(rate):
    """Return Q(lambda) as it is, and those that adapt scalars from there on."""
    step = {"learning_rate": rate, "epsilon": 0.1, "meta_step_size": 0.05}
    return {
        "Q(lambda)": mf.QLambda(learning_rate=rate, epsilon=0.1),
        "adapts its rate": mf.MetaGradientQ(**step, adapts=["learning_rate"]),
        "rate and traces": mf.MetaGradientQ(**step, adapts=["learning_rate", "trace_decay"]),
        "and discount": mf.MetaGradientQ(**step),
    }


def alone(family, rate, options, seed):
    """Return what those earn that adapt by themselves."""
    tasks = family.sample(options.tasks, rng=seed)
    return earned(of_their_own(rate), tasks, options.alone_episodes, 2000 + seed)


def earned(contenders, tasks, episodes, rng):
    """Return the mean return of an episode of each."""
    runs = {
        name: mf.train(one, tasks, episodes, rng=rng, mean_returns=True) for name, one in contenders.items()
    }
    return {name: float(run.mean_returns.mean()) for name, run in runs.items()}


def head(title, names):
    """Print the head of a table."""
    print(f"\n| {title} | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1), flush=True)


def row(family, by_name):
    """Print a row: figures of contenders by seed, the first one of which the others are set beside."""
    first, cells = next(iter(by_name.values())), []
    for values in by_name.values():
        gap = np.subtract(values, first)
        star = "*" if abs(gap.mean()) > half_width(gap) else ""
        cells.append(f"{np.mean(values):.2f} ±{half_width(values):.2f}{star}")
    print(f"| {family} | " + " | ".join(cells) + " |", flush=True)
    return by_name


def gathered(found):
    """Return figures of each contender by seed, of those of each seed by contender."""
    return {name: [figures[name] for figures in found] for name in found[0]}


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two seeds, few iterations and tasks")
    parser.add_argument("--only", choices=("values", "policies", "alone"))
    parser.add_argument("--family", default="", help="families whose name holds this")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=5, help="on each task, in meta-training and after")
    parser.add_argument("--iterations", type=int, default=100, help="of meta-training")
    parser.add_argument("--training-tasks", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=1000, help="held out")
    parser.add_argument("--alone-episodes", type=int, default=100, help="of those that adapt by themselves")
    parser.add_argument("--json", help="where to write the figures")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    if options.quick:
        options.seeds, options.iterations, options.tasks, options.training_tasks = 2, 1, 20, 20
        options.alone_episodes = 5
    begin = time.perf_counter()
    tables = {}
    seeds = range(options.seeds)
    for part, contenders, learner in (("values", VALUES, _SOFT), ("policies", POLICIES, _POLICY)):
        if options.only not in (None, part):
            continue
        head(part, contenders)
        tables[part] = {
            name: row(name, gathered([ahead(contenders, learner, family, options, seed) for seed in seeds]))
            for name, family in _FAMILIES.items()
            if options.family in name
        }
    if options.only in (None, "alone"):
        head("alone", of_their_own(0.1))
        tables["alone"] = {
            f"{name}, rate {rate}": row(
                f"{name}, rate {rate}", gathered([alone(family, rate, options, seed) for seed in seeds])
            )
            for name, family in _ALONE.items()
            for rate in (0.02, 0.3, 0.9)
            if options.family in name
        }
    print(f"\n{time.perf_counter() - begin:.0f} s, {options.seeds} seeds")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(tables, file, indent=1)


if __name__ == "__main__":
    main()
