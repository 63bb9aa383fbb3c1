"""Q-learning in JAX by an expert: jitted `vmap` of `lax.scan`, float32, tuned by measuring.

What helps on processors: an integer hash of (key, position) where `jax.random` costs many times as much; in
long rows a search in two levels, so that a step reads two cache lines of a row; one device a thread; and, on
each, batches of tasks whose tables stay in cache. Accelerators get all their tasks at once.
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from metarl_fast.benchmark import Learned, Workload
from peers.jax_devices import DEVICES, NAME, ON_CPU

TITLE = f"JAX by an expert ({NAME})"
LINE = 16  # floats in a cache line
MOST_CELLS = 2**21  # of all rows of a batch
SMALLEST_BATCH, LARGEST_BATCH = 16, 256


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
    line = LINE if s > LINE and s % LINE == 0 else s
    weights = unit(mixed(mixed(jnp.arange(s * a * s, dtype=jnp.uint32) ^ words[0]) + words[1]))
    rewards = unit(mixed(mixed(jnp.arange(s * a, dtype=jnp.uint32) ^ words[2]) + words[1]))
    # XLA multiplies matrices faster than it sums up; accelerators would round the factors.
    sums = jnp.triu(jnp.ones((line, line)))
    within = jnp.matmul(weights.reshape(s * a, s // line, line), sums, precision="highest")
    ends = jnp.cumsum(within[:, :, -1], axis=1)
    begins = ends - within[:, :, -1]

    def draw(pair, x):
        u = unit(x) * ends[pair, -1]
        chosen = jnp.sum(ends[pair, :-1] <= u, dtype=jnp.int32)
        place = jnp.sum(within[pair, chosen, :-1] <= u - begins[pair, chosen], dtype=jnp.int32)
        return chosen * line + place

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
        next_state = draw(pair, x2)
        target = rewards[pair] + work.discount * jnp.max(q[next_state])
        q = q.at[state, action].add(work.learning_rate * (target - q[state, action]))
        over = (time + 1) % work.num_steps == 0
        return (q, jnp.where(over, 0, next_state), x2), None

    begin = (jnp.zeros((s, a)), jnp.int32(0), words[3] | jnp.uint32(1))
    (q, _, _), _ = lax.scan(step, begin, jnp.arange(work.updates_per_task))
    return q[0].max(), jnp.argmax(q, axis=1).astype(jnp.int32)


@cache
def compiled(work: Workload) -> Any:
    """Return the program for words [devices, tasks of each, 4]."""
    one = partial(learn, work)
    if not ON_CPU:
        return jax.pmap(jax.vmap(one))
    fits = MOST_CELLS // (work.num_states * work.num_actions * work.num_states)
    batch = min(max(fits, SMALLEST_BATCH), LARGEST_BATCH)
    return jax.pmap(lambda words: lax.map(one, words, batch_size=batch))


def run(work: Workload, seed: int, num_threads: int) -> Learned:
    """Run an equal number of tasks on each device; a few more than asked for if they do not go up."""
    share = math.ceil(work.num_tasks / len(DEVICES))
    words = np.random.default_rng(seed).integers(2**32, size=(len(DEVICES), share, 4), dtype=np.uint32)
    values, policy = compiled(work)(words)
    n, s = work.num_tasks, work.num_states
    return Learned(np.asarray(values).reshape(-1)[:n], np.asarray(policy).reshape(-1, s)[:n])
