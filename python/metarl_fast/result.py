"""What the package returns: arrays by name, shown in one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np


class Result:
    """Base of dataclasses of results; `repr` says what there is and of which shape, in one line."""

    def __repr__(self) -> str:
        shown = (_shown(name, value) for name, value in self._contents() if value is not None)
        return f"{type(self).__name__}({', '.join(shown)})"

    def _contents(self) -> Iterator[tuple[str, Any]]:
        """Yield what is shown, by name."""
        return ((f.name, getattr(self, f.name)) for f in fields(self) if f.repr)  # type: ignore[arg-type]


def _shown(name: str, value: Any) -> str:
    """Return an array's shape, or the number that it is; all else as it shows itself."""
    if not isinstance(value, np.ndarray):
        return f"{name}={value!r}"
    return f"{name}{list(value.shape)}" if value.ndim else f"{name}={value:.6g}"
