"""A bar on standard error, with the time left and the loss, for whatever takes `progress=`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from metarl_fast import checks

if TYPE_CHECKING:
    from typing_extensions import Self


class ProgressBar:
    """Shows how far a call is and how long it still takes; of `fit` the loss, too.

        with ProgressBar("Reptile") as bar:
            fitted = Reptile().fit(tasks, learner, rng=0, progress=bar, callback=bar.step)

    Where nobody can see it, as after `2>&-` or on a full disk, it shows nothing: the work goes on.

    Parameters
    ----------
    label
        What stands before the bar.

    Raises
    ------
    TypeError
        For a label that is no text.
    ImportError
        Without tqdm, which the extra `progress` installs.
    """

    def __init__(self, label: str = "") -> None:
        self._tqdm = checks.require_extra("tqdm", "progress").tqdm
        if not isinstance(label, str):
            raise TypeError(f"label is {checks.shown(label)}, expected text")
        self._label = label
        self._bar: Any = None
        self._loss = ""
        self._shown = sys.stderr is not None

    def __call__(self, done: int, total: int) -> None:
        """Show that so much of all is done."""
        if not self._shown:
            return
        try:
            if self._bar is None:
                self._bar = self._tqdm(total=total, desc=self._label, unit="", leave=False, file=sys.stderr)
                self._bar.set_postfix_str(self._loss, refresh=False)
            elif self._bar.total != total:  # another call, which begins anew
                self._bar.reset(total)
            self._bar.update(done - self._bar.n)
        except OSError:
            self._shown = False

    def step(self, step: int, loss: float, state: Mapping[str, Any]) -> None:
        """Show the loss of a step of `fit` with what is shown next."""
        self._loss = f"step {step}, loss {loss:.4g}"
        if self._bar is not None:
            self._bar.set_postfix_str(self._loss, refresh=False)

    def close(self) -> None:
        """Remove the bar; what is told later begins a new one."""
        if self._bar is not None and self._shown:
            with suppress(OSError):
                self._bar.close()
        self._bar = None

    def __enter__(self) -> Self:
        """Return the bar."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self.close()
