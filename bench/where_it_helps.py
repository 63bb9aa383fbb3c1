"""Where each way of using training tasks helps, family by family: `python bench/where_it_helps.py`.

Every contender of `metarl-fast compare`, on held-out tasks of eight families. The unit of all intervals is
the split: each has held-out tasks, a meta-training and a tuning of its own.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import metarl_fast as mf
from metarl_fast import side_by_side
from metarl_fast.figures import new_figure, save_figure

CORNERS = (((0, 3), (5, 8)), ((5, 8), (0, 3)), ((5, 8), (5, 8)))
FAMILIES = {
    "shared dynamics": mf.SharedDynamics(mf.TaskDistribution.garnet(50, 4, 2, horizon=50)),
    "mixture": mf.Mixture(tuple(mf.GoalGrid(8, goals=mf.Region(*corner)) for corner in CORNERS)),
    "goal grid": mf.GoalGrid(10, goals=mf.Region((5, 10), (5, 10))),
    "Darkroom": mf.Darkroom.ad(),
    "key-to-door": mf.KeyToDoor(),
    "driving": mf.Driving(),
    "RL2's MDPs": mf.TaskDistribution.rl2(),
    "Garnet, b=2": mf.TaskDistribution.garnet(10, 5, 2, horizon=10),
}
ALIKE = ("RL2's MDPs", "Garnet, b=2")
"""Families whose law stays the same under any renaming of states and actions; there one contender more."""
LAW = {"conjugate_prior": {"type": "ConjugatePrior", "num_episodes": 20}}
BASELINES = ("tuned_scratch", "transfer", "pooled", "fine_tuning", "optimal")
SHOWN = {
    "tuned_scratch": "#000000",
    "transfer": "#8C564B",
    "reptile": "#56B4E9",
    "maml": "#F0A500",
    "policy_prior": "#D55E00",
    "tuned": "#0072B2",
    "tied_q": "#CC79A7",
    "empirical_bayes": "#009E73",
    "conjugate_prior": "#6A3D9A",
    "optimal": "#999999",
}
"""Contenders in the picture, and their colours."""
FEW, MANY = 5, 50
BEHIND = 0.02


def measured(name, splits, seed):
    """Run the comparison on a family and return its figures in JSON types."""
    table = {"splits": splits, "seed": seed}
    if name in ALIKE:
        table["contenders"] = {**side_by_side.default_table()["contenders"], **LAW}
        table["baseline"] = "tuned_scratch"
    job = side_by_side.experiment(FAMILIES[name], table)
    start = time.perf_counter()
    results = job.run()
    earned = {name: share(results, name) for name in results.comparison.curves}
    return {
        **results.to_json(),
        "earned": {name: interval(found) for name, found in earned.items()},
        "paired": {
            name: interval(results.comparison.difference(name, "tuned_scratch"))
            for name in results.comparison.curves
        },
        "episodes_to_90": results.comparison.episodes_to(0.9),
        "seconds": time.perf_counter() - start,
    }


def share(results, name):
    """Return what was earned in each episode between the random policy (0) and the optimum (1)."""
    job = results.experiment
    rows = []
    for place, curve in enumerate(results.comparison.curves[name]):
        tasks = job.split(place).held_out
        limits = mf.bounds(tasks, 1.0, horizon=tasks.horizon)
        gained = curve.returns.mean(axis=0) - limits.random.mean()
        rows.append(gained / (limits.optimal.mean() - limits.random.mean()))
    return mf.bootstrap_mean(rows)


def interval(found):
    return {end: getattr(found, end).tolist() for end in ("mean", "low", "high")}


def at(figures, name, after, of="scores"):
    """Return (mean, low, high) after so many episodes."""
    place = figures["episodes"].index(after) if of in ("scores", "paired") else after - 1
    return tuple(figures[of][name][end][place] for end in ("mean", "low", "high"))


def text(found):
    mean, low, high = found
    return f"{mean:.2f} ±{(high - low) / 2:.2f}"


def best(figures, after, of="scores"):
    """Return the meta-learner with the highest mean."""
    return max(set(figures["scores"]) - {*BASELINES}, key=lambda name: at(figures, name, after, of)[0])


def row(cells):
    return "| " + " | ".join(cells) + " |"


def ahead(figures):
    """Return the cells of the best meta-learner where it is furthest clear of scratch and of transfer."""
    found = [(margin(figures, after), after) for after in figures["episodes"] if 1 <= after <= FEW]
    clear, after = max(found)
    name = best(figures, after)
    scores = [text(at(figures, other, after)) for other in (name, "tuned_scratch", "transfer")]
    return [str(after), name.replace("_", " "), *scores, "yes" if clear > 0 else "no"]


def margin(figures, after):
    """Return how far apart the interval of the best meta-learner is from those of scratch and transfer."""
    others = (at(figures, other, after)[2] for other in ("tuned_scratch", "transfer"))
    return at(figures, best(figures, after), after)[1] - max(others)


def names_in(results):
    """Return the contenders that there are in some family, the optimum last."""
    found = dict.fromkeys(name for figures in results.values() for name in figures["scores"])
    return [*(name for name in found if name != "optimal"), "optimal"]


def table_of(results, after, of="scores"):
    """Return a Markdown table of all contenders and families."""
    names = names_in(results)
    lines = [row(["", *(name.replace("_", " ") for name in names)]), "|" + "---|" * (len(names) + 1)]
    for family, figures in results.items():
        cells = (text(at(figures, name, after, of)) if name in figures["scores"] else "" for name in names)
        lines.append(row([family, *cells]))
    return "\n".join(lines)


def behind(figures):
    """Return of each meta-learned start that ends behind scratch by how much, with the interval."""
    found = {name: at(figures, name, MANY, "paired") for name in figures["scores"] if name not in BASELINES}
    return {name: value for name, value in found.items() if value[0] < -BEHIND}


def report(results):
    """Print the page's tables."""
    print(f"### Within {FEW} episodes: where the best meta-learner is furthest ahead\n")
    head = ["", "after", "best meta-learner", "its score", "tuned scratch", "transfer", "intervals apart"]
    print(row(head) + "\n|" + "---|" * len(head))
    for family, figures in results.items():
        print(row([family, *ahead(figures)]))
    print(f"\n### Scores of greedy policies after {FEW} episodes\n\n{table_of(results, FEW)}")
    print(f"\n### Scores after {MANY} episodes\n\n{table_of(results, MANY)}")
    print(f"\n### Earned in episode {FEW}\n\n{table_of(results, FEW, 'earned')}")
    print(f"\n### Behind tuned scratch after {MANY} episodes by more than {BEHIND}\n")
    for family, figures in results.items():
        found = behind(figures)
        shown = (
            f"{name.replace('_', ' ')} {value[0]:+.2f} ±{(value[2] - value[1]) / 2:.2f}"
            for name, value in found.items()
        )
        print(row([family, ", ".join(shown) or "none"]))
    print("\n### Episodes to 90 % of the optimum\n")
    names = names_in(results)
    print(row(["", *(name.replace("_", " ") for name in names)]) + "\n|" + "---|" * (len(names) + 1))
    for family, figures in results.items():
        reached = figures["episodes_to_90"]
        print(row([family, *("" if reached.get(name) is None else str(reached[name]) for name in names)]))


