"""From the user's `rng=` to the 64-bit key that names all random streams of a call."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from metarl_fast import checks

Seed: TypeAlias = "int | np.random.SeedSequence | np.random.Generator | None"


class Key(int):
    """A key that is made already: the `rng` of a part of a run, which has the whole's."""


def make_key(rng: Seed) -> int:
    """Return a 64-bit key.

    Parameters
    ----------
    rng
        None for a fresh key from the system, an integer >= 0 or a `SeedSequence` for a reproducible one, or a
        `Generator`, from which one 64-bit number is drawn.

    Raises
    ------
    TypeError, ValueError
        If `rng` is none of these, or a negative integer.
    """
    if isinstance(rng, Key):
        return int(rng)
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, 2**64, dtype=np.uint64))
    if isinstance(rng, (bool, np.bool_)) or not (
        rng is None or isinstance(rng, (int, np.integer, np.random.SeedSequence))
    ):
        raise TypeError(
            f"rng is {checks.shown(rng)}, expected None, an integer, a SeedSequence or a Generator"
        )
    if isinstance(rng, (int, np.integer)) and rng < 0:
        raise ValueError(f"rng is {rng}, expected an integer >= 0")
    sequence = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(rng)
    return int(sequence.generate_state(1, np.uint64)[0])


def child(seed: int, *path: int) -> np.random.SeedSequence:
    """Return the seed of one part of a larger job: independent for each `path`, the same for the same one."""
    return np.random.SeedSequence(seed, spawn_key=path)


def branch(key: int, path: tuple[int, ...]) -> int:
    """Return the key of what lies at the end of `path`: independent for each path, `key` itself for none."""
    return make_key(child(key, *path)) if path else key
