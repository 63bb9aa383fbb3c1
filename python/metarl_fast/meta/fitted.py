"""What `fit` of every meta-learner returns: a better learner, and what is needed to go on or to look back."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks, store
from metarl_fast.files import Path
from metarl_fast.learners import Learner
from metarl_fast.settings import Settings

State: TypeAlias = "dict[str, NDArray[np.float64]]"
"""What a meta-learner has learned so far; no function changes the arrays in place."""


def outer_loss(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return minus the mean of returns [..., E] of E episodes, 0 of none."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(0.0 - returns.sum(axis=-1) / max(returns.shape[-1], 1))


def check_state(state: object, like: State) -> None:
    """Refuse what neither `init` nor `step` returns: what lacks entries of the state `like`."""
    expected = sorted(like)
    if not isinstance(state, dict) or not all(isinstance(state.get(key), np.ndarray) for key in expected):
        raise TypeError(f"state is {checks.shown(state)}, expected a dict of arrays {expected}")


@runtime_checkable
class Applicable(Protocol):
    """What a result asks of its meta-learner."""

    @property
    def recorded(self) -> tuple[str, ...]:
        """Entries of the state that tell how it went, and decide nothing."""

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen."""

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner as the state makes it."""


@dataclass(frozen=True, eq=False, repr=False)
class Fitted(Settings):
    """What a meta-learner made of a learner; it goes wherever a learner goes.

    Attributes
    ----------
    learner : Learner
        The better learner.
    meta : Meta
        The meta-learner.
    base : Learner
        The learner that was given.
    state : dict of ndarray
        What the meta-learner has learned, read-only.
    history : dict of ndarray
        A row for each iteration of what `meta.recorded` names: "returns" [iterations, E] holds the returns
        of the E episodes, averaged over the meta-batch. "loss" [iterations] is what the steps make small: of
        returns minus their mean.
    num_iterations : int
        Steps taken.
    key : int
        Of all random numbers.
    context : dict
        Of the user's, in JSON types: where the tasks come from, say. Files keep it.
    """

    meta: Applicable
    base: Learner
    state: State
    history: State
    num_iterations: int
    key: int
    context: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind, expected in (("meta", Applicable, "a meta-learner"), ("base", Learner, "a learner")):
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{name} is {checks.shown(getattr(self, name))}, expected {expected}")
        checks.keep(self, "num_iterations", checks.integer, 0)
        checks.keep(self, "key", checks.integer, 0, 2**64 - 1)
        if not isinstance(self.context, dict):
            raise TypeError(f"context is {checks.shown(self.context)}, expected a dict")
        checks.keep(self, "state", _read_only, self.meta.recorded)
        checks.keep(self, "history", _read_only, (*self.meta.recorded, "loss"))
        blank = self.meta.init(self.base)
        if set(self.state) != set(blank):
            raise ValueError(f"state has {sorted(self.state)}, expected {sorted(blank)}")
        for name, rows in self.history.items():
            if rows.shape[:1] != (self.num_iterations,):
                raise ValueError(f"{name} has shape {rows.shape}, expected {self.num_iterations} rows")
        _ = self.learner  # which refuses a state that makes none

    @cached_property
    def learner(self) -> Learner:
        """The better learner."""
        return self.meta.apply(self.state, self.base)

    def __repr__(self) -> str:
        return f"Fitted({self.meta}, {type(self.base).__name__}, {self.num_iterations} iterations)"

    def __reduce__(self) -> tuple[type[Fitted], tuple[Any, ...]]:
        # Arrays lose that they are read-only on the way.
        return Fitted, tuple(getattr(self, f.name) for f in fields(self))

    def save(self, path: Path) -> None:
        """Write to an .npz file, as `metarl_fast.save` does; `metarl_fast.load` reads it."""
        store.save(path, self)


def _read_only(arrays: Any, name: str, recorded: tuple[str, ...]) -> State:
    """Return copies of the arrays of a dict; what is `recorded` may be any numbers."""
    if not isinstance(arrays, dict):
        raise TypeError(f"{name} is {checks.shown(arrays)}, expected a dict of arrays")
    found = {}
    for key, values in arrays.items():
        own = np.array(checks.array(values, str(key), np.float64))
        if key not in recorded:
            checks.action_values(own, str(key))
        own.flags.writeable = False
        found[key] = own
    return found
