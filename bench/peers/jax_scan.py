"""Q-learning in JAX: `vmap` of `lax.scan`, jitted, float32, on whatever device JAX finds.

What measured best on CPUs: an integer hash of (key, position) where `jax.random` would cost several times as
much, rows of cumulative weights, and in long rows a search in two levels, so that a step reads two cache
lines of a row.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from metarl_fast.benchmark import Learned, Workload
from metarl_fast.runtime import thread_count

# For jax_sharded; here all threads of the first one work.
jax.config.update("jax_num_cpu_devices", thread_count())
DEVICES = jax.local_devices()
TITLE = f"JAX on the {DEVICES[0].device_kind}, jitted vmap of lax.scan"


def mixed(x):
    """A 32-bit integer hash (Wellons's lowbias32)."""
    x ^= x >> 16
    x *= jnp.uint32(0x7FEB352D)
    x ^= x >> 15
    x *= jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


def xorshift(x):
    """One step of Marsaglia's xorshift32."""
    x ^= x << 13
    x ^= x >> 17
    return x ^ (x << 5)


def unit(x):
    return (x >> 8).astype(jnp.float32) * jnp.float32(2**-24)


def learn(work: Workload, words):
    """Draw one task from four random words, learn it, and return its value and policy."""
    s, a = work.num_states, work.num_actions
    block = 16 if s > 16 and s % 16 == 0 else s
    weights = unit(mixed(mixed(jnp.arange(s * a * s, dtype=jnp.uint32) ^ words[0]) + words[1]))
    cumulative = jnp.cumsum(weights.reshape(s * a, s), axis=1)
    fine = (cumulative / cumulative[:, -1:]).reshape(s * a, s // block, block)
    coarse = fine[:, :-1, -1]
    rewards = unit(mixed(mixed(jnp.arange(s * a, dtype=jnp.uint32) ^ words[2]) + words[1]))

    def step(carry, time):
        q, state, x0 = carry
        x1 = xorshift(x0)
        x2 = xorshift(x1)
        u = unit(x1)
        if work.epsilon == 1.0:
            action = (u * a).astype(jnp.int32)
        else:
            explore = jnp.minimum((u * (a / work.epsilon)).astype(jnp.int32), a - 1)
            action = jnp.where(u < work.epsilon, explore, jnp.argmax(q[state]).astype(jnp.int32))
        pair = state * a + action
        u = unit(x2)
        line = jnp.sum(coarse[pair] <= u, dtype=jnp.int32)
        within = jnp.sum(fine[pair, line] <= u, dtype=jnp.int32)
        next_state = jnp.minimum(line * block + within, s - 1)
        target = rewards[pair] + work.discount * jnp.max(q[next_state])
        q = q.at[state, action].add(work.learning_rate * (target - q[state, action]))
        begins = (time + 1) % work.num_steps == 0
        return (q, jnp.where(begins, 0, next_state), x2), None

    begin = (jnp.zeros((s, a)), jnp.int32(0), words[3] | jnp.uint32(1))
    (q, _, _), _ = lax.scan(step, begin, jnp.arange(work.updates_per_task))
    return q[0].max(), jnp.argmax(q, axis=1).astype(jnp.int32)


@cache
def compiled(work: Workload) -> Any:
    return jax.jit(jax.vmap(partial(learn, work)))


def random_words(work: Workload, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(2**32, size=(work.num_tasks, 4), dtype=np.uint32)


def run(work: Workload, seed: int, num_threads: int) -> Learned:
    """JAX takes the threads that the process may use."""
    values, policy = compiled(work)(random_words(work, seed))
    return Learned(np.asarray(values), np.asarray(policy))
