"""Tasks where what is done is now and then another action than what was chosen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf

FAMILY = mf.Slippery
GRID = mf.GoalGrid(3, wall_density=0.2)
DENSE = mf.TaskDistribution(7, 3, mf.Dirichlet(0.4), reward_noise=0.3)
GOLDEN_TASKS = {"slippery": mf.Slippery(GRID, 0.3)}
ARGUMENTS = {"family": DENSE, "probability": 0.2}


def twin(family, key, task, segment=0):
    """A task of `Slippery`, in plain Python; all actions of the families tried are available."""
    model = family_twins.part(family.family, key, task, segment)
    s, a, k = model.probability.shape
    even = family.probability / a
    weight = np.where(np.eye(a, dtype=bool), (1.0 - family.probability) + even, even)
    if model.next_state is None:
        probability, reward = np.zeros((s, a, k)), np.zeros((s, a))
        for other in range(a):  # in this order
            probability += weight[:, other, None] * model.probability[:, None, other]
            reward += weight[:, other] * model.reward[:, None, other]
        return dataclasses.replace(model, probability=probability, reward=reward, weights=None)

    def all_actions(values):
        return np.broadcast_to(values.reshape(s, 1, a * k), (s, a, a * k))

    return dataclasses.replace(
        model,
        probability=np.repeat(weight, k, axis=1) * all_actions(model.probability),
        next_state=all_actions(model.next_state),
        reward=all_actions(model.reward),
        terminated=all_actions(model.terminated),
    )


def families():
    parts = [GRID, DENSE, GRID.split()[1], mf.Permuted(DENSE), mf.RiverSwim(4), mf.Switching(DENSE, 2)]
    return st.builds(mf.Slippery, st.sampled_from(parts), st.sampled_from([0.0, 0.25, 1.0]))


def test_rows_are_mixed_with_those_of_a_random_action():
    for plain in (GRID, DENSE):
        before, after = plain.sample(20, rng=0), mf.Slippery(plain, 0.4).sample(20, rng=0)
        for name, axis in (("transitions", 2), ("rewards", 2)):
            old, new = getattr(before, name), getattr(after, name)
            expected = 0.6 * old + 0.4 * old.mean(axis=axis, keepdims=True)
            np.testing.assert_allclose(new, expected, atol=1e-15)
        assert (after.terminal == before.terminal).all()
    certain = mf.bounds(mf.Slippery(GRID, 1.0).sample(9, rng=0), 0.9)
    np.testing.assert_allclose(certain.optimal, certain.random, atol=1e-12)


def test_unavailable_actions_stay_so_and_do_not_happen():
    class Fork(mf.Family):
        num_states, num_actions = 2, 3

        def task(self, rng):
            paid = float(rng.random())
            return {"outcomes": {0: {0: [(1.0, 0, 0.0, False)], 2: [(1.0, 1, paid, True)]}, 1: {}}}

    tasks = mf.Slippery(Fork(), 0.5).sample(4, rng=0)
    assert tasks.available[0, 0].tolist() == [True, False, True]
    np.testing.assert_allclose(tasks.transitions[0, 0], [[0.75, 0.25], [0, 0], [0.25, 0.75]])


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"probability is 1\.5"):
        mf.Slippery(DENSE, 1.5)
    with pytest.raises(TypeError, match="family is 5"):
        mf.Slippery(5)
