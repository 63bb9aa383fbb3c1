"""Gradients through recorded updates against JAX's automatic differentiation of the same computation."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf

pytest.importorskip("jax")

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

TASKS = mf.TaskDistribution(5, 3, horizon=10).sample(8, rng=0)
THETA = np.random.default_rng(0).normal(size=(5, 3))
RATES = np.random.default_rng(1).uniform(0.1, 0.6, size=(5, 3))
EPSILON, TEMPERATURE = 0.3, 0.6


def largest(row):
    """The first of the largest alone has a derivative."""
    return row[jnp.argmax(row)]


def epsilon_greedy(row):
    return EPSILON * row.mean() + (1 - EPSILON) * largest(row)


def softmax(row):
    return (jax.nn.softmax(row / TEMPERATURE) * row).sum()


CASES = {
    "q_learning": (mf.QLearning(epsilon=EPSILON), largest),
    "epsilon_greedy": (mf.ExpectedSarsa(epsilon=EPSILON), epsilon_greedy),
    "softmax": (mf.ExpectedSarsa(temperature=TEMPERATURE), softmax),
    "sarsa": (mf.Sarsa(epsilon=EPSILON), None),  # it looks at what was chosen ahead
}


def steps(history):
    names = ("state", "action", "reward", "next_state", "terminated")
    chosen = history.action if history.next_action is None else history.next_action
    return (*(jnp.asarray(getattr(history, name)) for name in names), jnp.asarray(chosen))


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_automatic_differentiation(name):
    learner, look_ahead = CASES[name]
    run = mf.train(learner, TASKS, 20, rng=1, initial_table=THETA, record=True, dtype=np.float64)
    fresh = mf.train(learner, TASKS, 5, rng=2, initial_table=run.q_table, record=True, dtype=np.float64)

    def target(q, reward, after, terminated, chosen):
        ahead = look_ahead(q[after]) if look_ahead else q[after, chosen]
        return reward + jnp.where(terminated, 0.0, learner.discount * ahead)

    def update(rates):
        def step(q, seen):
            s, a, r, after, terminated, chosen = seen
            return q.at[s, a].add(rates[s, a] * (target(q, r, after, terminated, chosen) - q[s, a])), None

        return step

    def loss(theta, rates, learned_from, judged_by):
        q, _ = jax.lax.scan(update(rates), theta, learned_from)
        s, a, r, after, terminated, chosen = judged_by
        errors = jax.vmap(target, (None, 0, 0, 0, 0))(q, r, after, terminated, chosen) - q[s, a]
        return 0.5 * (errors**2).mean()

    expected = jax.vmap(jax.value_and_grad(loss, (0, 1)), (None, None, 0, 0))(
        jnp.asarray(THETA), jnp.asarray(RATES), steps(run.history), steps(fresh.history)
    )
    found = mf.replay_gradient(
        learner,
        run.history,
        THETA,
        fresh=fresh.history,
        learning_rates=RATES,
        of_learning_rates=True,
    )
    (value, (of_theta, of_rates)) = expected
    np.testing.assert_allclose(found.loss, value, rtol=1e-12)
    for own, other in ((found.initial_table, of_theta), (found.learning_rates, of_rates)):
        np.testing.assert_allclose(own, other, rtol=1e-10, atol=1e-10 * float(abs(other).max()))


@pytest.mark.parametrize("horizon", [None, 6])
def test_policy_gradients_and_hessians_are_those_of_automatic_differentiation(horizon):
    tasks = mf.TaskDistribution(5, 3).sample(4, rng=0)
    u = np.random.default_rng(2).normal(size=(5, 3))
    found = mf.policy_gradient(tasks, THETA, 0.9, horizon=horizon, direction=u)
    for place, task in enumerate(tasks):
        rows, rewards, start = (jnp.asarray(x) for x in (task.transitions, task.rewards, task.start))

        def returns(h, rows=rows, rewards=rewards, start=start):
            pi = jax.nn.softmax(h)
            chain, pay = jnp.einsum("sa,sax->sx", pi, rows), (pi * rewards).sum(axis=1)
            if horizon is None:
                return start @ jnp.linalg.solve(jnp.eye(5) - 0.9 * chain, pay)
            values = jnp.zeros(5)
            for _ in range(horizon):
                values = pay + 0.9 * chain @ values
            return start @ values

        gradient, product = jax.jvp(jax.grad(returns), (jnp.asarray(THETA),), (jnp.asarray(u),))
        np.testing.assert_allclose(found.gradient[place], gradient, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found.product[place], product, rtol=1e-10, atol=1e-12)
