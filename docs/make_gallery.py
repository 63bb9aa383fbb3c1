"""Writes docs/gallery.md, the page of all families: a picture of each and its measure card.

`python docs/make_gallery.py` takes some minutes; `--only Darkroom Maze` does those anew and keeps the rest.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

import metarl_fast as mf
from metarl_fast import gallery
from metarl_fast.config import from_config
from metarl_fast.envs.registration import instances
from metarl_fast.families.fixed_task import FixedTask
from metarl_fast.figures import save_figure

HERE = Path(__file__).parent
CARDS = HERE / "gallery" / "cards.json"
INTRODUCTION = """# The families

Written by `python docs/make_gallery.py`. One family a row, with the settings that its Gymnasium id has:

* *optimal, random, myopic*: mean return of the optimal policy, of the random one, and of the one that takes
  what pays most at once; undiscounted where episodes have a time limit, else with discount 0.95.
* *planning*: the share of the gain, optimal less random, that the myopic policy misses. Near 0 the family is
  a bandit in disguise.
* *related*: the share of the variance of q\\*(s, a) that tasks have in common, and the same of the optimal
  policies. Near 0 a learned table cannot help; scalars and priors may.
* *look*: so many steps of looking ahead lose at most 1 % of the gain; - where all of the horizon is needed.
* *tasks/s*: tasks that one thread draws in a second, each with one episode of one step, on a busy machine.

Numbers are means over tasks, with half of their interval of 95 %. A graph or a map shows the first two tasks,
or the only one, with an optimal policy: green is worth entering, orange costs, episodes may end in a frame, S
is the start; an arrow points to where a step is expected to lead, a dot says that it leads nowhere.
"""


def card_of(family: mf.Family) -> dict[str, Any]:
    """The measure card, the sizes and the speed of drawing."""
    try:
        found = mf.describe(family, precision=0.02, most_tasks=2048).to_json()
    except ValueError:  # nothing to gain
        found = without_choice(family)
    count = 256
    while True:
        tasks = family.sample(count, rng=1)
        learner = mf.QLearning(epsilon=1.0)
        began = time.perf_counter()
        mf.train(learner, tasks, 1, 1, q_table=False, policy=False, returns=False, num_threads=1)
        seconds = time.perf_counter() - began
        if seconds > 0.2 or count >= 2**18:
            return found | {"tasks_per_second": count / seconds}
        count *= 4


def without_choice(family: mf.Family) -> dict[str, Any]:
    """What a card says of a family in which all policies are as good, such as a walk that is only watched."""
    tasks = family.sample(256, rng=0).segment(0)
    earned = {"value": float(mf.bounds(tasks).optimal.mean()), "half_width": 0.0}
    nothing = {"value": None, "half_width": 0.0}
    return {
        "num_states": family.num_states,
        "num_actions": family.num_actions,
        **dict.fromkeys(("optimal", "random", "myopic"), earned),
        **dict.fromkeys(("planning_content", "relatedness", "policy_relatedness"), nothing),
        "effective_horizon": None,
    }


def number(value: float | None) -> str:
    if value is None:
        return "-"
    if not np.isfinite(value):
        return "inf"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def measure(found: dict[str, Any]) -> str:
    half = found["half_width"]
    if found["value"] is None:
        return "-"
    return number(found["value"]) + (f" ±{half:.1g}" if 1e-6 * abs(found["value"]) < half < math.inf else "")


def row(name: str, card: dict[str, Any]) -> str:
    cells = [
        f"[{name}](#{name.lower()})",
        f"{card['num_states']}, {card['num_actions']}",
        *(measure(card[key]) for key in ("optimal", "random", "myopic", "planning_content")),
        f"{number(card['relatedness']['value'])}, {number(card['policy_relatedness']['value'])}",
        number(card["effective_horizon"]),
        number(float(f"{card['tasks_per_second']:.2g}")),
    ]
    return f"| {' | '.join(cells)} |"


def page(cards: dict[str, dict[str, Any]]) -> str:
    lines = [INTRODUCTION]
    head = "| family | S, A | optimal | random | myopic | planning | related | look | tasks/s |"
    lines += [head, "|" + "---|" * head.count(" |"), *(row(name, card) for name, card in cards.items()), ""]
    for name, card in cards.items():
        lines += [f"## {name}", "", card["about"], ""]
        if card["picture"]:
            lines += [f"![{name}](gallery/{card['picture']})", ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--pictures", action="store_true", help="draw anew, and keep what was measured")
    options = parser.parse_args()
    CARDS.parent.mkdir(exist_ok=True)
    cards = json.loads(CARDS.read_text()) if CARDS.exists() else {}
    for name, settings in instances().items():
        if options.only and name not in options.only:
            continue
        family = from_config(settings, mf.Family)
        try:
            cards[name] = cards[name] if options.pictures else card_of(family)
        except (KeyError, ValueError, TypeError) as error:
            print(f"{name}: {error}")
            continue
        picture = f"{name}.png"
        try:
            shown = 1 if isinstance(family, FixedTask) else 2
            figure = gallery.show(family, shown, rng=0)
            figure.set_size_inches(*(0.9 / shown * figure.get_size_inches()))  # as wide, with one or two
            save_figure(figure, CARDS.parent / picture)
        except ValueError:
            picture = ""
        cards[name] |= {"picture": picture, "about": gallery.first_line(type(family))}
        print(name, row(name, cards[name]), flush=True)
        CARDS.write_text(json.dumps(cards, indent=1) + "\n")
    cards = dict(sorted(cards.items()))
    (HERE / "gallery.md").write_text(page(cards), encoding="utf-8")


if __name__ == "__main__":
    main()
