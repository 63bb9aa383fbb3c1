"""MetaLearner: maximum likelihood of a softmax policy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

import metarl_fast as mf
from bits import assert_same_bits
from reference import portable_exp


def log_likelihood(theta, shown):
    """Expected log-likelihood of the shown policy's actions, summed over states."""
    return (shown * log_softmax(theta, axis=1)).sum()


def test_update_is_a_step_along_the_gradient():
    random = np.random.default_rng(0)
    meta = mf.MetaLearner(4, 3, learning_rate=0.7)
    meta.theta[:] = before = random.normal(size=(4, 3))
    shown = random.dirichlet([1, 1, 1], 4)
    gradient = np.zeros((4, 3))
    h = 1e-6
    for where in np.ndindex(4, 3):
        bump = np.zeros((4, 3))
        bump[where] = h
        gradient[where] = (log_likelihood(before + bump, shown) - log_likelihood(before - bump, shown)) / (
            2 * h
        )
    meta.update(None, shown)
    np.testing.assert_allclose(meta.theta - before, 0.7 * gradient, atol=1e-8)


def test_actions_are_shown_as_well_as_probabilities():
    first, second = mf.MetaLearner(3, 4), mf.MetaLearner(3, 4)
    first.update(None, np.array([0, 3, 1]))
    second.update(None, np.eye(4)[[0, 3, 1]])
    assert_same_bits(first.theta, second.theta)


def test_theta_becomes_the_policy_shown():
    random = np.random.default_rng(0)
    meta = mf.MetaLearner(5, 3, learning_rate=1.0)
    shown = random.dirichlet([2, 2, 2], 5)
    for _ in range(500):
        meta.update(None, shown)
    np.testing.assert_allclose(meta.policy, shown, atol=1e-6)
    np.testing.assert_allclose(meta.policy, softmax(meta.theta, axis=1), rtol=1e-12)


def test_theta_becomes_the_mean_of_the_policies_shown():
    # The maximum of the likelihood of several policies is their mean; small steps hover around it.
    policies = np.random.default_rng(0).integers(3, size=(2000, 4))
    meta = mf.MetaLearner(4, 3, learning_rate=0.01)
    for _ in range(2):
        for policy in policies:
            meta.update(None, policy)
    frequencies = np.eye(3)[policies].mean(axis=0)
    assert np.abs(meta.policy - frequencies).max() < 0.1


def test_large_logits_do_not_overflow():
    meta = mf.MetaLearner(1, 2)
    meta.theta[:] = [[5000.0, -5000.0]]
    assert meta.policy.tolist() == [[1.0, 0.0]]


def test_the_policy_is_the_same_on_every_processor():
    """Its exponential is the core's, whose twin is plain Python."""
    meta = mf.MetaLearner(300, 3)
    meta.theta[:] = np.random.default_rng(0).normal(0.0, 3.0, size=(300, 3))
    expected = []
    for logits in meta.theta.tolist():
        weights = [portable_exp(logit - max(logits)) for logit in logits]
        expected.append([weight / (weights[0] + weights[1] + weights[2]) for weight in weights])
    assert_same_bits(meta.policy, np.array(expected))


def test_logits_that_are_no_numbers_are_refused():
    meta = mf.MetaLearner(2, 2)
    for value in (np.nan, np.inf):
        meta.theta[1, 0] = value
        with pytest.raises(ValueError, match=rf"the largest of preferences\[1, 0\] is {value}"):
            _ = meta.policy


def test_observe_is_one_update_a_task_and_the_mean_value():
    tables = np.random.default_rng(0).integers(0, 3, size=(12, 4, 3)).astype(float)  # with ties
    meta, twin = mf.MetaLearner(4, 3), mf.MetaLearner(4, 3)
    assert (meta.state_values == 1.0).all()
    for part in (tables[:5], tables[5:5], tables[5:]):
        meta.observe(part)
    for table in tables:
        twin.update(None, mf.greedy_policy(table))
    assert_same_bits(meta.theta, twin.theta)
    np.testing.assert_allclose(meta.state_values, tables.max(axis=2).mean(axis=0), rtol=1e-12)


def test_the_start_ranks_actions_as_the_prior_does():
    meta = mf.MetaLearner(2, 3)
    meta.theta[:] = np.log([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    meta.state_values[:] = [2.0, 4.0]
    expected = [[2 * 0.2 / 0.5, 2.0, 2 * 0.3 / 0.5], [0.5, 0.5, 4.0]]
    np.testing.assert_allclose(meta.initial_table, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.array([0, 4, 1]), "policy holds action 4, expected 0 to 3"),
        (np.array([0, -1, 1]), "policy holds action -1, expected 0 to 3"),
        (np.array([0, 1]), r"policy has shape \(2,\), expected \(3,\)"),
        (np.full((3, 4), 0.3), "expected probabilities that sum to 1"),
        (np.full((3, 4), np.nan), r"policy\[0, 0\] is nan, expected a finite number"),
        (np.full((4, 3), 1 / 3), r"policy has shape \(4, 3\), expected \(3, 4\)"),
    ],
)
def test_a_bad_policy_is_refused_and_leaves_theta(policy, message):
    meta = mf.MetaLearner(3, 4)
    with pytest.raises(ValueError, match=message):
        meta.update(None, policy)
    assert not meta.theta.any()


def test_a_step_that_leaves_the_finite_numbers_is_refused_and_changes_nothing():
    meta = mf.MetaLearner(1, 3, learning_rate=1.7e308)
    for action in (0, 1, 2, 0, 1, 2):
        before = meta.theta.copy()
        try:
            meta.update(None, [action])
        except ValueError as error:
            assert "learning_rate is 1.7e+308" in str(error)  # noqa: PT017
            np.testing.assert_array_equal(meta.theta, before)
        assert np.isfinite(meta.theta).all()
