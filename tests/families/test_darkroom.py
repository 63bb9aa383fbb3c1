"""Dark rooms: the papers' presets and their optimal returns, goals, orders of actions and the split."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
import rooms
from reference import LAYOUT, Model, below, make_stream, sample, unit

FAMILY = mf.Darkroom
GOLDEN = {"darkroom": mf.Darkroom(4, None, goals=mf.Region((1, 4), (0, 3)), action_orders=(0, 7, 100))}
ARGUMENTS = {
    "size": 3,
    "start": "centre",
    "horizon": 5,
    "goals": mf.Anywhere(),
    "action_orders": (0, 3),
    "goal_reward": 1.0,
    "away_reward": -0.1,
    "goal_ends": False,
}
ORDERS = list(permutations(range(5)))
STAY, UP, RIGHT, DOWN, LEFT = range(5)


def twin(family, key, task, segment=0):
    """A task of `Darkroom`, in plain Python."""
    height, width = family.size
    stream = make_stream(key, task, LAYOUT)
    weights = family.goals.weights(height, width).ravel()
    goals = np.flatnonzero(weights)
    cumulative = np.cumsum(weights[goals])
    goal = goals[sample((cumulative / cumulative[-1]).tolist()[:-1], unit(stream.next()))]
    order = ORDERS[family.action_orders[below(stream.next(), len(family.action_orders))]]
    cells = height * width
    next_state = [[rooms.move(cell, order[a], height, width) for a in range(5)] for cell in range(cells)]
    next_state = np.array(next_state)[..., None]
    paid = next_state == goal
    return Model(
        np.ones((cells, 5, 1)),
        next_state,
        np.where(paid, family.goal_reward, family.away_reward),
        paid & family.goal_ends,
        rooms.start(family, cells),
    )


@st.composite
def families(draw, kind=mf.Darkroom):
    height, width = size = draw(st.tuples(st.integers(1, 5), st.integers(2, 5)))
    cells = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
    laws = st.builds(
        lambda chosen: mf.Cells(tuple(chosen), tuple(1.0 + k for k in range(len(chosen)))),
        st.lists(cells, min_size=1, max_size=4, unique=True),
    )
    return kind(
        size,
        draw(cells | st.sampled_from(["centre", None])),
        goals=draw(st.just(mf.Anywhere()) | laws),
        action_orders=sorted(draw(st.sets(st.integers(0, 119), min_size=1, max_size=3))),
        goal_reward=draw(st.sampled_from([1.0, -2.5])),
        away_reward=draw(st.sampled_from([0.0, -0.1])),
        goal_ends=draw(st.booleans()),
    )


def goals_of(tasks):
    """The goal's cell [N], which is where the best reward leads."""
    best = tasks.outcomes["reward"].reshape(len(tasks), -1).argmax(axis=1)
    return tasks.outcomes["next_state"].reshape(len(tasks), -1)[np.arange(len(tasks)), best]


def every_task(family):
    """One task of each goal or order there is, in any order."""
    tasks = family.sample(1200, rng=0)
    _, places = np.unique(family.clusters(tasks), return_index=True)
    return tasks[places.tolist()]


PRESETS = {
    "ad": (mf.Darkroom.ad(), (4, 4), 81, 16.543209876543209),
    "dpt": (mf.Darkroom.dpt(), (0, 0), 100, 91.99),
    "gridnavi": (mf.GridNavi(), (0, 0), 21, 11.071428571428571),
}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_the_optimum_of_their_distances(name):
    family, start, num_goals, expected = PRESETS[name]
    tasks = every_task(family)
    assert len(tasks) == num_goals
    away = rooms.steps(family.size, start).ravel()[goals_of(tasks)]
    paid = np.minimum(family.horizon, family.horizon + 1 - away)
    returns = paid * family.goal_reward + (family.horizon - paid) * family.away_reward
    found = mf.backward_induction(tasks).returns
    np.testing.assert_allclose(found, returns, rtol=1e-13)
    assert found.mean() == pytest.approx(expected, rel=1e-12)


def test_from_anywhere_the_optimum_is_the_mean_over_starts():
    tasks = every_task(mf.Darkroom.toymeta())
    cells = np.array(list(product(range(9), range(9))))
    away = np.abs(cells[:, None] - cells).sum(axis=-1)
    expected = np.minimum(20, 21 - away).mean()
    assert mf.backward_induction(tasks).returns.mean() == pytest.approx(expected, rel=1e-12)
    assert expected == pytest.approx(15.0617, abs=1e-4)


def test_the_hard_room_pays_once():
    family = mf.Darkroom.ad_hard()
    tasks = family.sample(50, rng=0)
    assert (family.num_states, family.horizon) == (289, 20)
    assert (mf.backward_induction(tasks).returns == 1.0).all()


