"""Settings that hold arrays: read-only, comparable, hashable."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.settings import Settings


@dataclass(frozen=True, eq=False, repr=False)
class ArraySettings(Settings):
    """Base of dataclasses most of whose fields are arrays; they are equal if all that they hold is."""

    def _keep(self, name: str, values: NDArray[Any]) -> None:
        own = np.array(values)
        own.flags.writeable = False
        object.__setattr__(self, name, own)

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, f.name) for f in fields(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArraySettings) or type(other) is not type(self):
            return NotImplemented
        return all(map(np.array_equal, self._values(), other._values()))  # None is equal to None alone

    def __hash__(self) -> int:
        # 0.0 and -0.0 are equal, and the sum is 0.0 for both.
        parts = ((v.shape, (v + 0.0).tobytes()) if isinstance(v, np.ndarray) else v for v in self._values())
        return hash(tuple(parts))

    def __reduce__(self) -> tuple[type[ArraySettings], tuple[Any, ...]]:
        return type(self), self._values()  # arrays lose that they are read-only on the way


def check_range(values: NDArray[Any], name: str, low: float, high: float) -> None:
    """Refuse arrays with numbers out of range, by the first of them."""
    bad = (values < low) | (values > high)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name}{list(where)} is {values[where]}, expected {low} to {high}")
