"""Goal grids: moves, walls, slips, goals and the split."""

from __future__ import annotations

import collections
import math
import re
import time
from dataclasses import replace
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from bits import assert_same_bits
from reference import LAYOUT, Model, below, make_stream, sample, unit

FAMILY = mf.GoalGrid
ARGUMENTS = {
    "size": 3,
    "wall_density": 0.1,
    "slip": 0.1,
    "start": (0, 0),
    "goal_reward": 1.0,
    "step_reward": 0.0,
    "goals": mf.Anywhere(),
    "horizon": 5,
}
GOLDEN = {"goal_grid": mf.GoalGrid(6, wall_density=0.2, slip=0.3, start=None, step_reward=-0.1)}

UP, RIGHT, DOWN, LEFT = range(4)
WALLED = mf.GoalGrid((3, 4), walls=("....", ".##.", "...."), start=(0, 0))


# --- the twin ----------------------------------------------------------------------------------------------


class Twin:
    """A task of `GoalGrid` in plain Python; cells are (row, column)."""

    MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))

    def __init__(self, family):
        self.family = family
        self.height, self.width = family.shape
        self.cells = list(product(range(self.height), range(self.width)))
        self.walls = {c for c in self.cells if family.walls is not None and family.walls[c[0]][c[1]] == "#"}

    def move(self, cell, action, walls):
        row, column = (x + d for x, d in zip(cell, self.MOVES[action % 4], strict=True))
        inside = 0 <= row < self.height and 0 <= column < self.width
        return (row, column) if inside and (row, column) not in walls else cell

    def reaching(self, goal, walls):
        """The cells from which the goal can be reached."""
        reached, frontier = {goal}, [goal]
        while frontier:
            cell = frontier.pop()
            new = {self.move(cell, action, walls) for action in range(4)} - reached
            reached |= new
            frontier += new
        return reached

    def draw_goal(self, stream):
        weights = self.family.goal_weights()
        goals = [c for c in self.cells if weights[c] > 0]
        cumulative = np.cumsum([weights[c] for c in goals])
        return goals[sample((cumulative / cumulative[-1]).tolist()[:-1], unit(stream.next()))]

    def leaves_a_way(self, goal, walls):
        reached, start = self.reaching(goal, walls), self.family.start
        return len(reached) > 1 if start is None else start in reached

    def shortest_way(self, stream, goal):
        """The cells between start and goal."""
        ring, left = {goal}, {goal: 0}
        while ring:
            around = {self.move(cell, action, self.walls) for cell in ring for action in range(4)}
            ring = around - left.keys()
            left |= dict.fromkeys(ring, max(left.values()) + 1)
        cell, way = self.family.start, set()
        while left[cell] > 1:
            targets = [self.move(cell, action, self.walls) for action in range(4)]
            nearer = [target for target in targets if left[target] < left[cell]]
            cell = nearer[below(stream.next(), len(nearer))]
            way.add(cell)
        return way

    def draw_walls(self, stream, goal):
        if self.family.wall_density == 0.0:
            return self.walls
        order = [c for c in self.cells if c not in self.walls | {goal, self.family.start}]
        wanted = int(self.family.wall_density * len(order) + unit(stream.next()))
        walls = set(self.walls)
        for k in range(len(order)):
            if len(walls) == len(self.walls) + wanted:
                return walls
            other = k + below(stream.next(), len(order) - k)
            order[k], order[other] = order[other], order[k]
            if self.leaves_a_way(goal, walls | {order[k]}):
                walls.add(order[k])
        if len(walls) == len(self.walls) + wanted:
            return walls
        way = self.shortest_way(stream, goal)
        return self.walls | set([cell for cell in order if cell not in way][:wanted])

    def model(self, key, task):
        family = self.family
        stream = make_stream(key, task, LAYOUT)
        goal = self.draw_goal(stream)
        walls = self.draw_walls(stream, goal)
        turns = (
            {0: 1.0 - family.slip, 1: 0.5 * family.slip, 3: 0.5 * family.slip} if family.slip else {0: 1.0}
        )
        outcomes = []
        for cell, action, (turn, probability) in product(self.cells, range(4), turns.items()):
            absorbing = cell == goal or cell in walls
            target = cell if absorbing else self.move(cell, action + turn, walls)
            arrived = target == goal and not absorbing
            reward = 0.0 if absorbing else family.step_reward + (family.goal_reward if arrived else 0.0)
            outcomes.append((probability, self.cells.index(target), reward, absorbing or arrived))
        shape = (len(self.cells), 4, len(turns))
        probability, next_state, reward, terminated = (
            np.reshape(x, shape) for x in zip(*outcomes, strict=True)
        )
        starts = {family.start} if family.start is not None else self.reaching(goal, walls) - {goal}
        start = np.array([1.0 / len(starts) if c in starts else 0.0 for c in self.cells])
        ends = np.array([cell == goal or cell in walls for cell in self.cells])
        return Model(probability, next_state, reward.astype(float), terminated, start, terminal=ends)


