"""Who does work elsewhere: anything that a function can be submitted to, and the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from metarl_fast import checks

IN_FLIGHT = 64
"""Calls that an executor has before the first result is taken back, if no `in_flight` of its says."""


class Executor(Protocol):
    """What does jobs: a pool of `concurrent.futures`, or one of `metarl_fast.distributed`.

    `submit(function, *arguments)` returns something with `result()`, and with `cancel()` if there is anything
    to cancel. Two attributes may say more: `in_flight`, how many jobs it wants to have; and `shards_per_job`,
    how many shards of 1,024 tasks are one, where it should not be about a second's worth.
    """

    def submit(self, function: Any, /, *arguments: Any) -> Any:
        """Begin a call."""


_current: ContextVar[Executor | None] = ContextVar("executor", default=None)


@contextmanager
def using(executor: Executor | None) -> Iterator[None]:
    """Have what is trained meanwhile done by an executor, where no other one is named."""
    token = _current.set(executor)
    try:
        yield
    finally:
        _current.reset(token)


def checked_executor(executor: Any) -> Executor | None:
    """Return the executor given, else that of `using`; TypeError for what is none."""
    return _current.get() if executor is None else checked(executor)


def checked(executor: Any) -> Executor:
    """Return what was given; TypeError for what is no executor."""
    if isinstance(executor, type) or not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor is {checks.shown(executor)}, expected one with a method submit")
    return executor  # type: ignore[no-any-return]


def wanted_in_flight(executor: Executor) -> int:
    """Return how many calls an executor is to have at once."""
    return checks.integer(getattr(executor, "in_flight", IN_FLIGHT), "in_flight", 1)


def wanted_shards(executor: Executor) -> int | None:
    """Return how many shards are to be a job, if the executor says so."""
    found = getattr(executor, "shards_per_job", None)
    return None if found is None else checks.integer(found, "shards_per_job", 1)


def submitted(calls: Iterable[tuple[Any, ...]], executor: Executor, in_flight: int) -> Iterator[Any]:
    """Yield the results of calls, each (function, *arguments), in order, with so many of them on their way.

    The next call is made up when it is submitted. When one fails, on Ctrl-C, and when nobody asks any more,
    those that are still waiting are cancelled.
    """
    waiting: deque[Any] = deque()
    try:
        for call in calls:
            waiting.append(executor.submit(*call))
            if len(waiting) >= in_flight:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for job in waiting:
            getattr(job, "cancel", lambda: None)()
