"""`TaskPrior`: what is believed of a task before it is seen, as arrays that settings can hold."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.settings import Settings

Rewards: TypeAlias = Literal["next_state", "transition", "pair"]
REWARDS: tuple[Rewards, ...] = ("next_state", "transition", "pair")


@dataclass(frozen=True, eq=False, repr=False)
class TaskPrior(Settings):
    """A prior over tasks of S states and A actions: means, of which learners say how much they trust them.

    Pairs (state, action) that behave alike in every task share one of C classes: what is seen of one is known
    of all. A class has K places for the next states that it can lead to. `EmpiricalBayes` learns a prior;
    priors are equal if all their arrays are.

    Parameters
    ----------
    classes
        The class of each pair [S, A], 0 to C - 1.
    next_states
        States that a class leads to [C, K]; -1 in free places, which come last in a row and are for states
        that are met later.
    probabilities
        Of the next states [C, K]; 0 in free places. Rows sum to at most 1: what is missing leads to where
        nothing is to be had.
    rewards
        What rewards depend on: "next_state", the state entered; "transition", class and next state; "pair",
        the class.
    reward_means
        What each of them is expected to give: [S], [C, K], of free places what takes them later, or [C].
    terminations
        Probability that the episode ends on entering a state [S].
    values
        Value of each state under the prior [S], from which planning begins.
    transition_strengths, reward_strengths
        How many observations the prior of each class [C] and of each of `reward_means` is worth, above 0;
        None: what the learner says of all.

    Raises
    ------
    ValueError, TypeError
        For arrays that do not fit together, and for numbers out of range.
    """

    classes: NDArray[np.int32]
    next_states: NDArray[np.int32]
    probabilities: NDArray[np.float64]
    rewards: Rewards
    reward_means: NDArray[np.float64]
    terminations: NDArray[np.float64]
    values: NDArray[np.float64]
    transition_strengths: NDArray[np.float64] | None = None
    reward_strengths: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.rewards not in REWARDS:
            raise ValueError(
                f"rewards is {checks.shown(self.rewards)}, expected one of {', '.join(map(repr, REWARDS))}"
            )
        for name in ("classes", "next_states"):
            self._keep(name, checks.array(getattr(self, name), name, np.int32))
        for name in ("probabilities", "reward_means", "terminations", "values"):
            found = checks.array(getattr(self, name), name, np.float64)
            self._keep(name, checks.finite(found, name))
        if self.classes.ndim != 2 or 0 in self.classes.shape:
            raise ValueError(f"classes has shape {self.classes.shape}, expected (S, A)")
        if self.next_states.ndim != 2 or 0 in self.next_states.shape:
            raise ValueError(f"next_states has shape {self.next_states.shape}, expected (C, K)")
        count, places = self.next_states.shape
        keys = {"next_state": (self.num_states,), "transition": (count, places), "pair": (count,)}
        checks.shape(self.probabilities, "probabilities", (count, places))
        checks.shape(self.reward_means, "reward_means", keys[self.rewards])
        checks.shape(self.terminations, "terminations", (self.num_states,))
        checks.shape(self.values, "values", (self.num_states,))
        _check_range(self.classes, "classes", 0, count - 1)
        _check_range(self.next_states, "next_states", -1, self.num_states - 1)
        _check_range(self.probabilities, "probabilities", 0, 1)
        _check_range(self.terminations, "terminations", 0, 1)
        for name, size in (("transition_strengths", (count,)), ("reward_strengths", keys[self.rewards])):
            given = getattr(self, name)
            if given is None:
                continue
            found = checks.shape(checks.array(given, name, np.float64), name, size)
            self._keep(name, checks.finite(found, name))
            if not (found > 0.0).all():
                raise ValueError(f"{name} has {found.min()}, expected numbers above 0")
        free = self.next_states < 0
        if (free[:, :-1] & ~free[:, 1:]).any():
            raise ValueError("next_states has a state behind a free place, expected free places last")
        if self.probabilities[free].any():
            raise ValueError("probabilities is not 0 in a free place of next_states")

    def _keep(self, name: str, values: NDArray[Any]) -> None:
        own = np.array(values)
        own.flags.writeable = False
        object.__setattr__(self, name, own)

    @property
    def num_states(self) -> int:
        """S."""
        return int(self.classes.shape[0])

    @property
    def num_actions(self) -> int:
        """A."""
        return int(self.classes.shape[1])

    @property
    def num_classes(self) -> int:
        """C."""
        return int(self.next_states.shape[0])

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, f.name) for f in fields(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TaskPrior):
            return NotImplemented
        return all(map(np.array_equal, self._values(), other._values()))  # None is equal to None alone

    def __hash__(self) -> int:
        # 0.0 and -0.0 are equal, and the sum is 0.0 for both.
        parts = ((v + 0.0).tobytes() if isinstance(v, np.ndarray) else v for v in self._values())
        return hash((self.classes.shape, self.next_states.shape, *parts))

    def __repr__(self) -> str:
        return (
            f"TaskPrior(num_states={self.num_states}, num_actions={self.num_actions}, "
            f"num_classes={self.num_classes}, rewards={self.rewards!r})"
        )

    def __reduce__(self) -> tuple[type[TaskPrior], tuple[Any, ...]]:
        return TaskPrior, self._values()  # arrays lose that they are read-only on the way


def _check_range(values: NDArray[Any], name: str, low: float, high: float) -> None:
    """Refuse arrays with numbers out of range, by the first of them."""
    bad = (values < low) | (values > high)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name}{list(where)} is {values[where]}, expected {low} to {high}")
