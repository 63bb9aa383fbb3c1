"""The fastest program in Numba for FrozenLake that we know: four learners interleaved, hardly a branch.

What nobody can predict, whether to explore, how many actions are equally good and which way the agent slips,
is computed and selected. Four learners in turn hide what that costs.
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from metarl_fast.benchmark import Learned
from peers.frozen_lake import FrozenLake
from peers.numba_expert import HALF, LOW, fast, first_state, scrambled, xorshift
from peers.numba_frozen_lake import tables

TITLE = "Numba by an expert, 4 learners interleaved"
LEARNERS = 4


def learn_interleaved(s: int, a: int, k: int):
    """Return the loop with the sizes as constants."""

    @fast
    def learn(
        x,
        state,
        steps_left,
        episodes_left,
        cumulative,
        successor,
        reward,
        q,
        num_episodes,
        num_steps,
        epsilon,
        learning_rate,
        discount,
    ):
        explore_below = np.uint64(epsilon * 4294967296.0)
        for n in range(LEARNERS):
            state[n] = 0
            steps_left[n] = num_steps
            episodes_left[n] = num_episodes
        busy = LEARNERS if num_episodes > 0 else 0
        while busy > 0:
            for n in range(LEARNERS):
                if episodes_left[n] == 0:
                    continue
                now = (n * s + state[n]) * a
                x1 = xorshift(x[n])
                x2 = xorshift(x1)
                x[n] = x2
                bits = scrambled(x1)
                more = scrambled(x2)
                best = q[now]
                for i in range(1, a):
                    best = max(best, q[now + i])
                ties = np.int64(0)
                for i in range(a):
                    ties += np.int64(q[now + i] == best)
                skip = np.int64(((more >> HALF) * np.uint64(ties)) >> HALF)
                greedy = np.int64(0)
                passed = np.int64(0)
                for i in range(a):
                    passed += np.int64(q[now + i] == best)
                    greedy += np.int64(passed <= skip)
                other = np.int64(((more & LOW) * np.uint64(a)) >> HALF)
                action = other if (bits & LOW) < explore_below else greedy
                outcome = (state[n] * a + action) * k
                row = outcome
                for i in range(k - 1):
                    outcome += np.int64(cumulative[row + i] <= (bits >> HALF))
                arrived = successor[outcome]
                terminated = arrived < 0
                next_state = 0 if terminated else arrived
                then = (n * s + next_state) * a
                largest = q[then]
                for i in range(1, a):
                    largest = max(largest, q[then + i])
                target = reward[outcome] + (np.float32(0) if terminated else discount) * largest
                q[now + action] += learning_rate * (target - q[now + action])
                steps = steps_left[n] - 1
                if terminated or steps == 0:
                    next_state = 0
                    steps = num_steps
                    episodes_left[n] -= 1
                    busy -= episodes_left[n] == 0
                state[n] = next_state
                steps_left[n] = steps

    return learn


@cache
def compiled(s: int, a: int, k: int):
    learn = learn_interleaved(s, a, k)

    @numba.njit(parallel=True, fastmath=True, error_model="numpy")
    def run(tables, num_tasks, num_episodes, num_steps, epsilon, learning_rate, discount, seed):
        cumulative, successor, reward = tables
        threads = numba.get_num_threads()
        gap = 64  # no two threads write to one cache line
        q = np.empty((threads, LEARNERS * s * a + gap), np.float32)
        x = np.empty((threads, LEARNERS + gap), np.uint64)
        state = np.empty((threads, LEARNERS + gap), np.int64)
        steps_left = np.empty((threads, LEARNERS + gap), np.int64)
        episodes_left = np.empty((threads, LEARNERS + gap), np.int64)
        values = np.empty(num_tasks, np.float32)
        policy = np.empty((num_tasks, s), np.int32)
        for group in numba.prange((num_tasks + LEARNERS - 1) // LEARNERS):
            me = numba.get_thread_id()
            first = group * LEARNERS
            for n in range(LEARNERS):
                x[me, n] = first_state(seed, first + n)
            q[me, :] = np.float32(0)
            learn(
                x[me],
                state[me],
                steps_left[me],
                episodes_left[me],
                cumulative,
                successor,
                reward,
                q[me],
                num_episodes,
                num_steps,
                epsilon,
                learning_rate,
                discount,
            )
            for n in range(min(LEARNERS, num_tasks - first)):
                for j in range(s):
                    policy[first + n, j] = np.argmax(q[me, (n * s + j) * a : (n * s + j + 1) * a])
                values[first + n] = q[me, n * s * a + policy[first + n, 0]]
        return values, policy

    return run


def run(work: FrozenLake, seed: int, num_threads: int) -> Learned:
    numba.set_num_threads(num_threads)
    s, a, k, arrays = tables()
    with numba.parallel_chunksize(1):
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
