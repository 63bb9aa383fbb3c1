"""Tasks that go through a few draws of a family in turn."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from bits import assert_same_bits
from reference import key_of_part, time_of

FAMILY = mf.Seasonal
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.3, start=None)
DENSE = mf.TaskDistribution(7, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
GOLDEN_TASKS = {"seasonal": mf.Seasonal(GRID, 2)}
ARGUMENTS = {"family": GRID, "every": 2, "seasons": 3, "segment": None, "along": "episodes"}


def twin(family, key, task, segment=0):
    """A task of `Seasonal`, in plain Python."""
    now, task = time_of(family, task, segment)
    return family_twins.part(family.family, key_of_part(key, now % family.seasons), task)


def families():
    parts = st.sampled_from([GRID, DENSE, DENSE.split()[1], mf.Permuted(GRID)])
    along = st.sampled_from(["episodes", "tasks"])
    segments = st.none() | st.integers(0, 7)
    return st.builds(mf.Seasonal, parts, st.integers(1, 4), st.integers(1, 3), segments, along)


def test_seasons_come_again_and_are_draws_of_the_family():
    tasks = mf.Seasonal(DENSE, every=5, seasons=3).sample(10, rng=0)
    found = [tasks.segment(k).transitions for k in range(6)]
    for k in range(3):
        assert_same_bits(found[k], found[k + 3])
    assert not (found[0] == found[1]).any()
    switching = mf.Switching(DENSE, every=5).sample(10, rng=0)
    assert_same_bits(found[2], switching.segment(2).transitions)
    assert not (switching.segment(3).transitions == found[3]).any()


def test_a_learner_has_something_to_forget():
    tasks = mf.Seasonal(mf.GoalGrid(4), every=30, seasons=2).sample(200, rng=0)
    returns = mf.train(mf.QLearning(epsilon=0.2), tasks, 120, 32, rng=1, mean_returns=True).mean_returns
    first, then, again = returns[20:30].mean(), returns[30:40].mean(), returns[60:70].mean()
    assert then < again < first


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="seasons is 0"):
        mf.Seasonal(GRID, seasons=0)
