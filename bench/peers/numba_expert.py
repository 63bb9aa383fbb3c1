"""Q-learning by a Numba expert: alias tables, inline xorshift, everything parallel, sizes as constants."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np

from metarl_fast.benchmark import Learned, Workload

TITLE = "Numba by an expert: alias tables"

fast = numba.njit(fastmath=True, error_model="numpy")
inlined = numba.njit(fastmath=True, error_model="numpy", inline="always")
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
UNIT = np.float32(2.0**-24)


@inlined
def xorshift(x):
    """One step of the state of xorshift64* (Vigna, ACM TOMS 42, 2016)."""
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    return x ^ (x >> np.uint64(27))


@inlined
def scrambled(x):
    return x * np.uint64(0x2545F4914F6CDD1D)


@fast
def first_state(seed, task):
    """SplitMix64 of the seed and the task, never 0."""
    x = (np.uint64(seed) << HALF) + np.uint64(task) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x ^ (x >> np.uint64(31))) | np.uint64(1)


@inlined
def unit(key, counter):
    """Uniform in [0, 1), a hash of a counter: unlike a sequence, a loop over it becomes vector code."""
    x = np.uint32(counter) ^ key
    x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D))
    x = np.uint32((x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B))
    x = np.uint32(x ^ (x >> np.uint32(16)))
    return np.float32(np.int32(x >> np.uint32(8))) * UNIT


@fast
def write_alias_row(weight, total, row, stack):
    """Vose's method: column k keeps k where the coin is below the upper half of row[k], else takes the lower.

    The stack holds the columns of less than the mean from below, the others from above. Which is which
    nobody can predict, so there are no branches on it.
    """
    columns = len(row)
    below = 0
    above = columns
    scale = np.float32(columns) / total
    for k in range(columns):
        scaled = weight[k] * scale
        weight[k] = scaled
        is_below = np.int64(scaled < np.float32(1))
        stack[below] = k
        stack[above - 1] = k
        below += is_below
        above -= 1 - is_below
    while below > 0 and above < columns:
        k = stack[below - 1]
        donor = stack[above]
        row[k] = (np.uint64(weight[k] * np.float32(4294967040)) << HALF) | np.uint64(donor)
        left = weight[donor] - (np.float32(1) - weight[k])
        weight[donor] = left
        is_below = np.int64(left < np.float32(1))
        stack[below - 1] = donor
        below -= 1 - is_below
        above += is_below
    for i in range(below):
        row[stack[i]] = (LOW << HALF) | np.uint64(stack[i])
    for i in range(above, columns):
        row[stack[i]] = (LOW << HALF) | np.uint64(stack[i])


@fast
def alias_draw(table, first, columns, bits):
    """Return the next state for 32 random bits: times S, the upper half is the column, the lower the coin."""
    product = bits * np.uint64(columns)
    column = np.int64(product >> HALF)
    entry = table[first + column]
    return column if (product & LOW) < (entry >> HALF) else np.int64(entry & LOW)


@cache
def compiled(s: int, a: int, uniform: bool) -> Any:
    """Return the program with the sizes and the behaviour as constants."""
    pairs = s * a

    @fast
    def write_task(x, table, rewards, weight, stack):
        key = np.uint32(scrambled(x) >> HALF)
        for pair in range(pairs):
            total = np.float32(0)
            for k in range(s):
                weight[k] = unit(key, pair * s + k)
                total += weight[k]
            write_alias_row(weight, total, table[pair * s : (pair + 1) * s], stack)
        for pair in range(pairs):
            rewards[pair] = unit(key, pairs * s + pair)

    @fast
    def learn(x, table, rewards, q, num_episodes, num_steps, learning_rate, discount, epsilon):
        explore_below = np.uint64(epsilon * 4294967296.0)
        for _ in range(num_episodes):
            state = 0
            for _ in range(num_steps):
                x = xorshift(x)
                bits = scrambled(x)
                if uniform:
                    action = np.int64(((bits & LOW) * np.uint64(a)) >> HALF)
                elif (bits & LOW) < explore_below:
                    x = xorshift(x)
                    action = np.int64(((scrambled(x) >> HALF) * np.uint64(a)) >> HALF)
                else:
                    action = 0
                    best = q[state * a]
                    for k in range(1, a):
                        candidate = q[state * a + k]
                        action = k if candidate > best else action
                        best = max(best, candidate)
                pair = state * a + action
                state = alias_draw(table, pair * s, s, bits >> HALF)
                largest = q[state * a]
                for k in range(1, a):
                    largest = max(largest, q[state * a + k])
                q[pair] += learning_rate * (rewards[pair] + discount * largest - q[pair])

    @numba.njit(parallel=True, fastmath=True, error_model="numpy")
    def run(num_tasks, num_episodes, num_steps, learning_rate, discount, epsilon, seed):
        threads = numba.get_num_threads()
        # Each thread's scratch, with a gap so that no two threads write to one cache line.
        gap = 64
        table = np.empty((threads, pairs * s + gap), np.uint64)
        rewards = np.empty((threads, pairs + gap), np.float32)
        q = np.empty((threads, pairs + gap), np.float32)
        weight = np.empty((threads, s + gap), np.float32)
        stack = np.empty((threads, s + gap), np.int32)
        values = np.empty(num_tasks, np.float32)
        policy = np.empty((num_tasks, s), np.int32)
        for task in numba.prange(num_tasks):
            t = numba.get_thread_id()
            x = first_state(seed, task)
            write_task(x, table[t], rewards[t], weight[t], stack[t])
            q[t, :] = np.float32(0)
            learn(x, table[t], rewards[t], q[t], num_episodes, num_steps, learning_rate, discount, epsilon)
            for state in range(s):
                best = 0
                for k in range(1, a):
                    best = k if q[t, state * a + k] > q[t, state * a + best] else best
                policy[task, state] = best
            values[task] = q[t, policy[task, 0]]
        return values, policy

    return run


def run(work: Workload, seed: int, num_threads: int) -> Learned:
    numba.set_num_threads(num_threads)
    program = compiled(work.num_states, work.num_actions, work.epsilon == 1.0)
    # Small chunks, handed out as threads get free: on a busy machine halves would not end together.
    with numba.parallel_chunksize(max(1, min(16, work.num_tasks // (8 * num_threads)))):
        return Learned(
            *program(
                work.num_tasks,
                work.num_episodes,
                work.num_steps,
                np.float32(work.learning_rate),
                np.float32(work.discount),
                work.epsilon,
                seed,
            )
        )
