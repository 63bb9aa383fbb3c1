"""What a file of settings describes: contenders prepared on several splits, compared on held-out tasks."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from metarl_fast import checks, plotting
from metarl_fast.compare import compare
from metarl_fast.comparison import Comparison, interval_to_json
from metarl_fast.config import from_config, read_toml, to_config
from metarl_fast.contenders import Budget, Contender, Prepared, changed
from metarl_fast.engine import check_learner, episode_steps
from metarl_fast.evaluate import learning_bounds
from metarl_fast.families import Family
from metarl_fast.files import whole_file
from metarl_fast.learners import LEARNERS, Learner
from metarl_fast.seeding import child, make_key
from metarl_fast.splits import Split
from metarl_fast.tuning import SPACE

Stage: TypeAlias = Callable[[str, int, int], Any]
"""Called now and then with (what is being done, done, in all)."""

_OLD = {"reptile_iterations": "num_iterations", "reptile_episodes": "num_episodes"}
"""Settings of files of version 0.2, and what their contender calls them now."""


_OF_TUNING = ("share", "candidates", "tasks", "scaled")
"""Settings of tuning that are no hyper-parameters."""

STYLES: dict[str, plotting.Style] = {
    "untuned": {"color": "#777777", "linestyle": "--"},
    "scratch": {"color": "#000000"},
    "late": {"color": "#000000", "linestyle": "-."},
    "meta": {},
    "optimal": {"color": "#999999", "linestyle": ":"},
}
"""Of curves, by what their contender is."""


def default_table() -> dict[str, Any]:
    """Return the settings of `metarl-fast quickstart`."""
    return read_toml(files("metarl_fast").joinpath("quickstart.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Experiment:
    """Settings of the job; `from_table` makes them, and quickstart.toml says what they are, and defaults."""

    family: Family
    learner: Learner
    contenders: dict[str, Contender]
    tuning: dict[str, Any]
    splits: int
    held_out: float
    held_out_tasks: int
    training_tasks: int
    training_episodes: int
    episodes: tuple[int, ...]
    num_steps: int | None = None
    baseline: str | None = None
    save: str | None = None
    why: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.family, Family):
            raise TypeError(f"family is a {type(self.family).__name__}, expected a distribution over tasks")
        check_learner(self.learner, self.family.sample(0, rng=0))
        checks.keep(self, "held_out", checks.real, 0.0, 1.0)
        for name in ("splits", "held_out_tasks", "training_tasks", "training_episodes"):
            checks.keep(self, name, checks.integer, 1)
        checks.keep(self, "seed", checks.integer, 0)
        if not isinstance(self.episodes, (list, tuple)):
            raise TypeError(f"episodes is {checks.shown(self.episodes)}, expected a list of integers")
        episodes = [checks.integer(e, "episodes", 0) for e in self.episodes]
        if not episodes or any(later <= earlier for earlier, later in pairwise(episodes)):
            raise ValueError(f"episodes are {episodes}, expected increasing numbers")
        object.__setattr__(self, "episodes", tuple(episodes))
        if self.num_steps is not None:
            checks.keep(self, "num_steps", checks.integer, 1)
        for name in ("baseline", "save"):
            given = getattr(self, name)
            if given is not None and given not in self.contenders:
                raise ValueError(
                    f"{name} is {checks.shown(given)}, expected one of {', '.join(self.contenders)}"
                )
        self.discount()
        self.budget()
        self.to_config()  # what has no form in results.json is found out before the work

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Experiment:
        """Build from a TOML or JSON table; what is absent is as in the quickstart.

        A family or a learner may be an object of Python too. The learner's `num_states` and `num_actions`
        are the family's, and need not be there.
        """
        given, default = dict(table), default_table()
        old = {name: given.pop(name) for name in _OLD if name in given}
        allowed = [f.name for f in fields(cls)]
        for key in given:
            if key not in allowed:
                expected = checks.choices(key, allowed)
                raise ValueError(f"there is no setting {checks.shown(key)}, expected some of {expected}")
        if old:
            _translate(old, given, default)
        if "family" in given or "contenders" in given:
            default.pop("why")  # it speaks of others
        if "family" in given:
            default["splits"] = 1
        if "contenders" in given:
            del default["baseline"], default["save"]
        tables = {
            **default,
            **given,
            "tuning": {**default["tuning"], **_table(given.get("tuning", {}), "tuning")},
        }
        family = tables.pop("family")
        if not isinstance(family, Family):
            family = from_config(family, Family)
        if not isinstance(family, Family):
            raise ValueError(f"family is a {type(family).__name__}, expected a distribution over tasks")
        learner = tables.pop("learner")
        if not isinstance(learner, Learner):
            learner = changed(from_config(default["learner"]), learner, "learner")
        to_config(learner)  # of a class of one's own, which no file can name, there is no more to say
        entries = _table(tables.pop("contenders"), "contenders")
        if not entries:
            raise ValueError("contenders is empty, expected at least one table [contenders.NAME]")
        contenders = {name: Contender.from_table(name, entry, learner) for name, entry in entries.items()}
        if "contenders" in given:
            tables.setdefault("save", _first(contenders, "meta"))
            scratch = (
                _first(contenders, "scratch") or _first(contenders, "late") or _first(contenders, "untuned")
            )
            tables.setdefault("baseline", scratch)
        return cls(family=family, learner=learner, contenders=contenders, **tables)

    def to_config(self) -> dict[str, Any]:
        """Return the settings in JSON types; `from_table` reads them back, but for a family of one's own."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found["contenders"] = {name: entry.to_table() for name, entry in self.contenders.items()}
        described = {
            name: value if isinstance(value, dict) else to_config(value) for name, value in found.items()
        }
        return {name: value for name, value in described.items() if value is not None}

    def discount(self) -> float:
        """Return that by which policies are scored: what was asked for, whatever discounts are tuned."""
        found = {name: float(contender.learner.discount) for name, contender in self.contenders.items()}
        (first, discount), *others = found.items()
        for name, other in others:
            if other != discount:
                raise ValueError(
                    f"the discount of contenders.{name} is {other}, that of contenders.{first} {discount}, "
                    "expected the same: policies are scored by it"
                )
        return discount

    def space(self) -> dict[str, Any]:
        """Return what hyper-parameters are drawn from: for "type" classes, for others their values."""
        given = {name: values for name, values in self.tuning.items() if name not in _OF_TUNING}
        for name, values in given.items():
            if not isinstance(values, (list, tuple)) or not values:
                raise TypeError(f"tuning.{name} is {checks.shown(values)}, expected a list of values")
        kinds = {kind.__name__: kind for kind in LEARNERS}
        for word in given.get("type", ()):
            if word not in kinds:
                raise ValueError(
                    f"tuning.type holds {checks.shown(word)}, expected {checks.choices(word, list(kinds))}"
                )
        classes = tuple(kinds[word] for word in given["type"]) if "type" in given else SPACE["type"]
        known = {f.name for kind in classes for f in fields(kind)}
        usual = {name: values for name, values in SPACE.items() if name in known}
        return {"type": classes, **usual, **{name: given[name] for name in given if name != "type"}}

    def budget(self, num_threads: int | None = None) -> Budget:
        """Return how contenders may use the training tasks of a split."""
        share = checks.real(self.tuning["share"], "tuning.share", 0.0, 0.99)
        learning = self.training_tasks * self.training_episodes
        return Budget(
            num_tasks=self.training_tasks,
            meta_learning=learning,
            tuning=round(learning * share / (1.0 - share)),
            num_steps=self.num_steps,
            space=self.space(),
            most_candidates=checks.integer(self.tuning["candidates"], "tuning.candidates", 1),
            tasks_of_rung=checks.integer(self.tuning["tasks"], "tuning.tasks", 1),
            scored_at=self.episodes,
            num_threads=num_threads,
            scaled=checks.flag(self.tuning.get("scaled", False), "tuning.scaled"),
        )

    def key(self, place: int) -> int:
        """Return the key of all random numbers of one split."""
        return make_key(child(self.seed, place))

    def split(self, place: int) -> Split:
        """Return one split."""
        return Split.of(self.family, self.held_out, self.held_out_tasks, self.key(place))

    def check(self, parts: list[Split]) -> None:
        """Refuse before the work what cannot be learned or scored, and splits that keep no tasks apart."""
        for part in parts:
            episode_steps(part.held_out, self.num_steps)
            learning_bounds(part.held_out, self.discount(), self.num_steps)
            part.refuse_shared(self.training_tasks, type(self.family).__name__)

    def run(self, *, num_threads: int | None = None, progress: Stage | None = None) -> Results:
        """Do the job.

        Parameters
        ----------
        num_threads
            As in `train`; it does not change the results.
        progress
            Called now and then with (what is being done, done, in all).
        """

        def report(stage: str) -> Callable[[int, int], Any]:
            return lambda done, total: progress(stage, done, total) if progress else None

        parts = [self.split(place) for place in range(self.splits)]
        self.check(parts)
        budget = self.budget(num_threads)
        prepared: dict[str, list[Prepared]] = {name: [] for name in self.contenders}
        seconds = dict.fromkeys(self.contenders, 0.0)
        for place, part in enumerate(parts):
            tell = report(f"preparing on split {place + 1} of {self.splits}")
            for number, (name, contender) in enumerate(self.contenders.items()):
                began = time.perf_counter()
                with _named(f"contenders.{name}"):
                    prepared[name].append(contender.prepare(part, budget))
                seconds[name] += time.perf_counter() - began
                tell(number + 1, len(self.contenders))
        batches = [part.held_out for part in parts]
        comparison = compare(
            {name: [part.learner for part in members] for name, members in prepared.items()},
            batches,
            self.episodes,
            num_steps=self.num_steps,
            rng=child(self.seed, 0, 1),
            discount=self.discount(),
            clusters=self.family.clusters(batches[0]) if self.splits == 1 else None,
            num_threads=num_threads,
            progress=report("adapting to held-out tasks"),
        )
        return Results(self, comparison, prepared, seconds)


