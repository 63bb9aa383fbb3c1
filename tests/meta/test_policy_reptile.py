"""Reptile on policies: the mean of exact steps, and how it relates to the one that samples."""

from __future__ import annotations

import numpy as np

import metarl_fast as mf

TASKS = mf.TaskDistribution(4, 3, horizon=6).sample(5, rng=0)


def test_a_step_is_towards_the_mean_of_what_exact_gradients_lead_to():
    theta = np.random.default_rng(0).normal(size=(4, 3))
    learner = mf.Reinforce(learning_rate=0.4, discount=0.9, initial_q=mf.Table(theta))
    meta = mf.PolicyReptile(step_size=0.5)
    state = meta.step(meta.init(learner), learner, TASKS, 0, 2)
    ends, returns = [], []
    for task in range(5):
        h = theta
        for _ in range(2):
            slope = np.zeros((4, 3))
            for place in np.ndindex(4, 3):
                nudge = np.zeros((4, 3))
                nudge[place] = 1e-5
                ahead, behind = (
                    mf.policy_evaluation(TASKS[task], mf.softmax_policy(h + side * nudge), 0.9, horizon=6)
                    for side in (1, -1)
                )
                slope[place] = (ahead.returns[0] - behind.returns[0]) / 2e-5
            h = h + 0.4 * slope
        ends.append(h)
        returns.append(mf.policy_evaluation(TASKS[task], mf.softmax_policy(h), 0.9, horizon=6).returns[0])
    np.testing.assert_allclose(state["theta"], theta + 0.5 * (np.mean(ends, axis=0) - theta), atol=1e-8)
    np.testing.assert_allclose(state["loss"], -np.mean(returns), rtol=1e-7)
    assert meta.apply(state, learner).initial_q == mf.Table(state["theta"])
