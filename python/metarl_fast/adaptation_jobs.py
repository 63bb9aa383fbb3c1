"""Scores and what scales them, found in jobs: each is the same call for some of the tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from metarl_fast.criterion import Criterion
from metarl_fast.executors import Executor
from metarl_fast.files import Path
from metarl_fast.jobs import Arrays, Work, gathered, of_places
from metarl_fast.part_files import PartFiles, digest
from metarl_fast.runtime import build_info
from metarl_fast.seeding import Key, make_key
from metarl_fast.shards import Progress
from metarl_fast.tasks import Tasks

_BOUNDS = ("random", "optimal", "gap", "values")
"""The arrays of `Bounds`; there are no values with a time limit."""


def bounds_by_jobs(
    bounds: Callable[..., Any],
    tasks: Tasks,
    criterion: Criterion,
    executor: Executor | None,
    num_threads: int | None,
) -> Arrays:
    """Return the arrays of the tasks' `bounds`."""

    def part(places: slice) -> Work:
        of_part = criterion.part(places)
        steps = math.inf if of_part.horizon is None else of_part.horizon
        return partial(_bounds, bounds, tasks[places], of_part.discount, steps)

    return gathered(part, len(tasks), executor, num_threads=num_threads)


def _bounds(bounds: Any, tasks: Tasks, discount: float, steps: Any, num_threads: int | None) -> Arrays:
    found = bounds(tasks, discount, horizon=steps, num_threads=num_threads)
    return {name: getattr(found, name) for name in _BOUNDS if getattr(found, name) is not None}


def adapt_by_jobs(
    adapt: Callable[..., Any],
    learner: Any,
    tasks: Tasks,
    arguments: Mapping[str, Any],
    executor: Executor | None,
    checkpoint: Path | None,
    num_threads: int | None,
    progress: Progress | None,
) -> Arrays:
    """Return the arrays of the curve that `adapt` with these arguments returns.

    Those with an entry for each task, and the limits, are cut as the tasks are.
    """
    told = {**arguments, "rng": Key(make_key(arguments["rng"]))}

    def part(places: slice) -> Work:
        some = of_places(told, places)
        if some["limits"] is not None:
            some["limits"] = {segment: found.part(places) for segment, found in some["limits"].items()}
        return partial(_adapted, adapt, learner, tasks[places], some)

    files = None
    if checkpoint is not None:
        name = digest(build_info()["version"], learner, tasks.recipe, told)
        files = PartFiles(checkpoint, name)
    return gathered(part, len(tasks), executor, num_threads=num_threads, files=files, progress=progress)


def _adapted(
    adapt: Any, learner: Any, tasks: Tasks, arguments: Mapping[str, Any], num_threads: int | None
) -> Arrays:
    curve = adapt(learner, tasks, **arguments, num_threads=num_threads)
    return {"scores": curve.scores, "returns": curve.returns}
