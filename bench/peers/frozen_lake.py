"""Gymnasium's slippery FrozenLake 8x8, learned by many learners that differ in their random numbers alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import gymnasium

import metarl_fast as mf
from metarl_fast.benchmark import Learned


@dataclass(frozen=True)
class FrozenLake:
    """Epsilon-greedy Q-learning that draws among equally good actions: without, it never leaves the start."""

    name: str = "FrozenLake"
    num_tasks: int = 256  # learners
    num_episodes: int = 2000
    num_steps: int = 200
    epsilon: float = 0.1
    learning_rate: float = 0.1
    discount: float = 0.99
    behaviour: str = "epsilon-greedy 0.1"

    def __str__(self) -> str:
        return f"FrozenLake 8x8, {self.num_tasks} learners, {self.num_episodes:,} episodes each"


def environment() -> gymnasium.Env:
    return gymnasium.make("FrozenLake-v1", map_name="8x8", is_slippery=True)


@cache
def tasks(num_tasks: int) -> mf.Tasks:
    return mf.from_gymnasium([environment()] * num_tasks)


def run_engine(work: FrozenLake, seed: int, num_threads: int) -> Learned:
    """Learn on tables that were read before: nobody here generates tasks."""
    batch = tasks(work.num_tasks)
    learner = mf.QLearning(
        batch.num_states,
        batch.num_actions,
        learning_rate=work.learning_rate,
        discount=work.discount,
        epsilon=work.epsilon,
    )
    run = mf.train(
        learner,
        batch,
        work.num_episodes,
        work.num_steps,
        rng=seed,
        returns=False,
        num_threads=num_threads,
    )
    return Learned(run.q_table[:, 0].max(axis=1), run.policy)
