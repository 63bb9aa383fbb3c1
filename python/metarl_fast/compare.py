"""Several learners on common tasks: how well each adapts, how far they differ, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from metarl_fast import checks, plotting
from metarl_fast.engine import Progress, as_learner, check_learner
from metarl_fast.evaluate import AdaptationCurve, adapt, learning_bounds
from metarl_fast.learners import Learner
from metarl_fast.result import Result
from metarl_fast.seeding import Seed, child, make_key
from metarl_fast.statistics import Interval, bootstrap_mean, checked_confidence
from metarl_fast.tasks import Task, Tasks, as_batch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Measure: TypeAlias = Literal["scores", "returns"]
Float: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """What `compare` found.

    Attributes
    ----------
    episodes
        When greedy policies were scored.
    curves
        For each contender one `AdaptationCurve`, or as many as it has members.
    clusters
        Labels [N] of the tasks, if they were given.
    confidence
        Of all intervals.
    """

    episodes: tuple[int, ...]
    curves: Mapping[str, tuple[AdaptationCurve, ...]]
    clusters: NDArray[Any] | None = None
    confidence: float = 0.95

    def __repr__(self) -> str:
        names = ", ".join(self.curves)
        return f"Comparison({names}; {self._num_tasks():,} tasks, episodes {list(self.episodes)})"

    def _num_tasks(self) -> int:
        return len(next(iter(self.curves.values()))[0].scores)

    @property
    def scores(self) -> dict[str, Float]:
        """Exact scores of the greedy policies: [N, len(episodes)], with members [M, N, len(episodes)].

        As in `AdaptationCurve`, the runs of `num_runs` are an axis after N, and a score is NaN where nothing
        can be learned.
        """
        return {name: self._stacked(name, "scores") for name in self.curves}

    @property
    def returns(self) -> dict[str, Float]:
        """What was earned in each episode while learning: [N, max(episodes)], with members [M, N, ...]."""
        return {name: self._stacked(name, "returns") for name in self.curves}

    def _stacked(self, name: str, of: Measure) -> Float:
        values = [getattr(curve, of) for curve in self.curves[name]]
        return np.asarray(values[0] if len(values) == 1 else np.stack(values))

    def _values(self, name: str, of: Measure) -> Float:
        """Return [M, N, K], a task's runs being no further tasks: it counts once, by their mean."""
        if of not in ("scores", "returns"):
            raise ValueError(f"of is {checks.shown(of)}, expected 'scores' or 'returns'")
        if name not in self.curves:
            raise ValueError(f"there is no contender {checks.shown(name)}, expected {', '.join(self.curves)}")
        values = np.stack([getattr(curve, of) for curve in self.curves[name]])
        return np.asarray(values.mean(axis=2) if values.ndim == 4 else values)

    def _interval(self, values: Float) -> Interval:
        """Return the interval over members [M, N, K], or over tasks or clusters if there is one member."""
        if len(values) == 1:
            return bootstrap_mean(values[0], confidence=self.confidence, clusters=self.clusters)
        known = np.asarray(~np.isnan(values).any(axis=2))
        sums = np.where(known[..., None], values, 0.0).sum(axis=1)
        with np.errstate(invalid="ignore"):  # a member of whose tasks nothing can be learned tells nothing
            return bootstrap_mean(sums / known.sum(axis=1)[:, None], confidence=self.confidence)

    def interval(self, name: str, of: Measure = "scores") -> Interval:
        """Return a contender's mean over tasks and members with its interval, each [len(episodes)].

        The interval is that of `bootstrap_mean`: over members where there are several, since tasks that
        share one meta-training say nothing of the next, else over tasks, or over clusters of them.

        Parameters
        ----------
        name
            The contender.
        of
            "scores", or "returns", whose last axis is that of all episodes.
        """
        return self._interval(self._values(name, of))

    def difference(self, a: str, b: str, of: Measure = "scores") -> Interval:
        """Return by how much `a` is ahead of `b`, with the interval of the paired differences.

        Pairs have their task in common and the random numbers in it, and members of two lists their place:
        the interval is as narrow as that allows. Units are those of `interval`.

        Raises
        ------
        ValueError
            If both have several members, but not as many.
        """
        first, second = self._values(a, of), self._values(b, of)
        if len(first) != len(second) and min(len(first), len(second)) > 1:
            raise ValueError(
                f"{a!r} has {len(first)} members and {b!r} {len(second)}: there are no pairs, "
                "give as many of each, or one"
            )
        return self._interval(first - second)

    def table(self, of: Measure = "scores", *, minus: str | None = None) -> str:
        """Return means and half widths of their intervals as text, at the episodes scored.

        Parameters
        ----------
        of
            "scores", or "returns": what was earned in the last episode before each scoring.
        minus
            A contender: the table then holds the paired differences to it.
        """
        head = "score after episodes" if of == "scores" else "return in episode"
        if minus is not None:
            self._values(minus, of)
            head = f"minus {minus.replace('_', ' ')}"
        places = [k for k, e in enumerate(self.episodes) if of == "scores" or e > 0]
        width = max(len(head), *(len(name) for name in self.curves)) + 2
        lines = [f"{head:<{width}}" + "".join(f"{self.episodes[k]:>15}" for k in places)]
        lines.append("-" * len(lines[0]))
        for name in self.curves:
            if name != minus:
                found = self.interval(name, of) if minus is None else self.difference(name, minus, of)
                columns = places if of == "scores" else [self.episodes[k] - 1 for k in places]
                mean, half = found.mean[columns], (found.high - found.low)[columns] / 2
                sign = "" if minus is None else "+"
                cells = [f"{m:{sign}.3f} ±{h:.3f}" for m, h in zip(mean, half, strict=True)]
                lines.append(f"{name.replace('_', ' '):<{width}}" + "".join(f"{cell:>15}" for cell in cells))
        return "\n".join(lines)

    def plot(
        self,
        of: Measure = "scores",
        *,
        ax: Axes | None = None,
        styles: Mapping[str, plotting.Style] | None = None,
    ) -> Axes:
        """Draw one line a contender with its interval; needs the extra `plot`.

        Parameters
        ----------
        of
            "scores" or "returns".
        ax
            Where to draw; default: the axes of a new figure, which no window shows. `ax.figure.savefig`
            writes it.
        styles
            By name of a contender, keyword arguments of matplotlib for its line; default: colours and
            markers in turn.

        Returns
        -------
        matplotlib.axes.Axes
        """
        at = self.episodes if of == "scores" else range(1, self.episodes[-1] + 1)
        found = {name: self.interval(name, of) for name in self.curves}
        label = "score (0 = random, 1 = optimal)" if of == "scores" else "return of an episode"
        return plotting.draw_curves(found, at, ax=ax, label=label, styles=styles)

    def to_json(self) -> dict[str, Any]:
        """Return means and intervals in JSON types, NaN as null."""
        return {
            "episodes": list(self.episodes),
            "confidence": self.confidence,
            "scores": {name: interval_to_json(self.interval(name)) for name in self.curves},
            "returns": {name: interval_to_json(self.interval(name, "returns")) for name in self.curves},
        }