def _first(contenders: dict[str, Contender], role: str) -> str | None:
    return next((name for name, contender in contenders.items() if contender.role == role), None)


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is {checks.shown(value)}, expected a table")
    return dict(value)


def _translate(old: dict[str, Any], given: dict[str, Any], default: dict[str, Any]) -> None:
    """Put settings of files of version 0.2 where they belong now: into the default contender."""
    if "contenders" in given:
        name = next(iter(old))
        raise ValueError(
            f"there is no setting {name!r} beside contenders: write {_OLD[name]} into the table of one"
        )
    for name, value in old.items():
        default["contenders"]["reptile"][_OLD[name]] = checks.integer(value, name, 0)


@dataclass(frozen=True, eq=False)
class Results:
    """How the contenders compare, and what they took.

    Attributes
    ----------
    experiment
        The settings.
    comparison
        What `compare` returned; members are splits.
    prepared
        For each contender, what it was on each split.
    seconds
        How long that took, all splits together; drawing the training tasks is the first contender's.
    """

    experiment: Experiment
    comparison: Comparison
    prepared: dict[str, list[Prepared]]
    seconds: dict[str, float]

    def text(self) -> str:
        """Return all that there is to read: scores, differences, budgets, and why the case is fair."""
        experiment = self.experiment
        parts = [self.comparison.table()]
        baseline = experiment.baseline
        if baseline is not None and len(self.comparison.curves) > 1:
            parts.append(self.comparison.table(minus=baseline))
        parts.append(self.budgets())
        parts.append(self.units())
        if experiment.why:
            parts.append(experiment.why.strip())
        return "\n\n".join(parts)

    def units(self) -> str:
        """Say what the intervals are over."""
        experiment = self.experiment
        tasks = f"{experiment.held_out_tasks:,} held-out tasks"
        if experiment.splits == 1:
            over = f"{tasks}; ± half of a 95 % interval over what a split tells apart, goals, maps or tasks"
        else:
            over = (
                f"{experiment.splits} splits into training and held-out tasks, {tasks} and a training "
                "of its own in each;\n± half of a 95 % interval over splits, which share training tasks: the "
                f"correction of Nadeau and Bengio (2003)\nmakes it {self.widening():.1f} times as wide"
            )
        return f"{over}.\n0 is the random policy, 1 the optimum of each task."

    def widening(self) -> float:
        """Return by how much intervals over J splits are too narrow since these share training tasks.

        sqrt(1 + J n2 / n1), with n2 held-out tasks to n1 training tasks (Nadeau and Bengio, "Inference for
        the generalization error", Machine Learning 52, 2003, section 3).
        """
        share = self.experiment.held_out
        return math.sqrt(1.0 + self.experiment.splits * share / (1.0 - share))

    def budgets(self) -> str:
        """Return as text what each contender took of the training tasks of a split."""
        columns = ("training episodes a split", "meta-learning", "tuning", "candidates")
        lines = [f"{columns[0]:<27}" + "".join(f"{column:>16}" for column in columns[1:])]
        lines.append("-" * len(lines[0]))
        for name, parts in self.prepared.items():
            spent = parts[0].spent
            cells = (spent.episodes, spent.tuning_episodes, spent.candidates)
            lines.append(f"{name.replace('_', ' '):<27}" + "".join(f"{cell:>16,}" for cell in cells))
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Write the picture of the scores; needs the extra `plot`."""
        experiment = self.experiment
        plotting.adaptation(
            {name: self.comparison.interval(name) for name in self.comparison.curves},
            experiment.episodes,
            path,
            title=f"Adapting to held-out tasks of {type(experiment.family).__name__}",
            styles={name: STYLES[entry.role] for name, entry in experiment.contenders.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Return what goes to `results.json`."""
        baseline, comparison = self.experiment.baseline, self.comparison
        differences = {
            name: interval_to_json(comparison.difference(name, baseline))
            for name in comparison.curves
            if baseline is not None and name != baseline
        }
        return {
            **comparison.to_json(),
            "differences": differences,
            "learners": {
                name: [to_config(part.without_table()) for part in parts]
                for name, parts in self.prepared.items()
            },
            "spent": {name: vars(parts[0].spent) for name, parts in self.prepared.items()},
            "experiment": self.experiment.to_config(),
        }

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `results.json` and `meta.npz`, a contender that was chosen beforehand, not by its scores."""
        out = Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        with whole_file(out / "results.json") as file:
            file.write(json.dumps(self.to_json(), indent=1).encode() + b"\n")
        name = self.experiment.save
        if name is not None and (fitted := self.prepared[name][0].fitted) is not None:
            fitted.replace(context=self.experiment.to_config()).save(out / "meta.npz")


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say of what is refused inside which contender it was about."""
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{what}: {error}") from error
