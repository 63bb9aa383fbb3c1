"""What planners return: optimal values, values of policies, and what it took to find them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from metarl_fast.result import Result
from metarl_fast.shards import end_to_end


@dataclass(frozen=True, eq=False, repr=False)
class Solution(Result):
    """Optimal values of N tasks.

    Attributes
    ----------
    values
        v*(s) [N, S]; with a horizon, from the first step.
    q_values
        q*(s, a) [N, S, A]; with a horizon, at the first step.
    policy
        The first best action of each state [N, S]; with a horizon, of each step: [N, horizon, S], -1 beyond a
        task's own horizon.
    returns
        Expected optimal return from the start distribution [N].
    """

    values: NDArray[np.float64]
    q_values: NDArray[np.float64]
    policy: NDArray[np.int32]
    returns: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Solution]) -> Solution:
        """Put the solutions of parts of a batch together: `shards.join`."""
        return cls(*(end_to_end(parts, field.name) for field in fields(cls)))


@dataclass(frozen=True, eq=False, repr=False)
class SolverInfo(Result):
    """What it took to solve N tasks.

    Attributes
    ----------
    iterations
        Of each task [N]: the policies that policy iteration valued, the sweeps of value iteration, the rounds
        of sweeps of modified policy iteration.
    bound
        How far a value may be from v*, for each task [N]; inf where no bound is known, at discount 1.
    time
        Seconds that the call took, for all tasks.
    """

    iterations: NDArray[np.int64]
    bound: NDArray[np.float64]
    time: float

    @classmethod
    def joined(cls, parts: Sequence[SolverInfo]) -> SolverInfo:
        """Put what parts of a batch took together; of times the sum."""
        seconds = math.fsum(part.time for part in parts)
        return cls(end_to_end(parts, "iterations"), end_to_end(parts, "bound"), seconds)


@dataclass(frozen=True, eq=False, repr=False)
class BoundedSolution(Solution):
    """A `Solution` whose values are right within a bound.

    Attributes
    ----------
    error_bound
        How far a value may be from v*, for each task [N]; inf at discount 1, where no bound is known.
    info
        Iterations, that bound, and seconds.
    """

    error_bound: NDArray[np.float64]
    info: SolverInfo = field(repr=False)

    @classmethod
    def joined(cls, parts: Sequence[Solution]) -> BoundedSolution:
        """Put the solutions of parts of a batch together: `shards.join`."""
        names = [each.name for each in fields(cls) if each.name != "info"]
        arrays = {name: end_to_end(parts, name) for name in names}
        infos = [part.info for part in parts if isinstance(part, BoundedSolution)]
        return cls(**arrays, info=SolverInfo.joined(infos))


@dataclass(frozen=True, eq=False, repr=False)
class PolicyValues(Result):
    """Values of given policies on N tasks.

    Attributes
    ----------
    values
        v(s) [N, S], or [N, P, S] for P policies a task.
    returns
        Expected return from the start distribution [N] or [N, P].
    """

    values: NDArray[np.float64]
    returns: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[PolicyValues]) -> PolicyValues:
        """Put the values of parts of a batch together: `shards.join`."""
        return cls(end_to_end(parts, "values"), end_to_end(parts, "returns"))
