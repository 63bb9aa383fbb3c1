"""MAML on policies: the exact gradient through exact steps, and that it makes a few episodes enough."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

TASKS = mf.TaskDistribution(4, 3, horizon=6).sample(5, rng=0)
LEARNER = mf.Reinforce(learning_rate=0.4, discount=0.9)


def adapted_returns(theta, num_steps_up):
    """Mean exact return after so many steps of the exact gradient."""
    h = np.tile(theta, (len(TASKS), 1, 1))
    for _ in range(num_steps_up):
        h += 0.4 * mf.policy_gradient(TASKS, h, 0.9, horizon=6).gradient
    return mf.policy_evaluation(TASKS, mf.softmax_policy(h), 0.9, horizon=6).returns.mean()


def test_a_step_climbs_what_the_adapted_policies_earn():
    theta = np.random.default_rng(0).normal(size=(4, 3))
    learner = LEARNER.replace(initial_q=mf.Table(theta))
    state = mf.PolicyMaml(step_size=0.1).step(mf.PolicyMaml().init(learner), learner, TASKS, 0, 3)
    slope = np.zeros((4, 3))
    for place in np.ndindex(4, 3):
        nudge = np.zeros((4, 3))
        nudge[place] = 1e-5
        slope[place] = (adapted_returns(theta + nudge, 3) - adapted_returns(theta - nudge, 3)) / 2e-5
    np.testing.assert_allclose(state["loss"], -adapted_returns(theta, 3), rtol=1e-12)
    np.testing.assert_allclose(state["mean"], -0.1 * slope, atol=1e-9)  # Adam's first average
    np.testing.assert_allclose(state["theta"], theta + 0.1 * np.sign(slope), atol=1e-4)
    first = mf.PolicyMaml(first_order=True).step(state, learner, TASKS, 0, 3)
    assert not np.allclose(first["mean"], mf.PolicyMaml().step(state, learner, TASKS, 0, 3)["mean"])


def test_nothing_is_drawn():
    meta = mf.PolicyMaml()
    one, other = (meta.step(meta.init(LEARNER), LEARNER, TASKS, seed, 2) for seed in (0, 1))
    assert_same_bits(one["theta"], other["theta"])


@pytest.mark.parametrize("meta", [mf.PolicyMaml(), mf.PolicyReptile(), mf.PolicyImaml(strength=0.05)])
def test_a_few_episodes_are_enough(meta):
    """On goals of one corner; and the start alone is ahead of the random policy."""
    family = mf.GoalGrid(5, goals=mf.Region((3, 5), (3, 5)))
    learner = mf.Reinforce(learning_rate=2.0, value_learning_rate=0.2, discounts_steps=False)
    few = {"num_tasks": 32, "num_iterations": 15, "rng": 0}
    fitted = meta.replace(step_size=0.4).fit(family, learner, 3, **few)
    held_out = family.sample(200, rng=1)
    ahead, scratch = (mf.train(one, held_out, 5, rng=2).returns.mean() for one in (fitted, learner))
    assert ahead > 1.5 * scratch
    assert fitted.history["loss"][-1] < 2.0 * fitted.history["loss"][0] < 0.0
