"""FrozenLake by a Numba expert: outcome lists in flat arrays, inline xorshift, parallel over learners."""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from metarl_fast.benchmark import Learned
from peers.frozen_lake import FrozenLake, environment
from peers.numba_expert import HALF, LOW, first_state, scrambled, xorshift

TITLE = "Numba by an expert: flat outcome lists"


@cache
def tables():
    """Cumulative probabilities in units of 2^-32, next states (inverted where the episode ends), rewards."""
    lists = environment().unwrapped.P
    s, a = len(lists), len(lists[0])
    k = max(len(lists[state][action]) for state in range(s) for action in range(a))
    cumulative = np.full((s * a, k), LOW + 1, np.uint64)
    successor = np.zeros((s * a, k), np.int32)
    reward = np.zeros((s * a, k), np.float32)
    for state in range(s):
        for action in range(a):
            pair = state * a + action
            total = 0.0
            outcomes = lists[state][action]
            for place, (probability, next_state, gain, terminated) in enumerate(outcomes):
                total += probability
                if place < len(outcomes) - 1:
                    cumulative[pair, place] = round(total * 2**32)
                successor[pair, place] = ~next_state if terminated else next_state
                reward[pair, place] = gain
    return s, a, k, (cumulative.ravel(), successor.ravel(), reward.ravel())


@cache
def compiled(s: int, a: int, k: int):
    """Return the program with the sizes as constants."""

    @numba.njit(fastmath=True, error_model="numpy")
    def learn(x, cumulative, successor, reward, q, num_episodes, num_steps, epsilon, learning_rate, discount):
        explore_below = np.uint64(epsilon * 4294967296.0)
        for _ in range(num_episodes):
            state = 0
            for _ in range(num_steps):
                x = xorshift(x)
                bits = scrambled(x)
                best = q[state * a]
                for i in range(1, a):
                    best = max(best, q[state * a + i])
                ties = 0
                action = 0
                for i in range(a):
                    is_best = q[state * a + i] == best
                    ties += is_best
                    action = i if is_best else action
                if (bits & LOW) < explore_below:
                    x = xorshift(x)
                    action = np.int64(((scrambled(x) >> HALF) * np.uint64(a)) >> HALF)
                elif ties > 1:
                    x = xorshift(x)
                    skip = np.int64(((scrambled(x) >> HALF) * np.uint64(ties)) >> HALF)
                    action = 0
                    while q[state * a + action] != best or skip > 0:
                        skip -= q[state * a + action] == best
                        action += 1
                pair = state * a + action
                outcome = pair * k
                for i in range(k - 1):
                    outcome += cumulative[pair * k + i] <= (bits >> HALF)
                target = reward[outcome]
                next_state = successor[outcome]
                ended = next_state < 0
                if not ended:
                    largest = q[next_state * a]
                    for i in range(1, a):
                        largest = max(largest, q[next_state * a + i])
                    target += discount * largest
                q[pair] += learning_rate * (target - q[pair])
                state = next_state
                if ended:
                    break

    @numba.njit(parallel=True, fastmath=True, error_model="numpy")
    def run(tables, num_tasks, num_episodes, num_steps, epsilon, learning_rate, discount, seed):
        cumulative, successor, reward = tables
        gap = 64  # no two threads write to one cache line
        q = np.empty((numba.get_num_threads(), s * a + gap), np.float32)
        values = np.empty(num_tasks, np.float32)
        policy = np.empty((num_tasks, s), np.int32)
        for task in numba.prange(num_tasks):
            mine = q[numba.get_thread_id()]
            mine[:] = np.float32(0)
            learn(
                first_state(seed, task),
                cumulative,
                successor,
                reward,
                mine,
                num_episodes,
                num_steps,
                epsilon,
                learning_rate,
                discount,
            )
            for state in range(s):
                policy[task, state] = np.argmax(mine[state * a : (state + 1) * a])
            values[task] = mine[policy[task, 0]]
        return values, policy

    return run


def run(work: FrozenLake, seed: int, num_threads: int) -> Learned:
    numba.set_num_threads(num_threads)
    s, a, k, arrays = tables()
    with numba.parallel_chunksize(4):
        return Learned(
            *compiled(s, a, k)(
                arrays,
                work.num_tasks,
                work.num_episodes,
                work.num_steps,
                work.epsilon,
                np.float32(work.learning_rate),
                np.float32(work.discount),
                seed,
            )
        )
