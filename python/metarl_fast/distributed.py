"""Executors on more than one machine: Ray and Dask, for whatever takes `executor=`.

What travels to a machine is the call: the learner, and tasks as their recipe, a few hundred bytes of family,
key and ids unless they are arrays in memory. What comes back are the arrays that were asked for. Each machine
needs this version of the package, and families of one's own in modules that it can import. What dies takes
time along and nothing else: its jobs are done again elsewhere, to the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from metarl_fast import checks

if TYPE_CHECKING:
    from typing_extensions import Self

_RETRIES = 10
"""How often a job is begun again whose machine died."""


class RemoteExecutor:
    """What `ray_executor` and `dask_executor` return: `submit`, and `with` to close what they have opened.

    Attributes
    ----------
    in_flight
        How many jobs are to wait there at once: two for each that can run, by the processors there were when
        it was made. May be set: more where machines come later, fewer where results are large.
    """

    def __init__(self, submit: Callable[..., Any], at_once: float, close: Callable[[], Any]) -> None:
        self.submit = submit
        self.in_flight = max(2, int(2 * at_once))
        self._close = close

    def close(self) -> None:
        """Let go of what was opened for this executor; a cluster that was there before stays."""
        self._close()
        self._close = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ray_executor(
    address: str | None = None, *, num_cpus: float = 1, retries: int = _RETRIES, **options: Any
) -> RemoteExecutor:
    """Return an executor on a Ray cluster; needs Ray, the extra `ray`.

    Parameters
    ----------
    address
        Of the cluster, as `ray.init` has it: "auto" or "host:port"; None begins one on this machine. What the
        process is connected to already is used as it is.
    num_cpus
        Processors of a job, which then has as many threads.
    retries
        How often a job is begun again whose machine died; -1 for ever.
    options
        Others of `ray.init`, such as `runtime_env`; the dashboard is left out unless asked for.

    Raises
    ------
    ImportError
        Without Ray.
    ValueError, TypeError
        For numbers out of range.

    Examples
    --------
    >>> with ray_executor("auto", num_cpus=4) as executor:  # doctest: +SKIP
    ...     run = mf.train(learner, tasks, 100, rng=0, executor=executor)
    """
    ray = checks.require_extra("ray", "ray")
    processors = checks.real(num_cpus, "num_cpus", 0.0, open_low=True)
    again = checks.integer(retries, "retries", -1)
    begun = not ray.is_initialized()
    if begun:
        ray.init(
            address,
            **{"include_dashboard": False, "log_to_driver": False} | options if address is None else options,
        )
    remote = ray.remote(num_cpus=processors, max_retries=again)(_called)

    def submit(function: Any, /, *arguments: Any) -> _RayJob:
        return _RayJob(ray, remote.remote(function, *arguments))

    there = ray.cluster_resources().get("CPU", 1.0) / processors
    return RemoteExecutor(submit, there, ray.shutdown if begun else lambda: None)


def dask_executor(client: Any = None, *, retries: int = _RETRIES, **options: Any) -> RemoteExecutor:
    """Return an executor on a Dask cluster; needs dask.distributed, the extra `dask`.

    Parameters
    ----------
    client
        A `distributed.Client`, or a scheduler's address; None begins a cluster of processes on this machine.
    retries
        How often a job that fails is begun again. One whose worker died Dask begins again itself, thrice by
        its setting `distributed.scheduler.allowed-failures`.
    options
        Of `distributed.Client`, and so of `LocalCluster`, where one is begun.

    Raises
    ------
    ImportError
        Without dask.distributed.
    ValueError, TypeError
        For numbers out of range.

    Examples
    --------
    >>> with dask_executor("tcp://scheduler:8786") as executor:  # doctest: +SKIP
    ...     run = mf.train(learner, tasks, 100, rng=0, executor=executor)
    """
    distributed = checks.require_extra("distributed", "dask")
    again = checks.integer(retries, "retries", 0)
    own = not isinstance(client, distributed.Client)
    found = distributed.Client(client, **options) if own else client

    def submit(function: Any, /, *arguments: Any) -> Any:
        # Dask would otherwise look at all arguments to see whether it knows the result.
        return found.submit(function, *arguments, pure=False, retries=again)

    return RemoteExecutor(submit, sum(found.nthreads().values()), found.close if own else lambda: None)


class _RayJob:
    def __init__(self, ray: Any, reference: Any) -> None:
        self._ray, self._reference = ray, reference

    def result(self) -> Any:
        return self._ray.get(self._reference)

    def cancel(self) -> None:
        with suppress(Exception):  # a cluster that is gone has nothing to cancel
            self._ray.cancel(self._reference)


def _called(function: Any, *arguments: Any) -> Any:
    return function(*arguments)
