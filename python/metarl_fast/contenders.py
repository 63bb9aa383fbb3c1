"""A contender of a file of settings: how it is fitted and tuned on training tasks, and what that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.config import from_config, to_config
from metarl_fast.engine import episode_steps
from metarl_fast.evaluate import learning_bounds
from metarl_fast.learners import LEARNERS, Learner, Table, TdLearner
from metarl_fast.learners.array_settings import ArraySettings
from metarl_fast.learners.features import Features
from metarl_fast.meta import METAS, Fitted, Meta
from metarl_fast.planning import policy_iteration
from metarl_fast.seeding import child
from metarl_fast.splits import Part, Split
from metarl_fast.tasks import Tasks
from metarl_fast.tuning import rungs, tune

KINDS_OF_META = {kind.__name__: kind for kind in METAS}
KINDS = ("Scratch", "Optimal", *KINDS_OF_META)
"""What `type` may say: the learner as it is, with each task's optimal table, or what a meta-learner made."""

_ADAPTATION = 50
"""Episodes on a task from which a meta-learner learns what adapting is, unless its table says otherwise."""

SCALED = ("initial_q", "bonus")
"""Hyper-parameters in units of reward."""

_EXPLORATION = 0.5
"""Least epsilon while learning on training tasks, which cost nothing but time."""


