"""What a user writes with JAX: keys of `jax.random` split for each step, `vmap` of `lax.scan`, jitted.

Of the idioms for the next state this is the quickest: `jax.random.choice(key, s, p=row)` sums the row up
again at each step, and `jax.random.categorical` draws S numbers.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from metarl_fast.benchmark import Learned, Workload
from peers.jax_devices import NAME

TITLE = f"JAX, what a user writes ({NAME})"


def learn(work: Workload, key):
    """Draw one task, learn it, and return its value and policy."""
    s, a = work.num_states, work.num_actions
    key_transitions, key_rewards, key_learning = jax.random.split(key, 3)
    weights = jax.random.uniform(key_transitions, (s, a, s))
    cumulative = jnp.cumsum(weights / weights.sum(axis=2, keepdims=True), axis=2)
    rewards = jax.random.uniform(key_rewards, (s, a))

    def step(carry, key):
        q, state = carry
        key_action, key_explore, key_next = jax.random.split(key, 3)
        action = jax.random.randint(key_action, (), 0, a)
        if work.epsilon < 1.0:
            explore = jax.random.uniform(key_explore) < work.epsilon
            action = jnp.where(explore, action, jnp.argmax(q[state]))
        u = jax.random.uniform(key_next)
        next_state = jnp.minimum(jnp.searchsorted(cumulative[state, action], u, side="right"), s - 1)
        target = rewards[state, action] + work.discount * jnp.max(q[next_state])
        q = q.at[state, action].add(work.learning_rate * (target - q[state, action]))
        return (q, next_state), None

    def episode(q, key):
        (q, _), _ = lax.scan(step, (q, 0), jax.random.split(key, work.num_steps))
        return q, None

    q, _ = lax.scan(episode, jnp.zeros((s, a)), jax.random.split(key_learning, work.num_episodes))
    return q[0].max(), jnp.argmax(q, axis=1)


@cache
def compiled(work: Workload) -> Any:
    return jax.jit(jax.vmap(partial(learn, work)))


def run(work: Workload, seed: int, num_threads: int) -> Learned:
    """JAX takes as many threads as it likes."""
    values, policy = compiled(work)(jax.random.split(jax.random.key(seed), work.num_tasks))
    return Learned(np.asarray(values), np.asarray(policy))
