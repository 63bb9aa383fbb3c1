"""Bandits of which one arm pays well and the last one says which that is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from reference import REWARDS, Model, below, make_stream

FAMILY = mf.InformativeBandit
GOLDEN_TASKS = {"informative_bandit": mf.InformativeBandit()}
ARGUMENTS = {
    "num_arms": 4,
    "num_pulls": 3,
    "targets": (0, 2),
    "target_reward": 2.0,
    "other_reward": 0.5,
    "split_path": (0,),
}


def twin(family, key, task, segment=0):
    """A task of `InformativeBandit`, in plain Python."""
    a = family.num_arms
    targets = family.targets or range(a - 1)
    target = targets[below(make_stream(key, task, REWARDS).next(), len(targets))]
    reward = np.full((1, a), family.other_reward)
    reward[0, target], reward[0, -1] = family.target_reward, (target + 1) / (a - 1)
    return Model(np.ones((1, a, 1)), None, reward, np.zeros(1, bool), np.ones(1))


def families():
    targets = st.sampled_from([None, (1,), (2, 0)])
    return st.builds(mf.InformativeBandit, st.integers(4, 12), st.integers(1, 9), targets)


def test_the_defaults_are_the_paper():
    tasks = mf.InformativeBandit().sample(3000, rng=0)
    rewards = tasks.rewards[:, 0]
    assert (tasks.num_actions, tasks.horizon) == (11, 5)
    target = rewards[:, :10].argmax(axis=1)
    assert (np.sort(rewards[:, :10], axis=1) == [1.0] * 9 + [5.0]).all()
    # The target is the tenth part of what the last arm pays.
    np.testing.assert_allclose(rewards[:, 10] * 10, target + 1, rtol=1e-15)
    assert stats.chisquare(np.bincount(target, minlength=10)).pvalue > 1e-4


def test_what_the_last_arm_says_is_worth_a_pull():
    """In five pulls who knows it earns 20 and what it pays, 20.55; who does not tries one after the other."""
    rewards = mf.InformativeBandit().sample(2000, rng=1).rewards[:, 0]
    says = rewards[:, 10]
    told = says + 4 * rewards[np.arange(2000), np.round(says * 10).astype(int) - 1]
    assert told.mean() == pytest.approx(20.55, abs=0.05)
    tries = mf.train(mf.QLearning(learning_rate=1.0, discount=0.0, epsilon=0.0, initial_q=10.0),
                     mf.InformativeBandit().sample(2000, rng=1), 1, rng=2)  # fmt: skip
    assert tries.returns.mean() < 9.0


def test_a_split_holds_out_targets():
    training, held_out = mf.InformativeBandit().split(0.3)
    seen, new = (set(half.sample(300, rng=0).rewards[:, 0].argmax(axis=1)) for half in (training, held_out))
    assert not seen & new
    assert (len(seen), len(new)) == (7, 3)
    with pytest.raises(ValueError, match="two targets or more, this family has 1"):
        mf.InformativeBandit(2).split()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"num_arms": 1}, ValueError, "num_arms is 1"),
        ({"targets": 3}, TypeError, "targets is 3"),
        ({"targets": ()}, ValueError, "targets is empty"),
        ({"targets": (10,)}, ValueError, "a target is 10, expected at most 9"),
        ({"targets": (1, 1)}, ValueError, "expected different arms"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        mf.InformativeBandit(**arguments)
