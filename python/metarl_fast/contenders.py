"""A contender of a file of settings: how it is fitted and tuned on training tasks, and what that takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.config import from_config, to_config
from metarl_fast.engine import episode_steps
from metarl_fast.families import Family
from metarl_fast.learners import LEARNERS, Learner, Table, TdLearner
from metarl_fast.meta import METAS, Fitted, Meta
from metarl_fast.planning import policy_iteration
from metarl_fast.seeding import Seed, child
from metarl_fast.tasks import Tasks
from metarl_fast.tuning import rungs, tune

KINDS_OF_META = {kind.__name__: kind for kind in METAS}
KINDS = ("Scratch", "Optimal", *KINDS_OF_META)
"""What `type` may say: the learner as it is, with each task's optimal table, or what a meta-learner made."""

_ADAPTATION = 50
"""Episodes on a task from which a meta-learner learns what adapting is, unless its table says otherwise."""

_EXPLORATION = 0.5
"""Least epsilon while learning on training tasks, which cost nothing but time."""


@dataclass(frozen=True)
class Training:
    """What contenders may use of one split.

    Attributes
    ----------
    whole
        The family of training tasks.
    num_tasks, num_episodes
        How many of them a meta-learner learns on and for how long, unless its table says otherwise.
    meta_episodes
        Episodes that meta-training takes in all, unless its table says otherwise.
    num_steps
        Time limit of an episode, or None for the family's.
    budget
        Episodes that a contender may take in all.
    space, tasks_of_rung, scored_at
        What hyper-parameters are drawn from, on how many tasks all are tried, and when they are scored.
    num_threads
        As in `train`.
    """

    whole: Family
    num_tasks: int
    num_episodes: int
    meta_episodes: int
    num_steps: int | None
    budget: int
    space: Mapping[str, Sequence[Any]]
    tasks_of_rung: int
    scored_at: tuple[int, ...]
    num_threads: int | None

    def parts(self, seed: Seed) -> tuple[Family, Family]:
        """Return a family for meta-learners, and one for tuning what they made.

        Where there are too few different tasks to divide them again, both are the whole.
        """
        try:
            return split(self.whole, 0.25, seed)
        except ValueError:
            return self.whole, self.whole


@dataclass(frozen=True)
class Spent:
    """What a contender took of the training tasks of one split."""

    episodes: int = 0
    """Of its meta-learner."""
    candidates: int = 0
    """Hyper-parameters tried."""
    tuning_episodes: int = 0
    """On trying them."""


@dataclass(frozen=True)
class Prepared:
    """A contender as it meets the held-out tasks of one split."""

    learner: Learner
    spent: Spent
    fitted: Fitted | None = None
    """What its meta-learner made, if it has one: of the tuned learner."""

    def without_table(self) -> Learner:
        """Return the learner without what it starts from, which is too long for a text."""
        table = isinstance(self.learner.initial_q, Table)
        return self.learner.replace(initial_q=0.0) if table else self.learner


