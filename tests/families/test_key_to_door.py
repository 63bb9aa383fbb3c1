"""Key to door: what key and door pay, the optimum, and pairs that are held out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
import rooms
from reference import LAYOUT, Model, below, make_stream

FAMILY = mf.KeyToDoor
GOLDEN_TASKS = {"key_to_door": mf.KeyToDoor((3, 4), None)}
ARGUMENTS = {
    "size": 2,
    "start": "centre",
    "horizon": 5,
    "pairs": (((0, 0), (1, 1)), ((1, 0), (1, 0))),
    "key_reward": 1.0,
    "door_reward": 1.0,
}


def twin(family, key, task, segment=0):
    """A task of `KeyToDoor`, in plain Python."""
    height, width = family.size
    cells = height * width
    stream = make_stream(key, task, LAYOUT)
    if family.pairs is None:
        key_cell, door = below(stream.next(), cells), below(stream.next(), cells)
    else:
        pair = family.pairs[below(stream.next(), len(family.pairs))]
        key_cell, door = (row * width + column for row, column in pair)
    next_state, reward = np.zeros((2 * cells, 5, 1), int), np.zeros((2 * cells, 5, 1))
    terminated = np.zeros((2 * cells, 5, 1), bool)
    for cell, action in product(range(cells), range(5)):
        target = rooms.move(cell, action, height, width)
        next_state[cell, action] = target + cells * (target == key_cell)
        reward[cell, action] = family.key_reward if target == key_cell else 0.0
        next_state[cells + cell, action] = cells + target
        reward[cells + cell, action] = family.door_reward if target == door else 0.0
        terminated[cells + cell, action] = target == door
    start = rooms.start(family, 2 * cells)
    return Model(np.ones((2 * cells, 5, 1)), next_state, reward, terminated, start)


@st.composite
def families(draw):
    height, width = size = draw(st.tuples(st.integers(1, 4), st.integers(2, 4)))
    cells = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
    return mf.KeyToDoor(
        size,
        draw(cells | st.sampled_from(["centre", None])),
        pairs=draw(st.none() | st.lists(st.tuples(cells, cells), min_size=1, max_size=4, unique=True)),
        key_reward=draw(st.sampled_from([1.0, -0.5])),
        door_reward=draw(st.sampled_from([1.0, 3.0])),
    )


def pairs_of(tasks):
    """Key and door [N, 2] of tasks whose rewards are 1."""
    paid = tasks.outcomes["reward"][..., 0] > 0
    cells = tasks.num_states // 2
    next_state = tasks.outcomes["next_state"][..., 0] % cells
    found = np.where(paid, next_state, -1)
    return np.stack([found[:, :cells].max(axis=(1, 2)), found[:, cells:].max(axis=(1, 2))], axis=1)


def test_the_optimum_takes_the_way_to_the_key_and_on_to_the_door():
    """In the paper's room every task can be done; in fewer steps those that are near enough."""
    tasks = mf.KeyToDoor().sample(300, rng=0)
    assert (tasks.horizon, tasks.num_states) == (50, 162)
    assert (mf.backward_induction(tasks).returns == 2.0).all()
    key, door = pairs_of(tasks).T
    to_key = np.maximum(1, rooms.steps((9, 9), (4, 4)).ravel()[key])
    rows, columns = np.divmod(np.stack([key, door]), 9)
    to_door = np.maximum(1, np.abs(np.diff(rows, axis=0))[0] + np.abs(np.diff(columns, axis=0))[0])
    for horizon in (1, 3, 7, 12):
        expected = 1.0 * (to_key <= horizon) + (to_key + to_door <= horizon)
        assert (mf.backward_induction(tasks, horizon).returns == expected).all()


def test_a_key_pays_once_and_the_door_after_it():
    family = mf.KeyToDoor((1, 3), (0, 1), pairs=(((0, 0), (0, 2)),), key_reward=0.5, door_reward=3.0)
    task = family.sample(rng=0)
    simulator = mf.Simulator(task, rng=0)
    state, trip = simulator.reset(), []
    for action in (2, 4, 4, 4, 4, 2, 2):  # to the closed door, back, the key, staying there, the open door
        trip.append(simulator.step(action)[:3])
    assert state == 1
    assert trip == [
        (2, 0.0, False),
        (1, 0.0, False),
        (3, 0.5, False),
        (3, 0.0, False),
        (3, 0.0, False),
        (4, 0.0, False),
        (5, 3.0, True),
    ]


def test_keys_and_doors_are_uniform_and_independent():
    pairs = pairs_of(mf.KeyToDoor((2, 3)).sample(7200, rng=0))
    counts = np.bincount(pairs[:, 0] * 6 + pairs[:, 1], minlength=36)
    assert stats.chisquare(counts).pvalue > 1e-4


def test_a_split_holds_out_pairs():
    family = mf.KeyToDoor()
    training, held_out = family.split()
    assert (len(training.pairs), len(held_out.pairs)) == (5249, 1312)
    assert not set(training.pairs) & set(held_out.pairs)
    assert len(set(training.pairs) | set(held_out.pairs)) == 6561
    named = {(9 * k[0] + k[1], 9 * d[0] + d[1]) for k, d in held_out.pairs}
    assert {tuple(pair) for pair in pairs_of(held_out.sample(200, rng=0)).tolist()} <= named
    inner, validation = training.split(0.1, rng=3)
    assert set(inner.pairs) | set(validation.pairs) == set(training.pairs)
    assert validation.split_path == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"start": (0, 9)}, r"start is \(0, 9\), which lies outside"),
        ({"pairs": ()}, "pairs is empty"),
        ({"pairs": (((0, 0), (9, 9)),)}, r"a door is \(9, 9\), which lies outside the 9 x 9 grid"),
        ({"pairs": (((0, 0), (1, 1)),) * 2}, "the same pair twice"),
        ({"door_reward": float("inf")}, "door_reward is inf"),
    ],
)
def test_wrong_rooms_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.KeyToDoor(**arguments)