def plot(results, path):
    """Draw the curves of some contenders, a panel for each family."""
    columns = 4
    rows = -(-len(results) // columns)
    figure = new_figure(2.9 * columns, 2.5 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    lines = {}
    for ax, (family, figures) in zip(panels, results.items(), strict=False):
        for name, colour in SHOWN.items():
            if name not in figures["scores"]:
                continue
            scores, dashed = figures["scores"][name], name in BASELINES
            style = {"color": colour, "linestyle": "--" if dashed else "-"}
            (lines[name],) = ax.plot(figures["episodes"], scores["mean"], **style)
            ax.fill_between(figures["episodes"], scores["low"], scores["high"], color=colour, alpha=0.15)
        ax.set_xscale("symlog", linthresh=1, linscale=0.4)
        ax.set_xticks(figures["episodes"], [str(e) for e in figures["episodes"]], fontsize=8)
        ax.minorticks_off()
        ax.set_ylim(-0.1, 1.05)
        ax.set_title(family, fontsize=11, loc="left")
        ax.grid(alpha=0.25)
    for ax in panels[len(results) :]:
        ax.set_visible(False)
    names = [name for name in SHOWN if name in lines]
    figure.legend(
        [lines[name] for name in names],
        [name.replace("_", " ") for name in names],
        loc="outside upper center",
        ncols=-(-len(names) // 2),
        frameon=False,
    )
    figure.supxlabel("episodes on a new task")
    figure.supylabel("score (0 = random, 1 = optimal)")
    save_figure(figure, path)


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="families whose name holds this")
    parser.add_argument("--json", type=Path, help="where figures are kept: families in it are not run again")
    parser.add_argument("--plot", type=Path)
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    known = options.json is not None and options.json.exists()
    results = json.loads(options.json.read_text(encoding="utf-8")) if known else {}
    for name in FAMILIES:
        if options.only not in name:
            continue
        if name not in results:
            results[name] = measured(name, options.splits, options.seed)
            if options.json is not None:
                options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    shown = {name: results[name] for name in FAMILIES if name in results and options.only in name}
    if not shown:
        raise SystemExit(f"no family has {options.only!r} in its name: {', '.join(FAMILIES)}")
    report(shown)
    seconds = sum(found["seconds"] for found in shown.values())
    print(f"\n{seconds:.0f} s for {options.splits} splits of each family.")
    if options.plot is not None:
        plot(shown, options.plot)


if __name__ == "__main__":
    main()
