"""Change detection: when losses say that the law has changed, the inner meta-learner begins anew."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.meta.change_detecting import _watched
from metarl_fast.seeding import child, make_key

LEARNER = mf.QLearning(learning_rate=0.5)


def evidence(losses):
    """The evidence after each loss, by the definition."""
    found, g, low, high, mean, variance = [], 0.0, np.inf, -np.inf, 0.0, 0.0
    for k, loss in enumerate(losses):
        low, high = min(low, loss), max(high, loss)
        number = k - 1  # the first is of what has learned nothing
        if number > 0:
            spread = np.sqrt(variance + (0.05 * (high - low)) ** 2)
            g = max(0.0, g + (loss - mean) / spread - 0.5) if spread > 0.0 else max(0.0, g - 0.5)
        if number >= 0:
            weight = max(1.0 / (number + 1), 0.2)
            mean, variance = (
                (1.0 - weight) * mean + weight * loss,
                (1.0 - weight) * (variance + weight * (loss - mean) ** 2),
            )
        found.append(g)
    return found


def test_evidence_is_a_cumulative_sum():
    losses = np.random.default_rng(0).normal(size=30) + np.where(np.arange(30) < 20, 0.0, 3.0)
    state, found = mf.ChangeDetecting().init(LEARNER), []
    for loss in losses:
        state |= _watched(state, loss)
        found.append(float(state["evidence"]))
    np.testing.assert_allclose(found, evidence(losses), rtol=1e-12)
    assert found[-1] > 4.0


@pytest.mark.parametrize("loss", [0.0, -1.0])
def test_losses_that_do_not_change_are_no_evidence(loss):
    state = mf.ChangeDetecting().init(LEARNER)
    for _ in range(5):
        state |= _watched(state, loss)
    assert state["evidence"] == 0.0


def test_it_finds_each_switch_and_forgets():
    every = 10
    tasks = mf.Switching(mf.Darkroom(4, horizon=10), every, along="tasks").sample(40, rng=1)
    inner = mf.EmpiricalBayes(tasks_per_iteration=1)
    meta = mf.ChangeDetecting(meta=inner)
    fitted = meta.fit(tasks, None, 2, rng=0)
    assert 2 <= fitted.state["changes"] <= 40 // every - 1  # a goal may move but a little
    plain, found = (
        mf.regret_of_returns(tasks, one.history["returns"]).regret.sum()
        for one in (inner.fit(tasks, None, 2, rng=0), fitted)
    )
    assert found < 0.7 * plain


def test_where_nothing_changes_it_is_the_inner_one():
    tasks = mf.GoalGrid(3, horizon=10).sample(1, rng=0)
    inner = mf.AverageQ()
    fitted = mf.ChangeDetecting(meta=inner, threshold=1e9).fit(tasks, LEARNER, 4, num_iterations=5, rng=0)
    key = make_key(0)
    state = inner.init(LEARNER)
    for k in range(5):
        seed = child(make_key(child(key, 1, k)), 1)
        state = inner.step(state, LEARNER, tasks, seed, 4)
    assert fitted.learner == inner.apply(state, LEARNER)
    assert fitted.state["changes"] == 0.0
