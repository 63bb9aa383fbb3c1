"""FrozenLake maps drawn by Gymnasium's own generator."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.families.grid import Grid
from metarl_fast.families.splitting import fraction
from metarl_fast.seeding import Seed, make_key


@cache
def _paths_occur(side: int, frozen_probability: float) -> bool:
    """Whether Gymnasium's generator, which draws until it finds a path, can be expected to end."""
    frozen_lake = checks.require_extra("gymnasium.envs.toy_text.frozen_lake", "gym")
    rng = np.random.Generator(np.random.PCG64(0))
    for _ in range(1000):
        board = np.where(rng.random((side, side)) < frozen_probability, "F", "H")
        board[0, 0], board[-1, -1] = "S", "G"
        if frozen_lake.is_valid(board.tolist(), side):
            return True
    return False


@dataclass(frozen=True)
class FrozenLakeMaps(Grid):
    """Gymnasium's FrozenLake on random maps; needs the extra `gym`.

    Parameters
    ----------
    side
        Side of the square map.
    frozen_probability
        Probability that a tile is frozen, not a hole; maps without a path to the goal are redrawn.
    is_slippery, success_rate
        As in Gymnasium: on slippery ice the move goes as intended with `success_rate`, else to a side.
    horizon
        Steps of an episode; default 25 * side, which is Gymnasium's 100 for side 4 and 200 for side 8.
    part
        "all" maps, or the disjoint "train" and "held_out" maps that `split` makes.
    held_out
        Fraction of maps that are held out when `part` is not "all".
    among
        Every map has a place in [0, 1), which its tiles decide. The family has the maps from the first of
        these places up to the second, or of those the `part`: a split of a part divides that part alone.
    order, within
        Below 2^64: other orders give maps other places. A family that was split in another order than the
        default has the maps of `within`, the family that was split, alone.
    """

    group = "Grids"

    side: int = 4
    frozen_probability: float = 0.8
    is_slippery: bool = True
    success_rate: float = 1.0 / 3.0
    horizon: int | None = None
    part: Literal["all", "train", "held_out"] = "all"
    held_out: float = 0.2
    among: tuple[float, float] = (0.0, 1.0)
    order: int = 0
    within: FrozenLakeMaps | None = None

    def __post_init__(self) -> None:
        checks.keep(self, "side", checks.integer, 2, 64)
        checks.keep(self, "frozen_probability", checks.real, 0.0, 1.0, open_low=True)
        checks.keep(self, "is_slippery", checks.flag)
        checks.keep(self, "success_rate", checks.real, 0.0, 1.0)
        checks.keep(self, "held_out", checks.real, 0.0, 1.0)
        if not isinstance(self.part, str) or self.part not in ("all", "train", "held_out"):
            raise ValueError(f"part is {checks.shown(self.part)}, expected 'all', 'train' or 'held_out'")
        object.__setattr__(self, "among", checks.interval(self.among, "among", 0.0, 1.0))
        checks.keep(self, "order", checks.integer, 0, 2**64 - 1)
        if not (self.within is None or isinstance(self.within, FrozenLakeMaps)):
            raise TypeError(f"within is {checks.shown(self.within)}, expected FrozenLakeMaps or None")
        if self.horizon is None:
            object.__setattr__(self, "horizon", 25 * self.side)
        checks.keep(self, "horizon", checks.integer, 1)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.side, self.side

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """4: left, down, right, up, in Gymnasium's order."""
        return 4

    def _places(self) -> tuple[float, float]:
        """Return where this part's maps begin and end; held-out maps come first."""
        low, high = self.among
        cut = low + self.held_out * (high - low)
        return {"all": (low, high), "held_out": (low, cut), "train": (cut, high)}[self.part]

    def _has(self, desc: list[str]) -> bool:
        """Tell by content, since different draws can give the same map."""
        low, high = self._places()
        key = self.order.to_bytes(8, "little")
        place = int.from_bytes(
            hashlib.blake2b("".join(desc).encode(), digest_size=8, key=key).digest(), "big"
        )
        return low <= place / 2**64 < high and (self.within is None or self.within._has(desc))

    def task(self, rng: np.random.Generator) -> Mapping[str, Any]:
        """Draw a map that belongs to this part."""
        frozen_lake = checks.require_extra("gymnasium.envs.toy_text.frozen_lake", "gym")
        if not _paths_occur(self.side, self.frozen_probability):
            raise ValueError(
                f"frozen_probability is {self.frozen_probability}: none of 1,000 maps of side {self.side} "
                "had a path to the goal"
            )
        for _ in range(10_000):
            desc = frozen_lake.generate_random_map(
                self.side, self.frozen_probability, int(rng.integers(2**31))
            )
            if self._has(desc):
                break
        else:
            raise ValueError(
                f"10,000 maps of side {self.side} hold none of part {self.part!r}: "
                f"change held_out={self.held_out} or among={self.among}"
            )
        return {"outcomes": self.outcomes(desc), "start": "".join(desc).index("S")}

    def outcomes(self, desc: list[str]) -> dict[str, NDArray[Any]]:
        """Return what moves on a map lead to, as `P` of Gymnasium's environment says, in arrays [S, A, K].

        The environment itself would take ten times as long to make as the map.
        """
        tiles = np.array([list(row) for row in desc])
        goal, ends = (tiles == "G").ravel(), np.isin(tiles, ["G", "H"]).ravel()
        side, state = len(tiles), np.arange(tiles.size)
        row, column = state // side, state % side
        ahead = np.stack(
            [
                np.where(column > 0, state - 1, state),
                np.where(row < side - 1, state + side, state),
                np.where(column < side - 1, state + 1, state),
                np.where(row > 0, state - side, state),
            ],
            axis=1,
        )
        to_a_side = (1.0 - self.success_rate) / 2.0
        turns = {-1: to_a_side, 0: self.success_rate, 1: to_a_side} if self.is_slippery else {0: 1.0}
        next_state = np.stack([np.roll(ahead, -turn, axis=1) for turn in turns], axis=2)
        probability = np.broadcast_to(np.array(list(turns.values())), next_state.shape).copy()
        probability[ends] = [1.0] + [0.0] * (len(turns) - 1)
        next_state[ends] = 0  # in places that are not used
        next_state[ends, :, 0] = state[ends, None]
        stays = ends[:, None, None]
        return {
            "probability": probability,
            "next_state": next_state,
            "reward": np.where(stays, 0.0, goal[next_state]),
            "terminated": ends[next_state],
        }

    @property
    def split_path(self) -> tuple[int, ...]:  # type: ignore[override]
        """Which maps this part has: parts draw different numbers for the same seed."""
        places = self._places()
        if self.within is None and places == (0.0, 1.0):
            return ()
        whole = () if self.within is None else self.within.split_path
        return (*whole, self.order, *(int(place * 2**53) for place in places))

    def split(self, held_out: float = 0.2, *, rng: Seed = 0) -> tuple[FrozenLakeMaps, FrozenLakeMaps]:
        """Return (training maps, held-out maps): no map is in both, and each can be split again.

        Parameters
        ----------
        held_out
            Fraction of the maps to hold out, above 0 and below 1.
        rng
            Decides which; the default holds out the same on every call.
        """
        share = fraction(held_out)
        if isinstance(rng, int) and rng == 0:
            training = replace(self, part="train", held_out=share, among=self._places())
        else:
            order = make_key(rng)
            training = replace(self, part="train", held_out=share, among=(0.0, 1.0), order=order, within=self)
        return training, replace(training, part="held_out")