def interval_to_json(found: Interval) -> dict[str, list[float | None]]:
    """Return the ends and the mean as lists."""
    return {end: _numbers(getattr(found, end)) for end in ("mean", "low", "high")}


def _numbers(values: Float) -> list[float | None]:
    # JSON has no NaN: the interval of a single task.
    return [None if np.isnan(value) else value for value in values.tolist()]


def compare(
    contenders: Mapping[str, Any],
    tasks: Tasks | Task | Sequence[Tasks],
    episodes: Sequence[int] = (0, 1, 2, 5, 10, 20, 50),
    *,
    num_steps: int | None = None,
    rng: Seed = None,
    num_runs: int | None = None,
    discount: float | None = None,
    clusters: ArrayLike | None = None,
    confidence: float = 0.95,
    dtype: DTypeLike = np.float32,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Let every contender adapt to the same tasks with the same random numbers.

    Parameters
    ----------
    contenders
        By name: a learner, or anything that has one as its `learner`, such as what a meta-learner's `fit`
        returns; or a list of these, its members: the same meta-learner fitted with several seeds or on
        several splits. Means are then over members too, and intervals say how far they hold for a further
        one.
    tasks
        N tasks for all, or a list of batches of N tasks, one for each split: the member in a list's k-th
        place then adapts to the k-th batch, and a single learner to all of them.
    episodes
        Increasing numbers of episodes after which greedy policies are scored; 0 scores what learners start
        from.
    num_steps, num_runs, dtype, num_threads
        As in `train`.
    rng
        As in `train`. On one batch each contender does what `adapt` does with this `rng`; the batches of a
        list have independent random numbers.
    discount
        For which policies are scored; default: the contenders' own, which must then be the same. 1 scores
        episodes of `num_steps`.
    clusters
        Labels [N] of tasks that have something in common, as in `bootstrap_mean`; of several members these
        are the units, whatever the tasks have in common.
    confidence
        Of the intervals.
    progress
        Called now and then with (tasks done, in all), over all contenders.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError, TypeError
        Before any learning: for contenders that do not fit the tasks or each other, and tasks on which
        nothing can be learned.
    """
    batches = _listed(tasks)
    _check_batches(batches)
    teams = _teams(contenders, batches)
    scored_at = tuple(checks.increasing(episodes, "episodes"))
    labels = None if clusters is None else checks.rectangular(clusters, "clusters")
    if labels is not None:
        checks.shape(labels, "clusters", (len(batches[0]),))
    level = checked_confidence(confidence)
    # One seed for all contenders: a generator would give each of them another one.
    seed = rng if isinstance(rng, (int, np.integer, np.random.SeedSequence)) else make_key(rng)
    seeds = [child(make_key(seed), k) for k in range(len(batches))] if len(batches) > 1 else [seed]
    criterion = _discount(teams, discount)
    limits = [
        learning_bounds(batch, criterion, num_steps, scored_at, num_threads=num_threads) for batch in batches
    ]
    total = sum(len(batches[k]) for team in teams.values() for _, k in team)
    report = _Report(checks.callback(progress, "progress"), total)
    curves = {}
    for name, team in teams.items():
        found = []
        for learner, k in team:
            found.append(
                adapt(
                    learner,
                    batches[k],
                    scored_at,
                    num_steps=num_steps,
                    rng=seeds[k],
                    num_runs=num_runs,
                    limits=limits[k],
                    dtype=dtype,
                    num_threads=num_threads,
                    progress=report.tell,
                )
            )
            report.before += len(batches[k])
        curves[name] = tuple(found)
    return Comparison(scored_at, curves, labels, level)


class _Report:
    """Progress of one part after the other, told as that of all."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.before = progress, total, 0

    def tell(self, done: int, _: int) -> None:
        if self.progress is not None:
            self.progress(self.before + done, self.total)


def _listed(tasks: Any) -> list[Tasks]:
    if not isinstance(tasks, (list, tuple)):
        return [as_batch(tasks)]  # which refuses what is no batch
    if not tasks:
        raise ValueError("tasks is an empty list, expected a batch for each split")
    return [as_batch(batch) for batch in tasks]


def _check_batches(batches: list[Tasks]) -> None:
    sizes = [len(batch) for batch in batches]
    if not sizes[0]:
        raise ValueError("there are no tasks to compare on")
    if len(set(sizes)) > 1:
        raise ValueError(f"the batches have {checks.shown(sizes)} tasks, expected as many in each")


def _teams(contenders: Mapping[str, Any], batches: list[Tasks]) -> dict[str, list[tuple[Learner, int]]]:
    """Return of each contender its members, each with the place of the batch that it adapts to."""
    if not isinstance(contenders, Mapping):
        raise TypeError(f"contenders is {checks.shown(contenders)}, expected a dict of names and learners")
    if not contenders:
        raise ValueError("contenders is empty, expected at least one")
    teams = {}
    for name, given in contenders.items():
        if not isinstance(name, str):
            raise TypeError(f"a contender's name is {checks.shown(name)}, expected text")
        listed = isinstance(given, (list, tuple))
        members = [_member(name, member) for member in (given if listed else [given])]
        if not members:
            raise ValueError(f"contender {name!r} is an empty list, expected its members")
        if len(batches) > 1 and len(members) == 1:
            members = members * len(batches)
        if len(batches) > 1 and len(members) != len(batches):
            raise ValueError(
                f"contender {name!r} has {len(members)} members for {len(batches)} batches of tasks, "
                "expected one for each, or one for all"
            )
        team = [(member, k if len(batches) > 1 else 0) for k, member in enumerate(members)]
        for member, k in team:
            check_learner(member, batches[k])
        teams[name] = team
    return teams


def _member(name: str, member: Any) -> Learner:
    try:
        return as_learner(member)
    except TypeError:
        raise TypeError(
            f"contender {name!r} is a {type(member).__name__}, expected a learner such as QLearning, what "
            "the fit of a meta-learner returned, or a list of these"
        ) from None


def _discount(teams: Mapping[str, list[tuple[Learner, int]]], discount: float | None) -> float:
    """Return the one discount for which policies are scored."""
    if discount is not None:
        return checks.real(discount, "discount", 0.0, 1.0)
    found = sorted({float(member.discount) for team in teams.values() for member, _ in team})
    if len(found) > 1:
        raise ValueError(
            f"the contenders have the discounts {checks.shown(found)}: say for which one policies are "
            "scored, as discount="
        )
    return found[0]