def twin(family, key, task, segment=0):
    """A task of `GoalGrid`, in plain Python."""
    return Twin(family).model(key, task)


@st.composite
def families(draw, max_side=6):
    height, width = draw(st.tuples(st.integers(1, max_side), st.integers(2, max_side)))
    cells = [(row, column) for row in range(height) for column in range(width)]
    start, *goals = draw(st.permutations(cells))
    weights = draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=len(goals), max_size=len(goals)))
    grid = mf.GoalGrid(
        (height, width),
        slip=draw(st.sampled_from([0.0, 0.2, 1.0])),
        goals=draw(st.just(mf.Anywhere()) | st.just(mf.Cells(tuple(goals), tuple(weights)))),
        start=draw(st.none() | st.just(start)),
        goal_reward=draw(st.sampled_from([1.0, -0.5])),
        step_reward=draw(st.sampled_from([0.0, -0.1])),
    )
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9]))
    try:
        return replace(grid, wall_density=density)
    except ValueError as refusal:  # no room for a way: as many walls as there may be
        return replace(grid, wall_density=float(re.search(r"at most (\S+):", str(refusal))[1]))


# --- the law -----------------------------------------------------------------------------------------------


def goals_of(tasks):
    """The cell of each task's goal: the state that is entered with termination from elsewhere."""
    outcomes = tasks.outcomes
    here = np.arange(tasks.num_states)[:, None, None]
    entered = outcomes["terminated"] & (outcomes["next_state"] != here) & (outcomes["probability"] > 0)
    return np.array(
        [
            np.unique(states[which]).item()
            for states, which in zip(outcomes["next_state"], entered, strict=True)
        ]
    )


def test_moves_by_hand():
    # 0 1 2
    # 3 4 5   with the goal in 5
    family = mf.GoalGrid((2, 3), goals=mf.Cells(((1, 2),)), goal_reward=10.0, step_reward=-1.0)
    outcomes = family.sample(1, rng=0).outcomes
    next_states = outcomes["next_state"][0, :, :, 0]
    assert next_states[:, UP].tolist() == [0, 1, 2, 0, 1, 5]
    assert next_states[:, RIGHT].tolist() == [1, 2, 2, 4, 5, 5]
    assert next_states[:, DOWN].tolist() == [3, 4, 5, 3, 4, 5]
    assert next_states[:, LEFT].tolist() == [0, 0, 1, 3, 3, 5]
    arrivals = [(2, DOWN), (4, RIGHT)]
    for state, action in product(range(6), range(4)):
        reward, terminated = (outcomes[name][0, state, action, 0] for name in ("reward", "terminated"))
        if state == 5:
            assert (reward, terminated) == (0.0, True)
        else:
            arrived = (state, action) in arrivals
            assert (reward, terminated) == (9.0 if arrived else -1.0, arrived)


def test_slips_go_to_either_side():
    tasks = mf.GoalGrid(3, slip=0.2, goals=mf.Cells(((0, 0),)), start=(2, 2)).sample(1, rng=0)
    centre, edge = tasks.transitions[0, 4], tasks.transitions[0, 7]
    ahead = {UP: 1, RIGHT: 5, DOWN: 7, LEFT: 3}
    for action, target in ahead.items():
        sides = [ahead[(action + 1) % 4], ahead[(action + 3) % 4]]
        assert centre[action, [target, *sides]].tolist() == [0.8, 0.1, 0.1]
    assert edge[DOWN, [7, 6, 8]].tolist() == [0.8, 0.1, 0.1]  # the border holds the move ahead


