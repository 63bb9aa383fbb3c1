"""What yields batches as a dataset for torch's loaders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks


def dataset_of(
    batches: Callable[..., Iterator[Any]],
    *arguments: Any,
    worker: tuple[int, int] | None = None,
    **keywords: Any,
) -> Any:
    """Return an `IterableDataset` of dicts of tensors, one for each batch; needs torch.

    Parameters
    ----------
    batches
        Yields dataclasses of arrays; `worker=(k, n)` asks for the k-th of n shares.
    arguments, keywords
        What it is called with.
    worker
        (k, n): this process is the k-th of n, each of which may have workers of its own; default what
        `torch.distributed` says, if it was begun.
    """
    data = checks.require_extra("torch.utils.data", "torch")
    torch = checks.require_extra("torch", "torch")

    given = None if worker is None else checks.pair(worker, "worker", 0)

    def process() -> tuple[int, int]:
        ranks = torch.distributed
        if given is not None or not (ranks.is_available() and ranks.is_initialized()):
            return given or (0, 1)
        return ranks.get_rank(), ranks.get_world_size()

    class Dataset(data.IterableDataset):  # type: ignore[misc,name-defined]
        def __reduce__(self) -> tuple[Any, ...]:  # for workers that are not forked
            return partial(dataset_of, batches, *arguments, worker=process(), **keywords), ()

        def __iter__(self) -> Iterator[dict[str, Any]]:
            (own, processes), info = process(), data.get_worker_info()
            share = (own, processes)
            if info is not None:
                share = (own + processes * info.id, processes * info.num_workers)
            for found in batches(*arguments, worker=share, **keywords):
                arrays = ((f.name, getattr(found, f.name)) for f in fields(found))
                yield {
                    name: torch.from_numpy(_for_torch(array)) for name, array in arrays if array is not None
                }

    return Dataset()


def _for_torch(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of a type that torch indexes with."""
    return array.astype(np.int64) if array.dtype.kind == "u" else array
