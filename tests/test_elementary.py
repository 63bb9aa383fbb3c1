"""log, exp and the normal quantile: their errors, measured, and the twin."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from statistics import NormalDist

import numpy as np
from scipy import special

import reference
from bits import assert_same_bits
from metarl_fast import _core

# All sizes of numbers, and the neighbourhoods where the algorithms change over.
RANDOM = np.random.default_rng(0)
LOG_POINTS = np.concatenate(
    [
        2.0 ** RANDOM.uniform(-1022, 1023, 3000),
        RANDOM.uniform(0.5, 2.0, 3000),
        1.0 + RANDOM.choice([-1, 1], 1000) * 2.0 ** RANDOM.uniform(-52, -5, 1000),
        math.sqrt(0.5) * (1.0 + np.arange(-50, 50) * 2.0**-52),
        [2.0**-1022, np.finfo(float).max, 2.0**-33, 1.0 - 2.0**-33],
    ]
)
EXP_POINTS = np.concatenate(
    [
        RANDOM.uniform(-708, 709, 3000),
        RANDOM.uniform(-2, 2, 3000),
        RANDOM.choice([-1, 1], 1000) * 2.0 ** RANDOM.uniform(-60, 0, 1000),
        (np.arange(-100, 100) + 0.5) * math.log(2),
        [-708.0, 709.0],
    ]
)
QUANTILE_POINTS = np.concatenate(
    [
        RANDOM.uniform(0, 1, 4000),
        2.0 ** RANDOM.uniform(-1000, -1, 2000),
        1.0 - 2.0 ** RANDOM.uniform(-52, -1, 2000),
        0.075 * (1.0 + np.arange(-20, 20) * 2.0**-52),
        0.925 * (1.0 + np.arange(-20, 20) * 2.0**-52),
        math.exp(-25.0) * (1.0 + np.arange(-20, 20) * 2.0**-52),
        [0.5, 2.0**-33, 1.0 - 2.0**-33],
    ]
)


def errors_in_ulps(function, exact, points):
    """|function(x) - exact(x)| in units in the last place of the result."""
    with localcontext() as context:
        context.prec = 40
        truths = [exact(Decimal(float(x))) for x in points]
        return np.array(
            [
                float(abs(Decimal(float(found)) - truth)) / math.ulp(float(truth))
                for found, truth in zip(function(points), truths, strict=True)
            ]
        )


def test_log_is_good_to_two_units_in_the_last_place():
    assert errors_in_ulps(_core.log, Decimal.ln, LOG_POINTS).max() < 2.0


def test_exp_is_good_to_two_units_in_the_last_place():
    assert errors_in_ulps(_core.exp, Decimal.exp, EXP_POINTS).max() < 2.0


def test_exp_is_held_at_the_ends_of_its_range():
    assert_same_bits(_core.exp(np.array([-708.0001, -1e300, -math.inf])), np.zeros(3))
    assert_same_bits(_core.exp(np.array([710.0, math.inf])), np.repeat(_core.exp(709.0), 2))


def test_log_and_exp_are_exact_where_they_must_be():
    # A learning rate that decays as lr / N^w must be lr itself at the first visit.
    assert _core.log(1.0) == 0.0
    assert _core.exp(0.0) == 1.0


def test_normal_quantile_agrees_with_scipy_and_the_standard_library():
    found = _core.normal_quantile(QUANTILE_POINTS)
    np.testing.assert_allclose(found, special.ndtri(QUANTILE_POINTS), rtol=1.5e-15)
    theirs = np.array([NormalDist().inv_cdf(float(p)) for p in QUANTILE_POINTS])
    np.testing.assert_allclose(found, theirs, rtol=1e-15)


def test_normal_quantile_is_odd():
    p = np.arange(1, 2**12) * 2.0**-12
    assert_same_bits(_core.normal_quantile(1.0 - p), 0.0 - _core.normal_quantile(p))


def test_the_twin_agrees_bit_for_bit():
    for ours, twin, points in [
        (_core.log, reference.portable_log, LOG_POINTS),
        (_core.exp, reference.portable_exp, EXP_POINTS),
        (_core.normal_quantile, reference.normal_quantile, QUANTILE_POINTS),
    ]:
        assert_same_bits(ours(points), np.array([twin(float(x)) for x in points]))
