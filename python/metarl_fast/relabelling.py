"""Relabelling: what a teacher would have done at each step of what somebody else did."""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.engine import HasLearner, Progress, as_learner, check_learner
from metarl_fast.history import History
from metarl_fast.learners import Learner
from metarl_fast.learners.initial_values import initial_values
from metarl_fast.planning import policy_iteration
from metarl_fast.policies import greedy_policy
from metarl_fast.runtime import thread_count
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Task, Tasks, as_batch

_CLOSE = 1e-9
"""Actions whose values differ by less than this part of the largest one, sign aside, are equally good."""


@runtime_checkable
class Labels(Protocol):
    """A teacher of one's own."""

    def labels(self, history: History, tasks: Tasks) -> NDArray[Any]:
        """Return probabilities of actions [N, T, A] for each step of a history."""


Teacher: TypeAlias = Learner | HasLearner | Labels | Literal["optimal"]
"""Who says what should have been done: a learner by what it had learned until then, or who knows the task."""


def relabel(
    history: History | ArrayLike,
    rewards: ArrayLike | None = None,
    tasks: Tasks | Task | None = None,
    teacher: Teacher = "optimal",
    *,
    actions: ArrayLike | None = None,
    rng: Seed = 0,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return what a teacher would have done at each step of what somebody did, as distributions [N, T, A].

    Whose steps they are does not matter: a learner's, a network's own, as in DAgger (Ross, Gordon and
    Bagnell, AISTATS 2011), or made up.

    Parameters
    ----------
    history
        Steps of N tasks [N, T]: a `History`, such as `train(..., record=True).history`. Or the states of one
        episode [T + 1], the last one entered among them; then `rewards` [T] and `actions` [T] are those of
        its steps.
    rewards
        None with a `History`.
    tasks
        The N tasks.
    teacher
        "optimal": all best actions of the task itself alike, for a discount of 0.99. A learner, or what a
        meta-learner's `fit` returned: it lives through the steps and learns from them; before each one it
        says what is best as far as it knows, ties alike, and explores not. Or an object with a method
        `labels(history, tasks)` of one's own.
    actions
        None with a `History`.
    rng
        Of learners that draw random numbers as they learn.
    num_threads, progress
        As in `train`.

    Returns
    -------
    ndarray [N, T, A]
        float32; zeros behind the end of a history. [T, A] for one episode.

    Raises
    ------
    ValueError, TypeError
        For steps that are none of these tasks', with their place, and for what is no teacher.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> room = mf.Darkroom(3, (1, 1), 4, mf.Cells(((0, 0),)))
    >>> mf.relabel([4, 4, 3, 0], [0.0, 0.0, 1.0], room.sample(1, rng=0), actions=[4, 3, 0])[0].round(2)
    array([0.5, 0. , 0. , 0.5, 0. ], dtype=float32)
    """
    if tasks is None:
        raise TypeError("tasks is None, expected the tasks that the steps were taken in")
    batch = as_batch(tasks)
    alone = not isinstance(history, History)
    if isinstance(history, History):
        if rewards is not None or actions is not None:
            raise TypeError("rewards and actions are given beside a History, which has its own")
        steps = history
    else:
        steps = _one_episode(history, rewards, actions)
    _check_steps(steps, batch)
    if isinstance(teacher, str):
        if teacher != "optimal":
            raise ValueError(
                f"teacher is {checks.shown(teacher)}, expected 'optimal', a learner or a teacher"
            )
        found = _optimal_labels(steps, batch, num_threads, progress)
    elif isinstance(teacher, Labels) and not isinstance(teacher, Learner):
        shape = (*steps.state.shape, batch.num_actions)
        found = checks.shape(
            checks.array(teacher.labels(steps, batch), "labels", np.float32), "labels", shape
        )
    else:
        found = _learned_labels(steps, batch, as_learner(teacher), rng, num_threads, progress)
    return found[0] if alone else found


def _one_episode(states: Any, rewards: Any, actions: Any) -> History:
    """Return a history of one episode that the time limit cut."""
    if rewards is None or actions is None:
        raise TypeError("rewards or actions are None, expected those of the steps between these states")
    seen = checks.array(states, "states", np.int64)
    if seen.ndim != 1 or seen.size == 0 or seen.min() < 0:
        raise ValueError(f"states is {checks.shown(states)}, expected numbers of states [T + 1]")
    taken = checks.shape(checks.array(actions, "actions", np.int64), "actions", (len(seen) - 1,))
    if taken.size and taken.min() < 0:
        raise ValueError(f"actions is {checks.shown(actions)}, expected numbers of actions")
    given = checks.shape(checks.array(rewards, "rewards", np.float64), "rewards", (len(seen) - 1,))
    ended = np.arange(1, len(seen)) == len(seen) - 1
    return History(
        seen[None, :-1], taken[None], given[None], seen[None, 1:], ended[None] & False, ended[None],
        np.array([len(seen) - 1]),
    )  # fmt: skip


def _check_steps(history: History, tasks: Tasks) -> None:
    """Refuse steps that cannot be of these tasks."""
    n, room = len(tasks), history.state.shape[-1]
    length = checks.shape(history.length, "history.length", (n,))
    for name, array in history.arrays().items():
        if name != "length":
            checks.shape(array, f"history.{name}", (n, room))
    for number, value in enumerate(length.tolist()):
        checks.integer(value, f"history.length[{number}]", 0, room)
    states, actions = tasks.num_states, tasks.num_actions
    for name, count in (("state", states), ("action", actions), ("next_state", states)):
        array = getattr(history, name)
        if array.dtype.kind not in "iu":
            raise TypeError(f"history.{name} is {array.dtype}, expected integers")
        wrong = history.mask & ((array < 0) | (array >= count))
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            raise ValueError(f"{name}{list(place)} is {array[place]}, expected one of the tasks' {count}")


def equally_good(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the policy [N, S, A] that shares alike among the actions that are best, but for rounding."""
    largest = q.max(axis=-1, keepdims=True)
    scale = np.maximum(np.abs(np.where(np.isfinite(q), q, 0.0)).max(axis=(1, 2), keepdims=True), 1e-300)
    return greedy_policy(np.where(q >= largest - _CLOSE * scale, 1.0, 0.0))


def _optimal_labels(
    history: History, tasks: Tasks, num_threads: int | None, progress: Progress | None
) -> NDArray[np.float32]:
    checks.memory(history.state.size * tasks.num_actions * 4, lambda: f"labels of {len(tasks)} tasks")
    found = policy_iteration(tasks.segment(0), 0.99, num_threads=num_threads, progress=progress)
    policy = equally_good(found.q_values).astype(np.float32)
    there = history.mask
    state = np.where(there, history.state, 0).astype(np.intp)
    label = np.take_along_axis(policy, state[..., None], axis=1)
    return np.asarray(np.where(there[..., None], label, np.float32(0)))


def _learned_labels(
    history: History,
    tasks: Tasks,
    learner: Learner,
    rng: Seed,
    num_threads: int | None,
    progress: Progress | None,
) -> NDArray[np.float32]:
    check_learner(learner, tasks)
    real = np.dtype(np.float64 if history.reward.dtype == np.float64 else np.float32)
    shape = learner.table_shape(tasks.num_states, tasks.num_actions)
    table = initial_values(learner.initial_q, "initial_q", tasks, real, shape)
    run = _core.relabel_float32 if real == np.float32 else _core.relabel_float64
    checks.memory(history.state.size * tasks.num_actions * 4, lambda: f"labels of {len(tasks)} tasks")
    label = np.zeros((*history.state.shape, tasks.num_actions), np.float32)
    run(
        tasks.core,
        learner.core(_most_episodes(history)),
        make_key(rng),
        table,
        _for_the_core(history, real),
        label,
        thread_count(num_threads),
        checks.callback(progress, "progress"),
    )
    return label


def _most_episodes(history: History) -> int:
    ended = history.terminated | history.truncated
    return int(ended.sum(axis=1).max(initial=0)) + 1


def _for_the_core(history: History, real: np.dtype[Any]) -> dict[str, NDArray[Any]]:
    """Return the arrays in types and a layout that the core reads."""

    def numbers(array: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(array, kind)

    narrow = (np.uint8, np.uint16, np.uint32)
    kinds = [
        a.dtype if a.dtype in narrow else np.dtype(np.uint32) for a in (history.state, history.next_state)
    ]
    states = max(kinds, key=lambda kind: kind.itemsize)
    action = history.action.dtype if history.action.dtype in narrow else np.dtype(np.uint32)
    types = {"state": states, "next_state": states, "action": action, "reward": real}
    types |= {"terminated": np.dtype(bool), "truncated": np.dtype(bool), "length": np.dtype(np.int64)}
    return {name: numbers(getattr(history, name), kind) for name, kind in types.items()}
