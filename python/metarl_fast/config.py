"""Families, laws, learners and meta-learners to and from plain JSON and TOML tables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from metarl_fast import checks, families, learners
from metarl_fast.files import Path, regular_file
from metarl_fast.learners import Table
from metarl_fast.learners.array_settings import ArraySettings
from metarl_fast.listing import concrete
from metarl_fast.meta import METAS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST_FILE = 2**24
_LARGEST_TABLE = 1000
"""Numbers of a `Table`, or of another array, that are written out."""

_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (*concrete(vars(families), object), *concrete(vars(learners), object), *METAS)
    if is_dataclass(kind)
}
"""What a file can name: settings of the package, and no class of the user's."""


def to_config(value: Any) -> Any:
    """Return a description in JSON types; a dataclass becomes a table with its class name under "type".

    A family of one's own becomes a record for the reader, with the module in the name: there is no making it
    from a file. What of its fields has no form is left out.

    Raises
    ------
    TypeError
        For what has no form.
    """
    kind = type(value)
    known = _TYPES.get(kind.__name__) is kind
    if isinstance(value, (ArraySettings, Table)):
        _check_written_out(value)
    if known or isinstance(value, families.Family):
        described = {"type": kind.__name__ if known else f"{kind.__module__}.{kind.__qualname__}"}
        for f in fields(value) if is_dataclass(value) else ():
            part = getattr(value, f.name)
            # Where None is the default it is left out: TOML has no word for it.
            if f.init and not (part is None and f.default is None):
                with nullcontext() if known else suppress(TypeError):
                    described[f.name] = to_config(part)
        return described
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [to_config(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"{kind.__name__} has no form in a configuration file, expected numbers, text, lists of them, or one "
        f"of {', '.join(sorted(_TYPES))}"
    )


def _check_written_out(arrays: ArraySettings | Table) -> None:
    """Refuse arrays that are too large for a text, or hold what JSON has no word for."""
    for f in fields(arrays):
        values = getattr(arrays, f.name)
        if np.size(values) > _LARGEST_TABLE:
            raise TypeError(f"{arrays} has more than {_LARGEST_TABLE} numbers: it belongs into an .npz file")
        if isinstance(values, np.ndarray) and not np.isfinite(values).all():
            raise TypeError(f"{arrays} holds -inf, for which JSON has no word: it belongs into an .npz file")


def from_config(config: Any, base: type = object, /, **more: Any) -> Any:
    """Rebuild what `to_config` described; `more` are further constructor arguments of the outermost class.

    Raises
    ------
    ValueError
        For an unknown type or field, naming those that fit there: subclasses of `base`.
    TypeError
        For a table where a plain value belongs.
    """
    fitting = sorted(name for name, kind in _TYPES.items() if issubclass(kind, base))
    return _built(config, fitting, more, outermost=True)


def _built(config: Any, fitting: list[str], more: Mapping[str, Any], *, outermost: bool = False) -> Any:
    """Rebuild a value whose type may be one of `fitting`; at the outermost it is the caller who judges."""
    if isinstance(config, list):
        return tuple(_built(part, fitting, {}) for part in config)
    if not isinstance(config, Mapping):
        return config
    name = config.get("type")
    if not fitting:
        raise TypeError(f"found a table of type {checks.shown(name)}, expected a plain value")
    if name not in (list(_TYPES) if outermost else fitting):
        if "." in str(name):
            raise ValueError(f"type is {name!r}, a family of one's own: no file can make it, but Python can")
        raise ValueError(f"type is {checks.shown(name)}, expected one of {checks.choices(name, fitting)}")
    kind = _TYPES[name]
    allowed = [f.name for f in fields(kind) if f.init]
    for key in config:
        if key != "type" and key not in allowed:
            raise ValueError(
                f"{name} has no setting {checks.shown(key)}, expected some of {checks.choices(key, allowed)}"
            )
    hints = get_type_hints(kind)
    given = {key: _built(part, _fitting(hints[key]), {}) for key, part in config.items() if key != "type"}
    arguments = {**given, **more}
    needed = [
        f.name for f in fields(kind) if f.init and f.default is MISSING and f.default_factory is MISSING
    ]
    missing = [key for key in needed if key not in arguments]
    if missing:
        raise ValueError(f"{name} needs {', '.join(missing)}")
    return kind(**arguments)


def _fitting(hint: Any) -> list[str]:
    """Return the names of the types that a field with this annotation takes."""
    if hint is Any:
        return sorted(_TYPES)
    return sorted(name for name, kind in _TYPES.items() if issubclass(kind, tuple(_types_in(hint))))


def _types_in(hint: Any) -> Iterator[type]:
    """Yield the types an annotation is made of, those inside tuples too."""
    for part in get_args(hint):
        yield from _types_in(part)
    if isinstance(hint, type) and get_origin(hint) is None:
        yield hint


def read_toml(text: str) -> dict[str, Any]:
    """Return the table of a TOML text."""
    return tomllib.loads(text)


def read_table(path: Path) -> dict[str, Any]:
    """Read a TOML file, or a JSON file by its ending.

    Raises
    ------
    OSError
        If the file cannot be read: FileNotFoundError, PermissionError, ...; `io.UnsupportedOperation`, which
        is a ValueError too, for devices, pipes and sockets.
    ValueError
        If it does not parse, with the place, or is larger than a file of settings can be.
    """
    path = os.fsdecode(path)
    with regular_file(path) as file:
        text = file.read(_LARGEST_FILE + 1)
    if len(text) > _LARGEST_FILE:
        raise ValueError(f"{path} has more than {_LARGEST_FILE} bytes, expected a file of settings")
    try:
        decoded = text.decode("utf-8-sig")  # some editors begin a file with a mark
        table = json.loads(decoded) if path.endswith(".json") else read_toml(decoded)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} does not parse: {error}") from error
    if not isinstance(table, dict):
        raise ValueError(f"{path} holds a {type(table).__name__}, expected a table")
    return table
