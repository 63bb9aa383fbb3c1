"""Four rooms: a grid world with other defaults, tested in more ways beside that."""

from __future__ import annotations

from hypothesis import strategies as st

import metarl_fast as mf
from families import test_grid_world

FAMILY = mf.FourRooms
GOLDEN_TASKS = {"four_rooms": mf.FourRooms()}
ARGUMENTS = {"slip": 0.1, "slip_to": "sides", "goals": mf.Anywhere(), "horizon": 5}
twin = test_grid_world.twin


def families():
    return st.builds(mf.FourRooms, slip=st.sampled_from([0.0, 1 / 3]), one_start=st.booleans())


def test_the_hallways_are_four():
    rows = mf.FourRooms().rows
    assert [rows[2][5], rows[5][1], rows[6][8], rows[9][5]] == ["."] * 4
    assert sum(row.count("#") for row in rows) == 17
