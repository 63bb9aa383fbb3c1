"""The whole job, once through: learn on training tasks, meta-learn, adapt to held-out tasks, score."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks, evaluate
from metarl_fast.config import from_config, to_config
from metarl_fast.engine import check_learner, episode_steps, train
from metarl_fast.families import Family, GoalGrid, Region
from metarl_fast.families.python_recipe import PythonRecipe
from metarl_fast.families.splitting import contents, refuse_shared
from metarl_fast.files import whole_file
from metarl_fast.learners import LEARNERS, QLearning, TdLearner
from metarl_fast.meta import AverageQ, Fitted, PolicyPrior, Reptile
from metarl_fast.meta.tables import TableMeta
from metarl_fast.planning import policy_iteration
from metarl_fast.seeding import child
from metarl_fast.statistics import Interval, bootstrap_mean
from metarl_fast.tasks import Tasks

Stage: TypeAlias = Callable[[str, int, int], Any]
"""Called now and then with (what is being done, done, in all)."""

STARTS = ("scratch", "transfer", "average_q", "reptile", "policy_prior", "optimal")
"""What learners start from on held-out tasks."""

_TRANSFER_SOURCES = 10
"""The score of `transfer` is the mean over starts from so many training tasks."""


def _default_family() -> Family:
    """Goals in the top right of a walled grid, far from the start in the bottom left."""
    return GoalGrid(
        size=9,
        wall_density=0.1,
        slip=0.1,
        goals=Region(rows=(0, 5), columns=(4, 9)),
        start=(8, 0),
        horizon=60,
    )


def _default_learner(num_states: int, num_actions: int) -> QLearning:
    return QLearning(num_states, num_actions, learning_rate=0.5, discount=0.95, epsilon=0.1)


@dataclass(frozen=True)
class Experiment:
    """Settings of the job; the defaults are those of `metarl-fast quickstart`."""

    family: Family = field(default_factory=_default_family)
    learner: TdLearner = None  # type: ignore[assignment]
    """Default: the quickstart's, with the family's states and actions."""
    held_out: float = 0.2
    """What `family.split` is told."""
    training_tasks: int = 2000
    training_episodes: int = 500
    held_out_tasks: int = 1000
    episodes: tuple[int, ...] = (0, 1, 2, 5, 10, 20, 50)
    """When adapting learners are scored."""
    num_steps: int | None = None
    """Time limit of an episode; default the family's horizon."""
    reptile_iterations: int = 100
    reptile_episodes: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.family, Family):
            raise TypeError(f"family is a {type(self.family).__name__}, expected a distribution over tasks")
        no_tasks = self.family.sample(0, rng=0)
        if self.learner is None:
            learner = _default_learner(no_tasks.num_states, no_tasks.num_actions)
            object.__setattr__(self, "learner", learner)
        check_learner(self.learner, no_tasks)
        checks.keep(self, "held_out", checks.real, 0.0, 1.0)
        checks.keep(self, "training_tasks", checks.integer, 1)
        checks.keep(self, "training_episodes", checks.integer, 1)
        checks.keep(self, "held_out_tasks", checks.integer, 1)
        checks.keep(self, "reptile_iterations", checks.integer, 0)
        checks.keep(self, "reptile_episodes", checks.integer, 0)
        checks.keep(self, "seed", checks.integer, 0)
        if not isinstance(self.episodes, (list, tuple)):
            raise TypeError(f"episodes is {checks.shown(self.episodes)}, expected a list of integers")
        episodes = [checks.integer(e, "episodes", 0) for e in self.episodes]
        if not episodes or any(later <= earlier for earlier, later in pairwise(episodes)):
            raise ValueError(f"episodes are {episodes}, expected increasing numbers")
        object.__setattr__(self, "episodes", tuple(episodes))
        if self.num_steps is not None:
            checks.keep(self, "num_steps", checks.integer, 1)
        self.to_config()  # what has no form in results.json is found out before the work

    def to_config(self) -> dict[str, Any]:
        """Return the settings in JSON types; `from_table` reads them back, but for a family of one's own."""
        found = {f.name: to_config(getattr(self, f.name)) for f in fields(self)}
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Experiment:
        """Build from a TOML or JSON table; what is absent keeps its default.

        The learner's `num_states` and `num_actions` are the family's, and need not be there.
        """
        allowed = [f.name for f in fields(cls)]
        for key in table:
            if key not in allowed:
                expected = checks.choices(key, allowed)
                raise ValueError(f"there is no setting {checks.shown(key)}, expected some of {expected}")
        settings = {key: value for key, value in table.items() if key not in ("family", "learner")}
        family = from_config(table["family"], Family) if "family" in table else _default_family()
        if not isinstance(family, Family):
            raise ValueError(f"family is a {type(family).__name__}, expected a distribution over tasks")
        shape = {"num_states": family.num_states, "num_actions": family.num_actions}
        given = table.get("learner", {})
        if not isinstance(given, Mapping):
            raise TypeError(f"learner is {checks.shown(given)}, expected a table")
        described = {**to_config(_default_learner(**shape)), **given}
        known = [kind.__name__ for kind in LEARNERS]
        if described["type"] not in known:
            kind = checks.shown(described["type"]).strip("'")
            raise ValueError(f"learner is a {kind}, expected {checks.choices(kind, known)}")
        learner = from_config(described)
        return cls(family=family, learner=learner, **settings)

    def tasks(self) -> tuple[Tasks, Tasks]:
        """Return (training tasks, held-out tasks): disjoint by construction."""
        training, held_out = self.family.split(self.held_out)
        return (
            training.sample(self.training_tasks, rng=child(self.seed, 0)),
            held_out.sample(self.held_out_tasks, rng=child(self.seed, 1)),
        )

    def run(self, *, num_threads: int | None = None, progress: Stage | None = None) -> Results:
        """Do the job.

        Parameters
        ----------
        num_threads
            As in `train`; it does not change the results.
        progress
            Called now and then with (what is being done, done, in all).
        """

        def report(what: str) -> Callable[[int, int], None]:
            return lambda done, total: progress(what, done, total) if progress else None

        s, a = self.family.num_states, self.family.num_actions
        training, held_out = self.tasks()
        # First: what cannot be learned or scored is found out before the work.
        episode_steps(training, self.num_steps)
        limits = self.limits(held_out, num_threads)
        self._check_split(training, held_out)
        learned = train(
            self._training_learner(),
            training,
            self.training_episodes,
            self.num_steps,
            rng=child(self.seed, 2),
            returns=False,
            policy=False,
            num_threads=num_threads,
            progress=report("learning on training tasks"),
        ).q_table
        reptile = (
            Reptile()
            .fit(
                training,
                self._training_learner(),
                self.reptile_episodes,
                self.num_steps,
                num_iterations=self.reptile_iterations,
                rng=child(self.seed, 3),
                num_threads=num_threads,
                progress=report("reptile"),
            )
            .replace(context=self.to_config())
        )
        tables: dict[str, Iterable[NDArray[Any] | None]] = {
            "scratch": [None],
            # One source alone may be a lucky or an unlucky one.
            "transfer": learned[:_TRANSFER_SOURCES],
            "average_q": [self._start_of(AverageQ(), learned)],
            "reptile": [np.broadcast_to(reptile.learner.initial_q, (s, a))],
            "policy_prior": [self._start_of(PolicyPrior(), learned)],
            "optimal": [self._optimal(held_out, num_threads)],
        }
        scores = {}
        for name in STARTS:
            stage = report(f"adapting from {name}")
            scores[name] = self.adapt_from(
                tables[name], held_out, limits, num_threads=num_threads, progress=stage
            )
        return Results(self, scores, reptile)

    def _start_of(self, meta: TableMeta, learned: NDArray[Any]) -> NDArray[np.float64]:
        """Return what a meta-learner makes of learned tables."""
        return meta.start(meta.observe(meta.init(self.learner), learned))

    def adapt_from(
        self,
        tables: Iterable[NDArray[Any] | None],
        held_out: Tasks,
        limits: evaluate.Bounds,
        *,
        num_threads: int | None = None,
        progress: Callable[[int, int], Any] | None = None,
    ) -> Interval:
        """Score adaptation to the held-out tasks; of several initial tables, the mean over them."""
        curves = [
            evaluate.adapt(
                self.learner,
                held_out,
                self.episodes,
                num_steps=self.num_steps,
                rng=child(self.seed, 4),
                initial_table=table,
                limits=limits,
                num_threads=num_threads,
                progress=progress,
            )
            for table in tables
        ]
        return bootstrap_mean(np.mean([curve.scores for curve in curves], axis=0), rng=child(self.seed, 5))

    def _training_learner(self) -> TdLearner:
        """Return the learner, epsilon-greedy with more exploration: training tasks cost nothing but time."""
        epsilon = max(float(self.learner.epsilons(1)[0]), 0.5)
        return replace(self.learner, epsilon=epsilon, epsilon_decay=1.0, temperature=None)

    def _check_split(self, training: Tasks, held_out: Tasks) -> None:
        """Refuse the tasks of a family in Python whose split does not keep its few different ones apart."""
        if not isinstance(held_out.recipe, PythonRecipe):
            return
        refuse_shared(contents(training), contents(held_out), type(self.family).__name__)

    def limits(self, tasks: Tasks, num_threads: int | None = None) -> evaluate.Bounds:
        """Return what scales the scores; undiscounted, episodes of the time limit that learners have.

        Raises
        ------
        ValueError
            If nothing can be learned on any of the tasks.
        """
        discount = self.learner.discount
        horizon = episode_steps(tasks, self.num_steps) if discount == 1.0 else None
        found = evaluate.bounds(tasks, discount, horizon=horizon, num_threads=num_threads)
        if not found.learnable.any():
            raise ValueError(
                f"the random policy is optimal on all {len(tasks)} tasks: nothing can be learned"
            )
        return found

    def _optimal(self, tasks: Tasks, num_threads: int | None) -> NDArray[np.float64]:
        """Return optimal action values; undiscounted, those of looking ahead about one time limit.

        Without discounting the best action depends on the time left, and with enough of it all are equally
        good: the first step's values would say nothing.
        """
        discount = self.learner.discount
        if discount == 1.0:
            discount = 1.0 - 1.0 / (1 + int(np.max(episode_steps(tasks, self.num_steps))))
        return policy_iteration(tasks, discount, num_threads=num_threads).q_values


