"""What yields batches as a dataset for torch's loaders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks


def dataset_of(batches: Callable[..., Iterator[Any]], *arguments: Any, **keywords: Any) -> Any:
    """Return an `IterableDataset` of dicts of tensors, one for each batch; needs torch.

    Parameters
    ----------
    batches
        Yields dataclasses of arrays; `worker=(k, n)` asks for the k-th of n shares.
    arguments, keywords
        What it is called with.
    """
    data = checks.require_extra("torch.utils.data", "torch")
    torch = checks.require_extra("torch", "torch")

    class Dataset(data.IterableDataset):  # type: ignore[misc,name-defined]
        def __reduce__(self) -> tuple[Any, ...]:  # for workers that are not forked
            return partial(dataset_of, batches, *arguments, **keywords), ()

        def __iter__(self) -> Iterator[dict[str, Any]]:
            info = data.get_worker_info()
            share = (0, 1) if info is None else (info.id, info.num_workers)
            for found in batches(*arguments, worker=share, **keywords):
                arrays = ((f.name, getattr(found, f.name)) for f in fields(found))
                yield {
                    name: torch.from_numpy(_for_torch(array)) for name, array in arrays if array is not None
                }

    return Dataset()


def _for_torch(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of a type that torch indexes with."""
    return array.astype(np.int64) if array.dtype.kind == "u" else array
