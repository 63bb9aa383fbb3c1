"""Argument checks with the value in the message: the one place where Python refuses bad input."""

from __future__ import annotations

import math
import numbers
import operator
import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def integer(value: Any, name: str, low: int, high: int = 2**62) -> int:
    """Return `value` as an int in [low, high]; floats and booleans are refused."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}, expected an integer")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected an integer") from None
    if not low <= number <= high:
        expected = f"at least {low}" if number < low else f"at most {high}"
        raise ValueError(f"{name} is {number}, expected {expected}")
    return number


def increasing(values: Any, name: str, high: int = 2**31 - 2) -> list[int]:
    """Return `values` as a list of at least one increasing integer, each in [0, high]."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name} is {values!r}, expected increasing integers such as (0, 1, 5)")
    found = [integer(value, name, 0, high) for value in values]
    if not found:
        raise ValueError(f"{name} is empty, expected increasing numbers")
    if any(later <= earlier for earlier, later in pairwise(found)):
        raise ValueError(f"{name} are {found}, expected increasing numbers")
    return found


def real(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, *, open_low: bool = False
) -> float:
    """Return `value` as a finite float in [low, high], or in (low, high] with `open_low`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {value!r}, expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf  # whatever its sign
    if math.isfinite(number) and low <= number <= high and not (open_low and number == low):
        return number
    if low == -math.inf and high == math.inf:
        expected = "a finite number"
    elif high == math.inf:
        expected = f"a finite number {'above' if open_low else 'of at least'} {low:g}"
    else:
        expected = f"a number above {low:g} and at most" if open_low else f"a number from {low:g} to"
        expected += f" {high:g}"
    raise ValueError(f"{name} is {number}, expected {expected}")


def pair(value: Any, name: str, low: int, high: int = 2**62) -> tuple[int, int]:
    """Return `value` as two ints in [low, high]."""
    if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, str) or len(value) != 2:
        raise TypeError(f"{name} is {value!r}, expected two integers")
    return integer(value[0], name, low, high), integer(value[1], name, low, high)


def interval(value: Any, name: str, low: float, high: float) -> tuple[float, float]:
    """Return `value` as two increasing floats in [low, high]."""
    if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, str) or len(value) != 2:
        raise TypeError(f"{name} is {value!r}, expected two numbers")
    first, end = real(value[0], name, low, high), real(value[1], name, low, high)
    if not first < end:
        raise ValueError(f"{name} is ({first}, {end}), expected increasing numbers")
    return first, end


def flag(value: Any, name: str) -> bool:
    """Return `value` if it is a boolean."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}, expected True or False")
    return bool(value)


def callback(value: Any, name: str) -> Any:
    """Return `value` if it can be called or is None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {value!r}, expected something to call")
    return value


def array(value: ArrayLike, name: str, dtype: type) -> NDArray[Any]:
    """Return `value` as an aligned C-ordered array of `dtype`; refuse text, objects, complex and loss."""
    try:
        found = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array: {error}") from None
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {found.dtype}, expected numbers")
    if np.issubdtype(dtype, np.integer) and found.dtype.kind == "f":
        whole = np.isfinite(found) & (found == np.floor(found))
        if not whole.all():
            raise ValueError(f"{name} has the value {found[~whole].flat[0]}, expected integers")
    if np.issubdtype(dtype, np.integer) and found.size:
        info = np.iinfo(dtype)
        if found.min() < info.min or found.max() > info.max:
            extreme = found.min() if found.min() < info.min else found.max()
            raise ValueError(f"{name} has the value {extreme}, which does not fit {np.dtype(dtype)}")
    with np.errstate(over="ignore"):
        converted = np.require(found, dtype, ["C_CONTIGUOUS", "ALIGNED"])
    if found.dtype.kind == "f" and found.dtype.itemsize > converted.dtype.itemsize:
        overflow = np.isinf(converted) & np.isfinite(found)
        if overflow.any():
            raise ValueError(
                f"{name} has the value {found[overflow][0]}, which does not fit {np.dtype(dtype)}"
            )
    return converted


def finite(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return `values` if all are finite; else name the first that is not."""
    good = np.isfinite(values)
    if not good.all():
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        place = f"[{', '.join(map(str, where))}]" if where else ""
        raise ValueError(f"{name}{place} is {values[where]}, expected a finite number")
    return values


def shape(values: NDArray[Any], name: str, *expected: tuple[int, ...]) -> NDArray[Any]:
    """Return `values` if its shape is one of `expected`."""
    if values.shape not in expected:
        choices = " or ".join(str(e) for e in expected)
        raise ValueError(f"{name} has shape {values.shape}, expected {choices}")
    return values


def _system_memory() -> int:
    """Bytes that can be had without swapping, or a very large number where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 2**62


def _control_group_memory(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that a container's limit leaves to its processes, or a very large number without a limit."""
    for limit, statistics, used in (
        ("memory.max", "memory.stat", "anon"),
        ("memory/memory.limit_in_bytes", "memory/memory.stat", "total_rss"),
    ):
        try:
            allowed = int((root / limit).read_text(encoding="ascii"))
            lines = (root / statistics).read_text(encoding="ascii").splitlines()
            return allowed - int(dict(line.split() for line in lines)[used])
        except (OSError, ValueError, KeyError):
            continue
    return 2**62


# Below this no system is asked: a small call costs microseconds.
_ALWAYS_FITS = 2**26


def memory(num_bytes: int, what: str | Callable[[], str]) -> None:
    """Raise MemoryError before work starts when `what` needs more memory than there is.

    Calls that must be cheap give `what` as a function, which is asked only if it does not fit.
    """
    if num_bytes <= _ALWAYS_FITS:
        return
    available = max(0, min(_system_memory(), _control_group_memory()))
    if num_bytes > available:
        name = what if isinstance(what, str) else what()
        raise MemoryError(
            f"{name} needs {num_bytes / 1e9:,.1f} GB, but {available / 1e9:,.1f} GB are available"
        )


def one_hot(values: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Return an array [..., size] that is 1 at `values` [...], else 0."""
    memory(values.size * size * 8, f"{values.size} distributions over {size} values")
    table = np.zeros((values.size, size))
    table[np.arange(values.size), values.ravel()] = 1.0
    return table.reshape((*values.shape, size))


def require_extra(module: str, extra: str) -> Any:
    """Import an optional module, or say which extra installs it."""
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        message = f"this needs {package}: install it with `pip install 'metarl-fast[{extra}]'`"
        raise ImportError(message) from error
