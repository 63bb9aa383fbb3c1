"""Learning histories that an executor makes, some pieces ahead of the one that is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from metarl_fast.contexts import Lifetimes
from metarl_fast.executors import Executor, checked_executor, using, wanted_in_flight
from metarl_fast.jobs import threads_of_job
from metarl_fast.tasks import Tasks

_AHEAD = 8
"""Pieces that are on their way at most: each may be some hundred megabytes."""


@contextmanager
def made_by(data: Any, executor: Executor | None) -> Iterator[Any]:
    """Return the dataset to be written: as it is, or as an executor makes it."""
    where = checked_executor(executor)
    if where is None:
        yield data
        return
    elsewhere = MadeElsewhere(data, where)
    try:
        yield elsewhere
    finally:
        elsewhere.cancel()


class MadeElsewhere:
    """A dataset to be written, piece after piece: those behind the one asked for are begun, too."""

    def __init__(self, data: Any, executor: Executor) -> None:
        self._data, self._executor = data, executor
        self.pieces: list[slice] = data.pieces
        self.tasks: Tasks = data.tasks
        self.hash: str = data.hash
        self.naming: dict[str, Any] = data.naming
        self._jobs: dict[int, Any] = {}
        self._most = min(_AHEAD, wanted_in_flight(executor))

    def lifetimes(self, places: slice, num_threads: int | None) -> Lifetimes:
        """Return a piece, and see to it that those that follow are being made."""
        number = self.pieces.index(places)
        for following in range(number, min(number + self._most, len(self.pieces))):
            if following not in self._jobs:
                call = _made, self._data, self.pieces[following], num_threads
                self._jobs[following] = self._executor.submit(*call)
        found: Lifetimes = self._jobs.pop(number).result()
        return found

    def cancel(self) -> None:
        """Give up what is still on its way."""
        for job in self._jobs.values():
            getattr(job, "cancel", lambda: None)()


def _made(data: Any, places: slice, num_threads: int | None) -> Lifetimes:
    with using(None):
        found: Lifetimes = data.lifetimes(places, threads_of_job(num_threads))
    return found
