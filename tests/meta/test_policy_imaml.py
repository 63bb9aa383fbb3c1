"""Implicit MAML: its gradient is how the end of adaptation moves with where it began."""

from __future__ import annotations

import numpy as np

import metarl_fast as mf

TASKS = mf.TaskDistribution(3, 2, horizon=4).sample(3, rng=0)
STRENGTH = 0.6


def end_of(theta):
    """What makes J - strength / 2 |phi - theta|^2 the largest, by very many short steps."""
    phi = np.tile(theta, (len(TASKS), 1, 1))
    for _ in range(300):
        phi += 0.5 * (mf.policy_gradient(TASKS, phi, 0.9, horizon=4).gradient - STRENGTH * (phi - theta))
    return phi


def earned(theta):
    return mf.policy_evaluation(TASKS, mf.softmax_policy(end_of(theta)), 0.9, horizon=4).returns.mean()


def test_the_gradient_is_that_of_the_converged_inner_problem():
    theta = np.random.default_rng(0).normal(size=(3, 2))
    learner = mf.Reinforce(learning_rate=0.5, discount=0.9, initial_q=mf.Table(theta))
    meta = mf.PolicyImaml(strength=STRENGTH, step_size=0.1)
    state = meta.step(meta.init(learner), learner, TASKS, 0, 80)
    slope = np.zeros((3, 2))
    for place in np.ndindex(3, 2):
        nudge = np.zeros((3, 2))
        nudge[place] = 1e-4
        slope[place] = (earned(theta + nudge) - earned(theta - nudge)) / 2e-4
    np.testing.assert_allclose(state["loss"], -earned(theta), rtol=1e-7)
    np.testing.assert_allclose(state["mean"], -0.1 * slope, atol=1e-7)
    first = meta.replace(num_products=0).step(meta.init(learner), learner, TASKS, 0, 80)
    gradient = mf.policy_gradient(TASKS, end_of(theta), 0.9, horizon=4).gradient
    np.testing.assert_allclose(first["mean"], -0.1 * gradient.mean(axis=0), atol=1e-6)


def test_nothing_is_lost_on_the_way():
    """However long the first step: it is halved until it leads up."""
    learner = mf.Reinforce(learning_rate=1e6, discount=1.0)
    meta = mf.PolicyImaml(strength=1e-3)
    state = meta.step(meta.init(learner), learner, TASKS, 0, 60)
    assert (state["returns"] >= state["returns"][0] - 1e-12).all()
    assert -state["loss"] > 1.1 * state["returns"][0]
