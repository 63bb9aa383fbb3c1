"""The stochastic chain: its rows, its rewards and its optimum."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf


def test_rows_and_rewards_are_the_published_ones():
    n = 6
    task = mf.StochasticChain(n).sample()
    expected = np.zeros((n, 2, n))
    for state in range(n):
        expected[state, 0, max(state - 1, 0)] = 1.0
        expected[state, 1, min(state + 1, n - 1)] += 1 - 1 / n
        expected[state, 1, max(state - 1, 0)] += 1 / n
    np.testing.assert_allclose(task.transitions, expected, atol=1e-15)
    assert task.rewards[n - 1, 1] == pytest.approx(1.0)
    assert np.abs(task.rewards).sum() == pytest.approx(1.0)
    assert task.horizon == n
    outcomes = task.batch.outcomes
    second = (outcomes["probability"] * outcomes["reward"] ** 2).sum(axis=-1)[0]
    variance = second - task.rewards**2
    assert variance[0, 0] == pytest.approx(1.0)
    assert variance[n - 1, 1] == pytest.approx(1.0)
    assert variance.sum() == pytest.approx(2.0)


def test_the_optimum_goes_right():
    """N - 1 steps that all work lead to the end, where the last step pays."""
    n = 10
    best = mf.backward_induction(mf.StochasticChain(n).sample(1))
    assert (best.policy[0, 0, 0]) == 1
    assert best.returns[0] == pytest.approx((1 - 1 / n) ** (n - 1), rel=1e-12)
    quiet = mf.StochasticChain(n, noise=False).sample(1)
    assert mf.backward_induction(quiet).returns[0] == pytest.approx(best.returns[0], rel=1e-12)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="length is 1"):
        mf.StochasticChain(1)
    with pytest.raises(TypeError, match="noise is 1"):
        mf.StochasticChain(5, noise=1)
