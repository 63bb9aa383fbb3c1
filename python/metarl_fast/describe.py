"""A family's measure card: what there is to gain, what it takes, and what its tasks have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.criterion import Criterion, Horizon
from metarl_fast.diameter import mean_diameter
from metarl_fast.effective_horizon import effective_horizon
from metarl_fast.engine import Progress
from metarl_fast.executors import Executor, checked_executor
from metarl_fast.families import Family
from metarl_fast.jobs import Arrays, Work, spread
from metarl_fast.optimum import gaps_to_optimum, optimum
from metarl_fast.planning import evaluate, policy_iteration
from metarl_fast.policies import greedy_policy, random_policy
from metarl_fast.result import Result
from metarl_fast.seeding import Seed
from metarl_fast.statistics import student_quantile
from metarl_fast.tasks import Task, Tasks, as_batch

_GROUPS = 20
"""At most so many groups of tasks whose leaving out says how far a measure may be off (the jackknife)."""

_LEAST = 3
"""Of fewer tasks nothing is said of how far off: one left out of two leaves none to share with."""

_FIRST, _PART, _FEW = 256, 2**22, 64
"""Tasks to begin with; outcomes that stand in memory at once; tasks whose look-ahead is tried."""


@dataclass(frozen=True, eq=False, repr=False)
class Measure(Result):
    """A number, and how far it may be off: half of its interval of 95 %."""

    value: float
    half_width: float

    def __repr__(self) -> str:
        return f"{self.value:.4g} ±{self.half_width:.2g}"


@dataclass(frozen=True, eq=False, repr=False)
class MeasureCard(Result):
    """What `describe` found of a family.

    Attributes
    ----------
    optimal, random, myopic
        Mean return of the optimal policy, of the random one, and of the one that takes what pays most at
        once.
    planning_content
        The share of the gain, mean optimal less mean random return, that the myopic policy misses. Near 0 the
        task is a bandit in disguise.
    relatedness
        The share of the variance of q*(s, a) within tasks that all tasks have in common: 1 where one table
        serves all, 0 where the mean table says nothing of a further task. These tables are discounted, as
        learners have them: by 0.95 where policies are judged without a discount.
    policy_relatedness
        The same of the optimal policies: what knowing the mean policy says of a further task's.
    effective_horizon
        So many steps of looking ahead lose at most 1 % of the gain; None if all of the horizon is needed.
    diameter
        Mean over tasks of the longest of the shortest expected times between two states (Jaksch, Ortner and
        Auer 2010); inf if some state cannot be reached from another one, None for more than 64 states.
    num_states, num_actions, num_tasks
        Sizes, and how many tasks were looked at.
    discount, horizon
        How policies were judged.
    """

    optimal: Measure
    random: Measure
    myopic: Measure
    planning_content: Measure
    relatedness: Measure
    policy_relatedness: Measure
    effective_horizon: int | None
    diameter: float | None
    num_states: int
    num_actions: int
    num_tasks: int
    discount: float
    horizon: int | None

    def _contents(self) -> Iterator[tuple[str, Any]]:
        names = ("optimal", "planning_content", "relatedness", "num_tasks")
        return ((name, getattr(self, name)) for name in names)

    def __str__(self) -> str:
        return "\n".join(
            f"{f.name.replace('_', ' '):<20}{getattr(self, f.name)}"
            for f in fields(self)
            if getattr(self, f.name) is not None
        )

    def to_json(self) -> dict[str, Any]:
        """Return the card in JSON types; an infinite diameter as null."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found["diameter"] = None if self.diameter is None or math.isinf(self.diameter) else self.diameter
        return {name: vars(value) if isinstance(value, Measure) else value for name, value in found.items()}


