"""Argument checks with the value in the message: the one place where Python refuses bad input."""

from __future__ import annotations

import math
import numbers
import operator
import os
import reprlib
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class _Briefly(reprlib.Repr):
    """Values as a message shows them: a few numbers at most, and never an error of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxstring, self.maxother = 3, 4, 60, 240

    def repr_int(self, value: int, level: int) -> str:
        """Show an integer; the system refuses to write out those of thousands of digits."""
        if abs(value) < 10**self.maxlong:
            return repr(value)
        return f"an integer of {value.bit_length()} bits"

    def repr_ndarray(self, value: NDArray[Any], level: int) -> str:
        """Show a small array, or what it is an array of."""
        return repr(value) if value.size <= 6 else f"an array of shape {value.shape} and dtype {value.dtype}"

    repr_MaskedArray = repr_ndarray


_BRIEFLY = _Briefly()
_LONGEST_SHOWN = 400


def shown(value: Any) -> str:
    """Return how a message shows `value`: in a few words, whatever it is."""
    text = _BRIEFLY.repr(value)
    line = text if "\n" not in text else " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]} ..."


def choices(word: object, fitting: Sequence[str]) -> str:
    """Return what would have been right, and which of it was probably meant by `word`."""
    from difflib import get_close_matches

    listed = ", ".join(fitting)
    close = get_close_matches(str(word), fitting, 1)
    return f"{listed}; did you mean {close[0]}?" if close else listed


def keep(settings: Any, name: str, check: Callable[..., Any], *limits: Any, **more: Any) -> None:
    """Check a field of a frozen dataclass and keep what comes back: a number of Python, which never wraps."""
    object.__setattr__(settings, name, check(getattr(settings, name), name, *limits, **more))


def _is_bool(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_)) or (isinstance(value, np.ndarray) and value.dtype == bool)


def _is_masked(value: Any) -> bool:
    # NumPy imports `ma` when it is first named, which takes longer than importing half of this package.
    return (
        isinstance(value, np.ndarray)
        and type(value) is not np.ndarray
        and isinstance(value, np.ma.MaskedArray)
    )


def _refuse_masked(value: Any, name: str) -> None:
    """Refuse masked arrays, also in lists: NumPy would take what is under the mask for numbers."""
    if _is_masked(value):
        raise TypeError(f"{name} is a masked array, expected numbers: fill it or choose what is not masked")
    if isinstance(value, (list, tuple)):
        for part in value:
            if isinstance(part, (list, tuple)) or _is_masked(part):
                _refuse_masked(part, name)


def integer(value: Any, name: str, low: int, high: int = 2**62) -> int:
    """Return `value` as an int in [low, high]; floats and booleans are refused."""
    _refuse_masked(value, name)
    try:
        if _is_bool(value):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {shown(value)}, expected an integer") from None
    if not low <= number <= high:
        expected = f"at least {low}" if number < low else f"at most {high}"
        raise ValueError(f"{name} is {shown(number)}, expected {expected}")
    return number


def increasing(values: Any, name: str, high: int = 2**31 - 2) -> list[int]:
    """Return `values` as a list of at least one increasing integer, each in [0, high]."""
    unordered = isinstance(values, (str, bytes, Mapping, Set)) or not hasattr(values, "__len__")
    if unordered or getattr(values, "ndim", 1) == 0:
        raise TypeError(f"{name} is {shown(values)}, expected increasing integers such as (0, 1, 5)")
    memory(40 * len(values), f"a list of {len(values)} {name}")
    found = [integer(value, name, 0, high) for value in values]
    if not found:
        raise ValueError(f"{name} is empty, expected increasing numbers")
    if any(later <= earlier for earlier, later in pairwise(found)):
        raise ValueError(f"{name} are {shown(found)}, expected increasing numbers")
    return found


def real(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, *, open_low: bool = False
) -> float:
    """Return `value` as a finite float in [low, high], or in (low, high] with `open_low`."""
    _refuse_masked(value, name)
    scalar = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if _is_bool(scalar) or not isinstance(scalar, numbers.Real):
        raise TypeError(f"{name} is {shown(value)}, expected a number")
    try:
        number = float(scalar)
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


def _two(value: Any, name: str, expected: str) -> tuple[Any, Any]:
    """Return the two parts of a sequence of two."""
    text = isinstance(value, (str, bytes, bytearray, memoryview))
    sequence = isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim == 1)
    if text or not sequence or len(value) != 2:
        raise TypeError(f"{name} is {shown(value)}, expected {expected}")
    _refuse_masked(value, name)
    return value[0], value[1]


def pair(value: Any, name: str, low: int, high: int = 2**62) -> tuple[int, int]:
    """Return `value` as two ints in [low, high]."""
    first, second = _two(value, name, "two integers")
    return integer(first, name, low, high), integer(second, name, low, high)


def interval(value: Any, name: str, low: float, high: float) -> tuple[float, float]:
    """Return `value` as two increasing floats in [low, high]."""
    first, end = (real(part, name, low, high) for part in _two(value, name, "two numbers"))
    if not first < end:
        raise ValueError(f"{name} is ({first}, {end}), expected increasing numbers")
    return first, end


def flag(value: Any, name: str) -> bool:
    """Return `value` if it is a boolean."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {shown(value)}, expected True or False")
    return bool(value)


def callback(value: Any, name: str) -> Any:
    """Return `value` if it can be called or is None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {shown(value)}, expected something to call")
    return value


def float_type(value: Any, name: str) -> np.dtype[Any]:
    """Return `value` as the dtype float32 or float64, in this machine's order of bytes."""
    try:
        found: np.dtype[Any] | None = None if value is None else np.dtype(value)  # NumPy: None is float64
    except (TypeError, ValueError, SyntaxError):
        found = None
    if found is None:
        raise TypeError(f"{name} is {shown(value)}, expected float32 or float64")
    if found not in (np.float32, np.float64):
        raise ValueError(f"{name} is {shown(found)}, expected float32 or float64")
    return found