@dataclass(frozen=True)
class Contender:
    """One table [contenders.NAME].

    Parameters
    ----------
    name
        Its name.
    kind
        One of `KINDS`.
    learner
        What it begins with.
    tuned
        Whether hyper-parameters are tuned with what the meta-learner leaves of the budget.
    tuned_for
        The episodes whose scores are to be high: "all" that are scored, the "last", or given ones.
    settings, fit
        Arguments of the meta-learner and of its `fit`.
    """

    name: str
    kind: str
    learner: Learner
    tuned: bool
    tuned_for: tuple[int, ...] | str
    settings: Mapping[str, Any]
    fit: Mapping[str, int]

    @classmethod
    def from_table(cls, name: str, table: Any, learner: Learner) -> Contender:
        """Read a table of a file; a `learner` in it says what is other than in the one given."""
        where = f"contenders.{name}"
        if not isinstance(table, Mapping):
            raise TypeError(f"{where} is {checks.shown(table)}, expected a table")
        kind = table.get("type")
        if kind not in KINDS:
            raise ValueError(
                f"the type of {where} is {checks.shown(kind)}, expected {checks.choices(kind, KINDS)}"
            )
        of_fit, of_meta = _arguments(kind)
        allowed = ["type", "tuned", "tuned_for", "learner", *of_meta, *of_fit]
        for key in table:
            if key not in allowed:
                raise ValueError(
                    f"{where} has no setting {checks.shown(key)}, "
                    f"expected some of {checks.choices(key, allowed)}"
                )
        found = cls(
            name,
            kind,
            changed(learner, table.get("learner", {}), f"{where}.learner"),
            checks.flag(table.get("tuned", kind != "Optimal"), f"{where}.tuned"),
            _tuned_for(table.get("tuned_for", "all"), f"{where}.tuned_for"),
            {key: table[key] for key in of_meta if key in table},
            {key: checks.integer(table[key], f"{where}.{key}", 0) for key in of_fit if key in table},
        )
        if kind in KINDS_OF_META:
            found.meta()  # which refuses what is out of range
        return found

    def meta(self) -> Meta:
        """Return the meta-learner."""
        return KINDS_OF_META[self.kind](**self.settings)

    @property
    def role(self) -> str:
        """What it is in a comparison: "meta", "scratch", "late", "untuned" or "optimal"."""
        if self.kind == "Scratch":
            return "untuned" if not self.tuned else "scratch" if self.tuned_for == "all" else "late"
        return "optimal" if self.kind == "Optimal" else "meta"

    def to_table(self) -> dict[str, Any]:
        """Return what `from_table` reads back, in JSON types."""
        return {
            "type": self.kind,
            "tuned": self.tuned,
            "tuned_for": self.tuned_for if isinstance(self.tuned_for, str) else list(self.tuned_for),
            **self.settings,
            **self.fit,
            "learner": to_config(self.learner),
        }

    def prepare(self, training: Training, held_out: Tasks, key: int) -> Prepared:
        """Fit and tune on training tasks; only an "Optimal" contender looks at the held-out ones."""
        if self.kind == "Optimal":
            table = optimal_table(held_out, self.learner.discount, training.num_steps, training.num_threads)
            return Prepared(self.learner.replace(initial_q=Table(table)), Spent())
        if self.kind == "Scratch":
            found = Prepared(self.learner, Spent())
            return self._tuned(found, training, training.whole, key) if self.tuned else found
        fitting, tuning = training.parts(child(key, 0))
        meta = self.meta()
        numbers, episodes = self._numbers(meta, training)
        fitted = meta.fit(
            fitting,
            exploring(self.learner),
            num_steps=training.num_steps,
            rng=child(key, 1),
            num_threads=training.num_threads,
            **numbers,  # type: ignore[arg-type]
        ).replace(base=self.learner)
        found = Prepared(fitted.learner, Spent(episodes), fitted)
        return self._tuned(found, training, tuning, key) if self.tuned else found

    def _numbers(self, meta: Meta, training: Training) -> tuple[dict[str, int], int]:
        """Return the arguments of `fit`, and how many episodes it takes with them.

        What is not given is such that it takes the share of the budget that is for meta-learning.
        """
        numbers = {"num_tasks": training.num_tasks, **self.fit}
        share, tasks = training.meta_episodes, max(1, numbers["num_tasks"])
        size = min(meta.tasks_per_iteration, tasks)
        if meta.default_iterations is None and "num_iterations" not in numbers:  # each task once
            numbers.setdefault("num_episodes", max(1, share // tasks))
            return numbers, tasks * numbers["num_episodes"]
        once = meta.default_iterations == 1
        numbers.setdefault("num_episodes", max(1, share // size) if once else _ADAPTATION)
        numbers.setdefault("num_iterations", max(1, share // max(1, size * numbers["num_episodes"])))
        return numbers, numbers["num_iterations"] * size * numbers["num_episodes"]

    def _tuned(self, found: Prepared, training: Training, family: Family, key: int) -> Prepared:
        """Tune the hyper-parameters with what is left of the budget."""
        words = {"all": training.scored_at, "last": training.scored_at[-1:]}
        episodes = words[self.tuned_for] if isinstance(self.tuned_for, str) else self.tuned_for
        left = training.budget - found.spent.episodes
        count = candidates_for(left, training.tasks_of_rung, episodes[-1])
        if count < 2 or not episodes[-1]:
            return found
        best = tune(
            found.learner,
            family,
            training.space,
            num_candidates=count,
            num_tasks=training.tasks_of_rung,
            episodes=episodes,
            num_steps=training.num_steps,
            rng=child(key, 2),
            num_threads=training.num_threads,
        )
        spent = Spent(found.spent.episodes, count, best.num_episodes)
        if found.fitted is None:
            return Prepared(best.learner, spent)
        base = best.learner.replace(initial_q=self.learner.initial_q)
        return Prepared(best.learner, spent, found.fitted.replace(base=base))


def _tuned_for(value: Any, where: str) -> tuple[int, ...] | str:
    if not isinstance(value, str):
        return tuple(checks.increasing(value, where))
    if value not in ("all", "last"):
        raise ValueError(f"{where} is {checks.shown(value)}, expected 'all', 'last' or a list of episodes")
    return value


def _arguments(kind: str) -> tuple[list[str], list[str]]:
    """Return the numbers that a meta-learner's `fit` takes, and its own settings."""
    if kind not in KINDS_OF_META:
        return [], []
    own = [f.name for f in fields(KINDS_OF_META[kind]) if f.init]
    return ["num_tasks", "num_episodes", "num_iterations"], own


def candidates_for(budget: int, num_tasks: int, num_episodes: int) -> int:
    """Return how many candidates can be tried, so that all rungs together take at most `budget` episodes."""
    count = max(1, budget // max(1, num_tasks * num_episodes))
    while count > 1 and sum(n * t for n, t in rungs(count, num_tasks)) * num_episodes > budget:
        count -= 1
    return count


def changed(learner: Learner, table: Any, where: str) -> Learner:
    """Return a learner with the settings of a table; another "type" keeps those that both have."""
    if not isinstance(table, Mapping):
        raise TypeError(f"{where} is {checks.shown(table)}, expected a table")
    if not table:
        return learner
    known = [kind.__name__ for kind in LEARNERS]
    kind = table.get("type", type(learner).__name__)
    if kind not in known:
        found = checks.shown(kind).strip("'")
        raise ValueError(f"{where} is a {found}, expected {checks.choices(kind, known)}")
    own = {f.name for f in fields(LEARNERS[known.index(kind)]) if f.init}
    kept = {name: value for name, value in to_config(learner).items() if name in own}
    return from_config({**kept, "type": kind, **table}, Learner)  # type: ignore[no-any-return]


def exploring(learner: Learner) -> Learner:
    """Return the learner, epsilon-greedy with more exploration: training tasks cost nothing but time."""
    if not isinstance(learner, TdLearner):
        return learner
    epsilon = max(float(learner.epsilons(1)[0]), _EXPLORATION)
    return learner.replace(epsilon=epsilon, epsilon_decay=1.0, temperature=None)


def split(family: Family, held_out: float, seed: Seed) -> tuple[Family, Family]:
    """Return both parts of a split; a family of one's own may do it alike whatever the seed."""
    takes_rng = "rng" in inspect.signature(family.split).parameters
    return family.split(held_out, rng=seed) if takes_rng else family.split(held_out)


def optimal_table(
    tasks: Tasks, discount: float, num_steps: int | None, num_threads: int | None
) -> NDArray[np.float64]:
    """Return optimal action values [N, S, A]; undiscounted, those of looking ahead about one time limit.

    Without discounting the best action depends on the time left, and with enough of it all are equally
    good: the first step's values would say nothing.
    """
    if discount == 1.0:
        discount = 1.0 - 1.0 / (1 + int(np.max(episode_steps(tasks, num_steps))))
    return policy_iteration(tasks, discount, num_threads=num_threads).q_values
