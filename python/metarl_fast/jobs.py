"""Work on a batch in jobs: some shards each, done by an executor, here or elsewhere, and taken back in order.

A job is a whole number of shards, as many as take about a second by what was measured of those before: a job
costs an executor on other machines some milliseconds. Shards are cut at fixed places, and sums are taken
shard by shard, so the bits of a result do not say how many of them were a job.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast.executors import Executor, submitted, using, wanted_in_flight, wanted_shards
from metarl_fast.part_files import PartFiles
from metarl_fast.runtime import thread_count
from metarl_fast.shards import TASKS_PER_SHARD, Progress, shard_count

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Work: TypeAlias = Callable[["int | None"], Arrays]
"""What a job does, on so many threads; None for all there are."""

_SECONDS = 1.0
"""How long a job is to take."""

_LARGEST = 2**24
"""Bytes of a job's result, about: those on their way stand in memory."""


def spread(
    work: Callable[[slice], Work],
    num_tasks: int,
    executor: Executor | None,
    *,
    bytes_of_task: float = 0.0,
    num_threads: int | None = None,
    files: PartFiles | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[slice, Arrays]]:
    """Yield (places, arrays) of one job after the other.

    Parameters
    ----------
    work
        Returns what is to be done for the tasks at some places; an executor pickles it.
    num_tasks
        N.
    executor
        None does one job after the other here.
    bytes_of_task
        Of the arrays: where they are large a job is a smaller one.
    num_threads
        Of each job. On an executor by default what OMP_NUM_THREADS says there, else one.
    files
        Where to keep what jobs returned; what is there already is not done again.
    progress
        Called with (tasks done, N) after each job.
    """
    done = 0
    for places, arrays in () if files is None else files.read():
        done = places.stop
        yield places, arrays
        _tell(progress, done, num_tasks)
    where = _Here() if executor is None else executor
    size = _Size(max(1, int(_LARGEST / max(1.0, TASKS_PER_SHARD * bytes_of_task))), wanted_shards(where))
    cut: deque[slice] = deque()

    def calls() -> Iterator[tuple[Any, ...]]:
        start = done
        while start < num_tasks:
            places = slice(start, min(num_tasks, start + size.shards * TASKS_PER_SHARD))
            cut.append(places)
            yield _timed, work(places), num_threads, executor is not None
            start = places.stop

    for seconds, arrays in submitted(calls(), where, wanted_in_flight(where)):
        places = cut.popleft()
        size.measured(shard_count(places.stop - places.start), seconds)
        if files is not None:
            files.write(places, arrays)
        yield places, arrays
        _tell(progress, places.stop, num_tasks)


def gathered(work: Callable[[slice], Work], num_tasks: int, *arguments: Any, **how: Any) -> Arrays:
    """Return the arrays of all jobs, one after the other; the arguments are those of `spread`."""
    found = [arrays for _, arrays in spread(work, num_tasks, *arguments, **how)]
    return {name: np.concatenate([arrays[name] for arrays in found]) for name in found[0]}


class _Size:
    """How many shards are a job: as many as take a second, by all that were done so far."""

    def __init__(self, most: int, fixed: int | None = None) -> None:
        self.shards, self._most, self._done, self._seconds = fixed or 1, most, 0, 0.0
        self._fixed = fixed is not None

    def measured(self, num_shards: int, seconds: float) -> None:
        """Take in how long some shards took."""
        self._done += num_shards
        self._seconds += max(seconds, 1e-6)
        wanted = math.ceil(_SECONDS * self._done / self._seconds)
        # One job that was quick by luck should not make the next one a long one.
        if not self._fixed:
            self.shards = max(1, min(wanted, self._most, 8 * self.shards))


class _Here:
    """An executor that works when somebody asks."""

    in_flight = 1

    def submit(self, function: Any, /, *arguments: Any) -> Any:
        return _Later(partial(function, *arguments))


class _Later:
    def __init__(self, result: Callable[[], Any]) -> None:
        self.result = result


def _timed(work: Work, num_threads: int | None, elsewhere: bool) -> tuple[float, Arrays]:
    """Do a job, and say how many seconds it took."""
    threads = threads_of_job(num_threads) if elsewhere else num_threads
    begun = time.perf_counter()
    with using(None):
        arrays = work(threads)
    return time.perf_counter() - begun, arrays


def threads_of_job(num_threads: int | None) -> int:
    """Return how many threads a job has where it runs: other processors there have jobs of their own."""
    if num_threads is None and not os.environ.get("OMP_NUM_THREADS"):
        return 1
    return thread_count(num_threads)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def of_places(arguments: Mapping[str, Any], places: slice) -> dict[str, Any]:
    """Return a call's arguments for the tasks at some places: arrays with an entry for each task are cut."""
    cut = dict(arguments)
    for name, dimensions in (("num_steps", 1), ("initial_table", 3)):
        if isinstance(cut[name], np.ndarray) and cut[name].ndim == dimensions:
            cut[name] = cut[name][places]
    return cut


def put(arrays: Arrays, rooms: Mapping[str, NDArray[Any]], rows: slice) -> None:
    """Write a job's arrays into rows of the whole's, which may have longer rows and other axes of runs."""
    for name, room in rooms.items():
        found, target = arrays[name], room[rows]
        found = found.reshape(len(target), *found.shape[found.ndim - target.ndim + 1 :])
        target[tuple(slice(length) for length in found.shape)] = found
