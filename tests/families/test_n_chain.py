"""NChain, and what families of one task have in common."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import strategies as st

import metarl_fast as mf
from bits import assert_same_bits
from reference import Model

FAMILY = mf.NChain
GOLDEN_TASKS = {"n_chain": mf.NChain()}
ARGUMENTS = {"num_states": 3, "slip": 0.1, "small_reward": 1.0, "large_reward": 5.0, "horizon": 4}


def twin(family, key, task, segment=0):
    """The task of `NChain`, in plain Python."""
    s = family.num_states
    probability, next_state, reward = np.zeros((s, 2, 2)), np.zeros((s, 2, 2), int), np.zeros((s, 2, 2))
    for state in range(s):
        on = (min(state + 1, s - 1), family.large_reward if state == s - 1 else 0.0)
        back = (0, family.small_reward)
        for action, outcomes in enumerate(((on, back), (back, on))):
            for k, (to, paid) in enumerate(outcomes):
                probability[state, action, k] = family.slip if k else 1.0 - family.slip
                next_state[state, action, k], reward[state, action, k] = to, paid
    return Model(probability, next_state, reward, np.zeros((s, 2, 2), bool), np.eye(s)[0])


def families():
    return st.builds(mf.NChain, st.integers(2, 9), st.sampled_from([0.0, 0.2, 0.5, 1.0]))


def test_forward_is_the_optimum_and_earns_what_the_chain_says():
    """Always forward, each step goes on with probability 0.8, else to the first state for 2."""
    discount = 1 - 1e-7
    best = mf.policy_iteration(mf.NChain().sample(1), discount)
    assert best.policy[0].tolist() == [0] * 5
    at_the_end = 0.8**4  # four steps on, from the last slip
    gain = 0.8 * 10 * at_the_end + 0.2 * 2
    assert best.returns[0] * (1 - discount) == pytest.approx(gain, rel=1e-5)


def test_a_batch_of_one_task_is_lazy_and_learners_differ():
    family = mf.NChain()
    tasks = family.sample(10**9, rng=0)[10**8 :: 10**8]
    assert len(np.unique(tasks.transitions, axis=0)) == 1
    assert_same_bits(pickle.loads(pickle.dumps(tasks)).transitions, tasks.transitions)
    returns = mf.train(mf.QLearning(), tasks, 3, 100, rng=1).returns
    assert len(np.unique(returns[:, -1])) > 1
    with pytest.raises(ValueError, match="NChain is a single task"):
        family.split()
    changing = mf.Switching(mf.Permuted(family), every=2).sample(3, rng=0)
    assert not (changing.transitions == changing.segment(1).transitions).all()


@pytest.mark.parametrize(
    ("arguments", "text"), [({"num_states": 1}, "num_states is 1"), ({"slip": 1.5}, r"slip is 1\.5")]
)
def test_wrong_arguments_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.NChain(**arguments)
