"""Meta-learners where tasks change along the batch, with dynamic regret: `python bench/changing_worlds.py`.

Tasks are met one by one, each for a few episodes, and learned from afterwards; what is counted is how much
less than each task's optimum was returned on the way. Every seed has a sequence of tasks of its own, and
intervals are over seeds. Each meta-learner stands beside those that forget.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

import metarl_fast as mf
from metarl_fast.figures import new_figure, save_figure

SEGMENT, STEPS = 20, 10
_ROOM, _DENSE = mf.Darkroom.ad(), mf.TaskDistribution(10, 5, horizon=20)
FAMILIES = {
    "Darkroom, switching": mf.Switching(_ROOM, SEGMENT, along="tasks"),
    "Darkroom, drifting": mf.Drifting(_ROOM, SEGMENT // STEPS, STEPS, along="tasks"),
    "random MDPs, switching": mf.Switching(_DENSE, SEGMENT, along="tasks"),
    "random MDPs, drifting": mf.Drifting(_DENSE, SEGMENT // STEPS, STEPS, along="tasks"),
}
_LEARNER = mf.QLearning(learning_rate=0.5, discount=0.9, epsilon=0.05)
_PRIOR = mf.EmpiricalBayes(tasks_per_iteration=1)  # with a planner of its own
METHODS = {
    "scratch": (None, _LEARNER),
    "Reptile, stationary": (mf.OnlineReptile(decay=1.0), _LEARNER),
    "Reptile, online": (mf.OnlineReptile(decay=0.5), _LEARNER),
    "Reptile, detecting": (mf.ChangeDetecting(meta=mf.OnlineReptile(decay=0.5)), _LEARNER),
    "prior, stationary": (_PRIOR, None),
    "prior, window": (mf.SlidingWindow(meta=_PRIOR, window=4), None),
    "prior, detecting": (mf.ChangeDetecting(meta=_PRIOR), None),
}
COLORS = {"scratch": "#444444", "Reptile": "#D55E00", "prior": "#0072B2"}
LINES = {"stationary": ":", "online": "-", "window": "-", "detecting": "--"}


def regret(family, meta, learner, num_tasks, episodes, seed):
    """Return the dynamic regret of each task [N], a mean over its episodes."""
    tasks = family.sample(num_tasks, rng=seed)
    if meta is None:
        returns = mf.train(learner, tasks, episodes, rng=seed).returns
    else:
        returns = meta.fit(tasks, learner, episodes, rng=seed).history["returns"]
    return mf.regret_of_returns(tasks, returns).regret.mean(axis=1)


def measured(family, options):
    """Return for each method the regret by seed and task [seeds, N]."""
    return {
        name: [
            regret(family, meta, learner, options.tasks, options.episodes, seed).tolist()
            for seed in range(options.seeds)
        ]
        for name, (meta, learner) in METHODS.items()
    }


def text(rows):
    found = mf.bootstrap_mean(np.mean(rows, axis=1))
    return f"{float(found.mean):.2f} [{float(found.low):.2f}, {float(found.high):.2f}]"


def report(results):
    """Print dynamic regret an episode, with 95 % intervals over seeds."""
    width = 2 + max(map(len, METHODS))
    for name, rows in results.items():
        print(f"{name}: dynamic regret an episode, 95 % intervals over {len(rows['scratch'])} seeds")
        for method, values in rows.items():
            print(f"    {method:<{width}}{text(values)}")


def plot(results, path):
    """Draw the regret of all tasks so far."""
    figure = new_figure(4.2 * len(results), 4.0)
    for axes, (name, rows) in zip(
        figure.subplots(1, len(results), squeeze=False)[0], results.items(), strict=True
    ):
        curves = {method: mf.bootstrap_mean(np.cumsum(values, axis=1)) for method, values in rows.items()}
        axes.set_title(name, fontsize=11, loc="left")
        for method, found in curves.items():
            kind, _, form = method.partition(", ")
            line = axes.plot(found.mean, label=method, color=COLORS[kind], linestyle=LINES.get(form, "-"))
            axes.fill_between(
                np.arange(found.mean.size), found.low, found.high, color=line[0].get_color(), alpha=0.12
            )
        axes.set_xlabel("tasks")
    figure.axes[0].set_ylabel("dynamic regret so far")
    figure.axes[0].legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--episodes", type=int, default=3, help="of each task")
    parser.add_argument("--only", default="", help="worlds whose name holds this")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args(arguments)
    chosen = {name: family for name, family in FAMILIES.items() if options.only in name}
    if not chosen:
        raise SystemExit(f"no world has {options.only!r} in its name: {', '.join(FAMILIES)}")
    start = time.perf_counter()
    results = {name: measured(family, options) for name, family in chosen.items()}
    report(results)
    print(f"{time.perf_counter() - start:.0f} s")
    if options.json is not None:
        options.json.write_text(json.dumps(results), encoding="utf-8")
    if options.plot is not None:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
