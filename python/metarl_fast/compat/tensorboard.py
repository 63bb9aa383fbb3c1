"""TensorBoard: what each step of a meta-learner's `fit` came to, as curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from metarl_fast import checks
from metarl_fast.files import Path

if TYPE_CHECKING:
    from typing_extensions import Self


class TensorBoard:
    """A callback of `fit` that writes scalars for TensorBoard.

        with TensorBoard("runs/reptile") as log:
            Reptile().fit(tasks, learner, rng=0, callback=log)

    After each step it writes "loss"; "returns/first" and "returns/last", of the first and the last episode in
    a task, averaged over the meta-batch; of each other entry of the state the number that it is, or its
    "mean" and its root mean square, "rms", without what is -inf.

    Parameters
    ----------
    where
        A folder for event files; or any writer with a method `add_scalar(tag, value, step)`, as those of
        tensorboardX and PyTorch are, which stays open.
    every
        Only every so many steps are written.

    Raises
    ------
    ImportError
        Without tensorboardX, which the extra `log` installs, if `where` is a folder.
    """

    def __init__(self, where: Path | Any, *, every: int = 1) -> None:
        self._every = checks.integer(every, "every", 1)
        self._own = isinstance(where, (str, bytes)) or hasattr(where, "__fspath__")
        if self._own:
            import os

            where = checks.require_extra("tensorboardX", "log").SummaryWriter(os.fsdecode(where))
        if not callable(getattr(where, "add_scalar", None)):
            raise TypeError(f"where is {checks.shown(where)}, expected a folder, or a writer with add_scalar")
        self._writer: Any = where

    def __call__(self, step: int, loss: float, state: Mapping[str, Any]) -> None:
        """Write what a step came to."""
        if step % self._every:
            return
        for tag, value in _scalars(loss, state):
            if math.isfinite(value):
                self._writer.add_scalar(tag, value, step)

    def close(self) -> None:
        """Write what is left, and close the file if the writer is this object's own."""
        if self._own:
            self._writer.close()

    def __enter__(self) -> Self:
        """Return the callback."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _scalars(loss: float, state: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return tags and values of a step."""
    found = [("loss", loss)]
    for name, entry in state.items():
        if name == "loss":
            continue
        values = np.asarray(entry, np.float64).ravel()
        values = values[values > -np.inf]
        if not values.size:
            continue
        if name == "returns":
            found += [("returns/first", float(values[0])), ("returns/last", float(values[-1]))]
        elif values.size == 1:
            found.append((f"state/{name}", float(values[0])))
        else:
            with np.errstate(over="ignore"):
                rms = float(np.sqrt(np.square(values).mean()))
                found += [(f"state/{name}/mean", float(values.mean())), (f"state/{name}/rms", rms)]
    return found
