"""AverageQ: the mean of the learned tables."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.seeding import child, make_key

LEARNER = mf.QLearning()


def test_the_start_is_the_mean_of_all_tables_seen():
    tables = np.random.default_rng(0).normal(size=(25, 4, 3))
    meta = mf.AverageQ()
    state = meta.init(LEARNER)
    for part in (tables[:10], tables[10], tables[11:], tables[:0]):
        state = meta.observe(state, part)
    np.testing.assert_allclose(meta.start(state), tables.mean(axis=0), rtol=1e-12)
    assert meta.apply(state, LEARNER) == LEARNER.replace(initial_q=mf.Table(meta.start(state)))


def test_fit_observes_what_train_learns():
    tasks = mf.GoalGrid(3).sample(20, rng=0)
    expected = mf.train(LEARNER, tasks, 7, rng=child(make_key(5), 1, 0)).q_table.astype(np.float64)
    fitted = mf.AverageQ().fit(tasks, LEARNER, 7, rng=5)
    np.testing.assert_allclose(fitted.learner.initial_q, expected.mean(axis=0), rtol=1e-12)
    assert np.any(fitted.learner.initial_q)


def test_the_first_tables_replace_what_the_learner_started_from():
    meta = mf.AverageQ()
    state = meta.observe(meta.init(mf.QLearning(initial_q=99.0)), np.ones((2, 3, 2)))
    assert (meta.start(state) == 1.0).all()


@pytest.mark.parametrize("meta", [mf.AverageQ(), mf.PolicyPrior()], ids=lambda meta: type(meta).__name__)
def test_means_of_the_largest_numbers_are_finite(meta):
    largest = np.finfo(np.float64).max
    state = meta.init(LEARNER)
    for size in (1e308, largest, largest, -largest):
        state = meta.observe(state, np.full((3, 2, 2), size))
        assert np.isfinite(meta.start(state)).all()
    found = state["mean"] if isinstance(meta, mf.AverageQ) else state["state_values"]
    np.testing.assert_allclose(found, 1e308 / 4 + largest / 4, rtol=1e-12)


@pytest.mark.parametrize(
    ("tables", "error", "message"),
    [
        (
            np.zeros((2, 3, 5)),
            ValueError,
            r"q_tables has shape \(2, 3, 5\), expected \(N, 4, 3\) or \(4, 3\)",
        ),
        (np.zeros(3), ValueError, r"q_tables has shape \(3,\)"),
        (np.full((2, 4, 3), np.nan), ValueError, r"q_tables\[0, 0, 0\] is nan"),
        (np.full((4, 3), -np.inf), ValueError, r"q_tables\[0, 0\] is -inf"),
        ("text", TypeError, "q_tables has dtype"),
    ],
)
def test_what_are_no_tables_is_refused(tables, error, message):
    meta = mf.AverageQ()
    state = meta.observe(meta.init(LEARNER), np.zeros((4, 3)))
    with pytest.raises(error, match=message):
        meta.observe(state, tables)
