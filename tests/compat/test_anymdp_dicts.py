"""AnyMDP's tasks as dicts: what is read is what its environment does, what is written reads as it was."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import metarl_fast as mf


def drawn(inner=9, ns=11, na=3, seed=0):
    """A dict of the form that Xenoverse's sampler returns, with states that are not used."""
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.ones(inner), (inner, na)) * (rng.random((inner, na, inner)) < 0.6)
    transition[..., 1] += 0.1
    transition /= transition.sum(axis=-1, keepdims=True)
    transition[[4, 8]] = 0.0
    return {
        "ns": ns,
        "na": na,
        "max_steps": 103.7,
        "state_mapping": rng.permutation(ns)[:inner],
        "s_0": np.array([0, 2]),
        "s_0_prob": np.array([0.25, 0.75]),
        "s_e": [4, 8],
        "final_goal_terminate": True,
        "transition": transition,
        "reward": rng.normal(size=transition.shape),
        "reward_noise": np.full(transition.shape, 0.2),
    }


def optimal_values(given, discount):
    """Of its own states, as AnyMDPEnv takes them: entering a state of s_e ends the episode."""
    ended = np.isin(np.arange(len(given["transition"])), given["s_e"])
    values = np.zeros(len(ended))
    for _ in range(2000):
        later = given["reward"] + discount * np.where(ended, 0.0, values)
        values = np.where(ended, 0.0, (given["transition"] * later).sum(axis=-1).max(axis=-1))
    return values


def test_the_values_are_those_of_its_environment():
    given = drawn()
    tasks = mf.from_task_dicts(given)
    assert (tasks.num_states, tasks.num_actions, tasks.horizon) == (11, 3, 104)
    assert tasks.reward_noise == pytest.approx(0.2)
    names = given["state_mapping"]
    found = mf.policy_iteration(tasks, 0.9).values[0]
    np.testing.assert_allclose(found[names], optimal_values(given, 0.9), rtol=1e-12)
    assert tasks.start[0, names[[0, 2]]].tolist() == [0.25, 0.75]
    unused = np.setdiff1d(np.arange(11), names)
    assert tasks.terminal[0, unused].all()
    assert tasks.terminal[0, names[[4, 8]]].all()


def test_its_bandit_is_one_pull():
    ones, pays = np.ones((1, 4, 1)), np.linspace(0.1, 0.4, 4).reshape(1, 4, 1)
    bandit = {"ns": 1, "na": 4, "max_steps": 1, "state_mapping": [0], "s_0": [0], "s_0_prob": [1.0]}
    tasks = mf.from_task_dicts(bandit | {"s_e": [], "transition": ones, "reward": pays, "reward_noise": pays})
    assert mf.backward_induction(tasks).returns.tolist() == [0.4]


@pytest.mark.parametrize("family", [mf.AnyMdp(9, 2, 0.1), mf.FrozenLakeMaps(4), mf.TaskDistribution.rl2()])
def test_what_is_written_reads_as_it_was(family):
    tasks = family.sample(5, rng=0)[2:]
    dicts = pickle.loads(pickle.dumps(mf.to_task_dicts(tasks, form="anymdp")))
    again = mf.from_task_dicts(dicts)
    np.testing.assert_array_equal(again.ids, tasks.ids)
    np.testing.assert_array_equal(again.terminal, tasks.terminal)
    assert again.horizon == tasks.horizon
    np.testing.assert_allclose(again.start, tasks.start)
    np.testing.assert_allclose(again.reward_noise, tasks.reward_noise)
    one, other = (mf.policy_iteration(batch, 0.9).q_values for batch in (tasks, again))
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_what_its_environment_cannot_do_is_refused():
    cases = {
        "ends elsewhere": mf.TwoStep(),
        "horizon is None": mf.TaskDistribution(4, 2),
    }
    for text, family in cases.items():
        with pytest.raises(ValueError, match=text):
            mf.to_task_dicts(family.sample(1, rng=0), form="anymdp")
    with pytest.raises(ValueError, match="form is 'anympd', expected tabular_mdp or anymdp"):
        mf.to_task_dicts(mf.AnyMdp().sample(1, rng=0), form="anympd")


@pytest.mark.parametrize(
    ("spoiled", "text"),
    [
        ({"s_e": [9]}, r"s_e is \[9\], expected states of 0 to 8"),
        ({"state_mapping": [0] * 9}, "expected different states of 0 to 10"),
        ({"transition": np.ones((3, 2))}, r"transition has shape \(3, 2\)"),
        ({"reward": np.ones(3)}, r"reward has shape \(3,\)"),
        ({"ns": 3}, "ns is 3, expected at least 9"),
        ({"max_steps": 0}, "max_steps is 0"),
    ],
)
def test_what_is_no_such_dict_is_refused(spoiled, text):
    with pytest.raises(ValueError, match=text):
        mf.from_task_dicts(drawn() | spoiled)
