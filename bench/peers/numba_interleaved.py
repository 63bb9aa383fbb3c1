"""The fastest program in Numba that we know: the expert's, with four tasks interleaved.

One task alone waits for its own memory: the next state names the row, and the row the next state. Working on
four in turn hides that; it is the idea of this package's kernel, without its vector registers. Alias tables
for short rows; because they take so long to build, cumulative rows for longer ones; and no table at all for
the longest, from which it draws by rejection.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np

from metarl_fast.benchmark import Learned, Workload
from peers.numba_expert import (
    HALF,
    LOW,
    UNIT,
    alias_draw,
    fast,
    first_state,
    inlined,
    scrambled,
    unit,
    write_alias_row,
    xorshift,
)

TITLE = "Numba by an expert, 4 tasks interleaved"
TASKS = 4
ROWS = 4
LONGEST_ALIAS_ROW = 16
LONGEST_CUMULATIVE_ROW = 64
ONE = np.float32(1)


@fast
def write_alias_rows(key, first, columns, table, weight, stack):
    """Write four rows; `first` is the number of the first one's first entry in the task."""
    for row in range(ROWS):
        begin = first + row * columns
        total = np.float32(0)
        for k in range(columns):
            weight[k] = unit(key, begin + k)
            total += weight[k]
        write_alias_row(weight, total, table[begin : begin + columns], stack)


@fast
def write_cumulative_rows(key, first, columns, table, weight, stack):
    """Write four rows together: a sum alone waits for itself at each entry."""
    total0, total1, total2, total3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for k in range(columns):
        weight[k] = unit(key, first + k)
        total0 += weight[k]
    for k in range(columns, 2 * columns):
        weight[k] = unit(key, first + k)
        total1 += weight[k]
    for k in range(2 * columns, 3 * columns):
        weight[k] = unit(key, first + k)
        total2 += weight[k]
    for k in range(3 * columns, 4 * columns):
        weight[k] = unit(key, first + k)
        total3 += weight[k]
    scale0, scale1, scale2, scale3 = ONE / total0, ONE / total1, ONE / total2, ONE / total3
    sum0, sum1, sum2, sum3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for k in range(columns):
        sum0 += weight[k]
        sum1 += weight[columns + k]
        sum2 += weight[2 * columns + k]
        sum3 += weight[3 * columns + k]
        table[first + k] = sum0 * scale0
        table[first + columns + k] = sum1 * scale1
        table[first + 2 * columns + k] = sum2 * scale2
        table[first + 3 * columns + k] = sum3 * scale3


@inlined
def cumulative_draw(table, first, columns, bits):
    """Return the next state by a binary search without branches."""
    u = np.float32(np.int64(bits >> np.uint64(8))) * UNIT
    found = 0
    left = columns
    while left > 1:
        half = left >> 1
        found = found + half if table[first + found + half - 1] <= u else found
        left -= half
    return found


@fast
def rejection_draw(key, first, columns, x):
    """Return the next state and the generator: propose evenly, accept if a number is below the weight."""
    while True:
        x = xorshift(x)
        bits = scrambled(x)
        proposed = np.int64(((bits >> HALF) * np.uint64(columns)) >> HALF)
        if np.float32(np.int64(bits & np.uint64(0xFFFFFF))) * UNIT < unit(key, first + proposed):
            return proposed, x


def best_action_of(a: int) -> Any:
    """Return the function that finds the first best of the `a` actions whose values begin at `first`."""

    @inlined
    def best_action(q, first):
        action = 0
        best = q[first]
        for k in range(1, a):
            candidate = q[first + k]
            action = k if candidate > best else action
            best = max(best, candidate)
        return action

    return best_action


