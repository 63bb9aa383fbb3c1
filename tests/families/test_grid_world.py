"""Grid worlds drawn as maps: what characters mean, slips, wind, goals, starts, four rooms and the T-maze."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

import metarl_fast as mf
from reference import LAYOUT, Model, below, make_stream, sample, unit

MAP = """
    S..#.
    .#x.G
    S.T..
"""
FAMILY = mf.GridWorld
GOLDEN_TASKS = {
    "grid_world": mf.GridWorld.from_ascii(
        MAP, {"G": 1.0, "T": -1.0, "x": 0.2}, slip=0.3, slip_to="others", wind=(0, 0, 1, 0, 0), one_start=True
    )
}
ARGUMENTS = {
    "rows": ("S.", ".G"),
    "rewards": {"G": 1.0},
    "ends": "G",
    "step_reward": -0.1,
    "slip": 0.1,
    "slip_to": "sides",
    "wind": (0, 1),
    "goals": mf.Anywhere(),
    "goal_reward": 1.0,
    "one_start": True,
    "horizon": 5,
}
UP, RIGHT, DOWN, LEFT = MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


def twin(family, key, task, segment=0):
    """A task of `GridWorld`, in plain Python; cells are (row, column)."""
    drawn = dict(np.ndenumerate(np.array([list(row) for row in family.rows])))
    pays = dict(family.rewards)
    free = [cell for cell, character in drawn.items() if character != "#"]
    ending = "GT" if family.ends is None else family.ends
    ends = {cell for cell in free if drawn[cell] in ending}
    starts = [cell for cell in free if drawn[cell] == "S"] or [cell for cell in free if cell not in ends]
    stream, goal = make_stream(key, task, LAYOUT), None
    weights = family.goal_weights()
    if weights.any():
        goals = [cell for cell in free if weights[cell] > 0]
        cumulative = np.cumsum([weights[cell] for cell in goals])
        goal = goals[sample((cumulative / cumulative[-1]).tolist()[:-1], unit(stream.next()))]
        ends = ends | {goal}
        starts = [cell for cell in starts if cell != goal]
    if family.one_start:
        starts = [starts[below(stream.next(), len(starts))]]

    def step(cell, move):
        target = cell[0] + move[0], cell[1] + move[1]
        return target if drawn.get(target, "#") != "#" else cell

    others = {"sides": {1: 0.5, 3: 0.5}, "others": dict.fromkeys((1, 2, 3), 1 / 3)}[family.slip_to]
    turns = {0: 1.0 - family.slip} | {turn: family.slip / len(others) for turn in others}
    outcomes = []
    for cell in free:
        for action in range(4):
            for turn, probability in turns.items() if family.slip else [(0, 1.0)]:
                target = cell
                if cell not in ends:
                    target = step(cell, MOVES[(action + turn) % 4])
                    for _ in range(family.wind[cell[1]] if family.wind else 0):
                        target = step(target, UP)
                paid = family.goal_reward if target == goal else pays.get(drawn[target], 0.0)
                reward = 0.0 if cell in ends else family.step_reward + paid
                outcomes.append((probability, free.index(target), reward, target in ends))
    shape = len(free), 4, len(turns) if family.slip else 1
    probability, next_state, reward, terminated = (np.reshape(x, shape) for x in zip(*outcomes, strict=True))
    start = np.array([1.0 / len(starts) if cell in starts else 0.0 for cell in free])
    return Model(probability, next_state, reward.astype(float), terminated, start)


@st.composite
def families(draw):
    height, width = draw(st.integers(1, 4)), draw(st.integers(3, 5))
    cells = draw(st.lists(st.sampled_from("...#xGST"), min_size=height * width, max_size=height * width))
    cells[:2] = ".S"
    rows = tuple("".join(cells[k : k + width]) for k in range(0, len(cells), width))
    return mf.GridWorld(
        rows,
        {"G": 1.0, "T": -0.7, "x": 0.3},
        draw(st.sampled_from([None, "x", "GT"])),
        draw(st.sampled_from([0.0, -0.1])),
        draw(st.sampled_from([0.0, 0.3, 1.0])),
        draw(st.sampled_from(["sides", "others"])),
        draw(st.just(()) | st.tuples(*[st.integers(0, 1)] * width)),
        draw(st.none() | st.just(mf.Anywhere())),
        one_start=draw(st.booleans()),
    )


def solved(task, discount, sweeps=2000):
    """Optimal values [S] by plain value iteration of the task's own outcome lists."""
    found = {name: values[0] for name, values in task.outcomes.items()}
    goes_on = found["probability"] * ~found["terminated"] * discount
    paid = (found["probability"] * found["reward"]).sum(axis=-1)
    values = np.zeros(len(paid))
    for _ in range(sweeps):
        values = (paid + (goes_on * values[found["next_state"]]).sum(axis=-1)).max(axis=1)
    return values


def test_the_map_says_what_cells_are():
    family = mf.GridWorld.from_ascii(MAP, {"G": 1.0, "T": -1.0, "x": 0.2}, step_reward=-0.1)
    assert (family.shape, family.num_states, family.horizon) == ((3, 5), 13, 32)
    assert family.cells[:5].tolist() == [[0, 0], [0, 1], [0, 2], [0, 4], [1, 0]]
    tasks = family.sample(2, rng=0)
    assert np.flatnonzero(tasks.start[0]).tolist() == [0, 8]
    number = {tuple(cell): state for state, cell in enumerate(family.cells.tolist())}
    found = {name: values[0, :, :, 0] for name, values in tasks.outcomes.items()}
    into_x, into_goal, into_trap = (number[0, 2], 2), (number[0, 4], 2), (number[2, 1], 1)
    assert [found["reward"][pair] for pair in (into_x, into_goal, into_trap)] == [0.2 - 0.1, 0.9, -1.1]
    assert [found["terminated"][pair] for pair in (into_x, into_goal, into_trap)] == [False, True, True]
    assert found["next_state"][number[0, 2], 1] == number[0, 2]  # a wall


