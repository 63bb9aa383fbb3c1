"""What processes of their own do with shards: a module, which they can import."""

from __future__ import annotations

import numpy as np

import metarl_fast as mf

S, A = 4, 2
LEARNER = mf.QLearning(S, A, epsilon=0.3)


class Own(mf.Family):
    """Every so often a task is masked, and so are those of a stretch; outcome lists differ in length."""

    num_states, num_actions, horizon = S, A, 5

    def __init__(self, kind="mixed", count=None):
        self.kind = kind

    def task(self, rng):
        if self.kind == "dense":
            return {
                "transitions": rng.dirichlet(np.ones(S), (S, A)),
                "rewards": rng.normal(size=(S, A)),
                "start": int(rng.integers(S)),
                "reward_noise": float(rng.integers(2)),
            }
        longest = int(rng.integers(1, 5))
        table = {
            s: {a: [(1 / longest, int(rng.integers(S)), rng.normal(), False)] * longest for a in range(A)}
            for s in range(S)
        }
        if rng.random() < 0.3:
            del table[int(rng.integers(S))][0]
        return {"outcomes": table, "start": int(rng.integers(S))}


def learn(shard, **options):
    return mf.train(LEARNER, shard, 6, rng=7, snapshot_episodes=[2], mean_returns=True, **options)
