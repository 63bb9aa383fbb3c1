"""GridNavi: VariBAD's numbers; its optimum is tested beside the other dark rooms'."""

from __future__ import annotations

import numpy as np

import metarl_fast as mf
from families import test_darkroom

FAMILY = mf.GridNavi
GOLDEN_TASKS = {"grid_navi": mf.GridNavi()}
ARGUMENTS = {"size": 5, "horizon": 5, "away_reward": -0.1}
twin = test_darkroom.twin


def families():
    return test_darkroom.families(mf.GridNavi)


def test_the_numbers_are_the_papers():
    family = mf.GridNavi()
    assert (family.size, family.start, family.horizon) == ((5, 5), (0, 0), 15)
    expected = np.ones((5, 5))
    expected[:2, :2] = 0
    assert (family.goal_weights() == expected).all()
    assert set(np.unique(family.sample(100, rng=0).outcomes["reward"])) == {-0.1, 1.0}
    training, held_out = family.split()
    assert isinstance(held_out, mf.GridNavi)
    assert (training.goal_weights() + held_out.goal_weights() == expected).all()


def test_presets_of_dark_rooms_stay_what_they_are():
    assert mf.GridNavi.ad() == mf.Darkroom.ad()
    assert mf.FourRooms.t_maze() == mf.GridWorld.t_maze()
