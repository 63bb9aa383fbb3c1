"""A folder of finished parts of a run, from which one that was killed goes on."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path as Folder
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.archive import Archive
from metarl_fast.files import Path, regular_file, whole_file
from metarl_fast.seeding import Seed

_NAME = re.compile(r"tasks-(\d{12,})-(\d{12,})\.npz")
_RUN = "run.json"


class PartFiles:
    """A file of arrays for each part of N tasks, written whole or not at all, one after the other.

    Parameters
    ----------
    folder
        Where they are; it is made if there is none.
    digest
        Of all that decides the numbers, from `digest`: a folder of another run is refused.

    Raises
    ------
    ValueError
        If the folder holds another run.
    OSError
        If it cannot be made or written to.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self._root = Folder(os.fsdecode(folder))
        self._root.mkdir(parents=True, exist_ok=True)
        run = self._root / _RUN
        try:
            found = json.loads(run.read_text(encoding="utf-8"))
        except FileNotFoundError:
            found = {"run": digest}
            with whole_file(str(run)) as file:
                file.write(json.dumps(found).encode())
        except ValueError as error:
            raise ValueError(f"{run} is no file of a run's name, or it is damaged: {error}") from error
        if not isinstance(found, dict) or found.get("run") != digest:
            raise ValueError(f"{self._root} holds parts of another run, expected those of {digest}")

    def read(self) -> Iterator[tuple[slice, dict[str, NDArray[Any]]]]:
        """Yield (places, arrays) of the parts that are there, from the first task on, without a gap."""
        stops: dict[int, int] = {}
        for path in self._root.iterdir():
            if named := _NAME.fullmatch(path.name):
                start, stop = int(named[1]), int(named[2])
                stops[start] = max(stop, stops.get(start, 0))
        start = 0
        while (stop := stops.get(start, 0)) > start:
            yield slice(start, stop), self._arrays(self._path(start, stop))
            start = stop

    def write(self, places: slice, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep the arrays of a part."""
        with whole_file(str(self._path(places.start, places.stop))) as file:
            np.savez(file, allow_pickle=False, **dict(arrays))

    def _path(self, start: int, stop: int) -> Folder:
        return self._root / f"tasks-{start:012}-{stop:012}.npz"

    def _arrays(self, path: Folder) -> dict[str, NDArray[Any]]:
        with regular_file(str(path)) as file:
            try:
                archive = Archive(file)
                return {name: archive.read(name, archive.num_bytes) for name in archive.names}
            except MemoryError:
                raise
            except Exception as error:  # damaged archives raise a dozen different kinds
                raise ValueError(
                    f"{path} is damaged: delete it, and its tasks are done again: {error!s:.200}"
                ) from error


def check_repeatable(checkpoint: Path | None, rng: Seed) -> None:
    """Refuse checkpoints of a run that could not go on as it began."""
    if checkpoint is not None and rng is None:
        raise ValueError("rng is None: a run with a checkpoint needs one, or it could not go on as it began")


def digest(*values: Any) -> str:
    """Return what names values: equal ones of equal types have the same, in any process.

    Raises
    ------
    TypeError
        For what is no dataclass and holds more than arrays, numbers and text.
    """
    found = hashlib.sha256()
    for value in values:
        _feed(found, value)
    return found.hexdigest()[:32]


def _parts(value: Any) -> dict[str, Any] | None:
    """Return what an object is made of, by name; None if nobody says."""
    if isinstance(value, type):
        return None
    if is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in fields(value) if f.compare}
    named: dict[str, Any] | None = getattr(value, "_named_by", None)  # a family of one's own
    return named


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        found.update(f"array {value.dtype.str} {value.shape} ".encode())
        found.update(np.ascontiguousarray(value).tobytes())
    elif (parts := _parts(value)) is not None:
        kind = type(value)
        found.update(f"{kind.__module__}.{kind.__qualname__}(".encode())
        for name, part in parts.items():
            found.update(f"{name}=".encode())
            _feed(found, part)
        found.update(b")")
    elif isinstance(value, Mapping):
        _feed(found, [part for item in value.items() for part in item])
    elif isinstance(value, (list, tuple)):
        found.update(f"{len(value)} parts ".encode())
        for part in value:
            _feed(found, part)
    elif value is None or isinstance(value, (bool, int, float, str, range, np.generic, np.dtype)):
        found.update(f"{type(value).__name__} {value!r}, ".encode())
    else:
        raise TypeError(
            f"{checks.shown(value)} is a {type(value).__name__}, by which no run can be named: expected a "
            "dataclass, an array, a number or text"
        )
