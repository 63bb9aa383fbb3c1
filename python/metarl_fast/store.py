"""Settings in .npz files, with the arrays that they hold: no pickle, and nothing in a file is run."""

from __future__ import annotations

import errno
import inspect
import json
import math
import os
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.archive import Archive
from metarl_fast.files import Path, regular_file, whole_file
from metarl_fast.settings import Settings

FORMAT = "metarl_fast settings"
FORMAT_VERSION = 2
_OLD_FORMAT = "metarl_fast meta-learner"
_ENTRIES = ("format", "version", "settings")
_LARGEST_HEADER = 2**28
"""Bytes of the header; it grows with the goals of a grid in `context`, say."""


def save(path: Path, settings: Settings) -> None:
    """Write settings, with the arrays in them, to an .npz file, whole or not at all; `load` reads it.

    Parameters
    ----------
    path
        Of the file.
    settings
        A learner, a meta-learner, what its `fit` returned, or a `Table`. Of a learner these are its settings
        alone: what it learned step by step goes along as `learner.replace(initial_q=Table(learner.q_table))`.

    Raises
    ------
    OSError
        If the file cannot be written; `io.UnsupportedOperation`, which is a ValueError too, for devices,
        pipes and sockets.
    ValueError, TypeError
        For what `load` could not make again, such as an object of another class.
    """
    os.fsdecode(path)  # what is no path is found out first
    arrays: dict[str, NDArray[np.float64]] = {}
    described = _described(settings, "", arrays)
    if not isinstance(settings, Settings):
        raise TypeError(f"settings is {checks.shown(settings)}, expected a learner, meta-learner or Table")
    text = json.dumps({"format": FORMAT, "version": FORMAT_VERSION, "settings": described})
    header = np.array(text)
    if header.nbytes > _LARGEST_HEADER:
        raise ValueError(f"settings take {header.nbytes} bytes, expected at most {_LARGEST_HEADER}")
    # As it is read: the name of an array is a key of JSON.
    _restored(json.loads(text), _InMemory(arrays))
    with whole_file(path) as file:
        np.savez(file, allow_pickle=False, header=header, **arrays)


def load(path: Path) -> Any:
    """Read the settings that `save` wrote.

    Nothing in the file is run, and no more is read than its header says that it should hold.

    Raises
    ------
    OSError
        If the file cannot be read: FileNotFoundError, PermissionError, ...; `io.UnsupportedOperation`, which
        is a ValueError too, for devices, pipes and sockets.
    ValueError
        If the file is damaged, of version 0.2, or something else.
    MemoryError
        If it says that it holds more than fits into memory.
    """
    with regular_file(path) as file:
        try:
            checks.memory(os.fstat(file.fileno()).st_size, "reading it")
            archive = Archive(file)
            if "header" not in archive.names:
                raise ValueError(f"it holds {checks.shown(archive.names)} and no header")
            return _restored(json.loads(str(archive.read("header", _LARGEST_HEADER))), archive)
        except MemoryError as error:
            raise MemoryError(f"{os.fsdecode(path)}: {error}") from error
        except Exception as error:  # damaged archives and arrays raise a dozen different kinds
            # A damaged place to read from is an invalid argument (EINVAL); other errors are the system's.
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                error.filename = os.fsdecode(path)
                raise
            raise ValueError(
                f"{os.fsdecode(path)} is not a file of metarl_fast settings, or it is damaged: {error!s:.200}"
            ) from error


class _InMemory:
    """Arrays that are about to be written, read as from a file."""

    def __init__(self, arrays: dict[str, NDArray[np.float64]]) -> None:
        self._arrays = arrays
        self.names = sorted([*arrays, "header"])

    def read(self, name: str, num_bytes: int) -> NDArray[np.float64]:
        return self._arrays[name]


def _kinds() -> dict[str, type[Settings]]:
    """Return what a file can name: settings of the package, and no class of the user's."""
    found: dict[str, type[Settings]] = {}
    left = [Settings]
    while left:
        for kind in left.pop().__subclasses__():
            left.append(kind)
            if kind.__module__.startswith("metarl_fast.") and not inspect.isabstract(kind):
                found[kind.__name__] = kind
    return found


