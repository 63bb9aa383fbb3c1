"""Tasks whose states and actions are renamed."""

from __future__ import annotations

import collections
import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import family_twins
import metarl_fast as mf
from bits import assert_same_bits
from reference import PARTS, below, key_of_part, make_stream

FAMILY = mf.Permuted
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2, start=None)
DENSE = mf.TaskDistribution(7, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
GOLDEN = {"permuted": mf.Permuted(GRID), "permuted_dense": mf.Permuted(DENSE)}
ARGUMENTS = {"family": GRID, "states": True, "actions": False}


def names(stream, n, renamed):
    """New names of 0 to n-1."""
    found = list(range(n))
    for left in range(n, 1, -1) if renamed else ():
        other = below(stream.next(), left)
        found[left - 1], found[other] = found[other], found[left - 1]
    return found


def twin(family, key, task, segment=0):
    """A task of `Permuted`, in plain Python."""
    model = family_twins.part(family.family, key_of_part(key, 0), task, segment)
    stream = make_stream(key, task, PARTS)
    s, a = model.probability.shape[:2]
    state, action = names(stream, s, family.states), names(stream, a, family.actions)
    old_state, old_action = np.argsort(state), np.argsort(action)

    def pairs(values):
        return None if values is None else np.asarray(values)[old_state][:, old_action]

    dense = model.next_state is None
    changed = {
        "probability": pairs(model.probability)[..., old_state] if dense else pairs(model.probability),
        "next_state": None if dense else np.array(state)[pairs(model.next_state)],
        "reward": pairs(model.reward),
        "terminated": model.terminated[old_state] if dense else pairs(model.terminated),
        "start": model.start[old_state],
        "terminal": None if model.terminal is None else model.terminal[old_state],
        "weights": None if model.weights is None else pairs(model.weights)[..., old_state].tolist(),
    }
    return dataclasses.replace(model, **changed)


def families():
    parts = st.sampled_from(
        [GRID, DENSE, GRID.split()[1], DENSE.split()[1], mf.RiverSwim(), mf.TaskDistribution(66, 2)]
    )
    return st.builds(mf.Permuted, parts, st.booleans(), st.booleans())


def test_every_order_of_names_is_equally_likely():
    """A chain of three states: where it begins, and where it leads, says all of their names."""
    chain = mf.RiverSwim(3, first_forward=1.0, forward=1.0, back=0.0, last_back=0.0, right_reward=1.0)
    tasks = mf.Permuted(chain).sample(6000, rng=0)
    start, rewards = tasks.start.argmax(axis=1), tasks.rewards.reshape(6000, -1)
    last, right = np.divmod(rewards.argmax(axis=1), 2)
    counts = collections.Counter(zip(start.tolist(), last.tolist(), right.tolist(), strict=True))
    assert len(counts) == 12
    assert stats.chisquare(list(counts.values())).pvalue > 1e-4


def test_what_is_not_renamed_stays():
    tasks = mf.Permuted(mf.RiverSwim(4), states=False).sample(50, rng=0)
    assert (tasks.start == np.eye(4)[0]).all()
    assert len(np.unique(tasks.rewards, axis=0)) == 2
    tasks = mf.Permuted(mf.RiverSwim(4), actions=False).sample(50, rng=0)
    assert set(np.flatnonzero(tasks.rewards.max(axis=(0, 1)))) == {0, 1}
    plain = mf.Permuted(mf.RiverSwim(4), states=False, actions=False).sample(5, rng=0)
    assert_same_bits(plain.transitions, mf.RiverSwim(4).sample(5, rng=0).transitions)


def test_the_optimum_does_not_know_names():
    tasks = mf.Permuted(GRID).sample(30, rng=0)
    plain = mf.Tasks(GRID._recipe(key_of_part(tasks.recipe.key, 0), range(30)))
    found, expected = (mf.policy_iteration(batch, 0.9) for batch in (tasks, plain))
    np.testing.assert_allclose(found.returns, expected.returns, rtol=1e-12)
    np.testing.assert_allclose(np.sort(found.values), np.sort(expected.values), atol=1e-12)


def test_missing_actions_and_terminal_states_of_families_in_python_follow():
    class Fork(mf.Family):
        num_states, num_actions = 3, 2

        def task(self, rng):
            paid = float(rng.integers(1, 5))
            return {"outcomes": {0: {1: [(1.0, 1, paid, True)]}, 1: {}, 2: {0: [(1.0, 0, 0.0, False)]}}}

    tasks = mf.Permuted(Fork()).sample(20, rng=0)
    assert (tasks.terminal.sum(axis=1) == 1).all()
    assert (tasks.available.sum(axis=(1, 2)) == tasks.available[0].sum()).all()
    assert (tasks[5:7].transitions == tasks.transitions[5:7]).all()
    plain = mf.Tasks(Fork()._recipe(key_of_part(tasks.recipe.key, 0), range(20)))
    np.testing.assert_allclose(
        mf.policy_iteration(tasks, 0.9).returns, mf.policy_iteration(plain, 0.9).returns
    )


def test_splits_and_clusters_are_the_familys():
    training, held_out = mf.Permuted(GRID).split(0.25)
    assert training == mf.Permuted(GRID.split(0.25)[0])
    assert held_out.family == GRID.split(0.25)[1]
    tasks = mf.Permuted(GRID).sample(40, rng=0)
    plain = mf.Tasks(GRID._recipe(key_of_part(tasks.recipe.key, 0), range(40)))
    assert (mf.Permuted(GRID).clusters(tasks) == GRID.clusters(plain)).all()
    assert mf.Permuted(GRID).horizon == GRID.horizon
    assert_same_bits(pickle.loads(pickle.dumps(tasks)).transitions, tasks.transitions)


@pytest.mark.parametrize(("arguments", "text"), [((5,), "family is 5"), ((GRID, 3), "states is 3")])
def test_wrong_arguments_are_refused(arguments, text):
    with pytest.raises(TypeError, match=text):
        mf.Permuted(*arguments)
