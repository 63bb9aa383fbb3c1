"""Bandits of which one arm pays well and the last one says which that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metarl_fast import _core, checks
from metarl_fast.families.bandits import Bandit
from metarl_fast.families.splitting import checked_path, held_out_of, replaced
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class InformativeBandit(Bandit):
    """Arms that always pay the same: the target 5, others 1, and the last one its number: k / 10 of the k-th.

    Who has learned what the last arm says pulls it once, the worst arm of all, and the target from then on:
    4 x 5 and at most 1 in five pulls. Who knows nothing of that has to try ten arms.

    Parameters
    ----------
    num_arms
        A, at least 2, with the last one: it pays k / (A - 1) if the target is the k-th arm, counted from 1.
    num_pulls
        Steps of the episode.
    targets
        Arms, counted from 0, of which every task has one as its target, evenly; None for all but the last.
    target_reward, other_reward
        What the target pays, and what the others but the last do.
    split_path
        Which part of which splits this family is, as `split` writes it.

    Notes
    -----
    Wang et al., "Learning to reinforcement learn" (2016, arXiv 1611.05763), the eleven-armed bandit of the
    section on dependent arms.
    """

    num_arms: int = 11
    num_pulls: int = 5
    targets: tuple[int, ...] | None = None
    target_reward: float = 5.0
    other_reward: float = 1.0
    split_path: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._keep_counts("num_arms", "num_pulls")
        checks.keep(self, "num_arms", checks.integer, 2, 2**31 - 1)
        if self.targets is not None:
            object.__setattr__(self, "targets", self._checked_targets())
        for name in ("target_reward", "other_reward"):
            checks.keep(self, name, checks.real, -1e300, 1e300)
        checks.keep(self, "split_path", checked_path)

    def _checked_targets(self) -> tuple[int, ...]:
        if not isinstance(self.targets, (list, tuple)):
            raise TypeError(f"targets is {checks.shown(self.targets)}, expected a tuple of arms")
        if not self.targets:
            raise ValueError("targets is empty, expected one arm at least")
        found = tuple(checks.integer(arm, "a target", 0, self.num_arms - 2) for arm in self.targets)
        if len(set(found)) < len(found):
            raise ValueError(f"targets is {checks.shown(found)}, expected different arms")
        return found

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[Self, Self]:
        """Return (training family, held-out family) with different targets.

        Parameters
        ----------
        held_out
            Fraction of the targets to hold out, at least one of them and not all.
        rng
            Decides which; the default holds out the same on every call.

        Raises
        ------
        ValueError
            If there are fewer than two targets.
        """
        if self.targets is None:
            checks.memory(100 * self.num_arms, f"a list of {self.num_arms - 1} targets")
        targets = np.array(range(self.num_arms - 1) if self.targets is None else self.targets)
        unseen = held_out_of(len(targets), held_out, rng, "targets")
        return replaced(self, ({"targets": tuple(targets[part].tolist())} for part in (~unseen, unseen)))

    def _core_family(self) -> _core.Family:
        return _core.InformativeBandit(
            num_arms=self.num_arms,
            targets=np.array(self.targets or (), np.int64),
            target_reward=self.target_reward,
            other_reward=self.other_reward,
        )