def test_walls_are_not_entered():
    next_states = WALLED.sample(20, rng=0).outcomes["next_state"][..., 0]
    walls = {5, 6}
    for state in set(range(12)) - walls:
        assert not walls & set(next_states[:, state].ravel().tolist())
    assert (next_states[:, 1, DOWN] == 1)[goals_of(WALLED.sample(20, rng=0)) != 1].all()


def terminal_cells(tasks):
    return tasks.terminal.copy()


def walls_of(tasks):
    """Cells [N, S] that nobody enters: terminal, and not the goal."""
    walls = terminal_cells(tasks)
    walls[np.arange(len(tasks)), goals_of(tasks)] = False
    return walls


DENSE_GRIDS = [
    mf.GoalGrid(8, wall_density=0.15),
    mf.GoalGrid(20, wall_density=0.7),
    mf.GoalGrid(20, wall_density=0.9),
    mf.GoalGrid(9, wall_density=0.81, slip=0.2),
    mf.GoalGrid(5, wall_density=0.6, start=None),
    mf.GoalGrid((3, 7), wall_density=0.9, start=None),
    mf.GoalGrid(9, wall_density=0.3, start=(8, 0), goals=mf.Region((0, 5), (4, 9))),
    mf.GoalGrid(
        7, walls=("...#...",) * 3 + (".......",) + ("...#...",) * 3, wall_density=0.4, start=(0, 3 - 1)
    ),
    mf.GoalGrid((6, 4), wall_density=0.02),
]


@pytest.mark.parametrize("family", DENSE_GRIDS, ids=lambda family: f"{family.shape} {family.wall_density}")
def test_walls_have_their_density_in_every_task_and_leave_a_way(family):
    tasks = family.sample(400, rng=0)
    walls, goals = walls_of(tasks), goals_of(tasks)
    fixed = family._blocked().ravel()
    assert walls[:, fixed].all()
    free = int((~fixed).sum()) - (1 if family.start is None else 2)
    wanted, drawn = family.wall_density * free, walls[:, ~fixed].sum(axis=1)
    assert set(drawn) <= {math.floor(wanted), math.ceil(wanted)}
    assert abs(drawn.mean() - wanted) < 5 * 0.5 / np.sqrt(400)
    twin = Twin(family)
    for goal, blocked in zip(goals[:50], walls[:50], strict=True):
        assert twin.leaves_a_way(twin.cells[goal], {twin.cells[k] for k in np.flatnonzero(blocked)})
    # Mazes, not one maze.
    assert len(np.unique(walls, axis=0)) > 100 or wanted < 2


def exact_wall_law(family, goal):
    """The probability of each set of walls: all orders of the cells, one after the other."""
    twin = Twin(family)
    could_be = [cell for cell in twin.cells if cell not in {goal, family.start}]
    wanted = family.wall_density * len(could_be)
    assert wanted == int(wanted)
    found = collections.Counter()
    for order in permutations(could_be):
        walls = set()
        for cell in order:
            if len(walls) < wanted and twin.leaves_a_way(goal, walls | {cell}):
                walls.add(cell)
        if len(walls) == wanted:
            found[frozenset(walls)] += 1.0
            continue
        ways = shortest_ways(twin, family.start, goal)
        for way, probability in ways.items():
            found[frozenset([cell for cell in order if cell not in way][: int(wanted)])] += probability
    total = math.factorial(len(could_be))
    return {walls: count / total for walls, count in found.items()}


def shortest_ways(twin, start, goal):
    """The cells between start and goal of each shortest way, and how likely a step at a time draws it."""
    rows, columns = goal[0] - start[0], goal[1] - start[1]
    if abs(rows) + abs(columns) <= 1:
        return {frozenset(): 1.0}
    steps = [(np.sign(rows), 0)] * bool(rows) + [(0, np.sign(columns))] * bool(columns)
    ways = collections.Counter()
    for row, column in steps:
        cell = (start[0] + int(row), start[1] + int(column))
        for way, probability in shortest_ways(twin, cell, goal).items():
            ways[way | {cell}] += probability / len(steps)
    return ways