def test_permuted_rooms_are_all_orders_and_one_corner():
    family = mf.Darkroom.permuted()
    tasks = every_task(family)
    assert len(tasks) == 120
    assert (goals_of(tasks) == 99).all()
    assert (mf.backward_induction(tasks).returns == 100 - 18 + 1).all()
    inner = 5 * 10 + 5
    effects = tasks.outcomes["next_state"][:, inner, :, 0] - inner
    assert {tuple(effect) for effect in effects.tolist()} == set(permutations([0, -10, 1, 10, -1]))
    nine = mf.Darkroom.permuted(9, horizon=50)
    assert (nine.num_states, nine.horizon) == (81, 50)


def test_moves_rewards_and_starts_by_hand():
    family = mf.Darkroom((2, 3), (1, 1), goals=mf.Cells(((0, 2),)), away_reward=-0.5, goal_reward=2.0)
    tasks = family.sample(1, rng=0)
    found = tasks.outcomes["next_state"][0, :, :, 0]
    assert found.tolist() == [
        [0, 0, 1, 3, 0],
        [1, 1, 2, 4, 0],
        [2, 2, 2, 5, 1],
        [3, 0, 4, 3, 3],
        [4, 1, 5, 4, 3],
        [5, 2, 5, 5, 4],
    ]
    assert (tasks.outcomes["reward"][0, :, :, 0] == np.where(found == 2, 2.0, -0.5)).all()
    assert not tasks.outcomes["terminated"].any()
    assert tasks.start.tolist() == [[0, 0, 0, 0, 1, 0]]
    assert np.flatnonzero(mf.Darkroom((4, 5)).sample(1, rng=0).start).tolist() == [2 * 5 + 2]


def test_goals_and_orders_follow_their_laws_independently():
    family = mf.Darkroom(2, goals=mf.Cells(((0, 0), (1, 1)), (1.0, 3.0)), action_orders=(0, 5, 119))
    tasks = family.sample(6000, rng=0)
    goal = goals_of(tasks) == 3
    order = np.array([0, 5, 119]).searchsorted(
        [ORDERS.index(tuple(row)) for row in _orders_of(tasks)], side="left"
    )
    counts = np.array([[(goal[order == p] == g).sum() for g in (False, True)] for p in range(3)])
    expected = 6000 * np.outer([1 / 3] * 3, [0.25, 0.75])
    assert stats.chisquare(counts.ravel(), expected.ravel()).pvalue > 1e-4


def _orders_of(tasks):
    """What each action does in a room of two by two cells, seen from all of them."""
    plain = np.array([[rooms.move(cell, a, 2, 2) for cell in range(4)] for a in range(5)])
    found = tasks.outcomes["next_state"][..., 0].swapaxes(1, 2)
    return (found[:, :, None] == plain).all(axis=-1).argmax(axis=-1).tolist()


def test_a_split_holds_out_goals():
    training, held_out = mf.Darkroom.dpt().split()
    seen, unseen = (part.goal_weights() > 0 for part in (training, held_out))
    assert (seen.sum(), unseen.sum(), (seen & unseen).sum()) == (80, 20, 0)
    assert set(goals_of(held_out.sample(500, rng=0))) == set(np.flatnonzero(unseen))
    inner, validation = training.split(0.25)
    assert validation.goal_weights().sum() == 20
    assert not (inner.goal_weights() * validation.goal_weights()).any()
    assert validation.split_path == (0, 1)
    assert (mf.Darkroom.dpt().split(rng=1)[1].goal_weights() != unseen).any()


def test_a_split_of_permuted_rooms_holds_out_orders():
    family = mf.Darkroom.permuted()
    training, held_out = family.split()
    assert (len(training.action_orders), len(held_out.action_orders)) == (96, 24)
    assert set(training.action_orders) | set(held_out.action_orders) == set(range(120))
    parts = [every_task(part).materialise() for part in (training, held_out)]
    assert len(set(family.clusters(mf.concatenate(parts)).tolist())) == 120
    both = mf.Darkroom(4, action_orders=(0, 1, 2, 3, 4))
    assert both.split(0.4, by="actions")[0].goals == mf.Anywhere()
    assert both.split(0.4)[0].action_orders == both.action_orders


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"size": 1}, "expected at least two cells"),
        ({"start": (9, 0)}, r"start is \(9, 0\), which lies outside the 9 x 9 grid"),
        ({"start": "corner"}, "start is 'corner', expected a cell, 'centre' or None"),
        ({"horizon": 0}, "horizon is 0"),
        ({"action_orders": (120,)}, "action_orders is 120"),
        ({"action_orders": ()}, "action_orders is empty"),
        ({"goals": mf.Cells(((0, 0),), (0.0,))}, "leaves no cell for the goal"),
    ],
)
def test_wrong_rooms_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.Darkroom(**arguments)


def test_splits_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="a split needs two orders of actions or more, this family has 1"):
        mf.Darkroom.ad().split(by="actions")
    with pytest.raises(ValueError, match="a split needs two goals or more, this family has 1"):
        mf.Darkroom(goals=mf.Cells(((0, 0),))).split()
    with pytest.raises(ValueError, match="by is 'wall', expected one of 'goal', 'actions'"):
        mf.Darkroom.ad().split(by="wall")
