"""REINFORCE: its twin, that its mean step is the exact gradient, baselines, long episodes."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from policy_gradient_twin import PolicyGradientTwin, assert_the_core_is_the_twin, exact_gradient, held

LEARNER = mf.Reinforce


class Twin(PolicyGradientTwin):
    """Steps are learned from when the episode ends, the first one first."""

    def __init__(self, learner, setting):
        super().__init__(learner, setting)
        self.path = []

    def observe(self, state, action, reward, next_state, terminated, stream):
        self.path.append((state, action, float(reward)))

    def end_episode(self):
        later, returns = 0.0, []
        for _, _, reward in reversed(self.path):
            later = held(reward + self.learner.discount * later)
            returns.append(later)
        size = self.learner.learning_rate
        for (state, action, _), found in zip(self.path, reversed(returns), strict=True):
            self.reinforce(state, action, size * self.move_value(state, found))
            size *= self.learner.discount if self.learner.discounts_steps else 1.0
        self.path = []


@pytest.mark.parametrize("discounts_steps", [False, True])
def test_the_core_is_the_twin(discounts_steps):
    assert_the_core_is_the_twin(
        mf.Reinforce(learning_rate=0.7, initial_q=0.25, initial_value=0.1, discounts_steps=discounts_steps)
    )


def test_its_mean_step_is_the_exact_gradient():
    random = np.random.default_rng(0)
    theta = random.normal(size=(4, 2))
    tasks = mf.from_arrays(
        random.dirichlet(np.ones(4), (4, 2)), random.normal(size=(4, 2)), terminal=np.arange(4) == 3
    )
    runs = 40_000
    learner = mf.Reinforce(
        learning_rate=1e-6,
        value_learning_rate=0.0,
        discount=0.8,
        initial_value=0.3,
        initial_q=mf.Table(theta),
    )
    run = mf.train(learner, tasks, 1, 6, num_runs=runs, rng=1, dtype=np.float64)
    steps = (run.q_table[0] - theta) / 1e-6
    expected = exact_gradient(tasks[0], theta, 0.8, 6)
    error = steps.std(axis=0) / np.sqrt(runs)
    assert (np.abs(steps.mean(axis=0) - expected) < 4.5 * error + 1e-4).all()


def test_a_bandit_is_the_books_gradient_bandit():
    """Section 2.8: H(a) <- H(a) + alpha (R - mean) (1{a = A} - pi(a)), by hand, the baseline moves."""
    agent = mf.Reinforce(learning_rate=0.5, value_learning_rate=0.5).agent(
        mf.from_arrays(np.ones((1, 2, 1)), [[1.0, 0.0]])[0], rng=0, dtype=np.float64
    )
    for action in (0, 1):
        agent.observe(0, action, 2.0 * action + 1.0, 0, truncated=True)
    first = 0.5 * 1.0 * np.array([0.5, -0.5])
    pi = np.exp(first) / np.exp(first).sum()
    second = first + 0.5 * (3.0 - 0.5) * (np.array([0.0, 1.0]) - pi)
    np.testing.assert_allclose(agent.q_table, [second], rtol=1e-14)
    np.testing.assert_allclose(agent.policy(), mf.softmax_policy([second]), rtol=1e-14)


def test_a_long_episode_is_learned_from_in_pieces():
    task = mf.from_arrays(np.ones((1, 2, 1)), [[1.0, 0.0]])[0]
    whole, pieces = (mf.Reinforce(learning_rate=1e-4).agent(task, rng=0) for _ in range(2))
    for step in range(5000):
        whole.observe(0, step % 2, float(step % 3), 0)
        pieces.observe(0, step % 2, float(step % 3), 0, truncated=step == 4095)
    for agent in (whole, pieces):
        agent.end_episode()
    assert_same_bits(whole.q_table, pieces.q_table)


def test_reptile_and_adapt_take_preferences_for_what_they_are():
    """What is scored is the softmax policy, and a start that was learned is a policy to start from."""
    family = mf.GoalGrid(4, goals=mf.Cells(((3, 3), (3, 2), (2, 3))))
    training, held_out = family.sample(60, rng=0), family.sample(40, rng=1)
    learner = mf.Reinforce(learning_rate=0.5, value_learning_rate=0.2, discounts_steps=False)
    fitted = mf.Reptile(step_size=0.5).fit(training, learner, 30, num_iterations=10, rng=2)
    curves = [mf.adapt(one, held_out, (0, 20), rng=3).scores.mean(axis=0) for one in (learner, fitted)]
    assert curves[0][0] == 0.0  # it begins as the random policy
    assert (curves[1] > curves[0] + 0.2).all()
    theta = fitted.state["theta"]
    exact = mf.policy_evaluation(held_out, mf.softmax_policy(theta)).returns
    assert mf.bounds(held_out).random.mean() < exact.mean() < mf.bounds(held_out).optimal.mean()
