"""TiedQ: which pairs it ties, and that what it learns of a few cells is known of all."""

from __future__ import annotations

import numpy as np

import metarl_fast as mf
from bits import assert_same_bits


def classes_of(fitted):
    return fitted.learner.ties.values.astype(int)


def test_pairs_that_lead_to_the_same_cell_are_one():
    training, _ = mf.Darkroom.ad().split(0.2, rng=0)
    fitted = mf.TiedQ().fit(training, num_tasks=100, rng=0)
    found = classes_of(fitted)
    leads_to = training.sample(1, rng=0).materialise().outcomes["next_state"][0, :, :, 0]
    for (one, to), (other, also) in zip(
        zip(found.ravel(), leads_to.ravel(), strict=True),
        zip(found.ravel()[1:], leads_to.ravel()[1:], strict=True),
        strict=False,
    ):
        assert (one == other) == (to == also)
    assert found.max() + 1 == 81


def test_where_nothing_is_shared_nothing_is_tied():
    fitted = mf.TiedQ().fit(mf.TaskDistribution(5, 3, horizon=6), num_tasks=20, rng=0)
    assert_same_bits(classes_of(fitted), np.arange(15).reshape(5, 3))


def test_new_goals_are_found_far_sooner_than_from_scratch():
    """Published for tied Q-learning's prototype, episodes 1 / 2 / 5 / 10: 2.49 5.68 13.0 15.7."""
    training, held_out = mf.Darkroom.ad().split(0.2, rng=0)
    fitted = mf.TiedQ().fit(training, num_tasks=300, rng=0)
    found = mf.train(fitted, held_out.sample(300, rng=1), 10, rng=2).returns.mean(axis=0)
    assert (found[[0, 1, 4, 9]] > [2.0, 5.0, 13.0, 15.5]).all()
    scratch = mf.train(mf.QLearning(), held_out.sample(300, rng=1), 10, rng=2).returns.mean(axis=0)
    assert (found > 3.0 * scratch).all()
    assert mf.TiedQ().fit(training, mf.Sarsa(discount=0.8), 3, num_tasks=9, rng=0).learner.discount == 0.8
