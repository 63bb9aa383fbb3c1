"""Two vector environments side by side: what one returns the other has to return, value by value."""

from __future__ import annotations

import numpy as np


def assert_same(one, other, where=""):
    """Arrays, dicts of them, and objects alike, with their types."""
    if isinstance(one, dict):
        assert isinstance(other, dict), where
        assert one.keys() == other.keys(), f"{where}: {sorted(one)} and {sorted(other)}"
        for key in one:
            assert_same(one[key], other[key], f"{where}[{key!r}]")
        return
    assert isinstance(one, np.ndarray) == isinstance(other, np.ndarray), where
    if not isinstance(one, np.ndarray):
        assert one == other, where
        return
    assert (one.dtype, one.shape) == (other.dtype, other.shape), where
    if one.dtype != object:
        np.testing.assert_array_equal(one, other, where)
        return
    for a, b in zip(one, other, strict=True):
        assert type(a) is type(b), f"{where}: {a!r} and {b!r}"
        np.testing.assert_array_equal(a, b, where)


def run_side_by_side(one, other, seed, num_steps, rng, choose=None):
    """Both take the same random actions; who has to reset by hand does so by a mask."""
    first, second = one.reset(seed=seed), other.reset(seed=seed)
    assert_same(dict(enumerate(first)), dict(enumerate(second)), "reset")
    by_hand = one.metadata["autoreset_mode"].value == "Disabled"
    ended = 0
    for step in range(num_steps):
        actions = (
            choose(rng, second[-1]) if choose else rng.integers(one.single_action_space.n, size=one.num_envs)
        )
        first, second = one.step(actions), other.step(actions)
        assert_same(dict(enumerate(first)), dict(enumerate(second)), f"step {step}")
        done = first[2] | first[3]
        ended += int(done.sum())
        if by_hand and done.any():
            first = one.reset(options={"reset_mask": done.copy()})
            second = other.reset(options={"reset_mask": done.copy()})
            assert_same(dict(enumerate(first)), dict(enumerate(second)), f"reset at {step}")
    assert ended > one.num_envs
