"""Grids with objects: the papers' presets, collecting and coming back, the optimum by another recursion."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
import rooms
from reference import LAYOUT, Model, below, make_stream, portable_exp, portable_log, unit_53

SOME = mf.LpgGrid(
    4,
    (1.0, mf.Uniform(-1.0, 1.0)),
    (mf.LogUniform(0.01, 1.0), 0.5),
    (mf.LogUniform(0.001, 0.1), 1.0),
    ("....", ".#..", "....", "...#"),
    smallest_size=3,
    fewest_objects=1,
    random_walls=4,
)
FAMILY = mf.LpgGrid
GOLDEN_TASKS = {"lpg_grid": SOME}
ARGUMENTS = {
    "size": 3,
    "rewards": (1.0, mf.Uniform(-1.0, 1.0)),
    "end_probabilities": (0.5, mf.LogUniform(0.01, 1.0)),
    "respawn_probabilities": (0.1, 0.0),
    "walls": ("...", ".#.", "..."),
    "smallest_size": 2,
    "fewest_objects": 1,
    "random_walls": 1,
    "horizon": 5,
}


def twin(family, key, task, segment=0):
    """A task of `LpgGrid`, in plain Python."""
    side, m = family.size, len(family.rewards)
    cells, stream = side * side, make_stream(key, task, LAYOUT)

    def even(low, high):
        return low + (high - low) * unit_53(stream.next(), stream.companion)

    def draw(number):
        if isinstance(number, mf.Uniform):
            return even(number.low, number.high)
        if isinstance(number, mf.LogUniform) and number.low < number.high:
            return min(portable_exp(even(portable_log(number.low), portable_log(number.high))), number.high)
        even(0.0, 0.0)
        return number.low if isinstance(number, mf.LogUniform) else number

    laws = zip(family.rewards, family.end_probabilities, family.respawn_probabilities, strict=True)
    reward, ends, respawns = zip(*[[draw(number) for number in numbers] for numbers in laws], strict=True)
    smallest, fewest = family.smallest_size or side, family.fewest_objects or m
    drawn_side = smallest + below(stream.next(), side - smallest + 1)
    count = fewest + below(stream.next(), m - fewest + 1)
    inside = set(product(range(drawn_side), range(drawn_side)))
    free = {(r, c) for r, c in inside if family.walls is None or family.walls[r][c] != "#"}
    numbers = list(range(cells))
    for k in range(family.random_walls):
        other = k + below(stream.next(), cells - k)
        numbers[k], numbers[other] = numbers[other], numbers[k]
        if numbers[k] < drawn_side**2 and len(free) > m + 1:
            free.discard(divmod(numbers[k], drawn_side))
    free = {row * side + column for row, column in free}
    places = sorted(free)
    for k in range(m + 1):
        other = k + below(stream.next(), len(places) - k)
        places[k], places[other] = places[other], places[k]
    where = [places[k + 1] if k < count else None for k in range(m)]
    respawns = [p if k < count else 0.0 for k, p in enumerate(respawns)]

    states, most = cells * 2**m, 2**m
    probability, next_state = np.zeros((states, 5, most)), np.zeros((states, 5, most), int)
    rewards, terminated = np.zeros((states, 5, most)), np.zeros((states, 5, most), bool)
    for state, action in product(range(states), range(5)):
        there, cell = divmod(state, cells)
        outcomes = [(1.0, state, 0.0, True)]
        if cell in free:
            to = rooms.move(cell, action, side, side)
            to = to if to in free else cell
            taken = [k for k in range(m) if where[k] == to and there >> k & 1]
            kept = there - sum(2**k for k in taken)
            paid, ending = (reward[taken[0]], ends[taken[0]]) if taken else (0.0, 0.0)
            outcomes = [(ending, to + cells * kept, paid, True)] if ending > 0 else []
            missing = [k for k in range(m) if not there >> k & 1]
            for back in (
                sorted(
                    sum(2**k for k, b in zip(missing, bits, strict=True) if b)
                    for bits in product((0, 1), repeat=len(missing))
                )
                if ending < 1
                else []
            ):
                p = 1.0 - ending
                for k in missing:
                    p *= respawns[k] if back >> k & 1 else 1.0 - respawns[k]
                outcomes += [(p, to + cells * (kept | back), paid, False)] if p > 0 else []
        for k, outcome in enumerate(outcomes):
            place = state, action, k
            probability[place], next_state[place], rewards[place], terminated[place] = outcome
    start = np.zeros(states)
    start[places[0] + cells * (2**count - 1)] = 1.0
    return Model(probability, next_state, rewards, terminated, start)


@st.composite
def families(draw):
    size, m = draw(st.integers(3, 4)), draw(st.integers(1, 3))
    chances = st.sampled_from([0.0, 0.3, 1.0, mf.LogUniform(0.01, 0.5), mf.LogUniform(0.2, 0.2)])
    return mf.LpgGrid(
        size,
        draw(st.tuples(*[st.sampled_from([1.0, -0.5, mf.Uniform(-1.0, 1.0)])] * m)),
        draw(st.tuples(*[chances] * m)),
        draw(st.tuples(*[chances] * m)),
        draw(st.none() | st.just(("." * (size - 1) + "#",) * size)),
        smallest_size=draw(st.none() | st.just(3)),
        fewest_objects=draw(st.none() | st.just(1)),
        random_walls=draw(st.sampled_from([0, 3, 9])),
    )


def test_presets_have_the_published_numbers():
    numbers = {
        name: (preset.size, len(preset.rewards), preset.num_states, preset.horizon)
        for name in ("dense", "sparse", "long", "longer", "long_dense")
        for preset in [getattr(mf.LpgGrid, name)()]
    }
    assert numbers == {
        "dense": (11, 4, 121 * 16, 500),
        "sparse": (13, 2, 169 * 4, 50),
        "long": (11, 4, 121 * 16, 1000),
        "longer": (9, 5, 81 * 32, 2000),
        "long_dense": (11, 4, 121 * 16, 2000),
    }
    wall = np.array([list(row) for row in mf.LpgGrid.longer().walls]) == "#"
    assert (wall.sum(), wall[:, 4].sum(), wall[[1, 7]].any()) == (7, 7, False)
    cross = np.array([list(row) for row in mf.LpgGrid.long_dense().walls]) == "#"
    assert (cross[:, 5].sum(), cross[4].sum(), cross.sum()) == (9, 9, 17)
    every = mf.LpgGrid.random()
    assert (every.size, every.smallest_size, every.random_walls, len(every.rewards)) == (10, 4, 15, 5)


def test_the_sparse_optimum_is_the_way_around_the_bad_object():
    family = mf.LpgGrid.sparse()
    assert (mf.backward_induction(family.sample(5, rng=0)).returns == 1.0).all()


def recursion(side, where, start, reward, ends, respawns, horizon):
    """The optimum by another recursion: what comes back is taken into account object by object.

    `value` [2] * m + [cells] is what is to come, from which objects are there and where one is.
    """
    m, cells = len(where), side * side
    value = np.zeros((2,) * m + (cells,))
    moves = np.array([[rooms.move(cell, a, side, side) for a in range(5)] for cell in range(cells)])
    for _ in range(horizon):
        after = value
        for k in range(m):  # from "missing" it comes back or not; what is there stays
            gone, there = np.take(after, 0, axis=k), np.take(after, 1, axis=k)
            after = np.stack([(1 - respawns[k]) * gone + respawns[k] * there, there], axis=k)
        entered = after.copy()
        for k, cell in enumerate(where):
            # Collected in this step: it is missing in the next one, whatever the others do.
            kept = value
            for other in range(m):
                gone, there = np.take(kept, 0, axis=other), np.take(kept, 1, axis=other)
                p = 0.0 if other == k else respawns[other]
                kept = np.stack([(1 - p) * gone + p * there, there], axis=other)
            with_it = (slice(None),) * k + (1,)
            entered[with_it][..., cell] = reward[k] + (1 - ends[k]) * np.take(kept, 0, axis=k)[..., cell]
        value = entered[..., moves].max(axis=-1)
    return value[(1,) * m + (start,)]


def test_the_optimum_is_that_of_another_recursion():
    reward, ends, respawns = (1.0, 0.4, -1.0), (0.0, 0.5, 0.3), (0.05, 0.3, 1.0)
    tasks = mf.LpgGrid(5, reward, ends, respawns, horizon=40).sample(5, rng=0)
    found = mf.backward_induction(tasks).returns
    outcomes, start = tasks.outcomes, tasks.start.argmax(axis=1)
    for k in range(5):
        full = slice(7 * 25, None), 0, 0  # all objects are there, and one stays
        paid = outcomes["reward"][k][full]
        where = [int(np.flatnonzero(paid == pays)[0]) for pays in reward]
        expected = recursion(5, where, start[k] - 7 * 25, reward, ends, respawns, 40)
        assert found[k] == pytest.approx(expected, rel=1e-12)


def test_random_grids_follow_their_laws():
    family = mf.LpgGrid.random("small")
    tasks = family.sample(600, rng=0)
    found = tasks.outcomes
    start = tasks.start.argmax(axis=1)
    objects = np.array([0, 1, 1, 2, 1, 2, 2, 3])[start // 36]
    blocked = found["terminated"][:, :36, 0, 0] & (found["next_state"][:, :36, 0, 0] == np.arange(36))
    free = ~blocked
    side = np.where(free[:, [k for k in range(36) if k // 6 == 5 or k % 6 == 5]].any(axis=1), 6, 5)
    assert 1 <= free.sum(axis=1).min()
    assert stats.binomtest(int((side == 6).sum()), 600, 1 / 3).pvalue > 1e-4
    assert stats.chisquare(np.bincount(objects, minlength=4)[1:]).pvalue > 1e-4
    first = found["reward"].max(axis=(1, 2, 3))
    assert ((first >= 0) & (first <= 1)).all()
    # Random walls of a side of six: seven of 36 cells.
    assert (free[side == 6].sum(axis=1) == 29).all()


def test_probabilities_are_even_by_their_logarithm():
    family = mf.LpgGrid(3, (1.0,), (mf.LogUniform(0.01, 1.0),), (mf.LogUniform(0.001, 0.1),))
    found = family.sample(1500, rng=0).outcomes
    ends = (found["probability"] * found["terminated"]).max(axis=(1, 2, 3))
    back = np.where(found["next_state"][:, 0, 0] == 9, found["probability"][:, 0, 0], 0).max(axis=1)
    for drawn, low, high in ((ends, 0.01, 1.0), (back, 0.001, 0.1)):
        uniform = stats.uniform(math.log(low), math.log(high / low))
        assert stats.kstest(np.log(drawn), uniform.cdf).pvalue > 1e-4


def test_a_split_needs_many_places():
    assert mf.LpgGrid.dense().split()[0].family == mf.LpgGrid.dense()
    with pytest.raises(ValueError, match="start and objects have 504 places"):
        mf.LpgGrid(3, (1.0, -1.0), (1.0, 1.0), (0.0, 0.0)).split()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"size": 1}, "size is 1"),
        ({"rewards": ()}, "rewards has 0 numbers, expected 1 to 8"),
        ({"end_probabilities": (0.5, 0.5)}, "end_probabilities has 2 numbers, expected 1"),
        ({"respawn_probabilities": (1.5,)}, "one of respawn_probabilities is 1.5"),
        ({"respawn_probabilities": (mf.LogUniform(0.1, 2.0),)}, "an end of respawn_probabilities is 2.0"),
        ({"walls": ("..",)}, "expected 3 rows"),
        ({"walls": ("##.", "###", "###")}, "has 1 free cells, expected more than 1 objects"),
        ({"random_walls": 10}, "random_walls is 10"),
    ],
)
def test_wrong_grids_are_refused(arguments, text):
    good = {"size": 3, "rewards": (1.0,), "end_probabilities": (0.5,), "respawn_probabilities": (0.1,)}
    with pytest.raises(ValueError, match=text):
        mf.LpgGrid(**{**good, **arguments})


def test_a_level_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="level is 'huge', expected one of 'small'"):
        mf.LpgGrid.random("huge")
