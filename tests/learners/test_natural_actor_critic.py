"""Natural actor-critic: its twin, that it moves by advantages, and out of what is wrongly believed."""

from __future__ import annotations

import numpy as np

import metarl_fast as mf
from policy_gradient_twin import PolicyGradientTwin, assert_the_core_is_the_twin, held
from td_twin import total

LEARNER = mf.NaturalActorCritic


class Twin(PolicyGradientTwin):
    """Advantages are fitted to the features psi, and moved along."""

    def __init__(self, learner, setting):
        super().__init__(learner, setting)
        self.w = [[0.0] * len(row) for row in self.h]

    def observe(self, state, action, reward, next_state, terminated, stream):
        delta = self.learn_value(state, reward, next_state, terminated)
        w, pi = self.w[state], self.pi(state)
        mean = total([p * advantage for p, advantage in zip(pi, w, strict=True)])
        size = self.learner.value_learning_rate * held(delta - (w[action] - mean))
        self.w[state] = [held(x + size * psi) for x, psi in zip(w, self.psi(state, action), strict=True)]
        self.move(state, [self.learner.learning_rate * advantage for advantage in self.w[state]])


def test_the_core_is_the_twin():
    assert_the_core_is_the_twin(mf.NaturalActorCritic(learning_rate=0.7, initial_q=0.25, initial_value=0.1))


def test_it_moves_by_the_advantages():
    """Of an arm that is seldom pulled, too: but for a constant, which no softmax sees."""
    theta, rewards = np.array([[1.0, 0.0, -1.0]]), np.array([[0.5, -1.0, 2.0]])
    tasks = mf.from_arrays(np.ones((1, 3, 1)), rewards)
    learner = mf.NaturalActorCritic(
        learning_rate=1e-9, value_learning_rate=0.1, discount=0.0, initial_q=mf.Table(theta)
    )
    begun, ended = (
        mf.train(learner, tasks, 1, steps, rng=0, num_runs=50, dtype=np.float64).q_table[0]
        for steps in (2000, 4000)
    )
    found = ((ended - begun) / 2000e-9).mean(axis=0)[0]
    np.testing.assert_allclose(found - found.mean(), rewards[0] - rewards.mean(), atol=0.05)


def test_it_unlearns_what_is_wrong_sooner():
    tasks = mf.from_arrays(np.ones((1, 2, 1)), [[0.0, 1.0]])
    wrong = mf.Table([[4.0, -4.0]])
    pulled = {}
    for kind in (mf.ActorCritic, mf.NaturalActorCritic):
        learner = kind(learning_rate=0.3, discount=0.0, initial_q=wrong)
        run = mf.train(learner, tasks, 1, 20_000, num_runs=40, rng=0)
        pulled[kind] = run.returns.mean() / 20_000
    assert pulled[mf.NaturalActorCritic] > pulled[mf.ActorCritic] + 0.1
