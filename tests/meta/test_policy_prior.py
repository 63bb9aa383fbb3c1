"""PolicyPrior: the article's meta-learner as settings, equal to `MetaLearner` shown the same policies."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits


def test_it_is_the_articles_meta_learner():
    tables = np.random.default_rng(0).integers(0, 3, size=(12, 4, 3)).astype(float)  # with ties
    meta, face = mf.PolicyPrior(learning_rate=0.3), mf.MetaLearner(4, 3, learning_rate=0.3)
    state = meta.init(mf.QLearning())
    for part in (tables[:5], tables[5:]):
        state = meta.observe(state, part)
        face.observe(part)
    assert_same_bits(state["theta"], face.theta)
    assert_same_bits(meta.start(state), face.initial_table)
    assert meta.apply(state, mf.Sarsa()) == mf.Sarsa(initial_q=mf.Table(face.initial_table))


def test_values_below_zero_rank_actions_as_the_prior_does():
    meta = mf.PolicyPrior(learning_rate=1.0)
    state = meta.observe(meta.init(mf.QLearning()), [[-3.0, -1.0, -2.0], [1.0, 0.5, 0.25]])
    start = meta.start(state)
    assert start.max(axis=1) == pytest.approx([-1.0, 1.0])
    assert start.argmax(axis=1).tolist() == [1, 0]


def test_learners_on_features_are_refused_unless_the_features_are_the_states():
    meta, tasks = mf.PolicyPrior(), mf.GoalGrid(4).sample(3, rng=0)
    on_tiles = mf.LinearQLearning(features=mf.TileCoding(4, 2, 2))
    for call in (
        lambda: meta.fit(tasks, on_tiles, 2, rng=0),
        lambda: meta.apply(meta.init(mf.QLearning()), on_tiles),
    ):
        with pytest.raises(ValueError, match="AverageQ, Reptile and Transfer take weights"):
            call()
    of_states, table = (meta.fit(tasks, one, 2, rng=0) for one in (mf.LinearQLearning(), mf.QLearning()))
    assert_same_bits(of_states.state["theta"], table.state["theta"])
