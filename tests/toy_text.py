"""Gymnasium's toy-text environments in plain NumPy."""

from __future__ import annotations

import numpy as np


def terminal_states(env):
    """Return the states that are entered from others, and every time with the end of the episode."""
    ends, goes_on = set(), set()
    for state, by_action in env.unwrapped.P.items():
        for listed in by_action.values():
            for probability, next_state, _, terminated in listed:
                if probability > 0 and next_state != state:
                    (ends if terminated else goes_on).add(int(next_state))
    return ends - goes_on


def dense_model(env):
    """Return transitions [S, A, S] cut where an episode ends, and expected rewards [S, A].

    Nothing is done in terminal states, whatever P says of them.
    """
    table = env.unwrapped.P
    s, a = len(table), len(table[0])
    going_on, rewards = np.zeros((s, a, s)), np.zeros((s, a))
    for state in sorted(set(range(s)) - terminal_states(env)):
        for action in range(a):
            for probability, next_state, reward, terminated in table[state][action]:
                rewards[state, action] += probability * reward
                if not terminated:
                    going_on[state, action, next_state] += probability
    return going_on, rewards


def optimal_values(env, discount):
    """Value iteration over P."""
    going_on, rewards = dense_model(env)
    values = np.zeros(len(rewards))
    while True:
        better = (rewards + discount * going_on @ values).max(axis=1)
        if np.abs(better - values).max() < 1e-12:
            return better
        values = better