def describe(
    family_or_tasks: Family | Tasks | Task,
    *,
    discount: float | None = None,
    horizon: Horizon = None,
    precision: float = 0.01,
    most_tasks: int = 65_536,
    rng: Seed = 0,
    num_threads: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> MeasureCard:
    """Measure a family: what there is to gain, whether it takes planning, what its tasks have in common.

    Every task is solved exactly; what varies is which tasks are drawn. More are drawn until each share is
    known to `precision`, at 95 %. Tasks that change are looked at in their first segment.

    Parameters
    ----------
    family_or_tasks
        A family, or tasks, of which no more can be drawn.
    discount, horizon
        How policies are judged, as in `bounds`; default: undiscounted if the tasks have a horizon, else with
        discount 0.95 and for ever.
    precision
        Half of the interval of the three shares.
    most_tasks
        Where to stop if that is not reached.
    rng
        Decides which tasks are drawn.
    num_threads, executor, progress
        As in `train`; progress counts tasks, of `most_tasks`.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range, and where the random policy is optimal on all tasks.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> card = mf.describe(mf.GoalGrid(5))
    >>> card.planning_content.value > 0.3
    True
    """
    near = checks.real(precision, "precision", 0.0, open_low=True)
    most = checks.integer(most_tasks, "most_tasks", 1)
    report = checks.callback(progress, "progress")
    where = checked_executor(executor)
    if isinstance(family_or_tasks, Family):
        most = 1 if family_or_tasks.is_single_task else min(most, len(family_or_tasks._id_range))
        tasks = family_or_tasks.sample(most, rng=rng).segment(0)
    else:
        tasks = as_batch(family_or_tasks).segment(0)
        tasks = tasks[:most]
    if not len(tasks):
        raise ValueError("there are no tasks to describe")
    if discount is None and horizon is None:
        discount = 1.0 if tasks.horizon is not None else None
    criterion = Criterion.of(tasks, discount, horizon)
    sums = _Sums(tasks.num_states, tasks.num_actions)
    end = min(_FIRST, len(tasks))
    while True:
        for places, found in _measured(sums.num_tasks, end, tasks, criterion, where, num_threads):
            sums.add(found)
            if report is not None:
                report(places.stop, len(tasks))
        shares = (sums.planning_content, sums.relatedness, sums.policy_relatedness)
        off = max(share.half_width for share in shares)
        if off <= near or end == len(tasks):
            break
        end = min(_more(end, off / near), len(tasks))
    few = slice(0, min(_FEW, len(tasks)))
    steps = criterion.horizon
    return MeasureCard(
        sums.mean("optimal"),
        sums.mean("random"),
        sums.mean("myopic"),
        *shares,
        effective_horizon(tasks[few], criterion.part(few), num_threads),
        mean_diameter(tasks[:8], num_threads),
        tasks.num_states,
        tasks.num_actions,
        sums.num_tasks,
        criterion.discount,
        int(steps.max()) if isinstance(steps, np.ndarray) else steps,
    )


def myopic_policy(tasks: Tasks) -> NDArray[np.float64]:
    """Return the policies [N, S, A] that take what pays most at once; of equally good actions all alike."""
    return greedy_policy(np.where(tasks.available, tasks.rewards, -np.inf))


def _measured(
    begin: int,
    end: int,
    tasks: Tasks,
    criterion: Criterion,
    executor: Executor | None,
    num_threads: int | None,
) -> Iterator[tuple[slice, Arrays]]:
    """Yield what tasks have of each measure, part by part: made here, or by an executor."""
    if executor is None:
        for places in _parts(begin, end, tasks):
            yield places, _measures(tasks[places], criterion.part(places), num_threads)
        return

    def part(places: slice) -> Work:
        some = slice(begin + places.start, begin + places.stop)
        return partial(_measures, tasks[some], criterion.part(some))

    size = float(_outcomes(tasks)) * 24.0
    for places, found in spread(part, end - begin, executor, bytes_of_task=size, num_threads=num_threads):
        yield slice(begin + places.start, begin + places.stop), found


def _more(num_tasks: int, too_wide: float) -> int:
    """Return how many tasks to look at next, where intervals are so many times as wide as they should be.

    They shrink with the root of the number. A tenth is added, as widths vary too; at most twice as many.
    """
    return math.ceil(num_tasks * min(2.0, 1.1 * too_wide**2))


def _parts(begin: int, end: int, tasks: Tasks) -> Iterator[slice]:
    step = max(1, _PART // _outcomes(tasks))
    return (slice(k, min(k + step, end)) for k in range(begin, end, step))


def _outcomes(tasks: Tasks) -> int:
    """Return how many outcomes a task has, or how many pairs."""
    return tasks.num_states * tasks.num_actions * tasks[:1].core.num_outcomes


@dataclass
class _Sums:
    """Sums over the tasks of each group, of which all measures are functions."""

    num_states: int
    num_actions: int
    num_tasks: int = 0
    count: NDArray[np.float64] = field(init=False)
    numbers: dict[str, NDArray[np.float64]] = field(init=False)
    tables: dict[str, NDArray[np.float64]] = field(init=False)

    def __post_init__(self) -> None:
        self.count = np.zeros(_GROUPS)
        names = ("optimal", "random", "myopic", "lost", "gap", "values_squared", "policies_squared")
        self.numbers = {name: np.zeros(_GROUPS) for name in names}
        shape = (_GROUPS, self.num_states, self.num_actions)
        self.tables = {name: np.zeros(shape) for name in ("values", "policies")}

    def add(self, found: Arrays) -> None:
        """Add what further tasks have of each, in their order."""
        count = len(found["gap"])
        groups = (self.num_tasks + np.arange(count)) % _GROUPS
        for sums in (self.tables, self.numbers):
            for name in sums:
                np.add.at(sums[name], groups, found[name])
        np.add.at(self.count, groups, 1.0)
        self.num_tasks += count

    def mean(self, name: str) -> Measure:
        return self._measure(lambda keep: self.numbers[name][keep].sum() / self.count[keep].sum())

    @property
    def planning_content(self) -> Measure:
        if not self.numbers["gap"].sum() > 0.0:
            raise ValueError(
                f"the random policy is optimal on all {self.num_tasks} tasks: there is nothing to gain"
            )
        return self._measure(lambda keep: _ratio(self.numbers["lost"][keep], self.numbers["gap"][keep]))

    @property
    def relatedness(self) -> Measure:
        return self._measure(lambda keep: self._common("values", keep))

    @property
    def policy_relatedness(self) -> Measure:
        return self._measure(lambda keep: self._common("policies", keep))

    def _common(self, name: str, keep: NDArray[np.bool_]) -> float:
        """Return the share of the mean square that the mean table has, corrected for its own noise."""
        n = self.count[keep].sum()
        total = self.numbers[f"{name}_squared"][keep].sum() / n
        between = float(((self.tables[name][keep].sum(axis=0) / n) ** 2).sum())
        if n < 2 or total == 0.0:
            return 1.0
        return float(max(0.0, between - (total - between) / (n - 1)) / total)

    def _measure(self, of: Any) -> Measure:
        """Return a function of the groups and how far it is off, by leaving one group out after the other."""
        everyone = self.count > 0.0
        value = float(of(everyone))
        if self.num_tasks < _LEAST:
            return Measure(value, 0.0 if self.num_tasks == 1 else math.inf)
        groups = np.flatnonzero(everyone)
        left_out = np.array([of(everyone & (np.arange(_GROUPS) != k)) for k in groups])
        variance = (len(groups) - 1) / len(groups) * ((left_out - left_out.mean()) ** 2).sum()
        return Measure(value, student_quantile(0.95, len(groups) - 1) * math.sqrt(variance))


def _measures(tasks: Tasks, criterion: Criterion, num_threads: int | None) -> Arrays:
    """Return what each task has of every measure [N], and its tables [N, S, A]."""
    tasks = tasks.materialise()  # they are looked at many times
    best = optimum(tasks, criterion, num_threads)
    returns = np.empty((len(tasks), 1))
    evaluate(tasks, None, criterion, returns=returns, num_threads=num_threads)
    judged = [random_policy(tasks.available), myopic_policy(tasks)]
    gap, missed = gaps_to_optimum(tasks, judged, criterion, best, num_threads).T
    lost = np.where(gap > 0.0, missed, 0.0)
    q = policy_iteration(tasks, criterion.discount_of_tables, num_threads=num_threads).q_values
    acts = tasks.available & ~tasks.terminal[:, :, None]
    values, policies = _centred(q, acts), _preferred(q, acts)
    return {
        "optimal": best.returns,
        "random": returns[:, 0],
        "myopic": best.returns - lost,
        "lost": lost,
        "gap": gap,
        "values": values,
        "values_squared": (values**2).sum(axis=(1, 2)),
        "policies": policies,
        "policies_squared": (policies**2).sum(axis=(1, 2)),
    }


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() > 0.0 else 0.0


def _centred(q: NDArray[np.float64], acts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return q*(s, a) less its mean over the task's pairs; a level alone is a number, and needs no table."""
    number = np.maximum(acts.sum(axis=(1, 2), keepdims=True), 1)
    mean = np.where(acts, q, 0.0).sum(axis=(1, 2), keepdims=True) / number
    return np.where(acts, q - mean, 0.0)


def _preferred(q: NDArray[np.float64], acts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the optimal policy less the random one, equally good actions sharing alike."""
    able = acts.any(axis=2, keepdims=True)
    best = np.where(acts, q, -np.inf).max(axis=2, keepdims=True)
    near = 1e-12 * np.abs(np.where(acts, q, 0.0)).max(axis=(1, 2), keepdims=True)
    chosen = acts & (q >= np.where(able, best, 0.0) - near)
    share = chosen / np.maximum(chosen.sum(axis=2, keepdims=True), 1)
    return np.where(acts, share - acts / np.maximum(acts.sum(axis=2, keepdims=True), 1), 0.0)
