"""Actor-critic: its twin, that with the right values its mean step is the exact gradient, what it reaches."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from policy_gradient_twin import PolicyGradientTwin, assert_the_core_is_the_twin, exact_gradient

LEARNER = mf.ActorCritic


class Twin(PolicyGradientTwin):
    """Each step is learned from at once."""

    def __init__(self, learner, setting):
        super().__init__(learner, setting)
        self.end_episode()

    def observe(self, state, action, reward, next_state, terminated, stream):
        delta = self.learn_value(state, reward, next_state, terminated)
        self.reinforce(state, action, self.size * delta)
        self.size *= self.learner.discount if self.learner.discounts_steps else 1.0

    def end_episode(self):
        self.size = self.learner.learning_rate


@pytest.mark.parametrize("discounts_steps", [False, True])
def test_the_core_is_the_twin(discounts_steps):
    assert_the_core_is_the_twin(
        mf.ActorCritic(learning_rate=0.7, initial_q=0.25, initial_value=0.1, discounts_steps=discounts_steps)
    )


def test_its_mean_step_is_the_exact_gradient_where_values_are_right():
    """All states are worth 2 under any policy for which actions earn 1 on the average: discount 0.5."""
    random = np.random.default_rng(0)
    theta = np.tile([[0.4, -0.4]], (3, 1))
    pi = mf.softmax_policy(theta)[0]
    rewards = np.tile([[1.0 + pi[1], 1.0 - pi[0]]], (3, 1))
    tasks = mf.from_arrays(random.dirichlet(np.ones(3), (3, 2)), rewards)
    runs = 20_000
    learner = mf.ActorCritic(
        learning_rate=1e-6,
        value_learning_rate=0.0,
        discount=0.5,
        initial_value=2.0,
        initial_q=mf.Table(theta),
    )
    run = mf.train(learner, tasks, 1, 40, num_runs=runs, rng=1, dtype=np.float64)
    steps = (run.q_table[0] - theta) / 1e-6
    error = steps.std(axis=0) / np.sqrt(runs)
    expected = exact_gradient(tasks[0], theta, 0.5, 40)
    assert (np.abs(steps.mean(axis=0) - expected) < 4.5 * error + 1e-4).all()


def test_it_learns_the_way_to_the_goal():
    tasks = mf.GoalGrid(4).sample(30, rng=0)
    learner = mf.ActorCritic(learning_rate=1.0, value_learning_rate=0.3, discounts_steps=False)
    found = mf.adapt(learner, tasks, (0, 300), rng=1).scores.mean(axis=0)
    assert found[0] == 0.0
    assert found[1] > 0.9