@pytest.mark.parametrize(
    ("size", "density", "goal"),
    [((2, 3), 0.5, (1, 2)), ((2, 4), 0.5, (0, 3)), ((3, 3), 3 / 7, (1, 2)), ((2, 4), 1 / 3, (1, 2))],
)
def test_walls_follow_their_law(size, density, goal):
    family = mf.GoalGrid(size, wall_density=density, goals=mf.Cells((goal,)))
    expected = exact_wall_law(family, goal)
    cells = Twin(family).cells
    drawn = collections.Counter(
        frozenset(cells[k] for k in np.flatnonzero(walls)) for walls in walls_of(family.sample(4000, rng=0))
    )
    assert drawn.keys() <= expected.keys()
    counts = [drawn[walls] for walls in expected]
    assert stats.chisquare(counts, 4000 * np.array(list(expected.values()))).pvalue > 1e-4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"size": 9, "wall_density": 0.9},
            r"wall_density is 0\.9, expected at most 0\.8101: of 79 cells 15 stay",
        ),
        (
            {"size": (1, 5), "wall_density": 0.1},
            r"wall_density is 0\.1, expected at most 0: .* goal in \(0, 4\)",
        ),
        ({"size": (1, 2), "wall_density": 0.1, "start": None}, "of 1 cells 1 stay free"),
        ({"size": (2, 2), "wall_density": 0.6, "walls": ["..", ".."]}, "at most 0.5"),
    ],
)
def test_a_density_that_leaves_no_way_to_some_goal_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        mf.GoalGrid(**options)
    near = mf.Cells(((0, 1),))
    assert mf.GoalGrid(**{**options, "goals": near, "start": (0, 0)}).sample(3, rng=0).rewards.any()


@pytest.mark.parametrize("slip", [0.0, 0.3])
def test_goals_and_walls_are_terminal_and_starts_are_not(slip):
    family = mf.GoalGrid(5, wall_density=0.3, slip=slip, start=None, step_reward=-1.0)
    tasks = family.sample(50, rng=0)
    terminal, start = terminal_cells(tasks), tasks.start
    assert terminal[np.arange(50), goals_of(tasks)].all()
    assert not start[terminal].any()
    assert (mf.value_iteration(tasks, 0.9).values[terminal] == 0).all()


def test_a_goal_can_be_reached_through_dense_walls():
    family = mf.GoalGrid(5, wall_density=0.6, start=None)
    tasks = family.sample(300, rng=1)
    values = mf.value_iteration(tasks, 0.95).values
    start = tasks.start
    assert (values[start > 0] > 0).all()
    np.testing.assert_allclose(start.sum(axis=1), 1.0, rtol=1e-12)


def test_an_open_start_is_uniform_over_the_cells_that_reach_the_goal():
    tasks = mf.GoalGrid((3, 4), walls=("..#.", "..#.", "..#."), start=None).sample(50, rng=0)
    for start, goal in zip(tasks.start, goals_of(tasks), strict=True):
        left = goal % 4 < 2
        possible = [cell for cell in range(12) if cell % 4 != 2 and (cell % 4 < 2) == left and cell != goal]
        assert np.flatnonzero(start).tolist() == possible
        assert len(np.unique(start[possible])) == 1


def test_a_named_start_is_where_episodes_begin():
    tasks = mf.GoalGrid((3, 4), start=(1, 2)).sample(10, rng=0)
    assert tasks.start.tolist() == [np.eye(12)[6].tolist()] * 10
    assert (goals_of(tasks) != 6).all()


@pytest.mark.parametrize(
    ("family", "cells", "weights"),
    [
        (mf.GoalGrid((2, 3)), range(1, 6), [1] * 5),
        (mf.GoalGrid((3, 3), goals=mf.Region((1, 3), (0, 2))), [3, 4, 6, 7], [1] * 4),
        (mf.GoalGrid((2, 3), goals=mf.Cells(((0, 1), (1, 2)), (1.0, 3.0))), [1, 5], [1, 3]),
        (WALLED, [1, 2, 3, 4, 7, 8, 9, 10, 11], [1] * 9),
        (mf.GoalGrid((2, 2), start=None), range(4), [1] * 4),
    ],
)
def test_goals_follow_their_law(family, cells, weights):
    goals, counts = np.unique(goals_of(family.sample(3000, rng=0)), return_counts=True)
    assert goals.tolist() == list(cells)
    assert stats.chisquare(counts, 3000 * np.array(weights) / sum(weights)).pvalue > 1e-4


