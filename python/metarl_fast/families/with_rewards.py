"""Tasks with rewards of another law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from metarl_fast import _core, checks
from metarl_fast.families.base import Family
from metarl_fast.families.combination import Around
from metarl_fast.families.laws import Fixed, Normal, RewardLaw, Uniform, drawn_from
from metarl_fast.families.sharing import apart
from metarl_fast.recipes import Ids
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Tasks

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class WithRewards(Around):
    """The tasks of a family with rewards of another law, instead of their own or added to them.

    Parameters
    ----------
    family
        Whose rows, starts and terminal states.
    rewards
        Law of the expected rewards: `Uniform`, `Normal`, or `Fixed`: a number, or one for each that is paid
        for.
    on
        What is paid for: "state", every step in s [S]; "pair", taking a in s [S, A]; "transition", getting
        from s by a to s' [S, A, S]; or "goal", getting to one state, drawn evenly in each task, from
        wherever: a sparse reward, one number.
    added
        Whether rewards are added to the family's.
    reward_noise
        Standard deviation of Gaussian noise on each sampled reward, instead of the family's.

    Notes
    -----
    Rewards of transitions and goals stand in outcomes: dense tasks become outcome lists.
    """

    family: Family
    rewards: RewardLaw = Normal()
    on: Literal["state", "pair", "transition", "goal"] = "pair"
    added: bool = False
    reward_noise: float = 0.0

    def __post_init__(self) -> None:
        self._keep_family()
        s, a = self.family.num_states, self.family.num_actions
        shapes = {"state": (s,), "pair": (s, a), "transition": (s, a, s), "goal": ()}
        if not isinstance(self.on, str) or self.on not in shapes:
            raise ValueError(f"on is {checks.shown(self.on)}, expected {', '.join(shapes)}")
        if not isinstance(self.rewards, (Uniform, Normal, Fixed)):
            raise TypeError(f"rewards is {checks.shown(self.rewards)}, expected Uniform, Normal or Fixed")
        if isinstance(self.rewards, Fixed):
            checks.shape(np.asarray(self.rewards.values), "rewards", (), shapes[self.on])
        checks.keep(self, "added", checks.flag)
        checks.keep(self, "reward_noise", checks.real, 0.0)
        largest = self.rewards.largest + 7.0 * self.reward_noise
        checks.real(largest, "the largest reward with 7 * reward_noise", 0.0, 1e300)

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Self, Self]:
        """Return (training family, held-out family): those of the family's halves.

        Raises
        ------
        ValueError
            What the family's own split raises, and if its tasks differ in nothing but what is replaced.
        """
        return apart(super().split(held_out, rng=rng), type(self).__name__)

    def _view(self, key: int, ids: Ids) -> _core.Family:
        values = np.ravel(self.rewards.values) if isinstance(self.rewards, Fixed) else np.empty(0)
        return _core.WithRewards(
            family=self.family._view(_core.key_of_part(key, 0), ids),
            on=self.on,
            values=np.ascontiguousarray(values, np.float64),
            added=int(self.added),
            reward_noise=self.reward_noise,
            **drawn_from(self.rewards),
        )

    def _inside(self, key: int, ids: Ids) -> Tasks:
        return super()._inside(_core.key_of_part(key, 0), ids)
