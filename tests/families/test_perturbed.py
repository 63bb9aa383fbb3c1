"""Tasks around one task: their law, and that the centre's optimum helps in all of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from dirichlet import draw_dirichlet
from reference import (
    REWARDS,
    TRANSITIONS,
    indexed,
    make_index_key,
    make_key,
    make_stream,
    normal_quantile,
    open_unit,
)

FAMILY = mf.Perturbed
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2)
DENSE = mf.TaskDistribution(5, 3, mf.Dirichlet(0.4), reward_noise=0.3, horizon=7)
GOLDEN_TASKS = {"perturbed": mf.Perturbed(DENSE, 3.0, 0.5)}
ARGUMENTS = {"base": DENSE, "concentration": 3.0, "reward_std": 0.5, "seed": 0}


def twin(family, key, task, segment=0):
    """A task of `Perturbed`, in plain Python."""
    centre = family_twins.generate(family.base, make_key(family.seed), 0)
    stream, reward_key = make_stream(key, task, TRANSITIONS), make_index_key(key, task, REWARDS)
    s, a = centre.probability.shape[:2]
    dense = centre.next_state is None
    ends = np.zeros(s, bool) if dense else family_twins.terminal(centre)
    probability, reward = np.array(centre.probability), np.array(centre.reward, float)
    for i, j in np.ndindex(s, a):
        if not ends[i]:
            probability[i, j] = draw_dirichlet(stream, family.concentration, centre.probability[i, j])
            moved = normal_quantile(open_unit(indexed(reward_key, 0, i * a + j)))
            reward[i, j] += family.reward_std * moved
    return dataclasses.replace(centre, probability=probability, reward=reward, weights=None)


def families():
    bases = st.sampled_from([GRID, DENSE, mf.RiverSwim(), mf.NChain()])
    concentrations = st.sampled_from([0.05, 1.0, 100.0])
    return st.builds(mf.Perturbed, bases, concentrations, st.sampled_from([0.0, 0.5]), st.integers(0, 3))


def test_rows_and_rewards_lie_about_the_centre():
    centre = DENSE.sample(rng=3)
    tasks = mf.Perturbed(DENSE, 9.0, 0.5, seed=3).sample(4000, rng=0)
    rows, p = tasks.transitions, centre.transitions
    margin = 5 / np.sqrt(4000)
    np.testing.assert_allclose(rows.mean(axis=0), p, atol=margin * 0.2)
    np.testing.assert_allclose(rows.var(axis=0), p * (1 - p) / 10, atol=margin * 0.1)
    np.testing.assert_allclose(tasks.rewards.mean(axis=0), centre.rewards, atol=margin)
    np.testing.assert_allclose(tasks.rewards.std(axis=0), 0.5, atol=margin)
    again = mf.Perturbed(centre, 9.0, 0.5).sample(5, rng=0)
    np.testing.assert_array_equal(again.transitions, rows[:5])
    assert again.horizon == 7


def test_what_is_impossible_or_terminal_stays_so():
    centre = GRID.sample(rng=0)
    tasks = mf.Perturbed(GRID, 2.0, 1.0).sample(30, rng=0)
    assert ((tasks.transitions > 0) <= (centre.transitions > 0)).all()
    assert (tasks.terminal == centre.terminal).all()
    assert (tasks.rewards[:, centre.terminal] == 0).all()


def test_a_table_of_the_centre_helps_around_it():
    """Not so on independent random MDPs, whose best table is a constant."""
    centre = mf.TaskDistribution(10, 4, mf.Garnet(2), mf.Normal())
    best = mf.policy_iteration(centre.sample(1, rng=0), 0.9).policy[0]
    held_out = mf.Perturbed(centre, 50.0, 0.1).split()[1].sample(200, rng=1)
    others = centre.sample(200, rng=1)
    near, far = (mf.score(t, best, mf.bounds(t, 0.9)).mean() for t in (held_out, others))
    assert near > 0.95
    assert far < 0.4


def test_halves_that_would_draw_the_same_tasks_are_refused():
    training, held_out = mf.Perturbed(DENSE).split()
    a, b = (half.sample(20, rng=0).transitions for half in (training, held_out))
    assert not np.intersect1d(a[a > 0], b[b > 0]).size
    certain = mf.NChain(slip=0.0)
    with pytest.raises(ValueError, match="held-out tasks are among"):
        mf.Perturbed(certain).split()
    mf.Perturbed(certain, reward_std=0.1).split()
    with pytest.raises(ValueError, match="3 tasks of seed 0 are the same one"):
        mf.HiddenParameter(mf.RiverSwim()).split()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"base": 5}, TypeError, "base is 5"),
        ({"concentration": 0.0}, ValueError, r"concentration is 0\.0"),
        ({"reward_std": -1.0}, ValueError, r"reward_std is -1\.0"),
        ({"seed": -1}, ValueError, "seed is -1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        mf.Perturbed(**{"base": DENSE, **arguments})