def _described(value: Any, name: str, arrays: dict[str, NDArray[np.float64]]) -> Any:
    """Return a value in JSON types, and put its arrays into `arrays`, called by their place in it."""

    def inner(part: Any, place: str) -> Any:
        return _described(part, f"{name}.{place}" if name else place, arrays)

    if isinstance(value, Settings):
        kind = type(value).__name__
        if _kinds().get(kind) is not type(value):
            raise TypeError(f"{kind} has no form in a file, expected one of {', '.join(sorted(_kinds()))}")
        return {"type": kind, "with": {f: inner(getattr(value, f), f) for f in _fields(type(value))}}
    if isinstance(value, np.ndarray):
        arrays[name] = checks.array(value, name, np.float64)
        return {"array": name, "shape": list(value.shape)}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"{name} is {checks.shown(value)}, expected text as the keys of a dict")
        return {"dict": {key: inner(part, key) for key, part in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [inner(part, str(k)) for k, part in enumerate(value)]}
    if isinstance(value, list):
        return [inner(part, str(k)) for k, part in enumerate(value)]
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(
        f"{name or 'settings'} is {checks.shown(value)}: {type(value).__name__} is not JSON; learners, "
        "meta-learners and what their fit returned can be saved, and `cite` names tasks"
    )


def _fields(kind: type[Settings]) -> list[str]:
    return [f.name for f in fields(kind) if f.init]  # type: ignore[arg-type]


def _restored(header: Any, archive: Archive | _InMemory) -> Any:
    """Return the settings of a header and of arrays.

    `save` calls this before it writes, and `load` when it reads: what the one lets through the other does.
    """
    if not isinstance(header, dict):
        raise TypeError(f"its header is {checks.shown(header)}, expected a dict")
    if header.get("format") == _OLD_FORMAT:
        raise ValueError(
            "it was written by metarl_fast 0.2 and holds a table without a learner; fit again, or take the "
            "table of Reptile or AverageQ as initial_q=Table(numpy.load(path)['theta']), or ['table']"
        )
    missing = [name for name in _ENTRIES if name not in header]
    if missing:
        raise ValueError(f"its header has no {', '.join(missing)}")
    if header["format"] != FORMAT:
        raise ValueError(f"format is {checks.shown(header['format'])}")
    if type(header["version"]) is not int or header["version"] != FORMAT_VERSION:
        version = checks.shown(header["version"]).strip("'")
        raise ValueError(f"file version is {version}, this program reads {FORMAT_VERSION}")
    reader = _Reader(archive)
    found = reader.made(header["settings"])
    if not isinstance(found, Settings):
        raise TypeError(f"settings are {checks.shown(found)}, expected a table of a type")
    reader.check_all_used()
    return found


class _Reader:
    """Makes values of what `_described` said of them."""

    def __init__(self, archive: Archive | _InMemory) -> None:
        self._archive, self._kinds = archive, _kinds()
        self._left = set(archive.names) - {"header"}

    def made(self, node: Any) -> Any:
        """Return the value of a node."""
        if isinstance(node, list):
            return [self.made(part) for part in node]
        if not isinstance(node, dict):
            return node
        if set(node) == {"dict"} and isinstance(node["dict"], dict):
            return {key: self.made(part) for key, part in node["dict"].items()}
        if set(node) == {"tuple"} and isinstance(node["tuple"], list):
            return tuple(self.made(part) for part in node["tuple"])
        if set(node) == {"array", "shape"}:
            return self._array(node["array"], node["shape"])
        if set(node) == {"type", "with"} and isinstance(node["with"], dict):
            return self._settings(node["type"], node["with"])
        raise ValueError(f"its header holds {checks.shown(node)}")

    def check_all_used(self) -> None:
        """Refuse arrays that nothing asked for."""
        if self._left:
            raise ValueError(f"it holds {checks.shown(sorted(self._left))}, which its header does not name")

    def _settings(self, name: Any, parts: dict[str, Any]) -> Settings:
        if not isinstance(name, str) or name not in self._kinds:
            raise ValueError(f"type is {checks.shown(name)}, expected one of {sorted(self._kinds)}")
        kind = self._kinds[name]
        if set(parts) != set(_fields(kind)):
            raise ValueError(f"{name} has {sorted(parts)}, expected {_fields(kind)}")
        return kind(**{key: self.made(part) for key, part in parts.items()})

    def _array(self, name: Any, sizes: Any) -> NDArray[np.float64]:
        if not isinstance(name, str) or name not in self._left:
            raise ValueError(f"it holds no array {checks.shown(name)}")
        if not isinstance(sizes, list):
            raise TypeError(f"{name} has shape {checks.shown(sizes)}, expected a list")
        shape = tuple(checks.integer(size, f"shape of {name}", 0) for size in sizes)
        self._left.remove(name)
        # No number has more than 16 bytes.
        found = checks.array(self._archive.read(name, 16 * math.prod(shape)), name, np.float64)
        return checks.shape(found, name, shape)
