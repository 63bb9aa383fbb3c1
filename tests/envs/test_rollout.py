"""Rollouts in the core against the same actions given step by step."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf

pytest.importorskip("gymnasium")

from envs.test_vector import SETS
from metarl_fast.envs import TabularVectorEnv

N, S, A, T = 70, 4, 3, 40


def random_policy(shape):
    return np.random.default_rng(0).dirichlet(np.ones(A), shape)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "policy",
    [None, [1, 0, 2, 1], np.arange(N * S).reshape(N, S) % A, random_policy(S), random_policy((N, S))],
    ids=["any", "actions", "own actions", "probabilities", "own probabilities"],
)
def test_the_actions_lead_to_the_same_when_given_step_by_step(policy, dtype, threads):
    family = mf.TaskDistribution(S, A, horizon=5, reward_noise=0.5)
    rolling = TabularVectorEnv(family, N, dtype=dtype)
    found = rolling.rollout(T, policy, num_threads=threads) if threads == 1 else None
    rolling.reset(seed=3)
    found = rolling.rollout(T, policy, num_threads=threads)
    env = TabularVectorEnv(family, N, dtype=dtype, autoreset_mode="SameStep")
    states, _ = env.reset(seed=3)
    for t in range(T):
        np.testing.assert_array_equal(found.states[t], states)
        states, rewards, terminated, truncated, infos = env.step(found.actions[t])
        np.testing.assert_array_equal(found.rewards[t], rewards)
        np.testing.assert_array_equal(found.terminated[t], terminated)
        np.testing.assert_array_equal(found.truncated[t], truncated)
        ended = infos["final_obs"].tolist() if "final_obs" in infos else [None] * N
        entered = [s if end is None else end for s, end in zip(states, ended, strict=True)]
        np.testing.assert_array_equal(found.next_states[t], entered)
    np.testing.assert_array_equal(rolling.states, env.states)


@pytest.mark.parametrize("policy", [None, random_policy(S)], ids=["any", "probabilities"])
def test_actions_are_drawn_with_their_probabilities(policy):
    env = TabularVectorEnv(mf.TaskDistribution(S, A).sample(N, rng=0))
    env.reset(seed=1)
    found = env.rollout(2000, policy, keep=["states", "actions"])
    assert found.rewards is None
    counts = np.zeros((S, A))
    np.add.at(counts, (found.states, found.actions), 1)
    expected = np.full((S, A), 1 / A) if policy is None else policy
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), expected, atol=0.01)


def test_only_available_actions_are_taken():
    env = TabularVectorEnv(SETS["masked"]())
    found = env.rollout(500)
    assert not found.actions[found.states == 0].any()
    assert 0.4 < found.actions[found.states > 0].mean() < 0.6
    with pytest.raises(ValueError, match="which is not available in state 0"):
        env.rollout(500, [1, 1, 1])


def test_families_in_python_draw_between_steps():
    family = mf.FrozenLakeMaps(4, horizon=3)
    one, other = TabularVectorEnv(family, 3), TabularVectorEnv(family.sample(60, rng=2)[:3])
    one.reset(seed=2)
    other.reset(seed=2)
    first = one.rollout(2, [1] * 16), other.rollout(2, [1] * 16)
    np.testing.assert_array_equal(first[0].states, first[1].states)
    one.rollout(10)
    assert max(task.id for task in one.tasks) > 3


def test_what_it_refuses():
    env = TabularVectorEnv(mf.TaskDistribution(S, A).sample(2, rng=0))
    for policy, text in (
        ([0, 0], r"policy has shape \(2,\), expected \(4,\) or \(2, 4\)"),
        ([0, 0, 0, A], "policy holds action 3, expected 0 to 2"),
        (np.ones((S, A)), "expected probabilities that sum to 1"),
    ):
        with pytest.raises(ValueError, match=text):
            env.rollout(3, policy)
    with pytest.raises(ValueError, match="keep is"):
        env.rollout(3, keep=["observations"])
    with pytest.raises(ValueError, match="num_steps is -1"):
        env.rollout(-1)
