"""Hyper-parameters chosen on training tasks: random search, by successive halving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from metarl_fast import checks, learners
from metarl_fast.engine import HasLearner, Progress, as_learner, check_learner
from metarl_fast.evaluate import adapt, learning_bounds
from metarl_fast.learners import Learner, Table
from metarl_fast.result import Result
from metarl_fast.seeding import Seed, child, make_key
from metarl_fast.tasks import Task, Tasks, as_batch

if TYPE_CHECKING:
    from metarl_fast.families import Family

SPACE: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "type": (learners.QLearning, learners.ExpectedSarsa, learners.QLambda, learners.SarsaLambda),
        "learning_rate": (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0),
        "epsilon": (0.0, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3),
        "epsilon_decay": (1.0, 0.95, 0.9),
        "trace_decay": (0.3, 0.5, 0.7, 0.8, 0.9, 0.95),
        "initial_q": (0.0, 0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        "bonus": (0.0, 0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    }
)
"""What candidates are drawn from: for "type" and each hyper-parameter its values, for rewards of about 1."""

_KEPT = 4
"""One in so many candidates is kept after a rung, and tried on as many times more tasks."""


@dataclass(frozen=True, eq=False)
class Tuning(Result):
    """What `tune` chose.

    Attributes
    ----------
    learner
        The best candidate.
    history
        For each rung, the candidates tried and their mean scores, the best ones first.
    num_episodes
        Spent on all candidates and tasks.
    """

    learner: Learner
    history: tuple[tuple[tuple[Learner, float], ...], ...]
    num_episodes: int

    def __repr__(self) -> str:
        score = self.history[-1][0][1]
        return f"Tuning({type(self.learner).__name__}, score {score:.3f}, {self.num_episodes:,} episodes)"


def tune(
    learner: Learner | HasLearner,
    tasks: Family | Tasks | Task,
    space: Mapping[str, Sequence[Any]] = SPACE,
    *,
    num_candidates: int = 64,
    num_tasks: int = 16,
    episodes: Sequence[int] = (0, 1, 2, 5, 10, 20, 50),
    num_steps: int | None = None,
    rng: Seed = None,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Tuning:
    """Return the hyper-parameters with which a learner adapts best to training tasks.

    Candidates are drawn at random (Bergstra and Bengio, JMLR 13, 2012); the first one is the learner itself.
    All are tried on a few tasks, the best quarter on four times as many further ones, and so on until at
    most four are left for the last time: successive halving (Karnin, Koren and Somekh, ICML 2013; Jamieson
    and Talwalkar, AISTATS 2016), so that each rung costs the same. What is made as large as possible is the
    mean of `adapt`'s scores over `episodes`, which weighs the first episodes most.

    Parameters
    ----------
    learner
        A learner, or what has one. Its discount, and whatever else `space` does not name, stays; so does a
        `Table` that it starts from.
    tasks
        Training tasks, or a family of which they are drawn: `num_tasks` for the first rung and so on. Of
        tasks the rungs take one after the other, all over again where they are too few.
    space
        For each hyper-parameter the values to draw from; "type" has the classes of learners. What a class
        does not have is not used for it.
    num_candidates, num_tasks
        Of the first rung.
    episodes, num_steps, num_threads
        As in `adapt`.
    rng
        None, an integer, a SeedSequence or a Generator.
    progress
        Called now and then with (episodes done, in all).

    Raises
    ------
    ValueError, TypeError
        For hyper-parameters that no learner of `space` has, and values that they refuse.
    """
    begun = as_learner(learner)
    count = checks.integer(num_candidates, "num_candidates", 1)
    size = checks.integer(num_tasks, "num_tasks", 1)
    scored_at = checks.increasing(episodes, "episodes")
    checks.callback(progress, "progress")
    key = make_key(rng)
    plan = rungs(count, size)
    total = sum(number * tried for number, tried in plan) * scored_at[-1]
    needed = sum(tried for _, tried in plan)
    batch = tasks.sample(needed, rng=child(key, 1)) if hasattr(tasks, "sample") else as_batch(tasks)
    if not len(batch):
        raise ValueError("there are no tasks to tune on")
    check_learner(begun, batch)
    pool = candidates(begun, space, count, np.random.default_rng(child(key, 0)))
    history, spent, first = [], 0, 0
    for rung, (number, tried) in enumerate(plan):
        some = batch[np.unique(np.arange(first, first + tried) % len(batch))]
        first += tried
        limits = learning_bounds(some, begun.discount, num_steps, scored_at, num_threads=num_threads)
        scored = []
        for candidate in pool[:number]:
            found = adapt(
                candidate,
                some,
                scored_at,
                num_steps=num_steps,
                rng=child(key, 2, rung),
                limits=limits,
                num_threads=num_threads,
            )
            scored.append((candidate, float(np.nanmean(found.scores))))
            spent += len(some) * scored_at[-1]
            if progress is not None:
                progress(spent, total)
        scored.sort(key=lambda pair: -pair[1])  # stable: of equals the first one drawn
        pool = [candidate for candidate, _ in scored]
        history.append(tuple(scored))
    return Tuning(pool[0], tuple(history), spent)


def candidates(
    learner: Learner, space: Mapping[str, Sequence[Any]], count: int, generator: np.random.Generator
) -> list[Learner]:
    """Return the learner itself and `count - 1` further ones drawn from `space`."""
    if not isinstance(space, Mapping):
        raise TypeError(f"space is {checks.shown(space)}, expected a dict of hyper-parameters and values")
    for name, values in space.items():
        if not isinstance(values, (list, tuple)) or not values:
            raise TypeError(f"space[{name!r}] is {checks.shown(values)}, expected a list of values")
    kinds: Sequence[Any] = space.get("type", (type(learner),))
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Learner)):
            raise TypeError(
                f"space['type'] holds {checks.shown(kind)}, expected classes of learners such as QLearning"
            )
    known = {f.name for kind in kinds for f in fields(kind) if f.init} | {"type"}
    for name in space:
        if name not in known:
            raise ValueError(
                f"no learner of the space has a hyper-parameter {checks.shown(name)}, "
                f"expected some of {checks.choices(name, sorted(known))}"
            )
    # What a meta-learner made is not tuned away.
    fixed = {"initial_q"} if isinstance(learner.initial_q, Table) else set()
    found = [learner]
    for _ in range(count - 1):
        drawn = {name: values[int(generator.integers(len(values)))] for name, values in space.items()}
        kind = drawn.pop("type", type(learner))
        own = {f.name for f in fields(kind) if f.init}
        kept = {f.name: getattr(learner, f.name) for f in fields(learner) if f.init and f.name in own}
        changed = {name: value for name, value in drawn.items() if name in own - fixed}
        found.append(kind(**{**kept, **changed}))
    return found


def rungs(num_candidates: int, num_tasks: int) -> list[tuple[int, int]]:
    """Return for each rung how many candidates are tried on how many tasks."""
    plan = [(num_candidates, num_tasks)]
    while plan[-1][0] > _KEPT:
        number, tried = plan[-1]
        plan.append((math.ceil(number / _KEPT), tried * _KEPT))
    return plan
