"""The two-step task: two choices, of which the first mostly leads where it should."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class TwoStep(CoreFamily):
    """Trials of two choices: where the first one leads is mostly common, what the second one pays changes.

    An episode is a trial of two steps. In state 0 action a leads to state 1 + a with probability `common`,
    else, by a rare transition, to the other one. There each action pays 1 with a probability of its own, else
    0, and the trial ends. After a rare transition that paid, who learns from reward alone repeats its first
    choice, and who knows the transitions makes the other one: `stay_probabilities` tells them apart.

    Parameters
    ----------
    common
        Probability of the common transition.
    drift
        How rewards change from trial to trial. "walk": the probabilities of the four second choices walk at
        random, reflected at `low` and `high`, between which they begin evenly. "swap": those of one state
        are `high` and those of the other `low`, and sometimes they swap.
    low, high
        Of these probabilities.
    walk_std
        Standard deviation of a step of the walk.
    swap
        How often a trial begins with a swap.
    segment
        None, or the trial at which time stands still; see `Tasks.segment`.

    Notes
    -----
    Daw, Gershman, Seymour, Dayan and Dolan, "Model-based influences on humans' choices and striatal
    prediction errors", Neuron 69 (2011): `TwoStep()`. Wang et al., "Prefrontal cortex as a meta-reinforcement
    learning system", Nature Neuroscience 21 (2018): `TwoStep.wang()`.
    """

    common: float = 0.7
    drift: Literal["walk", "swap"] = "walk"
    low: float = 0.25
    high: float = 0.75
    walk_std: float = 0.025
    swap: float = 0.025
    segment: int | None = None

    group = "Changing in time"
    num_states, num_actions, horizon = 3, 2, 2

    def __post_init__(self) -> None:
        for name in ("common", "low", "high", "swap"):
            checks.keep(self, name, checks.real, 0.0, 1.0)
        if self.low > self.high:
            raise ValueError(f"high is {self.high}, expected at least low={self.low}")
        if not isinstance(self.drift, str) or self.drift not in ("walk", "swap"):
            raise ValueError(f"drift is {checks.shown(self.drift)}, expected walk or swap")
        checks.keep(self, "walk_std", checks.real, 0.0)
        if self.segment is not None:
            checks.keep(self, "segment", checks.integer, 0, 2**31 - 1)

    @classmethod
    def wang(cls) -> Self:
        """Return the task of Wang et al.: common 0.8, rewards of 0.9 and 0.1, a swap in 40 trials.

        A state that pays stays the same for long, so that model-free learners, too, repeat what leads there:
        `interaction` alone does not tell (Akam, Costa and Dayan, PLoS Computational Biology 11, 2015).
        """
        return cls(0.8, "swap", 0.1, 0.9)

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Family, Family]:
        """Return (training family, held-out family), with half of the ids each.

        Raises
        ------
        ValueError
            If tasks differ in nothing but which state pays first: two of them swap, and time stands still or
            they never do.
        """
        if self.drift == "swap" and (self.segment is not None or self.swap == 0.0):
            raise ValueError(
                f"this family has 2 different tasks, with swap={self.swap} and segment={self.segment}: the "
                "parts of a split would draw the same ones"
            )
        return super().split(held_out, rng=rng)

    @property
    def _episodes_per_segment(self) -> int:  # type: ignore[override]
        return 1 if self.segment is None else 0

    def _in_segment(self, segment: int) -> Self:
        return self if self.segment is not None else replace(self, segment=segment)

    def _core_family(self) -> _core.Family:
        return _core.TwoStep(
            common=self.common,
            drift=self.drift,
            low=self.low,
            high=self.high,
            walk_std=self.walk_std,
            swap=self.swap,
            segment=-1 if self.segment is None else self.segment,
        )
