"""What `metarl-fast compare` shows: all ways of using training tasks, side by side on one family."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from metarl_fast import plotting
from metarl_fast.config import read_toml
from metarl_fast.experiment import STYLES, Experiment, Results
from metarl_fast.families import Family
from metarl_fast.figures import new_figure, picture_format, save_figure
from metarl_fast.files import Path

SHARE = 0.9
"""Of the way from the random policy to the optimum, which is said after how many episodes it is reached."""


_BASELINES: Mapping[str, plotting.Style] = MappingProxyType(
    {
        "Transfer": {"color": "#8C564B", "linestyle": "--"},
        "PooledTraining": {"color": "#7F7F7F", "linestyle": "--"},
        "FineTuning": {"color": "#B8860B", "linestyle": "--"},
    }
)
"""Lines of what learned on training tasks, but not to adapt."""


def default_table() -> dict[str, Any]:
    """Return the settings of `metarl-fast compare`."""
    return read_toml(files("metarl_fast").joinpath("compare.toml").read_text(encoding="utf-8"))


def experiment(family: Family | None, table: Mapping[str, Any]) -> Experiment:
    """Return the job: the default settings, with what a table says in their place, on a family.

    Parameters
    ----------
    family
        On whose tasks; None: the table has one.
    table
        As of `metarl-fast train`: contenders replace all of the default's, tuning adds to it.

    Raises
    ------
    ValueError, TypeError
        As `Experiment.from_table`, and if there is no family.
    """
    settings = default_table()
    given = dict(table)
    if family is not None:
        given["family"] = family
    if "family" not in given:
        raise ValueError("there is no family: name one, as in --family Darkroom.ad, or give a file with one")
    if "contenders" in given:
        del settings["baseline"], settings["save"]
    if isinstance(given.get("tuning"), Mapping):
        given["tuning"] = {**settings["tuning"], **given["tuning"]}
    return Experiment.from_table({**settings, **given})


def text(results: Results) -> str:
    """Return adaptation curves, differences to the baseline, and what each contender gave and took."""
    comparison, baseline = results.comparison, results.experiment.baseline
    parts = [comparison.table()]
    if baseline is not None and len(comparison.curves) > 1:
        parts.append(comparison.table(minus=baseline))
    return "\n\n".join([*parts, ledger(results), results.units()])


def ledger(results: Results) -> str:
    """Return of each contender the last score, when it was nearly there, and what preparing it took."""
    comparison = results.comparison
    last = comparison.episodes[-1]
    head = f"{'':<18}{f'score after {last}':>18}{f'episodes to {SHARE:.0%}':>18}"
    head += "".join(f"{column:>16}" for column in ("meta-learning", "tuning", "seconds"))
    lines = [head, "-" * len(head)]
    reached = comparison.episodes_to(SHARE)
    for name, parts in results.prepared.items():
        found, spent = comparison.interval(name), parts[0].spent
        score = f"{found.mean[-1]:.3f} ±{(found.high - found.low)[-1] / 2:.3f}"
        when = f"> {last}" if reached[name] is None else str(reached[name])
        seconds = results.seconds[name] / len(parts)
        line = f"{name.replace('_', ' '):<18}{score:>18}{when:>18}"
        lines.append(f"{line}{spent.episodes:>16,}{spent.tuning_episodes:>16,}{seconds:>16.2f}")
    lines.append(
        "training episodes and seconds are those of one split; what reads tasks' models needs none to"
    )
    return "\n".join(lines)


def plot(results: Results, path: Path) -> None:
    """Write the picture: scores of greedy policies, and what was earned; needs the extra `plot`."""
    settings, comparison = results.experiment, results.comparison
    styles = {
        name: _BASELINES.get(entry.kind, STYLES[entry.role]) for name, entry in settings.contenders.items()
    }
    figure = new_figure(15.0, 5.4)
    picture_format(figure, path)  # refused before the work
    left, right = figure.subplots(1, 2)
    # Where means are: the interval of an unlucky contender would be most of the picture.
    lowest = min(float(comparison.interval(contender).mean.min()) for contender in comparison.curves)
    left.set_ylim(min(0.0, lowest) - 0.05, 1.05)
    comparison.plot(ax=left, styles=styles)
    comparison.plot("returns", ax=right, styles=styles)
    name = type(settings.family).__name__
    left.set_title(f"Adapting to held-out tasks of {name}: greedy policies", fontsize=11, loc="left")
    right.set_title("What was earned on the way", fontsize=11, loc="left")
    save_figure(figure, path)
