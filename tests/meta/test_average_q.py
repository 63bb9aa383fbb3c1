"""AverageQ: the mean of the learned tables."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits


def test_the_start_is_the_mean_of_all_tables_seen():
    tables = np.random.default_rng(0).normal(size=(25, 4, 3))
    meta = mf.AverageQ(4, 3)
    assert not meta.initial_table.any()
    for part in (tables[:10], tables[10], tables[11:], tables[:0]):
        meta.observe(part)
    np.testing.assert_allclose(meta.initial_table, tables.mean(axis=0), rtol=1e-12)


def test_fit_observes_what_train_learns():
    tasks = mf.GoalGrid(3).sample(20, rng=0)
    learner = mf.QLearning(9, 4)
    generator = np.random.default_rng(np.random.SeedSequence(5).generate_state(1, np.uint64)[0])
    expected = mf.train(learner, tasks, 7, rng=generator).q_table.astype(np.float64).mean(axis=0)
    fitted = mf.AverageQ(9, 4).fit(tasks, learner, 7, rng=5)
    np.testing.assert_allclose(fitted.initial_table, expected, rtol=1e-12)
    assert fitted.initial_table.any()


def test_fit_draws_tasks_from_a_family():
    family, learner = mf.GoalGrid(3), mf.QLearning(9, 4)
    first, again, other = (mf.AverageQ(9, 4).fit(family, learner, 5, num_tasks=30, rng=k) for k in (1, 1, 2))
    assert_same_bits(first.initial_table, again.initial_table)
    assert not np.array_equal(first.initial_table, other.initial_table)


def test_the_start_is_a_copy():
    meta = mf.AverageQ(2, 2)
    meta.initial_table[:] = 5.0
    assert not meta.initial_table.any()


@pytest.mark.parametrize(
    "meta", [mf.AverageQ(2, 2), mf.MetaLearner(2, 2)], ids=lambda meta: type(meta).__name__
)
def test_means_of_the_largest_numbers_are_finite(meta):
    largest = np.finfo(np.float64).max
    for size in (1e308, largest, largest, -largest):
        meta.observe(np.full((3, 2, 2), size))
        assert np.isfinite(meta.initial_table).all()
    found = meta.table if isinstance(meta, mf.AverageQ) else meta.state_values
    np.testing.assert_allclose(found, 1e308 / 4 + largest / 4, rtol=1e-12)
