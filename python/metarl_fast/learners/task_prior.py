"""`TaskPrior`: what is believed of a task before it is seen, as arrays that settings can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners.array_settings import ArraySettings, check_range

Rewards: TypeAlias = Literal["next_state", "transition", "pair"]
REWARDS: tuple[Rewards, ...] = ("next_state", "transition", "pair")


@dataclass(frozen=True, eq=False, repr=False)
class TaskPrior(ArraySettings):
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
    end_rewards
        What it gives besides if the episode ends on entering a state [S]; None: nothing.
    end_alike
        The first of those states that end episodes in the same tasks [S]: what is seen of one is known of
        all; None: each is on its own.

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
    end_rewards: NDArray[np.float64] | None = None
    end_alike: NDArray[np.int32] | None = None

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
        check_range(self.classes, "classes", 0, count - 1)
        check_range(self.next_states, "next_states", -1, self.num_states - 1)
        check_range(self.probabilities, "probabilities", 0, 1)
        check_range(self.terminations, "terminations", 0, 1)
        for name, size in (("transition_strengths", (count,)), ("reward_strengths", keys[self.rewards])):
            given = getattr(self, name)
            if given is None:
                continue
            found = checks.shape(checks.array(given, name, np.float64), name, size)
            self._keep(name, checks.finite(found, name))
            if not (found > 0.0).all():
                raise ValueError(f"{name} has {found.min()}, expected numbers above 0")
        self._check_ends()
        free = self.next_states < 0
        if (free[:, :-1] & ~free[:, 1:]).any():
            raise ValueError("next_states has a state behind a free place, expected free places last")
        if self.probabilities[free].any():
            raise ValueError("probabilities is not 0 in a free place of next_states")

    def _check_ends(self) -> None:
        """Refuse what does not say of each state what its end gives, or which states it is like."""
        size = (self.num_states,)
        if self.end_rewards is not None:
            given = checks.array(self.end_rewards, "end_rewards", np.float64)
            self._keep("end_rewards", checks.finite(checks.shape(given, "end_rewards", size), "end_rewards"))
        if self.end_alike is not None:
            alike = checks.shape(checks.array(self.end_alike, "end_alike", np.int32), "end_alike", size)
            check_range(alike, "end_alike", 0, self.num_states - 1)
            if (alike[alike] != alike).any():
                raise ValueError("end_alike has a state that is not the first of those alike")
            self._keep("end_alike", alike)

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

    def __repr__(self) -> str:
        return (
            f"TaskPrior(num_states={self.num_states}, num_actions={self.num_actions}, "
            f"num_classes={self.num_classes}, rewards={self.rewards!r})"
        )
