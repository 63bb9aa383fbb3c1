"""Features of states: tiles cover the space as the textbook says; lists are checked."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import metarl_fast as mf


def tiles_of(features, state):
    return set(features.lists([state])[0][0].tolist())


def test_tiles_are_boxes_displaced_by_odd_numbers():
    features = mf.TileCoding((10, 12), (4, 3), 4)
    which, values = features.lists(np.arange(120))
    assert (values == 0.25).all()
    rows, columns = np.divmod(np.arange(120), 12)
    before = 0
    for t in range(4):
        down, right = t * 4 // 4 % 4, 3 * t * 3 // 4 % 3
        height, width = (9 + down) // 4 + 1, (11 + right) // 3 + 1
        box = (rows + down) // 4 * width + (columns + right) // 3
        assert which[:, t].tolist() == (before + box).tolist()
        before += height * width
    assert features.num_features == before
    assert features.num_states == 120


def test_neighbours_share_more_than_cells_far_apart():
    for features in (mf.TileCoding((30, 30), 8, 8), mf.RandomTiles((30, 30), (2, 16), 32)):
        here = tiles_of(features, 10 * 30 + 10)
        shared = [len(here & tiles_of(features, 10 * 30 + 10 + d)) for d in (0, 1, 3, 19)]
        assert shared[0] == len(here)
        assert shared[0] > shared[1] > shared[2] > shared[3]


def test_one_coordinate_and_a_seed():
    assert mf.TileCoding(7).size == (7,)
    assert mf.TileCoding(7).lists([3])[0].tolist() == [[3]]
    first, again, other = (mf.RandomTiles(50, (1, 9), 4, seed=s).lists(range(50))[0] for s in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_they_need_no_memory_of_the_size_of_the_space():
    features = mf.TileCoding((40_000, 40_000), 500, 8)
    assert features.num_states == 1_600_000_000
    assert features.num_features == 8 * 81 * 81 - 80 - 81


def test_they_are_values():
    listed = mf.ListedFeatures([[0, 1], [2, 1]], [[0.5, -1], [1, 0]])
    again = pickle.loads(pickle.dumps(listed))
    assert again == listed
    assert hash(again) == hash(listed)
    assert listed != mf.ListedFeatures([[0, 1], [2, 1]], [[0.5, 1], [1, 0]])
    assert not again.values.flags.writeable
    tiles = mf.TileCoding((3, 4), 2)
    assert tiles.core.num_features == 4
    assert pickle.loads(pickle.dumps(tiles)) == tiles


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mf.TileCoding((0, 4)), r"size\[0\] is 0, expected at least 1"),
        (lambda: mf.TileCoding(()), "size is empty"),
        (lambda: mf.TileCoding((2**16, 2**16)), "of 4294967296 states, expected at most 2147483647"),
        (lambda: mf.TileCoding((4, 4), (2, 2, 2)), r"tile is \(2, 2, 2\), expected a number, or 2 of them"),
        (lambda: mf.TileCoding((4, 4), 2, 0), "num_tilings is 0"),
        (lambda: mf.RandomTiles((4, 4), (5, 2)), r"tile is \(5, 2\), expected the shortest length first"),
        (lambda: mf.TileCoding((2**15, 2**15), 1, 4).num_features, "the number of features"),
        (lambda: mf.ListedFeatures([[0, 0]], [[1, 1]]), r"indices\[0\] is .*, which has a feature twice"),
        (lambda: mf.ListedFeatures([[0, -1]], [[1, 1]]), "indices has -1"),
        (lambda: mf.ListedFeatures([[0, 1]], [[2, 1]]), "values reach 2, sign aside"),
        (lambda: mf.ListedFeatures([[0, 1], [0, 1]], [[1, 1], [0, 0]]), r"values\[1\] has squares"),
        (lambda: mf.ListedFeatures([0, 1], [1, 1]), r"indices has shape \(2,\), expected \(S, K\)"),
        (lambda: mf.ListedFeatures([[0]], [[np.nan]]), "values"),
        (lambda: mf.TileCoding(4).lists([4]), "a state is 4, expected at most 3"),
    ],
)
def test_what_makes_no_features_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