def single(value: Any) -> bool:
    """Whether `value` is one thing rather than an array of them; a sequence is not written out to see it."""
    if isinstance(value, (str, bytes)):
        return True
    if hasattr(value, "ndim"):
        return bool(value.ndim == 0)
    return not hasattr(value, "__len__") and np.ndim(value) == 0


def sequence(value: Any, name: str) -> None:
    """Refuse a sequence, such as a range, that is too long to be written out."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        memory(8 * len(value), name)


def rectangular(value: ArrayLike, name: str) -> NDArray[Any]:
    """Return `value` as an array, of numbers or not; refuse masks, and lists of unequal lengths."""
    _refuse_masked(value, name)
    sequence(value, name)
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is not a rectangular array: {shown(value)}") from None


def numeric(value: ArrayLike, name: str) -> NDArray[Any]:
    """Return `value` as an array of the numbers that it holds; refuse text, objects, complex and masks."""
    found = rectangular(value, name)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {found.dtype}, expected numbers")
    return found


def array(value: ArrayLike, name: str, dtype: type) -> NDArray[Any]:
    """Return `value` as an aligned C-ordered array of `dtype`; refuse what does not fit the type."""
    found = numeric(value, name)
    if np.issubdtype(dtype, np.integer) and found.size:
        if found.dtype.kind == "f":
            whole = np.isfinite(found) & (found == np.floor(found))
            if not whole.all():
                raise ValueError(f"{name} has the value {found[~whole].flat[0]}, expected integers")
        info = np.iinfo(dtype)
        for extreme in (int(found.min()), int(found.max())):  # of Python, which compares exactly
            if not info.min <= extreme <= info.max:
                raise ValueError(f"{name} has the value {extreme}, which does not fit {np.dtype(dtype)}")
    if found.dtype != dtype:
        memory(found.size * np.dtype(dtype).itemsize, lambda: f"{name} as {np.dtype(dtype)}")
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


def action_values(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return action values [..., A] if all are finite, but for -inf of actions that are not available.

    Those are never all of a state's.
    """
    missing = np.isneginf(values)
    if missing.ndim >= 2:
        missing &= ~missing.all(axis=-1, keepdims=True)
        finite(np.where(missing, 0.0, values), name)
        return values
    return finite(values, name)


def shape(values: NDArray[Any], name: str, *expected: tuple[int, ...]) -> NDArray[Any]:
    """Return `values` if its shape is one of `expected`."""
    if values.shape not in expected:
        choices = " or ".join(str(e) for e in expected)
        raise ValueError(f"{name} has shape {values.shape}, expected {choices}")
    return values


def actions(values: NDArray[Any], num_actions: int) -> NDArray[Any]:
    """Return a policy of integers if all are actions."""
    if values.size and not (0 <= values.min() and values.max() < num_actions):
        worst = values.min() if values.min() < 0 else values.max()
        raise ValueError(f"policy holds action {worst}, expected 0 to {num_actions - 1}")
    return values


def policy(values: NDArray[Any], num_actions: int) -> NDArray[np.float64]:
    """Return probabilities [..., A] from actions, if `values` are integers, or from probabilities.

    Rows that sum to 1 only nearly, as float32 does, are divided by their sum.
    """
    if values.dtype.kind in "iu":
        return one_hot(actions(values, num_actions), num_actions)
    table = finite(array(values, "policy", np.float64), "policy")
    sums = table.sum(axis=-1)
    bad = ~(np.abs(sums - 1.0) <= 1e-5) | ~(table >= 0).all(axis=-1)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        row = np.array2string(table[where], threshold=6)
        raise ValueError(
            f"policy{list(where)} is {row}, expected probabilities that sum to 1 (of action "
            "values, greedy_policy(q_table) makes them)"
        )
    off = np.abs(sums - 1.0) > np.finfo(np.float64).eps * num_actions
    return np.asarray(table / np.where(off, sums, 1.0)[..., None]) if off.any() else table


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


def _address_space_left() -> int:
    """Bytes that RLIMIT_AS leaves to this process, or a very large number without a limit."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return 2**62
        with open("/proc/self/statm", encoding="ascii") as file:
            return limit - int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, AttributeError, OSError, ValueError):
        return 2**62


def available_memory() -> int:
    """Bytes that this process can have: what system, control group and its own limit leave."""
    return max(0, min(_system_memory(), _control_group_memory(), _address_space_left()))


# Below this no system is asked: a small call costs microseconds.
ALWAYS_FITS = 2**26


def memory(num_bytes: int, what: str | Callable[[], str]) -> None:
    """Raise MemoryError before work starts when `what` needs more memory than there is.

    Calls that must be cheap give `what` as a function, which is asked only if it does not fit.
    """
    if num_bytes <= ALWAYS_FITS:
        return
    available = available_memory()
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


def require_extra(module: str, extra: str, has: str | None = None) -> Any:
    """Import an optional module, or say which extra installs it, or a newer one that `has` a name."""
    from importlib import import_module

    package = module.partition(".")[0]
    install = f"install it with `pip install 'metarl-fast[{extra}]'`"
    try:
        found = import_module(module)
    except ImportError as error:
        raise ImportError(f"this needs {package}: {install}") from error
    if has is not None and not hasattr(found, has):
        raise ImportError(f"this needs a newer {package}, one that has {module}.{has}: {install}")
    return found
