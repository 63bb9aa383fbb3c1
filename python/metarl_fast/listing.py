"""What a package lists: its names to import, and its classes of a kind, both read off its import lines."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

Kind = TypeVar("Kind")


def public_names(namespace: dict[str, Any]) -> list[str]:
    """Return the names of the classes and functions in `namespace`, the globals of an `__init__`."""
    return [
        name
        for name, value in namespace.items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__.startswith("metarl_fast.")
        and value.__module__ != __name__
    ]


def concrete(namespace: dict[str, Any], base: type[Kind]) -> tuple[type[Kind], ...]:
    """Return the subclasses of `base` in `namespace` that can be made, in the order of their import lines."""
    classes = [value for value in namespace.values() if inspect.isclass(value)]
    return tuple(kind for kind in classes if issubclass(kind, base) and not inspect.isabstract(kind))