@dataclass(frozen=True, eq=False)
class Results:
    """Scores of every start, and what was meta-learned."""

    experiment: Experiment
    scores: dict[str, Interval]
    """For each start, the mean score over held-out tasks after each of `experiment.episodes`."""
    reptile: Fitted

    def table(self) -> str:
        """Return the scores as a table of text."""
        episodes = self.experiment.episodes
        head = f"{'score after episodes':<20}" + "".join(f"{e:>14}" for e in episodes)
        lines = [head, "-" * len(head)]
        for name, found in self.scores.items():
            cells = zip(found.mean, (found.high - found.low) / 2, strict=True)
            lines.append(f"{name:<20}" + "".join(f"{f'{mean:.3f} ±{half:.3f}':>14}" for mean, half in cells))
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return what goes to `results.json`."""

        def numbers(values: NDArray[np.float64]) -> list[float | None]:
            # JSON has no NaN: the interval of a single goal.
            return [None if np.isnan(value) else value for value in values.tolist()]

        return {
            "episodes": list(self.experiment.episodes),
            "scores": {
                name: {end: numbers(getattr(found, end)) for end in ("mean", "low", "high")}
                for name, found in self.scores.items()
            },
            "experiment": self.experiment.to_config(),
        }

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `results.json` and `meta.npz`, Reptile's table: chosen beforehand, not by its scores."""
        out = Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        with whole_file(out / "results.json") as file:
            file.write(json.dumps(self.to_json(), indent=1).encode() + b"\n")
        self.reptile.save(out / "meta.npz")