def learn_interleaved(s: int, a: int, uniform: bool, entries: int) -> Any:
    """Return the loop, with the sizes, the behaviour and how far tables lie apart as constants."""
    draw = alias_draw if s <= LONGEST_ALIAS_ROW else cumulative_draw
    by_rejection = s > LONGEST_CUMULATIVE_ROW
    best_action = best_action_of(a)
    pairs = s * a

    @fast
    def learn(
        x, key, state, greedy, table, rewards, q, num_episodes, num_steps, learning_rate, discount, epsilon
    ):
        explore_below = np.uint64(epsilon * 4294967296.0)
        for _ in range(num_episodes):
            for t in range(TASKS):
                state[t] = 0
                greedy[t] = best_action(q, t * pairs)
            for _ in range(num_steps):
                for t in range(TASKS):
                    now = t * pairs + state[t] * a
                    x1 = xorshift(x[t])
                    bits = scrambled(x1)
                    if uniform:
                        x2 = x1
                        action = np.int64(((bits & LOW) * np.uint64(a)) >> HALF)
                    else:
                        x2 = xorshift(x1)
                        explore = (bits & LOW) < explore_below
                        other = np.int64(((scrambled(x2) >> HALF) * np.uint64(a)) >> HALF)
                        action = other if explore else greedy[t]
                        x2 = x2 if explore else x1
                    pair = now + action
                    row = (pair - t * pairs) * s
                    if by_rejection:
                        next_state, x2 = rejection_draw(key[t], row, s, x2)
                    else:
                        next_state = draw(table, t * entries + row, s, bits >> HALF)
                    x[t] = x2
                    then = t * pairs + next_state * a
                    largest = q[then]
                    ahead = 0
                    for k in range(1, a):
                        candidate = q[then + k]
                        ahead = k if candidate > largest else ahead
                        largest = max(largest, candidate)
                    q[pair] += learning_rate * (rewards[pair] + discount * largest - q[pair])
                    if not uniform:
                        # The best action of the next step, unless this one has changed it.
                        greedy[t] = best_action(q, then) if then == now else ahead
                    state[t] = next_state

    return learn


@cache
def compiled(s: int, a: int, uniform: bool) -> Any:
    """Return the program with the sizes and the behaviour as constants."""
    alias = s <= LONGEST_ALIAS_ROW
    write_rows = write_alias_rows if alias else write_cumulative_rows
    entry_type = np.uint64 if alias else np.float32
    pairs = s * a
    entries = (pairs + ROWS - 1) // ROWS * ROWS * s  # of a task, the last rows that nobody uses included
    by_rejection = s > LONGEST_CUMULATIVE_ROW
    learn = learn_interleaved(s, a, uniform, entries)
    best_action = best_action_of(a)

    @fast
    def write_task(key, table, rewards, weight, stack):
        for first in range(0, 0 if by_rejection else entries, ROWS * s):
            write_rows(key, first, s, table, weight, stack)
        for pair in range(pairs):
            rewards[pair] = unit(key, entries + pair)

    @numba.njit(parallel=True, fastmath=True, error_model="numpy")
    def run(num_tasks, num_episodes, num_steps, learning_rate, discount, epsilon, seed):
        threads = numba.get_num_threads()
        gap = 64  # no two threads write to one cache line
        table = np.empty((threads, TASKS * entries + gap), entry_type)
        rewards = np.empty((threads, TASKS * pairs + gap), np.float32)
        q = np.empty((threads, TASKS * pairs + gap), np.float32)
        weight = np.empty((threads, ROWS * s + gap), np.float32)
        stack = np.empty((threads, s + gap), np.int32)
        x = np.empty((threads, TASKS + gap), np.uint64)
        key = np.empty((threads, TASKS + gap), np.uint32)
        state = np.empty((threads, TASKS + gap), np.int64)
        greedy = np.empty((threads, TASKS + gap), np.int64)
        values = np.empty(num_tasks, np.float32)
        policy = np.empty((num_tasks, s), np.int32)
        for group in numba.prange((num_tasks + TASKS - 1) // TASKS):
            me = numba.get_thread_id()
            first = group * TASKS
            for t in range(TASKS):
                x[me, t] = first_state(seed, first + t)
                key[me, t] = np.uint32(scrambled(x[me, t]) >> HALF)
                write_task(
                    key[me, t],
                    table[me, t * entries : (t + 1) * entries],
                    rewards[me, t * pairs : (t + 1) * pairs],
                    weight[me],
                    stack[me],
                )
            q[me, :] = np.float32(0)
            learn(
                x[me],
                key[me],
                state[me],
                greedy[me],
                table[me],
                rewards[me],
                q[me],
                num_episodes,
                num_steps,
                learning_rate,
                discount,
                epsilon,
            )
            for t in range(min(TASKS, num_tasks - first)):
                for k in range(s):
                    policy[first + t, k] = best_action(q[me], t * pairs + k * a)
                values[first + t] = q[me, t * pairs + policy[first + t, 0]]
        return values, policy

    return run


def run(work: Workload, seed: int, num_threads: int) -> Learned:
    numba.set_num_threads(num_threads)
    program = compiled(work.num_states, work.num_actions, work.epsilon == 1.0)
    groups = -(-work.num_tasks // TASKS)
    with numba.parallel_chunksize(max(1, min(4, groups // (8 * num_threads)))):
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
