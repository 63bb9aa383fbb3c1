"""What a dataset of learning histories is made of, and the making of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from metarl_fast import checks
from metarl_fast.citation import cite, from_citation
from metarl_fast.config import from_config, to_config
from metarl_fast.contexts import Lifetimes, every_episode
from metarl_fast.engine import HasLearner, Progress, as_learner, check_learner, episode_steps, train
from metarl_fast.families import Family
from metarl_fast.history import History
from metarl_fast.learners import Learner, Linear, QLearning
from metarl_fast.noise import Disturbed, Noise
from metarl_fast.part_files import digest
from metarl_fast.planning import policy_iteration
from metarl_fast.seeding import Seed, make_key
from metarl_fast.shards import TASKS_PER_SHARD
from metarl_fast.solutions import Solution
from metarl_fast.tasks import Task, Tasks, as_batch

if TYPE_CHECKING:
    from typing_extensions import Self

_PIECE = 2**28
"""Bytes of histories that stand in memory at once, about."""

_OPTIONAL = {"noise", "teacher"}
"""What a recipe names only if it is there."""


@dataclass(frozen=True, eq=False)
class HistoryRecipe:
    """A learner, tasks and numbers: from them the same lifetimes come whenever they are asked for."""

    learner: Learner
    tasks: Tasks
    num_episodes: int
    num_steps: int | None = None
    rng: int = 0
    every: int = 1
    begins: str = "learner"
    noise: Noise | None = None
    teacher: Learner | Literal["optimal"] | None = None

    def __init__(
        self,
        learner: Learner | HasLearner,
        tasks: Tasks | Task,
        num_episodes: int,
        num_steps: int | None = None,
        *,
        rng: Seed = 0,
        every: int = 1,
        begins: str = "learner",
        noise: Noise | None = None,
        teacher: Learner | HasLearner | Literal["optimal"] | None = None,
    ) -> None:
        batch = as_batch(tasks)
        check_learner(learner, batch)
        if noise is not None and not isinstance(noise, Noise):
            raise TypeError(f"noise is {checks.shown(noise)}, expected a Noise or None")
        says: Learner | Literal["optimal"] | None = None
        if teacher == "optimal":
            says = "optimal"
        elif teacher is not None:
            if isinstance(teacher, str):
                raise ValueError(f"teacher is {checks.shown(teacher)}, expected 'optimal' or a learner")
            check_learner(teacher, batch)
            says = as_learner(teacher)
        if begins not in ("learner", "optimal"):
            raise ValueError(f"begins is {checks.shown(begins)}, expected 'learner' or 'optimal'")
        seed = rng if isinstance(rng, int) and not isinstance(rng, bool) and rng >= 0 else make_key(rng)
        count = checks.integer(num_episodes, "num_episodes", 1, 2**31 - 2)
        kept = {
            "learner": as_learner(learner),
            "tasks": batch,
            "num_episodes": count,
            "num_steps": None if num_steps is None else checks.integer(num_steps, "num_steps", 1, 2**31 - 2),
            "rng": seed,
            "every": checks.integer(every, "every", 1, count),
            "begins": begins,
            "noise": noise,
            "teacher": says,
        }
        for name, value in kept.items():
            object.__setattr__(self, name, value)
        episode_steps(batch, self.num_steps)

    @classmethod
    def distilled(
        cls, tasks: Tasks | Task, num_episodes: int, num_steps: int | None = None, *, rng: Seed = 0
    ) -> Self:
        """Return lifetimes that look like learning: from the random policy to the optimal one, step by step.

        Actions are optimal but for noise whose share falls evenly from 1 to 0 (Zisman et al. 2023, "Emergence
        of in-context reinforcement learning from noise distillation", arXiv 2312.12275).
        """
        last = checks.integer(num_episodes, "num_episodes", 1, 2**31 - 2) - 1
        noise = Linear(1.0, 0.0, max(1, last))
        learner = QLearning(learning_rate=0.0, discount=0.99, epsilon=noise)
        return cls(learner, tasks, num_episodes, num_steps, rng=rng, begins="optimal")

    @property
    def recipe(self) -> dict[str, Any]:
        """What names the dataset, in JSON types: the tasks' citation and all settings."""
        return self._described(to_config, cite)

    def _described(self, config: Callable[[Any], Any], cited: Callable[[Tasks], Any]) -> dict[str, Any]:
        settings = {f.name: getattr(self, f.name) for f in fields(self)}
        settings |= {name: config(settings[name]) for name in ("learner", "teacher")}
        settings["noise"] = None if self.noise is None else asdict(self.noise)
        kept = {k: value for k, value in settings.items() if value is not None or k not in _OPTIONAL}
        return kept | {"tasks": cited(self.tasks)}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any] | str) -> Self:
        """Return the dataset of a recipe, or of its JSON text.

        Raises
        ------
        ValueError, TypeError
            For what is no recipe.
        """
        given = json.loads(recipe) if isinstance(recipe, str) else recipe
        names = {f.name for f in fields(cls)}
        if not isinstance(given, Mapping) or not names - _OPTIONAL <= set(given) <= names:
            raise ValueError(f"recipe is {checks.shown(recipe)}, expected what Histories.recipe says")
        made = dict(given)
        if isinstance(made.get("noise"), Mapping):
            made["noise"] = Noise(**made["noise"])
        if isinstance(made.get("teacher"), Mapping):
            made["teacher"] = from_config(made["teacher"], Learner)
        learner, tasks = from_config(made.pop("learner"), Learner), from_citation(made.pop("tasks"))
        return cls(learner, tasks, made.pop("num_episodes"), made.pop("num_steps"), **made)

    @property
    def naming(self) -> dict[str, Any]:
        """The recipe; what of it cannot be written out, such as tasks in memory, stands there as a digest."""
        return self._described(_short_config, _short_citation)

    @property
    def hash(self) -> str:
        """A digest of the recipe, by which files of the dataset know each other."""
        text = json.dumps(self.naming, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __len__(self) -> int:
        """N, the number of lifetimes."""
        return len(self.tasks)

    @cached_property
    def pieces(self) -> list[slice]:
        """Places of the tasks whose histories are made at once; cut at fixed places, whatever the machine."""
        longest = self.num_episodes * int(np.max(episode_steps(self.tasks, self.num_steps)))
        size = TASKS_PER_SHARD
        each = 20 if self.teacher is None else 20 + 4 * self.tasks.num_actions  # bytes of a step
        while size > 1 and size * longest * each > _PIECE:
            size //= 2
        return [slice(k, min(k + size, len(self))) for k in range(0, len(self), size)]

    def history(
        self, places: slice | ArrayLike, *, num_threads: int | None = None, progress: Progress | None = None
    ) -> History:
        """Learn some of the lifetimes anew and return their steps."""
        some = self.tasks[places]  # type: ignore[index]
        plan = self._plan(some, num_threads) if self.begins == "optimal" else None
        return self._lived(some, plan, num_threads, progress)

    def lifetimes(self, places: slice, num_threads: int | None) -> Lifetimes:
        """Learn some of the lifetimes anew, with the best action in each step."""
        return self.planned(places, num_threads)[0]

    def planned(self, places: slice, num_threads: int | None) -> tuple[Lifetimes, Solution]:
        """Learn some of the lifetimes anew, and return the optimum of their tasks with them."""
        tasks = self.tasks[places]
        plan = self._plan(tasks, num_threads)
        made = self._lived(tasks, plan, num_threads)
        return Lifetimes(made, tasks.ids, plan.policy, self.every), plan

    def _lived(
        self, tasks: Tasks, plan: Solution | None, num_threads: int | None, progress: Progress | None = None
    ) -> History:
        learner = self.learner
        if self.noise is not None:
            learner = Disturbed(learner=learner, noise=self.noise)
        run = train(
            learner,
            tasks,
            self.num_episodes,
            self.num_steps,
            rng=self.rng,
            initial_table=plan.q_values if plan is not None and self.begins == "optimal" else None,
            record=True,
            returns=False,
            q_table=False,
            policy=False,
            num_threads=num_threads,
            progress=progress,
        )
        return run.history if self.every == 1 else every_episode(run.history, self.every)

    def _plan(self, tasks: Tasks, num_threads: int | None) -> Solution:
        return policy_iteration(tasks.segment(0), self._planning_discount, num_threads=num_threads)

    @property
    def _planning_discount(self) -> float:
        return self.learner.discount if self.learner.discount < 1.0 else 0.99


def _short_config(value: Any) -> Any:
    """Return what `to_config` does; of what it refuses, the type and a digest of all that it holds."""
    try:
        return to_config(value)
    except TypeError:
        return {"type": type(value).__name__, "digest": digest(value)}


def _short_citation(tasks: Tasks) -> Any:
    """Return what `cite` does; of arrays, and of a family of one's own, a digest of all that they are."""
    try:
        cited = cite(tasks)
        from_config(cited["family"], Family)
    except (TypeError, ValueError):
        try:
            named = digest(tasks.recipe, tasks.horizon)
        except TypeError:  # a family that holds more than numbers and text
            named = digest(tasks.materialise().recipe, tasks.horizon)
        return {"type": "Tasks", "digest": named}
    return cited
