"""Checkpoints of `fit`: how far it came, in a file that is at any moment the old one or the new one."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from metarl_fast import checks, store
from metarl_fast.files import Path
from metarl_fast.learners import Learner
from metarl_fast.meta.fitted import Applicable, Fitted
from metarl_fast.recipes import DrawnRecipe, Recipe, StoredRecipe
from metarl_fast.settings import Settings
from metarl_fast.tasks import Tasks

_CONTEXT = "checkpoint"
"""The entry of a result's `context` in which a file says which call it is of."""


class Checkpoint:
    """A file in which `fit` keeps what it has reached.

    Parameters
    ----------
    path
        Of the file. One that is there must be a checkpoint.
    every
        After so many iterations it is written again.
    """

    def __init__(self, path: Path, every: Any) -> None:
        self._path, self.name = path, os.fsdecode(path)
        self._every = checks.integer(every, "every", 1)
        self._of: dict[str, Any] = {}
        self.found = _read(self.name) if os.path.lexists(path) else None
        """What the file held, None if there was none."""

    def continues(self, meta: Applicable, base: Learner, key: int | None) -> None:
        """Refuse a file of other settings, and of another seed unless `key` is None."""
        if self.found is None:
            return
        for name, before, now in (("meta", self.found.meta, meta), ("learner", self.found.base, base)):
            if before != now:
                raise self._refusal(*_difference(name, before, now))
        if key is not None and self.found.key != key:
            raise self._refusal("rng", f"of key {self.found.key:016x}", f"one of key {key:016x}")

    def begin(self, nothing: Fitted, tasks: Tasks, num_episodes: int, num_steps: int | None) -> None:
        """Refuse a file of other tasks; where there is none, write one in which no step was taken."""
        self._of = {
            **_described(tasks),
            "num_episodes": checks.integer(num_episodes, "num_episodes", 0),
            "num_steps": None if num_steps is None else checks.integer(num_steps, "num_steps", 1),
        }
        if self.found is None:
            self.write(nothing)
            return
        before = self.found.context[_CONTEXT]
        for name in [*before, *self._of]:
            if before.get(name) != self._of.get(name):
                raise self._refusal(name, before.get(name), self._of.get(name))

    def is_due(self, iteration: int, last: int) -> bool:
        """Return whether the file is to be written after so many iterations."""
        return iteration % self._every == 0 or iteration == last

    def write(self, fitted: Fitted) -> None:
        """Replace the file."""
        store.save(self._path, fitted.replace(context={_CONTEXT: self._of}))

    def _refusal(self, name: str, before: Any, now: Any) -> ValueError:
        return ValueError(
            f"checkpoint {self.name}: its {name} is {checks.shown(before)}, this fit's is "
            f"{checks.shown(now)}: fit as before, or name another file"
        )


def _read(name: str) -> Fitted:
    found = store.load(name)
    if not isinstance(found, Fitted) or not isinstance(found.context.get(_CONTEXT), dict):
        raise ValueError(f"checkpoint {name} holds {checks.shown(found)}, which is no checkpoint of fit")
    return found


def _difference(name: str, before: Any, now: Any) -> tuple[str, Any, Any]:
    """Return the first setting by which two settings differ, and both its values."""
    if type(before) is type(now) and isinstance(before, Settings) and is_dataclass(before):
        for f in fields(before):
            one, other = getattr(before, f.name), getattr(now, f.name)
            if f.compare and one != other:
                return _difference(f"{name}.{f.name}", one, other)
    return name, before, now


def _described(tasks: Tasks) -> dict[str, Any]:
    """Return which tasks these are, in JSON types: family and its settings, key, ids, horizon, numbers."""
    recipe, horizon = tasks.recipe, tasks.horizon
    found: dict[str, Any] = {"num_tasks": len(tasks)}
    if isinstance(recipe, DrawnRecipe):
        found |= _settings_of(recipe.family, "family")
        found["key of the tasks"] = f"{recipe.key:016x}"
    found["horizon"] = _digest(horizon) if isinstance(horizon, np.ndarray) else horizon
    found["ids"] = str(recipe.ids) if isinstance(recipe.ids, range) else _digest(recipe.ids)
    if not isinstance(recipe, DrawnRecipe) or recipe.at_once is not None:
        # Of what Python draws the first task stands for all: its key and its ids name the others.
        part: Recipe = recipe.take(slice(0, 1), recipe.ids[:1]) if isinstance(recipe, DrawnRecipe) else recipe
        found["numbers of the tasks"] = _numbers(part.stored())
    return found


def _settings_of(family: Any, name: str) -> dict[str, Any]:
    """Return a family's type and settings as texts."""
    found = {name: type(family).__name__}
    if is_dataclass(family):
        for f in fields(family):
            value = getattr(family, f.name)
            inner = is_dataclass(value) and not isinstance(value, type)
            place = f"{name}.{f.name}"
            # A text that holds an address would be another one in the next process.
            text = re.sub(r" at 0x[0-9a-f]+", "", repr(value))
            found |= _settings_of(value, place) if inner else {place: text}
    return found


def _numbers(recipe: StoredRecipe) -> str:
    return _digest(*(value for value in vars(recipe).values() if isinstance(value, np.ndarray)))


def _digest(*arrays: Any) -> str:
    """Return a short digest of arrays."""
    found = hashlib.blake2b(digest_size=8)
    for values in arrays:
        found.update(f"{values.shape}{values.dtype}".encode())
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()
