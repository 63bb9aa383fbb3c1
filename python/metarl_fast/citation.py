"""Naming tasks so that another person, years later, has the same ones: a few lines of JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.config import from_config, to_config
from metarl_fast.families import Family
from metarl_fast.recipes import DrawnRecipe, Ids, explicit_ids
from metarl_fast.runtime import build_info
from metarl_fast.tasks import Task, Tasks, as_batch

_FIELDS = ("family", "key", "ids", "horizon", "digest", "metarl_fast")
_MOST_IDS = 10_000


def cite(tasks: Task | Tasks) -> dict[str, Any]:
    """Return what names tasks exactly, in JSON types: their family with its parameters, its key, their ids.

    `from_citation` draws the same tasks again. What names the random numbers is the 64-bit key made of the
    seed (and of the split), whatever the seed was. The digest is of the first task's numbers, so that a
    version that draws others cannot pass for this one.

    Parameters
    ----------
    tasks
        A task, or a batch, that a family drew.

    Returns
    -------
    dict
        `family`, as `metarl-fast train --config` would have it; `key`, in hexadecimal; `ids`, the first and
        the one behind the last of a run of them, or a list; `horizon`; `digest`; `metarl_fast`, the version.

    Raises
    ------
    ValueError
        For tasks that no family draws, and more than 10,000 ids that are no run.
    TypeError
        For a family whose parameters have no form in JSON.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> task = mf.GoalGrid(5).sample(100, rng=0)[7]
    >>> mf.from_citation(mf.cite(task)).id
    7
    """
    batch = as_batch(tasks)
    recipe = batch.recipe
    if not isinstance(recipe, DrawnRecipe):
        raise ValueError("these tasks are arrays, which no family draws again: keep the arrays themselves")
    return {
        "family": to_config(recipe.family),
        "key": f"{recipe.key:016x}",
        "ids": _cited_ids(recipe.ids),
        "horizon": batch.horizon.tolist() if isinstance(batch.horizon, np.ndarray) else batch.horizon,
        "digest": _digest(batch[0]) if len(batch) else None,
        "metarl_fast": build_info()["version"],
    }


def from_citation(citation: Mapping[str, Any] | str, *, family: Family | None = None) -> Task | Tasks:
    """Return the tasks that `cite` named.

    Parameters
    ----------
    citation
        What `cite` returned, or its JSON text.
    family
        The family, where it is one of your own, which no file can make.

    Returns
    -------
    Task or Tasks
        A `Task` if there is one id, else a batch.

    Raises
    ------
    ValueError, TypeError
        For what is no citation, and where this version draws other numbers than the one that cited.
    """
    cited = _read(citation)
    if family is None:
        family = from_config(cited["family"], Family)
    if not isinstance(family, Family):
        raise TypeError(f"family is {checks.shown(family)}, expected a family")
    ids, key = _read_ids(cited["ids"]), _read_key(cited["key"])
    tasks = Tasks(family._recipe(key, ids), cited["horizon"])
    if len(tasks) and _digest(tasks[0]) != cited["digest"]:
        raise ValueError(
            f"task {tasks[0].id} has other numbers than the one cited with version {cited['metarl_fast']}; "
            f"this is {build_info()['version']}, and CHANGELOG.md says which version draws which numbers"
        )
    return tasks[0] if len(tasks) == 1 else tasks


def _digest(task: Task) -> str:
    """Return a short digest of all numbers of a task, as it is in its first segment."""
    batch = task.segment(0).batch
    found = hashlib.sha256()
    for name, values in (*sorted(batch.outcomes.items()), ("start", batch.start), ("end", batch.terminal)):
        found.update(f"{name}{values.shape}".encode())
        found.update(np.ascontiguousarray(values).tobytes())
    found.update(np.float64(task.reward_noise).tobytes())
    return found.hexdigest()[:16]


def _cited_ids(ids: Ids) -> dict[str, int] | list[int]:
    if isinstance(ids, range):
        return {"first": ids.start, "end": ids.stop}
    if len(ids) > _MOST_IDS:
        raise ValueError(
            f"there are {len(ids)} ids that are no run, expected at most {_MOST_IDS} to write out"
        )
    return [int(number) for number in explicit_ids(ids)]


def _read(citation: Any) -> Mapping[str, Any]:
    if isinstance(citation, str):
        try:
            citation = json.loads(citation)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"the citation does not parse as JSON: {error}") from error
    if not isinstance(citation, Mapping):
        raise TypeError(
            f"citation is {checks.shown(citation)}, expected what cite returned, or its JSON text"
        )
    missing = [name for name in _FIELDS if name not in citation]
    if missing:
        raise ValueError(f"the citation lacks {', '.join(missing)}")
    return citation


def _read_key(key: Any) -> int:
    try:
        found = int(key, 16)
    except (TypeError, ValueError):
        raise ValueError(f"key is {checks.shown(key)}, expected 16 hexadecimal digits") from None
    return checks.integer(found, "key", 0, 2**64 - 1)


def _read_ids(ids: Any) -> Ids:
    if isinstance(ids, Mapping) and set(ids) == {"first", "end"}:
        first = checks.integer(ids["first"], "ids['first']", 0, 2**64 - 1)
        return range(first, checks.integer(ids["end"], "ids['end']", first, 2**64))
    if not isinstance(ids, (list, tuple)):
        raise TypeError(f"ids is {checks.shown(ids)}, expected a list, or a table of first and end")
    return np.array([checks.integer(number, "an id", 0, 2**64 - 1) for number in ids], np.uint64)
