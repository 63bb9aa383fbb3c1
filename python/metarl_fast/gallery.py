"""Families to look at: their list by groups, and one of them in a sentence, numbers and pictures."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from metarl_fast import checks
from metarl_fast.config import from_config, read_toml
from metarl_fast.families import FAMILIES, Family
from metarl_fast.figures import new_figure
from metarl_fast.planning import policy_iteration
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BY_NAME = {kind.__name__: kind for kind in FAMILIES}


def presets(kind: type[Family]) -> list[str]:
    """Return the names of the class methods that make a family as a paper has it, in alphabetical order."""
    return sorted(
        name
        for name, member in inspect.getmembers(kind, inspect.ismethod)
        if name in vars(kind) and not name.startswith("_") and not _needed(member)
    )


def _needed(make: Any) -> list[str]:
    """Return the arguments that cannot be left out."""
    return [
        name
        for name, parameter in inspect.signature(make).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (2, 4)  # neither *args nor **options
    ]


def listed() -> str:
    """Return all families by groups, a line each."""
    groups: dict[str, list[str]] = {}
    for name, kind in _BY_NAME.items():
        made = "".join(f"  .{preset}" for preset in presets(kind))
        groups.setdefault(kind.group, []).append(f"  {name:<20}{first_line(kind)}{made}")
    return "\n\n".join("\n".join([group, *lines]) for group, lines in groups.items())


def first_line(kind: type[Family]) -> str:
    """Return what a family is, as its docstring begins."""
    return inspect.getdoc(kind).partition("\n")[0]  # type: ignore[union-attr]


def named(name: str, settings: Sequence[str] = ()) -> Family:
    """Return a family by its name, as in "Darkroom" or "Darkroom.ad", with settings as in "size=5".

    Values are TOML's: 5, 0.1, true, "text", [5, 4], { type = "GoalGrid", size = 3 }.

    Raises
    ------
    ValueError, TypeError
        For names, presets, settings and values that there are not.
    """
    base, _, preset = name.partition(".")
    if base not in _BY_NAME:
        raise ValueError(f"family is {base!r}, expected one of {checks.choices(base, list(_BY_NAME))}")
    kind = _BY_NAME[base]
    given: dict[str, Any] = {}
    for setting in settings:
        try:
            given |= read_toml(setting)
        except ValueError as error:
            raise ValueError(f"{setting!r} is no setting such as size=5: {error}") from error
    missing = [name for name in _needed(kind) if name not in given and not preset]
    if missing:
        example = 'size=5 or family={ type = "GoalGrid", size = 3 }'
        raise ValueError(f"{base} needs {', '.join(missing)}: give settings such as {example}")
    if not preset:
        return from_config({"type": base, **given}, Family)  # type: ignore[no-any-return]
    if preset not in presets(kind):
        known = checks.choices(preset, presets(kind)) if presets(kind) else "none"
        raise ValueError(f"{base} has no preset {preset!r}, expected {known}")
    return getattr(kind, preset)(**given)  # type: ignore[no-any-return]


def described(family: Family) -> Iterator[str]:
    """Yield what a family is and its settings, line by line."""
    yield f"{type(family).__name__}: {first_line(type(family))}"
    settings: tuple[Field[Any], ...] = fields(family) if is_dataclass(family) else ()
    for f in settings:
        value = getattr(family, f.name)
        default = f.default if f.default is not MISSING else None
        yield f"  {f.name:<20}{checks.shown(value)}" + ("" if value == default else "  *")


def show(family: Family, number: int = 4, *, rng: Seed = 0) -> Figure:
    """Return a figure of a family's first tasks, each with its discounted optimal policy.

    It needs the extra `plot`.

    Raises
    ------
    ValueError
        For a number below 1, and tasks that no picture shows.
    """
    count = checks.integer(number, "number", 1, 100)
    tasks = family.sample(count, rng=rng).segment(0)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    figure = new_figure(3.4 * columns, 3.4 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, task in zip(axes, tasks, strict=False):
        # Discounted: without, sooner would be no better than later, and arrows would go nowhere.
        task.plot(policy=None if task.num_states == 1 else policy_iteration(task).policy[0], ax=ax)
        ax.set_title(f"task {task.id}", fontsize=9)
    for ax in axes[count:]:
        ax.set_visible(False)
    return figure