@dataclass(frozen=True)
class Budget:
    """How contenders may use the training tasks of a split.

    Attributes
    ----------
    num_tasks
        How many of them a meta-learner learns on, unless its table says otherwise.
    meta_learning, tuning
        Episodes for a meta-learner and for tuning what it made; a contender without one has both for tuning.
    num_steps
        Time limit of an episode, or None for the family's.
    space, most_candidates, tasks_of_rung, scored_at
        What hyper-parameters are drawn from, how many times at most, on how many tasks all are tried, and
        when they are scored.
    num_threads
        As in `train`.
    """

    num_tasks: int
    meta_learning: int
    tuning: int
    num_steps: int | None
    space: Mapping[str, Sequence[Any]]
    most_candidates: int
    tasks_of_rung: int
    scored_at: tuple[int, ...]
    num_threads: int | None
    scaled: bool = False
    """Whether `SCALED` of the space are in units of how large values are in training tasks."""


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
        kept = self.learner
        held = {f: getattr(kept, f.name) for f in fields(kept)}
        long = [
            f for f, value in held.items()
            if isinstance(value, ArraySettings | Table) and not isinstance(value, Features)
        ]  # fmt: skip
        return kept.replace(**{f.name: f.default for f in long})


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
            {key: _setting(table[key]) for key in of_meta if key in table},
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
            **{name: _described(value) for name, value in self.settings.items()},
            **self.fit,
            "learner": to_config(self.learner),
        }

    def prepare(self, part: Split, budget: Budget) -> Prepared:
        """Fit and tune on training tasks; only an "Optimal" contender looks at the held-out ones."""
        if self.kind == "Optimal":
            table = optimal_table(part.held_out, self.learner.discount, budget.num_steps, budget.num_threads)
            return Prepared(self.learner.replace(initial_q=Table(table)), Spent())
        if self.kind == "Scratch":
            found = Prepared(self.learner, Spent())
            return self._tuned(found, part, budget, "whole", budget.meta_learning + budget.tuning)
        meta = self.meta()
        num_tasks, numbers, episodes = self._numbers(meta, budget)
        fitted = meta.fit(
            part.tasks("fitting", num_tasks),
            exploring(self.learner),
            num_steps=budget.num_steps,
            rng=child(part.key, 4),
            num_threads=budget.num_threads,
            **numbers,  # type: ignore[arg-type]
        ).replace(base=self.learner)
        left = budget.tuning - max(0, episodes - budget.meta_learning)
        return self._tuned(Prepared(fitted.learner, Spent(episodes), fitted), part, budget, "tuning", left)

    def _numbers(self, meta: Meta, budget: Budget) -> tuple[int, dict[str, int], int]:
        """Return on how many tasks to `fit`, its arguments, and how many episodes it takes with them.

        What is not given is such that it takes its share of the budget.
        """
        tasks = max(1, self.fit.get("num_tasks", budget.num_tasks))
        numbers = {name: value for name, value in self.fit.items() if name != "num_tasks"}
        size = min(meta.tasks_per_iteration, tasks)
        if meta.default_iterations is None and "num_iterations" not in numbers:  # each task once
            episodes = numbers.setdefault("num_episodes", max(1, budget.meta_learning // tasks))
            return tasks, numbers, meta.cost(tasks, episodes)
        once = meta.default_iterations == 1
        default = max(1, budget.meta_learning // size) if once else _ADAPTATION
        episodes = numbers.setdefault("num_episodes", default)
        affordable = (
            n
            for n in range(meta.default_iterations or 1, 1, -1)
            if meta.cost(tasks, episodes, n) <= budget.meta_learning
        )
        iterations = numbers.setdefault("num_iterations", next(affordable, 1))
        return tasks, numbers, meta.cost(tasks, episodes, iterations)

    def _tuned(self, found: Prepared, part: Split, budget: Budget, which: Part, episodes: int) -> Prepared:
        """Tune the hyper-parameters, if so many episodes are enough for it."""
        words = {"all": budget.scored_at, "last": budget.scored_at[-1:]}
        scored_at = words[self.tuned_for] if isinstance(self.tuned_for, str) else self.tuned_for
        if not self.tuned or not scored_at[-1]:
            return found
        if found.fitted is not None and not isinstance(found.learner, TdLearner):
            return found  # the candidates have no place for what was learned: they would replace it
        if self.kind in KINDS_OF_META and not KINDS_OF_META[self.kind].adapts:
            return found
        count = candidates_for(episodes, budget.tasks_of_rung, scored_at[-1])
        count = min(count, budget.most_candidates)
        if count < 2:
            return found
        best = tune(
            found.learner,
            part.tasks(which, sum(tasks for _, tasks in rungs(count, budget.tasks_of_rung))),
            self._space(part, budget),
            num_candidates=count,
            num_tasks=budget.tasks_of_rung,
            episodes=scored_at,
            num_steps=budget.num_steps,
            rng=child(part.key, 5),
            num_threads=budget.num_threads,
        )
        spent = Spent(found.spent.episodes, count, best.num_episodes)
        if found.fitted is None:
            return Prepared(best.learner, spent)
        base = best.learner.replace(initial_q=self.learner.initial_q)
        return Prepared(best.learner, spent, found.fitted.replace(base=base))

    def _space(self, part: Split, budget: Budget) -> Mapping[str, Sequence[Any]]:
        """Return what hyper-parameters are drawn from."""
        if not budget.scaled:
            return budget.space
        unit = size_of_values(
            part.tasks("whole", budget.tasks_of_rung),
            self.learner.discount,
            budget.num_steps,
            budget.num_threads,
        )
        return {
            name: tuple(value * unit for value in values) if name in SCALED else values
            for name, values in budget.space.items()
        }


def _setting(value: Any) -> Any:
    """Return a setting of a meta-learner; one that is a meta-learner itself is a table with a type."""
    if isinstance(value, Mapping) and "type" in value:
        return from_config(value, Meta)
    return value


def _described(value: Any) -> Any:
    return to_config(value) if isinstance(value, Meta) else value


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


def size_of_values(tasks: Tasks, discount: float, num_steps: int | None, num_threads: int | None) -> float:
    """Return how large values are: the optimal return, or its distance to the random one if that is larger.

    In these units optimism is a number of about 1, whatever rewards are.
    """
    limits = learning_bounds(tasks, discount, num_steps, num_threads=num_threads)[0]
    return float(np.maximum(np.abs(limits.optimal), limits.gap).mean())


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