def test_goals_the_start_cannot_reach_are_never_drawn():
    family = mf.GoalGrid((2, 4), walls=("..#.", "..#."))
    assert set(goals_of(family.sample(100, rng=0))) == {1, 4, 5}
    with pytest.raises(ValueError, match="leave no free cell for the goal that the start can reach"):
        mf.GoalGrid((2, 4), walls=("..#.", "..#."), goals=mf.Cells(((0, 3),)))


def test_the_default_time_limit_and_shape():
    family = mf.GoalGrid((3, 5))
    assert (family.shape, family.num_states, family.num_actions, family.horizon) == ((3, 5), 15, 4, 32)
    assert mf.GoalGrid(4) == mf.GoalGrid((4, 4))
    assert mf.GoalGrid(4, horizon=9).sample(1, rng=0).horizon == 9


def cells_of(family):
    return {tuple(int(x) for x in cell) for cell in np.argwhere(family.goal_weights() > 0)}


def neighbours(cell):
    return {(cell[0] + 1, cell[1]), (cell[0] - 1, cell[1]), (cell[0], cell[1] + 1), (cell[0], cell[1] - 1)}


@pytest.mark.parametrize(
    "family",
    [
        mf.GoalGrid(9),
        mf.GoalGrid(5, start=None),
        mf.GoalGrid(7, goals=mf.Region((2, 7), (1, 6)), slip=0.1),
        mf.GoalGrid(9, wall_density=0.1),
        mf.GoalGrid(5, walls=(".....", ".###.", ".....", ".###.", ".....")),
    ],
)
def test_held_out_goals_lie_apart_among_the_training_goals(family):
    training, held_out = family.split(0.2)
    seen, unseen, together = cells_of(training), cells_of(held_out), cells_of(family)
    assert not seen & unseen
    assert seen | unseen == together
    assert len(unseen) == round(0.2 * len(together))
    rows, columns = zip(*seen, strict=True)
    for cell in unseen:
        assert min(rows) <= cell[0] <= max(rows)
        assert min(columns) <= cell[1] <= max(columns)
        assert neighbours(cell) & together <= seen
    assert set(goals_of(held_out.sample(500, rng=0))) == {
        row * family.shape[1] + column for row, column in unseen
    }
    assert not set(goals_of(training.sample(500, rng=0))) & set(goals_of(held_out.sample(500, rng=0)))
    assert family.split(0.2) == (training, held_out)


def test_open_grids_hold_out_goals_that_are_surrounded():
    training, held_out = mf.GoalGrid(9).split(0.2)
    for cell in cells_of(held_out):
        assert neighbours(cell) <= cells_of(training)


def test_parts_of_one_seed_share_no_walls():
    """Else what was learned in training is known of the held-out tasks but for their goals."""
    family = mf.GoalGrid(9, wall_density=0.2)
    training, held_out = family.split()
    inner, validation = training.split()
    parts = [family, training, held_out, inner, validation, held_out.split()[0]]
    walls = [terminal_cells(part.sample(50, rng=3)) for part in parts]
    for first, second in combinations(walls, 2):
        alike = (first == second).mean(axis=1)  # 0.68 by chance
        assert alike.mean() < 0.75
        assert alike.max() < 0.95
    assert held_out.split_path == (1,)
    assert validation.split_path == (0, 1)


@pytest.mark.parametrize(
    "family",
    [
        mf.GoalGrid(5),
        mf.GoalGrid((1, 3)),
        mf.GoalGrid(6, goals=mf.Region((2, 6), (1, 4)), start=None),
        mf.GoalGrid(5, goals=mf.Cells(((0, 1), (0, 3), (4, 4), (3, 4)), (1.0, 2.0, 0.5, 3.0))),
    ],
)
def test_splits_of_splits_of_any_seed_stay_disjoint(family):
    parts = [(family, cells_of(family))]
    for seed in range(4):
        split = [(part, cells) for part, cells in parts if len(cells) >= 2]
        parts = [(part, cells) for part, cells in parts if len(cells) < 2]
        for part, cells in split:
            training, held_out = part.split(0.3, rng=seed)
            assert cells_of(training) | cells_of(held_out) == cells
            assert len(cells_of(held_out)) == max(1, round(0.3 * len(cells)))
            parts += [(training, cells_of(training)), (held_out, cells_of(held_out))]
    assert sum(len(cells) for _, cells in parts) == len(cells_of(family))
    assert set.union(*(cells for _, cells in parts)) == cells_of(family)


