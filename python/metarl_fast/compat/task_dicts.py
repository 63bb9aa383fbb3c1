"""Tasks as plain dicts of arrays, which pickle: as learn2learn, pytorch-maml-rl and Xenoverse have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from metarl_fast import checks
from metarl_fast.compat.anymdp_dicts import KEYS, from_anymdp, to_anymdp
from metarl_fast.data import from_arrays, from_outcomes
from metarl_fast.joining import concatenate
from metarl_fast.recipes import StoredRecipe
from metarl_fast.tasks import Task, Tasks, as_batch

# Of TabularMDP-v0, whose dicts do not say so.
_HORIZON, _NOISE = 10, 1.0


def to_task_dicts(
    tasks: Tasks | Task, *, form: Literal["tabular_mdp", "anymdp"] = "tabular_mdp"
) -> list[dict[str, Any]]:
    """Return a dict of arrays for each task.

    Parameters
    ----------
    tasks
        One or many.
    form
        "tabular_mdp": `transitions` [S, A, S] and `rewards_mean` [S, A], as pytorch-maml-rl's
        `TabularMDP-v0` has them, or `outcomes` of tasks that are lists; beside them `start` [S], `terminal`
        [S], `reward_noise`, `horizon` and `id`. "anymdp": what `AnyMDPEnv.set_task` of Xenoverse takes;
        outcomes that lead to the same state are one there, which pays their mean.

    Raises
    ------
    ValueError
        For another form, and for tasks that AnyMDP's environment cannot do: episodes that end elsewhere than
        on entering a terminal state, actions that are not available, no horizon.
    """
    if form not in _WRITERS:
        raise ValueError(f"form is {checks.shown(form)}, expected {' or '.join(_WRITERS)}")
    return [_WRITERS[form](task) for task in as_batch(tasks)]


def _to_dict(task: Task) -> dict[str, Any]:
    found: dict[str, Any] = {
        "start": np.array(task.start),
        "terminal": np.array(task.terminal),
        "reward_noise": task.reward_noise,
        "horizon": task.horizon,
        "id": task.id,
    }
    if task.batch.core.dense:
        return {"transitions": np.array(task.transitions), "rewards_mean": np.array(task.rewards), **found}
    return {"outcomes": {name: np.array(values) for name, values in task.outcomes.items()}, **found}


def from_task_dicts(dicts: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Tasks:
    """Make tasks of dicts as `to_task_dicts` returns them, or as the samplers of others draw them.

    What a dict of pytorch-maml-rl's does not say is as in `TabularMDP-v0`: episodes of 10 steps begin in
    state 0, rewards are normal with standard deviation 1. Of Xenoverse's AnyMDP states have the names that
    its environment shows; those that a task does not use are terminal, and nothing leads to them. Noise has
    one standard deviation here: the root of the mean square of those of all possible rewards.

    Raises
    ------
    TypeError, ValueError
        For what is no such dict, or has arrays that are no task.
    """
    each = list(dicts) if isinstance(dicts, (list, tuple)) else [dicts]
    if not each:
        raise ValueError("dicts is empty, expected at least one task")
    parts = [_from_dict(given) for given in each]
    return parts[0] if len(parts) == 1 else concatenate(parts)


def _from_dict(given: Any) -> Tasks:
    names = set(given) if isinstance(given, Mapping) else set()
    if names >= KEYS:
        return _named(from_anymdp(given), given)
    if not ("outcomes" in names or {"transitions", "rewards_mean"} <= names):
        raise TypeError(
            f"a task is {checks.shown(given)}, expected a dict with transitions and rewards_mean, or "
            f"outcomes, or AnyMDP's {', '.join(sorted(KEYS))}"
        )
    more = {
        "start": given.get("start", 0),
        "terminal": given.get("terminal"),
        "horizon": given.get("horizon", _HORIZON),
        "reward_noise": given.get("reward_noise", _NOISE),
    }
    if "outcomes" in given:
        tasks = from_outcomes(given["outcomes"], **more)
    else:
        tasks = from_arrays(given["transitions"], given["rewards_mean"], **more)
    return _named(tasks, given)


def _named(tasks: Tasks, given: Mapping[str, Any]) -> Tasks:
    """Return them with the id that the dict says."""
    recipe = tasks.recipe
    if "id" not in given or not isinstance(recipe, StoredRecipe):
        return tasks
    name = checks.integer(given["id"], "id", 0, 2**56 - 1)
    return replace(tasks, recipe=recipe.named(range(name, name + 1)))


_WRITERS = {"tabular_mdp": _to_dict, "anymdp": to_anymdp}
