"""Published tables with what this package finds beside them, and tables that ask for more."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.describe import myopic_policy
from metarl_fast.engine import train
from metarl_fast.evaluate import Bounds, bounds
from metarl_fast.families import Family, GoalGrid, TaskDistribution
from metarl_fast.files import Path, whole_file
from metarl_fast.learners import QLearning
from metarl_fast.meta import Fitted, Meta, Tuned
from metarl_fast.planning import policy_evaluation
from metarl_fast.seeding import child, make_key
from metarl_fast.statistics import Interval
from metarl_fast.tasks import Tasks

ROWS = (10, 25, 50, 75, 100)
"""Episodes of a trial."""
PUBLISHED: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "Random": (100.1, 250.2, 499.7, 749.9, 999.4),
        "PSRL": (138.1, 408.8, 904.4, 1417.1, 1939.5),
        "OPSRL": (144.1, 425.2, 930.7, 1449.2, 1973.9),
        "UCRL2": (146.6, 424.1, 918.9, 1427.6, 1942.1),
        "BEB": (150.2, 427.8, 917.8, 1422.6, 1935.1),
        "RL2": (156.2, 445.7, 936.1, 1428.8, 1913.7),
        "SNAIL": (159.1, 447.2, 942.3, 1447.5, 1953.1),
    }
)
"""Total reward over a trial of `ROWS` episodes: Duan et al. 2016 (arXiv 1611.02779), of 1,000 tasks; SNAIL,
Mishra et al. 2018 (arXiv 1707.03141). RL² is the best of five training runs."""
SPACE = MappingProxyType(
    {
        "initial_q": (0.0, 5.0),
        "learning_rate": (0.1, 1.0),
        "learning_rate_decay": (0.0, 1.0),
        "discount": (0.0, 0.9),
        "bonus": (0.0, 3.0),
    }
)
"""The five scalars that are meta-learned."""
METHODS = ("random", "myopic", "tuned_q_learning", "optimal")
"""`myopic` knows the task, as `optimal` does, and takes what pays most at once."""

_META_TASKS, _META_STEPS = 3000, 15

Progress = Callable[[str, int, int], Any]


@dataclass(frozen=True)
class Table:
    """What a table is of.

    Attributes
    ----------
    family
        Whose tasks; `num_tasks` held-out ones of each seed.
    title
        What the tasks are.
    space
        Of the five scalars.
    published
        By method, totals of trials of `ROWS` episodes.
    """

    family: Family
    title: str
    space: Mapping[str, tuple[float, float]]
    published: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "rl2-mdp": Table(TaskDistribution.rl2(), "ten-step episodes in RL2's random MDPs", SPACE, PUBLISHED),
        "garnet": Table(
            TaskDistribution.garnet(10, 5, 2, horizon=10),
            "ten-step episodes in Garnets of 10 states, 5 actions and 2 next states a pair",
            MappingProxyType({**SPACE, "initial_q": (0.0, 10.0), "discount": (0.0, 0.99)}),
        ),
        "goal-grid": Table(
            GoalGrid(5, horizon=20),
            "twenty-step episodes in grids of 5 x 5 cells that pay 1 at a goal, which may be anywhere",
            MappingProxyType(
                {**SPACE, "initial_q": (0.0, 1.5), "discount": (0.5, 0.99), "bonus": (0.0, 1.0)}
            ),
        ),
    }
)
"""The published table, and two like it where looking ahead pays."""


@dataclass(frozen=True)
class Entry:
    """A method's total reward over a trial.

    Attributes
    ----------
    mean
        Over meta-training seeds and their held-out tasks.
    standard_error
        Of the mean: the larger of that over tasks and that over seeds, if there are several.
    seeds
        The mean of each seed.
    """

    mean: float
    standard_error: float
    seeds: tuple[float, ...]

    @classmethod
    def of(cls, totals: Sequence[NDArray[np.float64]]) -> Entry:
        """Return the entry of the totals of each seed's tasks."""
        means = np.array([found.mean() for found in totals])
        errors = [float(np.sqrt(sum(found.var() / found.size for found in totals)) / len(totals))]
        if len(totals) > 1:
            errors.append(float(means.std(ddof=1) / np.sqrt(len(totals))))
        return cls(float(means.mean()), max(errors), tuple(means.tolist()))


