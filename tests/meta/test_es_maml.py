"""ES-MAML: its slope on a task whose gradient is known, and learners that no gradient goes through."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf

LEARNER = mf.Reinforce(learning_rate=0.0)


def test_the_slope_is_that_of_what_is_earned():
    """Of a policy that learns nothing: the exact gradient of its return, within five standard errors."""
    tasks = mf.TaskDistribution(2, 2, horizon=3).sample(500, rng=0)
    theta = np.array([[0.3, -0.2], [0.0, 0.5]])
    learner = LEARNER.replace(initial_q=mf.Table(theta))
    meta = mf.EsMaml(spread=0.1, num_pairs=200)
    state = meta.step(meta.init(learner), learner, tasks, 0, 4)
    found = -state["mean"] / 0.1  # Adam's first average
    exact = mf.policy_gradient(tasks, theta, 1.0).gradient.mean(axis=0)
    # Of one pair: directions of variance 1, and a slope of the size of the gradient.
    error = np.sqrt(2.0 * (exact**2).sum() / 200)
    assert np.abs(found - exact).max() < 5.0 * error + 0.01
    assert error < 0.3 * np.abs(exact).max()
    earned = mf.policy_evaluation(tasks, mf.softmax_policy(theta), 1.0).returns.mean()
    assert -state["loss"] == pytest.approx(earned, abs=0.05)


@pytest.mark.parametrize("learner", [mf.QLambda(epsilon=0.1), mf.ActorCritic(learning_rate=0.5)])
def test_any_learner_with_a_table_will_do(learner):
    """Goals in one corner: what is earned in the first episodes."""
    family = mf.GoalGrid(4, goals=mf.Region((2, 4), (2, 4)))
    fitted = mf.EsMaml(step_size=0.2).fit(family, learner, 3, num_tasks=64, num_iterations=25, rng=0)
    held_out = family.sample(300, rng=1)
    ahead, scratch = (mf.train(one, held_out, 3, rng=2).returns.mean() for one in (fitted, learner))
    assert ahead > 1.3 * scratch


def test_it_may_be_judged_by_the_last_episode():
    tasks = mf.TaskDistribution(4, 3, horizon=6).sample(6, rng=0)
    states = [
        mf.EsMaml(judged_by=judged_by).fit(tasks, mf.QLearning(), 4, num_iterations=1, rng=0).state
        for judged_by in ("last", "lifetime")
    ]
    assert -states[0]["loss"] == pytest.approx(states[0]["returns"][-1])
    assert -states[1]["loss"] == pytest.approx(states[0]["returns"].mean())
    assert (states[0]["theta"] != states[1]["theta"]).any()
    with pytest.raises(ValueError, match="judged_by is 'x', expected 'lifetime' or 'last'"):
        mf.EsMaml(judged_by="x")
