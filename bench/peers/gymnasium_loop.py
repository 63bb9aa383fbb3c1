"""The usual loop: a Gymnasium environment, a NumPy table, one step at a time."""

from __future__ import annotations

import numpy as np

from metarl_fast.benchmark import Learned
from peers.frozen_lake import FrozenLake, environment

TITLE = "the usual Gymnasium loop"
# Of the learners; its time for each does not depend on how many there are.
MAX_TASKS = 2


def run(work: FrozenLake, seed: int, num_threads: int) -> Learned:
    """Run on one thread: the loop has nothing to share out."""
    env = environment()
    env.action_space.seed(seed)
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    s, a = env.observation_space.n, env.action_space.n
    values = np.empty(work.num_tasks)
    policy = np.empty((work.num_tasks, s), np.int64)
    for learner in range(work.num_tasks):
        q_table = np.zeros((s, a))
        for _ in range(work.num_episodes):
            state, _ = env.reset()
            done = False
            while not done:
                if rng.random() < work.epsilon:
                    action = env.action_space.sample()
                else:
                    action = rng.choice(np.flatnonzero(q_table[state] == q_table[state].max()))
                next_state, reward, terminated, truncated, _ = env.step(action)
                target = reward if terminated else reward + work.discount * q_table[next_state].max()
                q_table[state, action] += work.learning_rate * (target - q_table[state, action])
                state = next_state
                done = terminated or truncated
        values[learner] = q_table[0].max()
        policy[learner] = q_table.argmax(axis=1)
    return Learned(values, policy)
