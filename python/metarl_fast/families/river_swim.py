"""RiverSwim: a chain with a small reward at the near end and a large one upstream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Chain
from metarl_fast.families.laws import Uniform
from metarl_fast.seeding import Seed

Number: TypeAlias = float | Uniform


@dataclass(frozen=True)
class RiverSwim(Chain, CoreFamily):
    """A river of S states: swimming left (action 0) always works, swimming right (1) is against the current.

    Episodes start in the first state. What pays at once is to stay there; the optimum is to swim up to the
    last state and to stay, which a learner has to find out by acting long against what it has seen.

    Each number may be a law, `Uniform(low, high)`, from which every task draws its own. As the defaults stand
    all tasks are the published one.

    Parameters
    ----------
    num_states
        S, at least 2.
    forward, back
        Swimming right between the ends, the probabilities of getting on and of drifting back; else one stays.
    first_forward
        Swimming right in the first state, the probability of getting on.
    last_back
        Swimming right in the last state, the probability of drifting back.
    left_reward, right_reward
        For swimming left in the first state, and for swimming right in the last one, wherever that leads.
    horizon
        Steps of an episode.

    Notes
    -----
    Strehl and Littman, "An analysis of model-based interval estimation for Markov decision processes", JCSS
    74 (2008), with the numbers of Osband, Russo and Van Roy, "(More) efficient reinforcement learning via
    posterior sampling" (2013), which most use since.
    """

    group = "Chains"

    num_states: int = 6
    forward: Number = 0.35
    back: Number = 0.05
    first_forward: Number = 0.6
    last_back: Number = 0.4
    left_reward: Number = 0.005
    right_reward: Number = 1.0
    horizon: int | None = 20

    def __post_init__(self) -> None:
        checks.keep(self, "num_states", checks.integer, 2, 2**30)
        checks.memory(self.num_states * 2 * 3 * 21, f"a task of {self.num_states} states")
        for name in _CHANCES:
            self._keep_number(name, 0.0, 1.0)
        for name in _REWARDS:
            self._keep_number(name)
        both = self._interval("forward")[1] + self._interval("back")[1]
        if both > 1.0:
            raise ValueError(f"forward + back is up to {both:g}, expected at most 1")
        if self.horizon is not None:
            checks.keep(self, "horizon", checks.integer, 1)

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """2: left and right."""
        return 2

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each.

        Raises
        ------
        ValueError
            If fewer than two numbers are laws: the halves would draw the same tasks.
        """
        intervals = [self._interval(name) for name in (*_CHANCES, *_REWARDS)]
        varying = sum(low < high for low, high in intervals)
        if varying < 2:
            raise ValueError(
                f"{varying} of this family's numbers vary from task to task, so that the parts of a split "
                "would draw the same tasks: give two or more as Uniform(low, high)"
            )
        return super().split(held_out, rng=rng)

    def _interval(self, name: str) -> NDArray[np.float64]:
        """Return the ends [2] between which each task draws the number."""
        number = getattr(self, name)
        ends = (number.low, number.high) if isinstance(number, Uniform) else (number, number)
        return np.array(ends, np.float64)

    def _keep_number(self, name: str, *limits: float) -> None:
        number: Any = getattr(self, name)
        if isinstance(number, Uniform):
            for end in self._interval(name).tolist():
                checks.real(end, f"an end of {name}", *limits)
        else:
            checks.keep(self, name, checks.real, *limits)

    def _core_family(self) -> _core.Family:
        intervals = {name: self._interval(name) for name in (*_CHANCES, *_REWARDS)}
        return _core.RiverSwim(num_states=self.num_states, **intervals)


_CHANCES = "forward", "back", "first_forward", "last_back"
_REWARDS = "left_reward", "right_reward"
