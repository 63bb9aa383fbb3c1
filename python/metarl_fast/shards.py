"""Work cut at fixed places, so that the whole has the same bits whoever does the parts, in whatever order.

A shard is 1,024 tasks that stand one after the other in a batch: places 0 to 1023, 1024 to 2047, and so on,
whatever their ids. Numbers that are summed over tasks (mean returns, the mean of learned tables) are summed
within each shard in order and then over the shards in order, by the core and here alike. So a batch that is
cut at multiples of 1,024 places and put together again gives the bits of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.executors import Executor, checked, submitted, wanted_in_flight
from metarl_fast.recipes import parts_of
from metarl_fast.tasks import Task, Tasks, as_batch

TASKS_PER_SHARD: int = _core.TASKS_PER_SHARD
"""1,024."""

T = TypeVar("T")
Progress = Callable[[int, int], Any]


def cuts(num_tasks: int) -> Iterator[slice]:
    """Yield the places of each shard of so many tasks, in order; there is none of no tasks."""
    n = checks.integer(num_tasks, "num_tasks", 0)
    return (slice(k, min(k + TASKS_PER_SHARD, n)) for k in range(0, n, TASKS_PER_SHARD))


def shard_count(num_tasks: int) -> int:
    """Return the number of shards of so many tasks."""
    return -(-num_tasks // TASKS_PER_SHARD)


def shards_of(places: slice) -> slice:
    """Return which shards stand at places that begin with one."""
    return slice(places.start // TASKS_PER_SHARD, shard_count(places.stop))


def split(tasks: Tasks | Task) -> Iterator[Tasks]:
    """Yield the shards of a batch, as lazy as the batch is; of an empty batch that one."""
    batch = as_batch(tasks)
    return (batch[places] for places in (cuts(len(batch)) if len(batch) else [slice(0, 0)]))


def map(
    function: Callable[[Tasks], T],
    tasks: Tasks | Task,
    executor: Executor | None = None,
    *,
    in_flight: int | None = None,
    progress: Progress | None = None,
) -> Iterator[T]:
    """Yield `function(shard)` for each shard of a batch, in order.

    `function` gets `Tasks`. What it draws should depend on a seed and on the tasks alone: give `train` an
    integer as `rng`, not a Generator, and the results, joined, are those of one call on the whole batch::

        def learn(shard):
            return mf.train(learner, shard, 100, rng=0, num_threads=1, mean_returns=True)

        with ProcessPoolExecutor() as pool:
            run = mf.shards.join(mf.shards.map(learn, tasks, pool))

    When one fails, on Ctrl-C, and when the caller stops asking, shards that are still waiting are cancelled.

    Parameters
    ----------
    function
        Called with each shard. Processes need one that pickles: defined in a module, not a lambda.
    tasks
        N tasks, or one.
    executor
        Anything with `submit(function, shard)` that returns an object with `result()`, and `cancel()` if
        there is something to cancel: `concurrent.futures`, Dask's client. None works here, one by one.
    in_flight
        So many shards are submitted before the first result is taken back: it bounds what stands in memory.
    progress
        Called with (tasks done, N) whenever a shard's result is there.

    Raises
    ------
    ValueError, TypeError
        For wrong arguments.
    """
    batch = as_batch(tasks)
    if not callable(function):
        raise TypeError(f"function is {checks.shown(function)}, expected something to call")
    where = None if executor is None else checked(executor)
    most = None if in_flight is None else checks.integer(in_flight, "in_flight", 1)
    report = checks.callback(progress, "progress")
    results = (
        (function(shard) for shard in split(batch))
        if where is None
        else submitted(((function, shard) for shard in split(batch)), where, most or wanted_in_flight(where))
    )
    return results if report is None else _reported(results, len(batch), report)


def _reported(results: Iterator[T], num_tasks: int, report: Progress) -> Iterator[T]:
    for k, result in enumerate(results, 1):
        report(min(k * TASKS_PER_SHARD, num_tasks), num_tasks)
        yield result


def join(results: Iterable[T]) -> T:
    """Put the results of parts of a batch together, in order, as if the whole had been done at once.

    Parameters
    ----------
    results
        What `train`, `adapt`, `bounds` or a planner returned for each part. Every part but the last should
        have a multiple of 1,024 tasks; if not, means over tasks have other bits than those of the whole.

    Raises
    ------
    ValueError, TypeError
        For no results, and results that do not belong together.
    """
    parts: list[Any] = []
    for place, part in enumerate(results):  # each is looked at when it comes: there may be endlessly many
        kind: Any = type(parts[0] if parts else part)
        if not hasattr(kind, "joined") or type(part) is not kind:
            expected = kind.__name__ if hasattr(kind, "joined") else "what train, adapt or a planner returns"
            raise TypeError(f"results[{place}] is a {type(part).__name__}, expected {expected}")
        parts.append(part)
    if not parts:
        raise ValueError("results is empty, expected at least one")
    joined: T = type(parts[0]).joined(parts)
    return joined


def end_to_end(parts: Sequence[Any], name: str) -> Any:
    """Return the arrays of that name one after the other; None if none has one."""
    arrays = [getattr(part, name) for part in parts]
    if all(array is None for array in arrays):
        return None
    for place, array in enumerate(arrays):
        if array is None or array.shape[1:] != arrays[0].shape[1:] or array.dtype != arrays[0].dtype:
            found = "None" if array is None else f"an array of shape {array.shape} and dtype {array.dtype}"
            first = arrays[0]
            said = "None" if first is None else f"one of shape {first.shape} and dtype {first.dtype}"
            raise ValueError(f"{name} of results[{place}] is {found}, of results[0] {said}")
    checks.memory(sum(array.nbytes for array in arrays), f"{name} of {len(arrays)} results")
    return np.concatenate(arrays)


def alike(parts: Sequence[Any], name: str) -> Any:
    """Return what all results have under that name; ValueError if they differ."""
    first = getattr(parts[0], name)
    for place, part in enumerate(parts):
        if not np.array_equal(getattr(part, name), first):
            found, said = checks.shown(getattr(part, name)), checks.shown(first)
            raise ValueError(f"{name} of results[{place}] is {found}, of results[0] {said}")
    return first


def shard_sums(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sums over each shard's tasks [shards, ...] of values [N, ...], in order, in float64."""
    found = np.empty((shard_count(len(values)), *values.shape[1:]))
    for k, places in enumerate(cuts(len(values))):
        # Entry by entry: np.sum goes by pairs, in an order that depends on the shape.
        found[k] = np.add.accumulate(values[places], axis=0, dtype=np.float64)[-1]
    return found


def in_order(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum over shards [...] of their sums [shards, ...], one after the other."""
    return np.add.accumulate(sums, axis=0)[-1] if len(sums) else np.zeros(sums.shape[1:])


def mean_of_sums(sums: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """Return the mean [...] of so many numbers of which the shards' sums [shards, ...] are given."""
    with np.errstate(invalid="ignore"):
        return np.asarray(in_order(sums) / number)


@dataclass(frozen=True)
class Part:
    """Tasks that the core takes at once, where they stand in the batch, and whom to tell of progress."""

    places: slice
    tasks: Tasks
    progress: Progress | None


def parts(tasks: Tasks, progress: Progress | None = None) -> Iterator[Part]:
    """Yield the whole batch, or shard by shard one that is too large to be drawn in Python at once."""
    n, places_of_parts = len(tasks), parts_of(tasks.recipe)
    if len(places_of_parts) == 1:
        yield Part(places_of_parts[0], tasks, progress)
        return
    for places in places_of_parts:

        def report(done: int, _: int, before: int = places.start) -> Any:
            return progress(before + done, n) if progress is not None else None

        yield Part(places, tasks[places], None if progress is None else report)
