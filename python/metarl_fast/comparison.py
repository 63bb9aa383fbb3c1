"""What a comparison found: means, paired differences and their intervals, as tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks, plotting
from metarl_fast.evaluate import AdaptationCurve
from metarl_fast.result import Result
from metarl_fast.robust_statistics import (
    interquartile_mean,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)
from metarl_fast.statistics import Interval, bootstrap_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Measure: TypeAlias = Literal["scores", "returns"]
Float: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Summary(Result):
    """Of each contender by name: the mean of its scores, their interquartile mean and optimality gap.

    `print` shows it as a table of values and the ends of their intervals.
    """

    after: int
    mean: Mapping[str, Interval]
    interquartile_mean: Mapping[str, Interval]
    optimality_gap: Mapping[str, Interval]

    def __repr__(self) -> str:
        return f"Summary({', '.join(self.mean)}; after {self.after} episodes)"

    def __str__(self) -> str:
        columns = {
            "mean": self.mean,
            "interquartile mean": self.interquartile_mean,
            "optimality gap": self.optimality_gap,
        }
        head = f"after {self.after} episodes"
        width = max(len(head), *(len(name) for name in self.mean)) + 2
        lines = [f"{head:<{width}}" + "".join(f"{title:>25}" for title in columns)]
        lines.append("-" * len(lines[0]))
        for name in self.mean:
            cells = [
                f"{found[name].mean:.3f} [{found[name].low:.3f}, {found[name].high:.3f}]"
                for found in columns.values()
            ]
            lines.append(f"{name.replace('_', ' '):<{width}}" + "".join(f"{cell:>25}" for cell in cells))
        return "\n".join(lines)


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
    common_tasks
        Whether all members adapted to the same tasks, rather than each to those of its split.
    """

    episodes: tuple[int, ...]
    curves: Mapping[str, tuple[AdaptationCurve, ...]]
    clusters: NDArray[Any] | None = None
    confidence: float = 0.95
    common_tasks: bool = True

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

    def _matrix(self, name: str, after: int | None) -> tuple[Float, NDArray[Any] | None]:
        """Return scores [units, tasks] after so many episodes, and the clusters of units if there are."""
        scored = self.episodes[-1] if after is None else checks.integer(after, "after", 0)
        if scored not in self.episodes:
            raise ValueError(f"after is {scored}, expected one of the episodes {list(self.episodes)}")
        scores = self._values(name, "scores")[:, :, self.episodes.index(scored)]
        return (scores, None) if len(scores) > 1 else (scores.T, self.clusters)

    def summary(self, after: int | None = None) -> Summary:
        """Return means, interquartile means and optimality gaps of all contenders, with intervals.

        Units are those of `interval`; each member's scores on all tasks are drawn together.

        Parameters
        ----------
        after
            One of `episodes`; default: the last.
        """
        at = self.episodes[-1] if after is None else after
        matrices = {name: self._matrix(name, at) for name in self.curves}
        means = {}
        for name in self.curves:
            found, place = self.interval(name), self.episodes.index(at)
            means[name] = Interval(found.mean[place], found.low[place], found.high[place])
        return Summary(
            at,
            means,
            *(
                {
                    name: statistic(scores, clusters=labels, confidence=self.confidence)
                    for name, (scores, labels) in matrices.items()
                }
                for statistic in (interquartile_mean, optimality_gap)
            ),
        )

    def episodes_to(self, share: float = 0.9) -> dict[str, int | None]:
        """Return for each contender after how many episodes its mean score is at least `share`, for good.

        Of the numbers in `episodes`; None if it is below at the last one.

        Parameters
        ----------
        share
            Of the way from the random policy to the optimum.
        """
        enough = checks.real(share, "share")
        found: dict[str, int | None] = {}
        for name in self.curves:
            below = np.flatnonzero(~(self.interval(name).mean >= enough))
            first = below[-1] + 1 if below.size else 0
            found[name] = self.episodes[first] if first < len(self.episodes) else None
        return found

    def improvement(self, a: str, over: str, after: int | None = None) -> Interval:
        """Return how probably `a` scores above `over` on a task, by `probability_of_improvement`.

        On common tasks each member meets each of the other's; else, and where both have one, pairs have their
        tasks in common, and are the units.

        Parameters
        ----------
        a, over
            Contenders.
        after
            One of `episodes`; default: the last.
        """
        first, second = self._matrix(a, after), self._matrix(over, after)
        alone = len(self.curves[a]) == len(self.curves[over]) == 1
        if alone or not self.common_tasks:
            return probability_of_improvement(
                first[0], second[0], paired=True, clusters=first[1], confidence=self.confidence
            )
        scores = (
            found.T if len(self.curves[name]) == 1 else found
            for name, (found, _) in ((a, first), (over, second))
        )
        return probability_of_improvement(*scores, confidence=self.confidence)

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

    def plot_profiles(
        self,
        after: int | None = None,
        *,
        ax: Axes | None = None,
        styles: Mapping[str, plotting.Style] | None = None,
    ) -> Axes:
        """Draw of each contender the share of scores above each threshold; needs the extra `plot`.

        A curve above another's everywhere is that of the better contender, whatever one asks for.

        Parameters
        ----------
        after
            One of `episodes`; default: the last.
        ax, styles
            As in `plot`.

        Returns
        -------
        matplotlib.axes.Axes
        """
        matrices = {name: self._matrix(name, after) for name in self.curves}
        known = np.concatenate([scores[~np.isnan(scores)] for scores, _ in matrices.values()])
        low = min(0.0, np.floor(10 * np.quantile(known, 0.01)) / 10)  # some are worse than random
        thresholds = np.linspace(low, 1.0, 101)
        found = {
            name: performance_profile(scores, thresholds, clusters=labels, confidence=self.confidence)
            for name, (scores, labels) in matrices.items()
        }
        return plotting.draw_profiles(found, thresholds, ax=ax, styles=styles)

    def to_json(self) -> dict[str, Any]:
        """Return means and intervals in JSON types, NaN as null."""
        return {
            "episodes": list(self.episodes),
            "confidence": self.confidence,
            "scores": {name: interval_to_json(self.interval(name)) for name in self.curves},
            "returns": {name: interval_to_json(self.interval(name, "returns")) for name in self.curves},
        }


def interval_to_json(found: Interval) -> dict[str, list[Any]]:
    """Return the ends and the mean as lists."""
    return {end: _numbers(getattr(found, end)) for end in ("mean", "low", "high")}


def _numbers(values: Float) -> list[Any]:
    found = values.astype(object)
    found[np.isnan(values)] = None  # JSON has no NaN: the interval of a single task
    return list(found.tolist())
