"""From Gymnasium's seeds to the keys of `train`, one for each sub-environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.seeding import Seed, make_key

_LARGEST = 2**128
"""A system's entropy has 128 bits."""


@dataclass
class Keys:
    """What a reset seeds.

    `of` has a key for each sub-environment, None for those whose random numbers go on; `root` is the seed
    that a family's tasks are drawn with, None if they are not drawn anew.
    """

    of: list[int | None]
    root: Seed


class Seeds:
    """The seeds of an environment: those that `reset` gets, else the one that it was made with.

    Parameters
    ----------
    rng
        The seed of all sub-environments as long as `reset` gets none; None for fresh ones.
    """

    def __init__(self, rng: Seed) -> None:
        self._key = None if rng is None else make_key(rng)
        # A generator gives a number once.
        self._root: Seed = self._key if isinstance(rng, np.random.Generator) else rng
        self.begun = False
        """Whether a reset has come to its end: only then do random numbers go on."""

    def at_reset(
        self, env: Any, seed: int | Sequence[int | None] | None, num_envs: int, whole: bool = True
    ) -> Keys:
        """Return what a reset of the environment seeds; `whole` if it is of all sub-environments."""
        begins = not self.begun
        if seed is None:
            return self._fresh(env, num_envs) if begins else Keys([None] * num_envs, None)
        if isinstance(seed, Sequence):
            if len(seed) != num_envs:
                raise ValueError(f"seed holds {len(seed)} seeds, expected {num_envs}")
            given = [
                None if value is None else checks.integer(value, f"seed[{i}]", 0, _LARGEST)
                for i, value in enumerate(seed)
            ]
        else:
            first = checks.integer(seed, "seed", 0, _LARGEST)
            given = [first + i for i in range(num_envs)]
        known = {value: make_key(value) for value in set(given) if value is not None}
        keys: list[int | None] = [None if value is None else known[value] for value in given]
        root: Seed = next((value for value in given if value is not None), None)
        if begins:
            spare = self._fresh(env, num_envs)
            keys = [b if a is None else a for a, b in zip(keys, spare.of, strict=True)]
            root = spare.root if root is None else root
        return Keys(keys, root if begins or whole else None)

    def _fresh(self, env: Any, num_envs: int) -> Keys:
        """Return keys where no seed was given: those of the environment's generator."""
        if self._key is not None:
            return Keys([self._key] * num_envs, self._root)
        root = env.np_random_seed
        if root is None or root < 0:  # somebody gave the environment a generator
            root = make_key(env.np_random)
        return Keys([make_key(root + i) for i in range(num_envs)], root)