def test_splits_of_other_seeds_hold_out_other_goals():
    family = mf.GoalGrid(9)
    splits = [cells_of(family.split(0.2, rng=seed)[1]) for seed in range(20)]
    assert cells_of(family.split(0.2, rng=3)[1]) == splits[3]
    assert cells_of(family.split(0.2, rng=np.random.default_rng(0))[1])
    assert len({frozenset(cells) for cells in splits}) == 20
    # Inner cells, all of which come up.
    assert len(set.union(*splits)) > 45


@pytest.mark.parametrize("held_out", [0.01, 0.2, 0.35, 0.5])
def test_up_to_every_other_goal_can_be_held_out(held_out):
    family = mf.GoalGrid(9)
    training, unseen = (cells_of(part) for part in family.split(held_out))
    assert len(unseen) == max(1, round(held_out * 80))
    assert all(neighbours(cell) & cells_of(family) <= training for cell in unseen)


def test_a_large_grid_splits_in_seconds():
    """It was the fourth power of the side: 10 s at 300."""
    family = mf.GoalGrid(300)
    began = time.perf_counter()
    training, held_out = family.split()
    assert time.perf_counter() - began < 6
    seen, unseen = training.goal_weights() > 0, held_out.goal_weights() > 0
    assert unseen.sum() == 18_000
    assert not (seen & unseen).any()
    assert not (unseen[1:] & unseen[:-1]).any()
    assert not (unseen[:, 1:] & unseen[:, :-1]).any()


def test_clusters_are_the_goals():
    family = mf.GoalGrid((4, 5), wall_density=0.2, slip=0.2)
    tasks = family.split()[0].sample(50, rng=0)
    assert family.clusters(tasks).tolist() == goals_of(tasks).tolist()
    assert mf.FamilyPart(family, (0, 99)).clusters(tasks.materialise()).tolist() == goals_of(tasks).tolist()
    assert family.clusters(tasks[:0]).tolist() == []


def test_a_split_keeps_the_weights():
    cells = tuple(product(range(3), range(3)))[1:]
    weights = tuple(float(k) for k in range(1, 9))
    training, held_out = mf.GoalGrid(3, goals=mf.Cells(cells, weights)).split(0.25)
    together = training.goal_weights() + held_out.goal_weights()
    assert together.ravel()[1:].tolist() == list(weights)


def test_a_split_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="two goal cells or more, this family has 1"):
        mf.GoalGrid((1, 2)).split()
    with pytest.raises(ValueError, match=r"held_out is 0\.9: of 8 goal cells at most 4 can be held out"):
        mf.GoalGrid(3).split(0.9)


@pytest.mark.parametrize("form", [list, np.array], ids=["lists", "arrays"])
def test_cells_may_be_given_as_lists_and_arrays(form):
    """They mean what tuples mean: the family is equal, hashes alike, and has the same goals."""
    given = mf.GoalGrid(form((5, 6)), start=form((4, 0)), goals=mf.Region(form((0, 3)), form((2, 6))))
    expected = mf.GoalGrid((5, 6), start=(4, 0), goals=mf.Region((0, 3), (2, 6)))
    assert given == expected
    assert hash(given) == hash(expected)
    assert_same_bits(given.goal_weights(), expected.goal_weights())
    anywhere = mf.GoalGrid(5, start=form((4, 0))).goal_weights()
    assert (anywhere > 0).sum() == 24
    cells, weights = ((0, 1), (2, 3)), (1.0, 2.0)
    assert mf.Cells([form(cell) for cell in cells], form(weights)) == mf.Cells(cells, weights)
    assert hash(mf.Cells(form(cells), form(weights))) == hash(mf.Cells(cells, weights))
