"""The long run: what policies earn a step, and which earns most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.engine import Progress
from metarl_fast.planning import solver_bytes
from metarl_fast.policies import GivenPolicies, given_policies
from metarl_fast.result import Result
from metarl_fast.runtime import thread_count
from metarl_fast.scratch import check_scratch
from metarl_fast.shards import end_to_end, parts
from metarl_fast.tasks import Task, Tasks, as_batch


@dataclass(frozen=True, eq=False, repr=False)
class LongRun(Result):
    """What policies of N tasks earn in the long run; with P policies a task all arrays have P after N.

    Attributes
    ----------
    gain
        What is earned a step in the long run, from each state [N, S]; 0 where episodes end for certain.
    bias
        How much more than that is earned in all, from each state on [N, S]; its mean in the long run is 0.
    returns
        The gain expected from the start distribution [N].
    recurrent_class
        The recurrent class of the policy's chain that a state lies in [N, S], numbered by first states; -1
        for transient states.
    num_classes
        How many there are [N]. The end is one of them, if episodes may end.
    """

    gain: NDArray[np.float64]
    bias: NDArray[np.float64]
    returns: NDArray[np.float64]
    recurrent_class: NDArray[np.int32]
    num_classes: NDArray[np.int32]

    @property
    def is_unichain(self) -> NDArray[np.bool_]:
        """Whether the policy has one recurrent class [N]: then the gain is the same in all states."""
        return np.asarray(self.num_classes == 1)

    @classmethod
    def joined(cls, parts: Sequence[LongRun]) -> LongRun:
        """Put what was found of parts of a batch together: `shards.join`."""
        return cls(*(end_to_end(parts, each.name) for each in fields(cls)))


@dataclass(frozen=True, eq=False, repr=False)
class LongRunSolution(LongRun):
    """The long run of policies that earn as much a step as any can, in every state.

    Attributes
    ----------
    policy
        Actions [N, S].
    iterations
        Policies valued until that one was found [N].
    """

    policy: NDArray[np.int32]
    iterations: NDArray[np.int64]


_Arrays: TypeAlias = """tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]
]"""
"""Gain, bias, recurrent classes, their numbers and returns."""


def _room(tasks: Tasks, count: int) -> _Arrays:
    """Return what is to be filled for so many policies a task."""
    n, s = len(tasks), tasks.num_states
    checks.memory(20 * n * count * (s + 1), f"the long run of {n} tasks")
    size = n, count, s
    return (
        np.empty(size),
        np.empty(size),
        np.empty(size, np.int32),
        np.empty(size[:2], np.int32),
        np.empty(size[:2]),
    )


def _of_part(arrays: _Arrays, places: slice) -> _Arrays:
    gain, bias, recurrent_class, classes, returns = arrays
    return gain[places], bias[places], recurrent_class[places], classes[places], returns[places]


def _of_one_policy(arrays: _Arrays) -> _Arrays:
    gain, bias, recurrent_class, classes, returns = arrays
    return gain[:, 0], bias[:, 0], recurrent_class[:, 0], classes[:, 0], returns[:, 0]


def average_reward(
    tasks: Tasks | Task, *, num_threads: int | None = None, progress: Progress | None = None
) -> LongRunSolution:
    """Return policies that earn most a step in the long run (Howard 1960; Puterman 1994, section 9.2).

    Tasks may have one recurrent class under all policies or several: actions are improved in the gain of
    where they lead, and among those that keep it in r - g + P h. Gain and bias are those of the policy found,
    whose bias need not be the best among policies of the same gain. After the end of an episode nothing is
    earned. Horizons have no say.

    Parameters
    ----------
    tasks
        N tasks, or one.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For arguments of other kinds, and tasks so large that an elimination takes more than 2e9
        multiplications or 256 MB.

    Examples
    --------
    A machine that earns 1 a step and breaks one time in ten, and then is repaired for 2:

    >>> import metarl_fast as mf
    >>> work, repair = [(0.9, 0, 1.0, False), (0.1, 1, 1.0, False)], [(1.0, 0, -2.0, False)]
    >>> found = mf.average_reward(mf.from_outcomes({0: {0: work}, 1: {0: repair}}))
    >>> round(float(found.returns[0]), 12), bool(found.is_unichain[0])
    (0.727272727273, True)
    """
    batch = as_batch(tasks)
    report = checks.callback(progress, "progress")
    wanted = thread_count(num_threads)
    room = _room(batch, 1)
    policy = np.empty((len(batch), batch.num_states), np.int32)
    iterations = np.empty(len(batch), np.int64)
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        threads = check_scratch(core, wanted, more_bytes=solver_bytes(core))
        filled = (policy[places], iterations[places], *_of_part(room, places))
        _core.average_reward(core, *filled, threads, part.progress)
    gain, bias, recurrent_class, num_classes, returns = _of_one_policy(room)
    return LongRunSolution(gain, bias, returns, recurrent_class, num_classes, policy, iterations)


def gain_and_bias(
    tasks: Tasks | Task,
    policy: ArrayLike,
    *,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> LongRun:
    """Return what policies earn in the long run (Puterman 1994, section 8.2).

    Parameters
    ----------
    tasks
        N tasks, or one.
    policy
        As in `policy_evaluation`, but no plans: [S] or [N, S] actions, or [S, A], [N, S, A] or [N, P, S, A]
        probabilities.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        As `average_reward`, and for what is no policy.
    """
    batch = as_batch(tasks)
    given = stationary_policies(policy, batch)
    report = checks.callback(progress, "progress")
    wanted = thread_count(num_threads)
    room = _room(batch, given.count)
    for part in parts(batch, report):
        core, places = part.tasks.core, part.places
        threads = check_scratch(core, wanted, more_bytes=solver_bytes(core))
        own = given.of(places)
        filled = (own.probability, own.action, *_of_part(room, places))
        _core.gain_and_bias(core, *filled, threads, part.progress)
    found = room if given.several else _of_one_policy(room)
    gain, bias, recurrent_class, num_classes, returns = found
    return LongRun(gain, bias, returns, recurrent_class, num_classes)


def stationary_policies(policy: ArrayLike, tasks: Tasks) -> GivenPolicies:
    """Return policies that are the same at every step; a plan is refused."""
    given = given_policies(policy, len(tasks), tasks.num_states, tasks.num_actions)
    if given.steps is not None:
        raise ValueError("policy is a plan of so many steps, expected one that is the same at every step")
    return given
