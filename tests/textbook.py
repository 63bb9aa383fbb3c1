"""Tasks of Sutton and Barto, "Reinforcement Learning", 2nd ed., and a corridor."""

from __future__ import annotations

from functools import cache

import gymnasium
import numpy as np

import metarl_fast as mf


@cache
def cliff_walking(num_tasks):
    """Example 6.6."""
    return mf.from_gymnasium([gymnasium.make("CliffWalking-v1")] * num_tasks)


def walk_the_cliff(kind, learning_rate, num_tasks=200):
    """Mean return of the last 100 of 500 episodes, and what each greedy policy earns in 100 steps."""
    cliff = cliff_walking(num_tasks)
    learner = kind(48, 4, learning_rate=learning_rate, discount=1.0, epsilon=0.1)
    run = mf.train(learner, cliff, 500, 2000, rng=0, mean_returns=True)
    greedy = mf.policy_evaluation(cliff, run.policy, 1.0, horizon=100).returns
    return run.mean_returns[-100:].mean(), greedy.round(6)


def share_that_goes_left(kind, episodes):
    """Example 6.7: how many of 1000 learners would go left after so many episodes; all of them are wrong.

    Right ends the episode; left leads to a state with many actions that earn -0.1 on average, give or take 1.
    """
    left, right = [(1.0, 1, 0.0, False)], [(1.0, 2, 0.0, True)]
    gamble = [(0.5, 2, 0.9, True), (0.5, 2, -1.1, True)]
    task = {0: dict.fromkeys(range(5), left) | dict.fromkeys(range(5, 10), right)}
    task |= {1: dict.fromkeys(range(10), gamble), 2: dict.fromkeys(range(10), right)}
    learner = kind(3, 10, learning_rate=0.1, discount=1.0, epsilon=0.1)
    tasks = mf.from_outcomes([task] * 1000, horizon=2)
    run = mf.train(learner, tasks, episodes, rng=0)
    return (run.policy[:, 0] < 5).mean()


def corridor(rewards, num_tasks=100):
    """Left or right in a row of states, from the first one to the last one, which ends the episode."""
    s = len(rewards)
    transitions = np.zeros((s, 2, s))
    transitions[np.arange(s), 0, np.maximum(np.arange(s) - 1, 0)] = 1.0
    transitions[np.arange(s), 1, np.minimum(np.arange(s) + 1, s - 1)] = 1.0
    return mf.from_arrays(
        np.repeat(transitions[None], num_tasks, axis=0), rewards, terminal=np.arange(s) == s - 1
    )


def assert_faster_on_a_corridor(slow, fast):
    """A first reward reaches the whole way if traces do not fade, and the way is found sooner if they do."""
    rewards = np.zeros((30, 2))
    rewards[28, 1] = 1.0
    goal, clock = corridor(rewards), corridor(np.full((30, 2), -1.0))
    heard_of_it, earned = [], []
    for kind in (slow, fast):
        endless = {"trace_decay": 1.0} if kind is fast else {}
        learner = kind(30, 2, learning_rate=0.5, discount=1.0, **endless)
        run = mf.train(learner, goal, 1, 20_000, rng=0)
        heard_of_it.append((run.q_table > 0).any(axis=2).sum(axis=1))
        learner = kind(30, 2, learning_rate=0.5, discount=1.0)
        earned.append(mf.train(learner, clock, 12, 2000, rng=0, mean_returns=True).mean_returns[6:].mean())
    assert (heard_of_it[0] == 1).all()
    assert (heard_of_it[1] == 29).all()
    assert -50 < earned[1] < -29
    assert earned[0] < -65
