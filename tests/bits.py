"""Comparing results bit for bit."""

from __future__ import annotations

import hashlib

import numpy as np


def assert_same_bits(found, expected):
    """Unlike `==` on floats: 0.0 is not -0.0, and float32 is not float64."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    if found.tobytes() != expected.tobytes():
        np.testing.assert_array_equal(found, expected)
        raise AssertionError("the arrays differ in the sign of a zero or the payload of a NaN")


def digest(*arrays):
    """SHA-256 over shapes, types and contents."""
    code = hashlib.sha256()
    for values in arrays:
        code.update(f"{values.dtype.str}{values.shape}".encode())
        code.update(np.ascontiguousarray(values).tobytes())
    return code.hexdigest()
