"""Driving: streets, closures, what weather and traffic do to a trip, and splits by factor and combination."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from families.test_grid_world import solved
from reference import LAYOUT, Model, below, make_stream, unit

FAMILY = mf.Driving
GOLDEN_TASKS = {"driving": mf.Driving((3, 4), closures=0.2)}
ARGUMENTS = {
    "size": 3,
    "weathers": ("dry", "snow"),
    "roads": ("town",),
    "traffic": ("light",),
    "destinations": ((2, 2), (0, 1)),
    "cases": (("dry", "town", "light", (2, 2)), ("snow", "town", "light", (0, 1))),
    "closures": 0.1,
    "home": (0, 0),
    "horizon": 5,
    "minute_cost": 0.02,
    "fuel_cost": 0.01,
    "collision_cost": 0.5,
    "arrival_reward": 1.0,
}
NORTH, EAST, SOUTH, WEST = range(4)
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))
GRIP = {"dry": 1.0, "rain": 0.7, "snow": 0.4, "fog": 1.0}
BUSY = {"light": 0.1, "moderate": 0.3, "heavy": 0.6}


def beyond(cell, heading):
    return cell[0] + STEPS[heading][0], cell[1] + STEPS[heading][1]


def plan(road, height, width):
    """The streets (intersection, east or south) of a road, and whether each is fast."""
    found = {}
    for (row, column), heading in product(product(range(height), range(width)), (EAST, SOUTH)):
        to = beyond((row, column), heading)
        if to[0] == height or to[1] == width:
            continue
        fast = False
        if road == "ring":
            edges = (row, height - 1) if heading == EAST else (column, width - 1)
            fast = edges[0] in (0, edges[1])
            if heading == EAST and not fast:
                continue
        if road == "motorway":
            fast = heading == EAST and row == height // 2
            if heading == SOUTH and height // 2 in (row, row + 1) and column % 3:
                continue
        found[(row, column), heading] = fast
    return found


def connected(streets):
    """How many parts a set of streets falls into, and which intersection is in which."""
    part = {}
    for cell, heading in streets:
        a, b = (part.setdefault(c, c) for c in (cell, beyond(cell, heading)))
        part = {c: b if p == a else p for c, p in part.items()}
    return part


def twin(family, key, task, segment=0):
    """A task of `Driving`, in plain Python."""
    height, width = family.size
    stream = make_stream(key, task, LAYOUT)
    cases = family.all_cases()
    weather, road, traffic, destination = cases[below(stream.next(), len(cases))]
    fast = plan(road, height, width)
    order, is_open = list(fast), dict.fromkeys(fast, True)
    wanted, closed = int(family.closures * len(order) + unit(stream.next())), 0
    for k in range(len(order)):
        if closed == wanted:
            break
        other = k + below(stream.next(), len(order) - k)
        order[k], order[other] = order[other], order[k]
        part = connected([s for s in fast if is_open[s] and s != order[k]])
        a, b = order[k][0], beyond(*order[k])
        if part.get(a, "a") == part.get(b, "b"):
            is_open[order[k]], closed = False, closed + 1
    busy = {street: unit(stream.next()) < BUSY[traffic] for street in fast}

    def take(state, heading, speed, probability, slid):
        """Outcomes of driving off in a heading."""
        cell = divmod(state // 4, width)
        to = beyond(cell, heading)
        street = (cell, heading) if heading in (EAST, SOUTH) else (to, (heading + 2) % 4)
        if not is_open.get(street, False):
            return [(probability, state, -(family.minute_cost * 2.0) - slid * family.collision_cost, False)]
        slower, crowded = 1.5 if weather == "fog" else 1.0, busy[street]
        minutes = 2.0 / speed * slower * (0.5 if fast[street] else 1.0) + crowded
        cost = family.minute_cost * minutes + family.fuel_cost * speed
        ends = to == destination
        reward = (family.arrival_reward if ends else 0.0) - cost
        p = 0.01 * (speed * speed / GRIP[weather]) if crowded else 0.0
        arrived = (to[0] * width + to[1]) * 4 + heading
        found = [(probability * (1.0 - p), arrived, reward, ends)]
        return found + ([(probability * p, arrived, reward - family.collision_cost, ends)] if p else [])

    states = height * width * 4
    probability, next_state = np.zeros((states, 8, 4)), np.zeros((states, 8, 4), int)
    reward, terminated = np.zeros((states, 8, 4)), np.zeros((states, 8, 4), bool)
    for state, action in product(range(states), range(8)):
        turn, speed, ahead = action // 2, 1.0 + action % 2, state % 4
        slides = 0.02 * (speed * speed / GRIP[weather]) if turn else 0.0
        if divmod(state // 4, width) == destination:
            outcomes = [(1.0, state, 0.0, True)]
        else:
            outcomes = take(state, (ahead + turn) % 4, speed, 1.0 - slides, False)
            outcomes += take(state, ahead, speed, slides, True) if slides else []
        for k, outcome in enumerate(outcomes):
            place = state, action, k
            probability[place], next_state[place], reward[place], terminated[place] = outcome
    start = np.zeros(states)
    start[(family.home[0] * width + family.home[1]) * 4 + EAST] = 1.0
    return Model(probability, next_state, reward, terminated, start)


@st.composite
def families(draw):
    height, width = size = draw(st.tuples(st.integers(1, 4), st.integers(2, 4)))
    home = draw(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)))
    return mf.Driving(
        size,
        weathers=tuple(draw(st.permutations(sorted(GRIP)))[: draw(st.integers(1, 4))]),
        closures=draw(st.sampled_from([0.0, 0.2, 1.0])),
        home=home,
        fuel_cost=draw(st.sampled_from([0.01, 0.3])),
        collision_cost=draw(st.sampled_from([0.0, 0.5])),
    )


def test_a_free_way_straight_on_is_driven_fast():
    """Each street costs a minute and two units of fuel, unless it is busy: 1 - 3 * 0.04."""
    family = mf.Driving(weathers=("dry",), roads=("town",), traffic=("light",), destinations=((0, 3),))
    tasks = replace(family, closures=0.0).sample(800, rng=0)
    best = mf.backward_induction(tasks)
    free = np.isclose(best.returns, 0.88, rtol=1e-12)
    assert (best.returns <= 0.88 + 1e-12).all()
    assert stats.binomtest(int(free.sum()), 800, 0.9**3).pvalue > 1e-4
    assert (best.policy[free][:, 0, EAST] == 1).all()
    values = mf.value_iteration(tasks[:3], 0.9, tolerance=1e-12).values
    np.testing.assert_allclose(values, [solved(tasks[k : k + 1], 0.9, 300) for k in range(3)], atol=1e-10)


@pytest.mark.parametrize(
    ("weather", "slide", "collision", "minutes"),
    [
        ("dry", 0.08, 0.04, 1.0),
        ("rain", 0.08 / 0.7, 0.04 / 0.7, 1.0),
        ("snow", 0.2, 0.1, 1.0),
        ("fog", 0.08, 0.04, 1.5),
    ],
)
def test_weather_says_how_far_a_car_slides(weather, slide, collision, minutes):
    """At speed 2; at speed 1 a quarter of it, in twice the time."""
    family = mf.Driving(4, weathers=(weather,), roads=("town",), traffic=("heavy",), closures=0.0)
    found = family.sample(50, rng=0).outcomes
    state = (1 * 4 + 1) * 4 + EAST
    for speed in (1, 2):
        right, ahead = (1, speed - 1), (0, speed - 1)
        p, to = (found[name][:, state, 2 * right[0] + right[1]] for name in ("probability", "next_state"))
        slid = ((to == (1 * 4 + 2) * 4 + EAST) * p).sum(axis=1)
        usual = found["terminated"][:, state, 2 * right[0] + right[1]].sum(axis=1) == 0
        np.testing.assert_allclose(slid[usual], slide * (speed / 2) ** 2, rtol=1e-12)
        p, reward = (found[name][:, state, 2 * ahead[0] + ahead[1]] for name in ("probability", "reward"))
        busy = p[:, 1] > 0
        np.testing.assert_allclose(p[busy, 1], collision * (speed / 2) ** 2, rtol=1e-12)
        plain = usual & ~busy & (reward[:, 0] < 0.5)
        np.testing.assert_allclose(reward[plain, 0], -0.02 * minutes * 2 / speed - 0.01 * speed, rtol=1e-12)


def test_cases_and_busy_streets_follow_their_laws():
    family = mf.Driving(3, roads=("town",), traffic=("moderate",), closures=0.0)
    tasks = family.sample(1600, rng=0)
    assert stats.chisquare(np.bincount(family.clusters(tasks), minlength=9)[1:]).pvalue > 1e-4
    found = tasks.outcomes
    east_from_home = found["probability"][:, EAST, 1]
    busy = int((east_from_home[:, 1] > 0).sum())
    assert stats.binomtest(busy, 1600, 0.3).pvalue > 1e-4


def test_closed_streets_cut_nobody_off():
    family = mf.Driving(5, closures=0.3)
    tasks = family.sample(100, rng=0)
    values = mf.value_iteration(tasks, 0.999).values
    assert (values.reshape(100, 25, 4).max(axis=2) > -2.0).all()  # one who never arrives pays 40
    found = tasks.outcomes
    stays = (found["next_state"][..., 0] == np.arange(100)[:, None]) & ~found["terminated"][..., 0]
    borders = 20 / 100  # of the pairs of intersection and direction, in a town without closures
    assert stays.mean() > borders + 0.05


@pytest.mark.parametrize("by", ["weather", "road", "traffic", "destination"])
def test_a_split_by_a_factor_holds_out_its_values(by):
    place = ("weather", "road", "traffic", "destination").index(by)
    family = mf.Driving()
    training, held_out = family.split(by=by)
    seen, unseen = ({case[place] for case in part.all_cases()} for part in (training, held_out))
    assert not seen & unseen
    assert seen | unseen == {case[place] for case in family.all_cases()}
    assert len(training.all_cases()) + len(held_out.all_cases()) == len(family.all_cases()) == 1260
    inner, validation = training.split(0.3, by="destination")
    assert {case[place] for case in validation.all_cases()} <= seen
    assert (validation.split_path, inner.split_path) == ((0, 1), (0, 0))


def test_a_compositional_split_holds_out_combinations_of_known_values():
    for seed in range(5):
        training, held_out = mf.Driving().split(0.25, by=("road", "weather"), rng=seed)
        seen, unseen = ({case[:2] for case in part.all_cases()} for part in (training, held_out))
        assert (len(seen), len(unseen)) == (9, 3)
        assert not seen & unseen
        for place in (0, 1):
            assert {pair[place] for pair in unseen} <= {pair[place] for pair in seen}
    with pytest.raises(ValueError, match="training would miss values of weather and road"):
        mf.Driving(weathers=("dry",)).split(0.3, by=("weather", "road"))


def test_cases_are_what_tasks_drew():
    family = mf.Driving(closures=0.0)
    tasks = family.sample(200, rng=0)[50:]
    cases = family.cases_of(tasks)
    destinations = [row * 6 + column for _, _, _, (row, column) in cases]
    assert family.clusters(tasks).tolist() == destinations
    # A fast turn slides with 0.08 over the grip.
    turn = tasks.outcomes["probability"][:, (2 * 6 + 2) * 4 + EAST, 3, 0]
    for (weather, *_), going, to in zip(cases, turn, destinations, strict=True):
        expected = 1.0 if to == 2 * 6 + 2 else 1.0 - 0.08 / GRIP[weather]
        assert going == pytest.approx(expected, rel=1e-12) or going < expected  # or sees a collision
    with pytest.raises(ValueError, match="their cases are not known"):
        family.cases_of(tasks.materialise())


def test_held_out_tasks_have_the_destinations_held_out():
    training, held_out = mf.Driving().split()
    width = 6
    for part in (training, held_out):
        allowed = {row * width + column for _, _, _, (row, column) in part.all_cases()}
        assert set(part.clusters(part.sample(300, rng=0))) <= allowed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"size": 65}, "at most 64 intersections"),
        ({"home": (6, 0)}, r"home is \(6, 0\), which lies outside the 6 x 6 grid"),
        ({"weathers": ("sun",)}, "weathers has 'sun', expected different ones of 'dry'"),
        ({"roads": ("town", "town")}, "roads has 'town', expected different ones"),
        ({"destinations": ((0, 0),)}, "expected different ones, not home"),
        (
            {"cases": (("dry", "town", "light", (0, 0)),)},
            "a case is .* expected different ones",
        ),
        ({"closures": 1.5}, "closures is 1.5"),
        ({"collision_cost": float("nan")}, "collision_cost is nan"),
    ],
)
def test_wrong_towns_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.Driving(**arguments)


def test_splits_by_what_there_is_not_are_refused():
    with pytest.raises(ValueError, match="by is 'colour', expected one of 'weather'"):
        mf.Driving().split(by="colour")
    with pytest.raises(ValueError, match="a split needs two values of road or more, this family has 1"):
        mf.Driving(roads=("ring",)).split(by="road")
