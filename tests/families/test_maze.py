"""Mazes: spanning trees drawn in three ways, their laws, shortest ways and splits."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, shortest_path

import metarl_fast as mf
from reference import LAYOUT, Model, below, indexed, make_index_key, make_stream, sample, unit

FAMILY = mf.Maze
GOLDEN_TASKS = {
    "maze": mf.Maze((5, 7), "depth_first", slip=0.1),
    "binary_tree": mf.Maze((7, 5), "binary_tree", slip=0.1),
}
ARGUMENTS = {
    "size": 3,
    "carving": "prim",
    "goals": mf.Anywhere(),
    "start": (0, 0),
    "slip": 0.1,
    "goal_reward": 1.0,
    "step_reward": -0.1,
    "horizon": 5,
}
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


def carve_tree(family, key, task):
    """The cells [set] of rooms, each joined to the one above it or to its left."""
    coins, free = make_index_key(key, task, LAYOUT), set()
    for row, column in product(*(range(0, side, 2) for side in family.size)):
        free.add((row, column))
        upwards = row > 0 and (column == 0 or indexed(coins, row, column) >> 31)
        if row or column:
            free.add((row - 1, column) if upwards else (row, column - 1))
    return free


def carve(family, stream):
    """The cells [set] of rooms and passages."""
    height, width = family.size
    known, open_cells, waiting = {(0, 0)}, {(0, 0)}, []

    def passages(room):
        around = [((room[0] + i, room[1] + j), (room[0] + 2 * i, room[1] + 2 * j)) for i, j in MOVES]
        inside = [(a, b) for a, b in around if 0 <= b[0] < height and 0 <= b[1] < width]
        return [(a, b) for a, b in inside if b not in known]

    def dig(between, room):
        known.add(room)
        open_cells.update({between, room})

    if family.carving == "prim":
        waiting = passages((0, 0))
        while waiting:
            k = below(stream.next(), len(waiting))
            waiting[k], waiting[-1] = waiting[-1], waiting[k]
            between, room = waiting.pop()
            if room not in known:
                dig(between, room)
                waiting += passages(room)
        return open_cells
    rooms = [(0, 0)]
    while rooms:
        waiting = passages(rooms[-1])
        if waiting:
            between, room = waiting[below(stream.next(), len(waiting))]
            dig(between, room)
            rooms.append(room)
        else:
            rooms.pop()
    return open_cells


def twin(family, key, task, segment=0):
    """A task of `Maze`, in plain Python."""
    height, width = family.size
    cells = list(product(range(height), range(width)))
    stream = make_stream(key, task, LAYOUT)
    weights = family.goal_weights()
    goals = [cell for cell in cells if weights[cell] > 0]
    cumulative = np.cumsum([weights[cell] for cell in goals])
    goal = goals[sample((cumulative / cumulative[-1]).tolist()[:-1], unit(stream.next()))]
    free = carve_tree(family, key, task) if family.carving == "binary_tree" else carve(family, stream)
    turns = {0: 1.0 - family.slip, 1: 0.5 * family.slip, 3: 0.5 * family.slip} if family.slip else {0: 1.0}
    outcomes = []
    for cell, action, (turn, probability) in product(cells, range(4), turns.items()):
        rests = cell == goal or cell not in free
        move = MOVES[(action + turn) % 4]
        to = cell[0] + move[0], cell[1] + move[1]
        target = to if to in free and not rests else cell
        reward = 0.0 if rests else family.step_reward + (family.goal_reward if target == goal else 0.0)
        outcomes.append((probability, cells.index(target), reward, rests or target == goal))
    shape = len(cells), 4, len(turns)
    probability, next_state, reward, terminated = (np.reshape(x, shape) for x in zip(*outcomes, strict=True))
    start = np.array([1.0 if cell == family.start else 0.0 for cell in cells])
    return Model(probability, next_state, reward.astype(float), terminated, start)


@st.composite
def families(draw):
    sides = st.sampled_from([1, 3, 5, 7])
    size = draw(st.tuples(sides, sides.filter(lambda side: side > 1)))
    return mf.Maze(
        size,
        draw(st.sampled_from(["prim", "depth_first", "binary_tree"])),
        start=draw(st.sampled_from([(0, 0), (size[0] - 1, size[1] - 1)])),
        slip=draw(st.sampled_from([0.0, 0.2])),
        step_reward=draw(st.sampled_from([0.0, -0.1])),
    )


def ways(tasks):
    """Which cells [N, S, S] moves join, without those that lead nowhere."""
    next_state = tasks.outcomes["next_state"][..., 0]
    joined = np.zeros((len(tasks), tasks.num_states, tasks.num_states), bool)
    place = np.arange(len(tasks))[:, None, None], np.arange(tasks.num_states)[:, None], next_state
    joined[place] = True
    joined[:, np.arange(tasks.num_states), np.arange(tasks.num_states)] = False
    return joined | joined.swapaxes(1, 2)


@pytest.mark.parametrize("carving", ["prim", "depth_first", "binary_tree"])
def test_mazes_are_spanning_trees(carving):
    family = mf.Maze(9, carving)
    joined = ways(family.sample(50, rng=0))
    rooms = 25
    assert (joined.sum(axis=(1, 2)) == 2 * 2 * (rooms - 1)).all()  # two moves a passage, either way
    assert all(len(breadth_first_order(csr_matrix(graph), 0)[0]) == 2 * rooms - 1 for graph in joined)


@pytest.mark.parametrize(
    ("carving", "expected"),
    [
        ("prim", [3 / 8, 3 / 8, 1 / 8, 1 / 8]),
        ("depth_first", [0, 0, 1 / 2, 1 / 2]),
        ("binary_tree", [1 / 2, 1 / 2, 0, 0]),
    ],
)
def test_four_rooms_in_a_square_follow_the_law_of_their_algorithm(carving, expected):
    """Worked out by hand: which of the four passages is missing, those away from the first room first."""
    free = ways(mf.Maze(3, carving).sample(2000, rng=0)).any(axis=2)
    counts = np.array([(~free[:, passage]).sum() for passage in (7, 5, 3, 1)])
    possible = np.array(expected) > 0
    assert counts[~possible].sum() == 0
    assert stats.chisquare(counts[possible], 2000 * np.array(expected)[possible]).pvalue > 1e-4


def test_the_optimum_is_the_shortest_way():
    family = mf.Maze(9, step_reward=-0.01)
    tasks = family.sample(40, rng=0)
    graphs, goals = ways(tasks), family.clusters(tasks)
    away = [
        shortest_path(csr_matrix(graph), indices=0)[goal] for graph, goal in zip(graphs, goals, strict=True)
    ]
    found = mf.backward_induction(tasks).returns
    np.testing.assert_allclose(found, 1.0 - 0.01 * np.array(away), rtol=1e-12)


def test_depth_first_ways_are_longer():
    means = []
    for carving in ("prim", "depth_first"):
        family = mf.Maze(11, carving, goals=mf.Cells(((10, 10),)), step_reward=-1.0)
        means.append(mf.backward_induction(family.sample(100, rng=0)).returns.mean())
    assert means[1] < means[0] - 10


def test_splits_hold_out_mazes_or_goals():
    family = mf.Maze(9)
    halves = [part.sample(50, rng=0) for part in family.split()]
    walls = [ways(half).any(axis=2) for half in halves]
    assert not {w.tobytes() for w in walls[0]} & {w.tobytes() for w in walls[1]}
    training, held_out = family.split(0.25, by="goal")
    assert ((training.goal_weights() > 0).sum(), (held_out.goal_weights() > 0).sum()) == (18, 6)
    assert not (training.goal_weights() * held_out.goal_weights()).any()
    assert set(held_out.clusters(held_out.sample(200, rng=0))) == set(np.flatnonzero(held_out.goal_weights()))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"size": 4}, "expected odd numbers"),
        ({"start": (0, 1)}, "expected a room"),
        ({"carving": "kruskal"}, "carving is 'kruskal'"),
        ({"goals": mf.Cells(((0, 1),))}, "leaves no room for the goal"),
        ({"slip": 2.0}, "slip is 2.0"),
    ],
)
def test_wrong_mazes_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.Maze(**arguments)


def test_mazes_that_recur_are_not_split():
    with pytest.raises(ValueError, match="so small mazes recur, expected at least 9 x 9 cells"):
        mf.Maze(5).split()