def test_the_cliff_walk_takes_thirteen_steps_and_wind_blows():
    text = "\n".join([*["............"] * 3, "SCCCCCCCCCCG"])
    cliff = mf.GridWorld.from_ascii(text, {"G": 0.0, "C": -99.0}, step_reward=-1.0)
    assert mf.backward_induction(cliff.sample(1, rng=0)).returns.tolist() == [-13.0]
    # Sutton and Barto, example 6.5: fifteen steps against the wind.
    windy = mf.GridWorld.from_ascii(
        "\n".join([*[".........."] * 3, "S......G..", *[".........."] * 3]),
        {"G": 0.0},
        step_reward=-1.0,
        wind=(0, 0, 0, 1, 1, 1, 2, 2, 1, 0),
    )
    assert mf.backward_induction(windy.sample(1, rng=0)).returns.tolist() == [-15.0]


def test_russell_and_norvigs_world_has_their_utilities():
    """Artificial Intelligence: A Modern Approach, figure 17.3; a state's utility counts its own reward."""
    family = mf.GridWorld.from_ascii(
        """
        ...+
        .#.-
        S...""",
        {"+": 1.0, "-": -1.0, ".": -0.04, "S": -0.04},
        ends="+-",
        slip=0.2,
    )
    values = mf.policy_iteration(family.sample(1, rng=0), 1.0).values[0] - 0.04
    expected = [0.812, 0.868, 0.918, 0.762, 0.660, 0.705, 0.655, 0.611, 0.388]
    np.testing.assert_allclose(np.delete(values, [3, 6]), expected, atol=5e-4)


def test_slips_go_where_they_should():
    for slip_to, expected in (
        ("sides", [0.05, 0.9, 0.05, 0.0]),
        ("others", [0.1 / 3, 0.9, 0.1 / 3, 0.1 / 3]),
    ):
        family = mf.GridWorld.from_ascii("...\n.S.\n...", slip=0.1, slip_to=slip_to)
        around = family.sample(1, rng=0).outcomes
        found = np.bincount(around["next_state"][0, 4, 1], around["probability"][0, 4, 1], 9)
        np.testing.assert_allclose(found[[1, 5, 7, 3]], expected, rtol=1e-15)


def test_four_rooms_have_their_cells_and_optimum():
    family = mf.FourRooms()
    assert (family.num_states, family.num_actions, family.horizon) == (104, 4, 500)
    tasks = family.sample(8, rng=0)
    goals = family.clusters(family.sample(1000, rng=1))
    assert len(np.unique(goals)) == 104
    values = mf.value_iteration(tasks, 0.9, tolerance=1e-12).values
    np.testing.assert_allclose(values, [solved(tasks[k : k + 1], 0.9) for k in range(8)], atol=1e-10)
    inner = tasks.outcomes["probability"][:, 0, 1]
    np.testing.assert_allclose(inner, [[2 / 3, 1 / 9, 1 / 9, 1 / 9]] * 8, rtol=1e-15)
    training, held_out = family.split()
    assert isinstance(training, mf.FourRooms)
    assert ((training.goal_weights() > 0).sum(), (held_out.goal_weights() > 0).sum()) == (83, 21)
    assert not (training.goal_weights() * held_out.goal_weights()).any()


def test_a_t_maze_has_two_tasks():
    family = mf.GridWorld.t_maze(5)
    assert (family.num_states, family.shape) == (7, (5, 3))
    assert len(set(family.clusters(family.sample(30, rng=0)))) == 2
    for part in family.split(0.5):
        tasks = part.sample(20, rng=0)
        assert len(set(family.clusters(tasks))) == 1
        assert mf.backward_induction(tasks, 5).returns.tolist() == [1.0] * 20
        assert mf.backward_induction(tasks, 4).returns.tolist() == [0.0] * 20


def test_tasks_with_one_start_each_are_split_by_it():
    family = mf.GridWorld.from_ascii("SS.G\nSS..\n....", one_start=True)
    tasks = family.sample(100, rng=0)
    assert (tasks.start.max(axis=1) == 1.0).all()
    assert set(tasks.start.argmax(axis=1)) == {0, 1, 4, 5}
    training, held_out = family.split(0.25)
    seen, unseen = (set(part.sample(100, rng=0).start.argmax(axis=1)) for part in (training, held_out))
    assert (len(seen), len(unseen), seen | unseen) == (3, 1, {0, 1, 4, 5})
    with pytest.raises(ValueError, match="a split needs two goals or more, this family has 0"):
        mf.GridWorld.from_ascii("S.G").split()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"rows": ("ab", "c")}, "expected rows of one length"),
        ({"rows": ("Sz",)}, "the map has 'z'"),
        ({"rows": ("##",)}, "no free cell in which an episode could begin"),
        ({"rows": ("S#",), "goals": mf.Anywhere()}, "leaves no free cell for the goal"),
        ({"rows": ("S.",), "wind": (1,)}, "expected 2 numbers, one a column"),
        ({"rows": ("S.",), "slip_to": "left"}, "slip_to is 'left'"),
        ({"rows": ("S.",), "rewards": {"#": 1.0}}, "rewards has '#'"),
        ({"rows": ("S.",), "rewards": {"x": float("nan")}}, "the reward of x is nan"),
        ({"rows": ("S.",), "ends": "z"}, "ends has 'z', expected characters of rewards"),
        ({"rows": ("S.",), "horizon": 0}, "horizon is 0"),
    ],
)
def test_wrong_maps_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.GridWorld(**arguments)