@dataclass(frozen=True)
class Reproduction:
    """RL²'s table of random MDPs, or one like it.

    Attributes
    ----------
    rows
        By the number of episodes, the entry of each of `METHODS`.
    settings
        By the number of episodes, the five scalars that each seed found.
    num_tasks
        Held-out tasks of each seed.
    table
        What it is of.
    """

    rows: dict[int, dict[str, Entry]]
    settings: dict[int, list[dict[str, float]]]
    num_tasks: int
    table: Table

    @property
    def myopic_share(self) -> float:
        """The share of the optimal return that a policy has that looks no further than the next reward."""
        row = next(iter(self.rows.values()))
        return row["myopic"].mean / row["optimal"].mean

    def as_json(self) -> dict[str, Any]:
        """Return what a JSON file holds: `rows.N.METHOD.mean`, `standard_error`, `seeds`, and what else."""
        return {
            "rows": {
                str(n): {name: vars(entry) for name, entry in row.items()} for n, row in self.rows.items()
            },
            "published": {
                str(n): {name: values[ROWS.index(n)] for name, values in self.table.published.items()}
                for n in self.rows
                if n in ROWS
            },
            "myopic_share": self.myopic_share if self.rows else None,
            "settings": {str(n): found for n, found in self.settings.items()},
            "num_tasks": self.num_tasks,
        }

    def save(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        with whole_file(path) as file:
            file.write((json.dumps(self.as_json(), indent=1) + "\n").encode())

    def text(self) -> str:
        """Return the table."""
        published = self.table.published
        names = [*published, "random", "myopic", "tuned Q-learning", "optimum"]
        seeds = len(next(iter(self.rows.values()))["random"].seeds) if self.rows else 0
        told = ": as published, and ours with" if published else ", with"
        lines = [
            f"Total reward of trials of n {self.table.title}{told}",
            f"standard errors, over {seeds} meta-training seeds with {self.num_tasks:,} held-out tasks each.",
            "",
            "".join([f"{'n':>4}", *(f"{name:>{_width(name)}}" for name in names)]),
        ]
        for n, row in self.rows.items():
            cells = [f"{n:>4}"]
            for name, values in published.items():
                known = f"{values[ROWS.index(n)]:.1f}" if n in ROWS else ""
                cells.append(f"{known:>{_width(name)}}")
            for method, name in zip(METHODS, names[-len(METHODS) :], strict=True):
                entry = row[method]
                cells.append(f"{f'{entry.mean:.1f} ± {entry.standard_error:.1f}':>{_width(name)}}")
            lines.append("".join(cells))
        if self.rows:
            lines += ["", _what_it_asks(self.myopic_share)]
        return "\n".join(lines)

    def plot(self, path: Path) -> None:
        """Draw each method's share of the optimum over n; needs the extra `plot`.

        Of rows that were not published there are our own alone.
        """
        from metarl_fast.figures import new_figure, save_figure
        from metarl_fast.plotting import draw_curves

        shown = [n for n in self.rows if n in ROWS] or list(self.rows)
        optimum = np.array([self.rows[n]["optimal"].mean for n in shown])
        tuned = [self.rows[n]["tuned_q_learning"] for n in shown]
        mean = np.array([entry.mean for entry in tuned])
        error = 1.96 * np.array([entry.standard_error for entry in tuned])
        curves = {
            "tuned Q-learning": Interval(mean / optimum, (mean - error) / optimum, (mean + error) / optimum)
        }
        if all(n in ROWS for n in shown):
            for name, values in self.table.published.items():
                if name != "Random":
                    share = np.array([values[ROWS.index(n)] for n in shown]) / optimum
                    curves[name] = Interval(share, share, share)
        figure = new_figure()
        axes = draw_curves(curves, shown, ax=figure.subplots(), label="share of the exact optimum")
        axes.set_xlabel("episodes of a trial")
        save_figure(figure, path)


def _what_it_asks(share: float) -> str:
    """Return a sentence on how much planning there is to learn."""
    what = "of which arm pays" if share > 0.95 else "also of looking ahead"
    return (
        f"A policy that knows the task and takes what pays most at once has {share:.0%} of the optimum:\n"
        f"this table is one {what}."
    )


def rl2_mdp(
    rows: Sequence[int] = ROWS,
    *,
    num_tasks: int = 10_000,
    num_seeds: int = 3,
    rng: int = 0,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Return RL²'s table of random MDPs: Q-learning with five meta-learned scalars beside what was published.

    The arguments are those of `reproduced`; 10 states, 5 actions, episodes of 10 steps from state 0; what was
    learned stays from episode to episode of a trial. The learner sees what RL²'s does: after the last step of
    an episode where the next one begins, not where that step led (`sees_reset`). A policy that looks no
    further than the next reward reaches 99 % of this optimum, which says what such a table is worth.
    """
    return reproduced(
        "rl2-mdp",
        rows,
        num_tasks=num_tasks,
        num_seeds=num_seeds,
        rng=rng,
        num_threads=num_threads,
        progress=progress,
    )


def reproduced(
    table: str,
    rows: Sequence[int] = ROWS,
    *,
    num_tasks: int = 10_000,
    num_seeds: int = 3,
    rng: int = 0,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Return one of `TABLES`: Q-learning with five meta-learned scalars, between random policy and optimum.

    Parameters
    ----------
    table
        "rl2-mdp", "garnet" or "goal-grid".
    rows
        Numbers of episodes, each at least 1.
    num_tasks, num_seeds
        Held-out tasks of each seed, and seeds.
    rng
        An integer.
    num_threads
        As in `train`.
    progress
        Called many times with (the table, episodes done, in all).
    """
    if table not in TABLES:
        raise ValueError(f"table is {checks.shown(table)}, expected {checks.choices(table, list(TABLES))}")
    of = TABLES[table]
    wanted = checks.increasing(sorted(rows), "rows")
    if wanted[0] < 1:
        raise ValueError(f"rows holds {wanted[0]}, expected numbers of episodes of at least 1")
    count = checks.integer(num_tasks, "num_tasks", 2)
    seeds = checks.integer(num_seeds, "num_seeds", 1)
    key = make_key(rng)
    totals: dict[int, dict[str, list[NDArray[np.float64]]]] = {n: {m: [] for m in METHODS} for n in wanted}
    settings: dict[int, list[dict[str, float]]] = {n: [] for n in wanted}
    trials = _meta_of(of.space).cost(_META_TASKS, 1, _META_STEPS), count
    in_all, so_far = seeds * sum(wanted) * sum(trials), 0

    def told(n: int, done: int, total: int) -> None:
        if progress is not None:
            progress(table, so_far + n * trials[0] * done // total, in_all)

    for seed in range(seeds):
        training, held_out = of.family.split(0.5, rng=child(key, seed))
        tasks = held_out.sample(count, rng=child(key, seed, 0))
        limits = bounds(tasks, 1.0, horizon=tasks.horizon, num_threads=num_threads)
        for n in wanted:
            fitted = _meta_of(of.space).fit(
                training,
                QLearning(epsilon=0.0, bonus_episodes=n, sees_reset=True),
                n,
                num_iterations=_META_STEPS,
                num_tasks=_META_TASKS,
                rng=make_key(child(key, seed, 1, n)),
                num_threads=num_threads,
                progress=partial(told, n),
            )
            settings[n].append({name: float(getattr(fitted.learner, name)) for name in of.space})
            found = _totals(fitted, tasks, limits, n, make_key(child(key, seed, 2, n)), num_threads)
            for method in METHODS:
                totals[n][method].append(found[method])
            so_far += n * sum(trials)
            told(n, 0, 1)
    return Reproduction(
        {n: {method: Entry.of(found) for method, found in row.items()} for n, row in totals.items()},
        settings,
        count,
        of,
    )


def _meta_of(space: Mapping[str, tuple[float, float]]) -> Meta:
    """Return what finds the five scalars."""
    return Tuned(space=space, num_random=40, num_pairs=6, tasks_per_iteration=200)


def _totals(
    fitted: Fitted, tasks: Tasks, limits: Bounds, n: int, key: int, num_threads: int | None
) -> dict[str, NDArray[np.float64]]:
    """Return each method's total reward on each task."""
    myopic = policy_evaluation(
        tasks, myopic_policy(tasks), 1.0, horizon=tasks.horizon, num_threads=num_threads
    )
    run = train(fitted, tasks, n, rng=key, q_table=False, policy=False, num_threads=num_threads)
    return {
        "random": n * limits.random,
        "myopic": n * myopic.returns,
        "tuned_q_learning": run.returns.sum(axis=1),
        "optimal": n * limits.optimal,
    }


def _width(name: str) -> int:
    """Return how wide a column is."""
    return max(len(name), 6 if name in PUBLISHED else 14) + 2
