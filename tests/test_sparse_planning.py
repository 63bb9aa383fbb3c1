"""Direct solves of outcome lists, and discount 1, against exact arithmetic, textbooks and other solvers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metarl_fast as mf
from bits import assert_same_bits

thorough = settings(max_examples=60, deadline=None, derandomize=True)


def grid(n, slip=0.0, holes=(), step=0.0, goal=1.0):
    """A grid whose last cell is the goal: left, down, right, up as in Gymnasium's FrozenLake."""
    last = n * n - 1

    def move(cell, action):
        row, column = divmod(cell, n)
        row += (0, 1, 0, -1)[action]
        column += (-1, 0, 1, 0)[action]
        return min(max(row, 0), n - 1) * n + min(max(column, 0), n - 1)

    def outcomes(cell, action):
        if cell == last or cell in holes:
            return [(1.0, cell, 0.0, True)]
        turns = [(1.0 - slip, 0)] + [(slip / 2, 1), (slip / 2, 3)] * (slip > 0)
        found = []
        for p, turn in turns:
            target = move(cell, (action + turn) % 4)
            found.append((p, target, step + goal * (target == last), target == last or target in holes))
        return found

    return {cell: {action: outcomes(cell, action) for action in range(4)} for cell in range(n * n)}


def river_swim(n):
    """Strehl and Littman (2008)."""
    table = {s: {0: [(1.0, max(s - 1, 0), 0.005 * (s == 0), False)]} for s in range(n)}
    for s in range(n):
        if s == 0:
            table[s][1] = [(0.4, 0, 0.0, False), (0.6, 1, 0.0, False)]
        elif s == n - 1:
            table[s][1] = [(0.6, s, 1.0, False), (0.4, s - 1, 1.0, False)]
        else:
            table[s][1] = [(0.05, s - 1, 0.0, False), (0.6, s, 0.0, False), (0.35, s + 1, 0.0, False)]
    return table


def garnet(n, branching, actions, seed):
    rng = np.random.default_rng(seed)
    table = {}
    for s in range(n):
        table[s] = {}
        for a in range(actions):
            p = rng.dirichlet(np.ones(branching))
            places = rng.integers(n, size=branching)  # may repeat
            table[s][a] = [
                (float(x), int(t), float(rng.normal()), False) for x, t in zip(p, places, strict=True)
            ]
    return table


TABLES = {
    "grid": grid(9),
    "slippery": grid(8, 0.25, holes=(12, 25, 40, 51)),
    "river": river_swim(20),
    "garnet": garnet(40, 2, 3, 0),
    "costs": grid(6, 0.1, step=-1.0, goal=0.0),
}


def exact_values(table, policy, discount):
    """Values of a deterministic policy, in exact arithmetic: rows taken as summing to 1, up to a rounding."""
    s = len(table)
    rows = []
    for state in range(s):
        outcomes = table[state][int(policy[state])]
        p = [Fraction(x[0]) for x in outcomes]
        row = [Fraction(0)] * (s + 1)
        row[state] = Fraction(1)
        total = sum(p)
        for x, (_, target, reward, ends) in zip(p, outcomes, strict=True):
            row[s] += x * Fraction(reward)
            if not ends:
                row[target] -= Fraction(discount) * x / total
        rows.append(row)
    for k in range(s):  # elimination without pivoting: the matrix is diagonally dominant
        inverse = 1 / rows[k][k]
        for i in range(s):
            if i != k and rows[i][k]:
                factor = rows[i][k] * inverse
                rows[i] = [x - factor * y if y else x for x, y in zip(rows[i], rows[k], strict=True)]
    return [rows[k][s] / rows[k][k] for k in range(s)]


def dense_form(table):
    s, a = len(table), len(table[0])
    go_on, rewards = np.zeros((s, a, s)), np.zeros((s, a))
    for state in range(s):
        for action in range(a):
            for p, target, reward, ends in table[state][action]:
                rewards[state, action] += p * reward
                go_on[state, action, target] += 0.0 if ends else p
    return go_on, rewards


def assert_solves(table, best, discount):
    """Bellman's equation holds to a few roundings, and q and the policy belong to it."""
    go_on, rewards = dense_form(table)
    v = best.values[0]
    q = rewards + discount * go_on @ v
    size = np.abs(rewards) + discount * go_on @ np.abs(v) + np.abs(v)[:, None]
    assert (np.abs(q - best.q_values[0]) <= 1e-13 * size).all()
    assert_same_bits(best.q_values[0].max(axis=1), v)
    assert_same_bits(np.take_along_axis(best.q_values[0], best.policy[0][:, None], axis=1)[:, 0], v)


@pytest.mark.parametrize("discount", [0.5, 0.99, 1 - 1e-9])
@pytest.mark.parametrize("name", ["slippery", "river"])
def test_every_value_is_right_to_a_few_roundings(name, discount):
    table = river_swim(12) if name == "river" else grid(4, 0.25, holes=(6, 9))
    best = mf.policy_iteration(mf.from_outcomes(table), discount)
    for found, exact in zip(best.values[0], exact_values(table, best.policy[0], discount), strict=True):
        assert abs(Fraction(float(found)) - exact) <= Fraction(4e-15) * abs(exact)
    assert_solves(table, best, discount)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9, 0.9999, 1 - 1e-12])
@pytest.mark.parametrize("name", TABLES)
def test_the_optimum_solves_bellmans_equation(name, discount):
    best = mf.policy_iteration(mf.from_outcomes(TABLES[name]), discount)
    assert_solves(TABLES[name], best, discount)
    assert_same_bits(best.policy[0], best.q_values[0].argmax(axis=1).astype(np.int32))


@pytest.mark.parametrize("discount", [0.5, 0.99, 0.9999])
def test_the_numbering_of_states_does_not_matter(discount):
    for table in TABLES.values():
        s = len(table)
        place = np.random.default_rng(s).permutation(s)  # long profiles: eliminated in another order
        renamed = {
            int(place[state]): {
                a: [(p, int(place[t]), r, ends) for p, t, r, ends in outcomes] for a, outcomes in row.items()
            }
            for state, row in table.items()
        }
        best = mf.policy_iteration(mf.from_outcomes(table), discount)
        other = mf.policy_iteration(mf.from_outcomes(renamed), discount)
        np.testing.assert_allclose(other.values[0][place], best.values[0], rtol=1e-13)
        np.testing.assert_array_equal(other.policy[0][place], best.policy[0])


@pytest.mark.parametrize("discount", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", TABLES)
def test_stochastic_policies_are_valued_as_by_a_dense_solve(name, discount):
    table = TABLES[name]
    go_on, rewards = dense_form(table)
    policy = np.random.default_rng(0).dirichlet(np.ones(rewards.shape[1]), size=len(table))
    found = mf.policy_evaluation(mf.from_outcomes(table), policy, discount)
    p = np.einsum("sa,sat->st", policy, go_on)
    v = np.linalg.solve(np.eye(len(p)) - discount * p, (policy * rewards).sum(axis=1))
    np.testing.assert_allclose(found.values[0], v, rtol=1e-10, atol=1e-13)


def test_as_quantecon_does():
    markov = pytest.importorskip("quantecon.markov")
    for table in TABLES.values():
        go_on, rewards = dense_form(table)
        # What ends goes to a state of its own.
        s, a = rewards.shape
        q = np.zeros((s + 1, a, s + 1))
        q[:s, :, :s] = go_on
        q[:, :, s] = np.maximum(1.0 - q.sum(axis=2), 0.0)
        r = np.concatenate([rewards, np.zeros((1, a))])
        found = markov.DiscreteDP(r, q, 0.95).solve(method="policy_iteration", max_iter=100)
        best = mf.policy_iteration(mf.from_outcomes(table), 0.95)
        np.testing.assert_allclose(best.values[0], found.v[:s], rtol=1e-10, atol=1e-12)


# --- discount 1 --------------------------------------------------------------------------------------------


def small_grid():
    """Sutton and Barto, example 4.1: four by four, two corners end, every step costs 1."""
    table = {}
    for s in range(16):
        moves = [(-1, 0), (0, 1), (1, 0), (0, -1)]
        targets = [
            min(max(s // 4 + dy, 0), 3) * 4 + min(max(s % 4 + dx, 0), 3) if s not in (0, 15) else s
            for dy, dx in moves
        ]
        ends = [t in (0, 15) for t in targets]
        cost = 0.0 if s in (0, 15) else -1.0
        table[s] = {a: [(1.0, targets[a], cost, ends[a])] for a in range(4)}
    return table


def stored(table, storage):
    if storage == "lists":
        return mf.from_outcomes(table, start=5)
    s, a = len(table), len(table[0])
    p, r = np.zeros((s, a, s)), np.zeros((s, a))
    for state, row in table.items():
        for action, [(_, target, reward, _)] in row.items():
            p[state, action, target] = 1.0
            r[state, action] = reward
    return mf.from_arrays(p, r, terminal=[s in (0, 15) for s in range(16)], start=5)


@pytest.mark.parametrize("storage", ["lists", "dense"])
def test_example_4_1_of_sutton_and_barto(storage):
    tasks = stored(small_grid(), storage)
    values = mf.policy_evaluation(tasks, np.full((16, 4), 0.25), 1.0).values.reshape(4, 4)
    book = [[0, -14, -20, -22], [-14, -18, -20, -20], [-20, -20, -18, -14], [-22, -20, -14, 0]]
    np.testing.assert_allclose(values, book, rtol=4e-15)
    best = mf.policy_iteration(tasks, 1.0).values.reshape(4, 4)
    np.testing.assert_array_equal(
        best, [[0, -1, -2, -3], [-1, -2, -3, -2], [-2, -3, -2, -1], [-3, -2, -1, 0]]
    )


@pytest.mark.parametrize("storage", ["lists", "dense"])
def test_a_policy_that_never_ends_is_refused_with_its_state(storage):
    tasks = stored(small_grid(), storage)
    up = np.zeros(16, int)  # from cell 5 to cell 1, and there against the wall
    with pytest.raises(
        ValueError, match=r"discount is 1\.0, but task 0 may go on for ever in state 1, where"
    ):
        mf.policy_evaluation(tasks, up, 1.0)
    # From cell 4 it ends; cells that no episode comes to are worth -infinity.
    tasks = mf.from_outcomes(small_grid(), start=4)
    found = mf.policy_evaluation(tasks, up, 1.0)
    assert found.returns[0] == -1.0
    np.testing.assert_array_equal(found.values[0, [0, 4, 8, 12]], [0, -1, -2, -3])
    assert (found.values[0, [1, 5, 14]] == -np.inf).all()


def gambler(p_heads):
    """Sutton and Barto, example 4.3, with the stake 0 allowed: a policy of that never ends."""
    table = {}
    for s in range(101):
        stakes = [min(a, s, 100 - s) for a in range(51)]
        table[s] = {
            a: [(p_heads, s + x, float(s + x == 100), s + x == 100), (1 - p_heads, s - x, 0.0, s - x == 0)]
            if 0 < s < 100
            else [(1.0, s, 0.0, True)]
            for a, x in enumerate(stakes)
        }
    return table


def test_the_gamblers_problem():
    best = mf.policy_iteration(mf.from_outcomes(gambler(0.4), start=50), 1.0)
    np.testing.assert_allclose(best.values[0, [25, 50, 75]], [0.16, 0.4, 0.64], rtol=1e-14)
    best = mf.policy_iteration(mf.from_outcomes(gambler(0.55), start=50), 1.0)
    k = np.arange(1, 100)  # always stake 1: the gambler's ruin
    np.testing.assert_allclose(best.values[0, 1:100], (1 - (9 / 11) ** k) / (1 - (9 / 11) ** 100), rtol=1e-14)
    earned = mf.policy_evaluation(mf.from_outcomes(gambler(0.55), start=50), best.policy, 1.0)
    np.testing.assert_allclose(earned.values, best.values, rtol=1e-14)


def test_frozen_lakes_and_the_cliff():
    gymnasium = pytest.importorskip("gymnasium")
    lake = mf.from_gymnasium(gymnasium.make("FrozenLake-v1"))
    assert mf.policy_iteration(lake, 0.99).returns[0] == pytest.approx(0.5420259, abs=1e-7)
    assert mf.policy_iteration(lake, 1.0).returns[0] == pytest.approx(14 / 17, rel=1e-14)
    cliff = mf.from_gymnasium(gymnasium.make("CliffWalking-v1"))
    assert mf.policy_iteration(cliff, 1.0).returns[0] == -13.0


ends = [(1.0, 0, 0.0, True)]


@pytest.mark.parametrize(
    ("table", "state"),
    [
        ({0: {0: [(1.0, 0, -1.0, False)]}}, 0),
        ({0: {0: [(1.0, 0, 1.0, False)]}}, 0),
        ({0: {0: ends, 1: [(1.0, 0, 1e-9, False)]}}, 0),  # gains for ever
        ({0: {0: [(1.0, 1, 0.0, False)]}, 1: {0: [(0.5, 1, -2.0, False), (0.5, 0, 0.0, False)]}}, 1),
        ({0: {0: ends, 1: ends}, 1: {0: [(1.0, 1, 1.0, False)], 1: ends}}, 1),  # even where nobody comes
    ],
)  # fmt: skip
def test_tasks_that_never_end_are_refused_with_their_state(table, state):
    tasks = mf.concatenate([mf.from_outcomes({s: {a: ends for a in row} for s, row in table.items()})] * 2)
    tasks = mf.concatenate([tasks, mf.from_outcomes(table)])
    match = rf"task 2 may go on for ever in state {state}, .*: give a horizon, or a discount below 1"
    with pytest.raises(ValueError, match=match):
        mf.policy_iteration(tasks, 1.0)


def test_resting_for_nothing_is_worth_nothing():
    stay = [(1.0, 0, 0.0, False)]
    # After +1 comes -5: better not to move. After +1 comes -0.25: better to move.
    for last, values in ((-5.0, [0.0, -5.0, 0.0]), (-0.25, [0.75, -0.25, 0.0])):
        end = [(1.0, 2, last, True)]
        table = {
            0: {0: [(1.0, 1, 1.0, False)], 1: stay},
            1: {0: end, 1: end},
            2: {0: [(1.0, 2, 0.0, True)] * 1, 1: [(1.0, 2, 0.0, True)]},
        }
        best = mf.policy_iteration(mf.from_outcomes(table), 1.0)
        np.testing.assert_array_equal(best.values[0], values)
        np.testing.assert_array_equal(
            mf.policy_evaluation(mf.from_outcomes(table), best.policy, 1.0).values, best.values
        )
    # A long way from what pays to where one may rest.
    n = 30
    table = {
        s: {
            0: [(1.0, s + 1, 1.0 if s == 0 else -1.0, s + 1 == n)],
            1: [(1.0, s, 0.0 if s == 0 else -3.0, False)],
        }
        for s in range(n)
    }
    table[n] = {0: [(1.0, n, 0.0, True)], 1: [(1.0, n, 0.0, True)]}
    assert mf.policy_iteration(mf.from_outcomes(table), 1.0).values[0, 0] == 0.0


def test_costly_states_that_nobody_comes_to_are_worth_minus_infinity():
    wall = [(1.0, 1, -1.0, False)]
    table = {
        0: {0: ends, 1: [(1.0, 0, -1.0, False)]},
        1: {0: wall, 1: wall},
        2: {0: wall, 1: [(1.0, 0, -1.0, False)]},
    }
    best = mf.policy_iteration(mf.from_outcomes(table), 1.0)
    np.testing.assert_array_equal(best.values[0], [0.0, -np.inf, -1.0])
    np.testing.assert_array_equal(best.q_values[0], [[0.0, -1.0], [-np.inf, -np.inf], [-np.inf, -1.0]])
    assert best.returns[0] == 0.0
    with pytest.raises(ValueError, match="for ever in state 1"):
        mf.policy_iteration(mf.from_outcomes(table, start=2), 1.0)


@thorough
@given(st.integers(1, 7), st.integers(1, 3), st.integers(0, 10**6), st.sampled_from([-1.0, 0.0, 1.0]))
def test_discount_1_is_the_limit_of_long_horizons(s, a, seed, sign):
    rng = np.random.default_rng(seed)
    table = {}
    for state in range(s):
        table[state] = {}
        for action in range(a):
            p = rng.dirichlet(np.ones(3))
            rewards = sign * rng.integers(0, 3, size=3) if sign else rng.normal(size=3)
            stops = rng.random(3) < (0.3, 1.0, 1.0)
            table[state][action] = [
                (float(x), int(rng.integers(s)), float(r), bool(e))
                for x, r, e in zip(p, rewards, stops, strict=True)
            ]
    tasks = mf.from_outcomes(table, start=np.full(s, 1 / s))
    best, finite = mf.policy_iteration(tasks, 1.0), mf.backward_induction(tasks, 3000, 1.0)
    np.testing.assert_allclose(best.values, finite.values, rtol=1e-12, atol=1e-13)
    earned = mf.policy_evaluation(tasks, best.policy, 1.0)
    np.testing.assert_allclose(earned.values, best.values, rtol=1e-13, atol=1e-14)


def test_one_state_one_action_and_outcomes_that_cannot_happen():
    for discount, value in ((0.5, 2.0), (1 - 2.0**-30, 2.0**30)):
        tasks = mf.from_outcomes({0: {0: [(1.0, 0, 1.0, False), (0.0, 0, 1e300, True)]}})
        assert mf.policy_iteration(tasks, discount).values[0, 0] == value
    half = mf.from_outcomes({0: {0: [(0.5, 0, 1.0, True), (0.5, 0, 1.0, False)]}})
    assert mf.policy_iteration(half, 1.0).values[0, 0] == 2.0


def test_threads_do_not_matter():
    tasks = mf.GoalGrid(7, slip=0.2, wall_density=0.2).sample(60, rng=0)
    one, two = (mf.policy_iteration(tasks, 0.99, num_threads=n) for n in (1, 2))
    assert_same_bits(one.values, two.values)
    assert_same_bits(one.q_values, two.q_values)
    assert_same_bits(one.policy, two.policy)


# --- dense rows that are mostly 0, and large tasks ----------------------------------------------------------


@pytest.mark.parametrize("discount", [0.9, 0.99, 1.0])
def test_dense_rows_that_are_mostly_0_are_planned_as_lists(discount):
    table = grid(9, 0.2, step=-0.01)
    go_on, rewards = np.zeros((81, 4, 81)), np.zeros((81, 4))
    for s, row in table.items():
        for a, outcomes in row.items():
            for p, target, reward, _ in outcomes:
                go_on[s, a, target] += p
                rewards[s, a] += p * reward
    dense = mf.from_arrays(go_on, rewards, terminal=np.arange(81) == 80)
    one, other = mf.policy_iteration(dense, discount), mf.policy_iteration(mf.from_outcomes(table), discount)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-14)
    np.testing.assert_allclose(one.q_values, other.q_values, rtol=1e-13)


@pytest.mark.parametrize("discount", [0.9, 0.999])
@pytest.mark.parametrize("slip", [0.0, 0.2])
def test_large_grids_keep_their_bound(discount, slip):
    side = 320
    tasks = mf.GoalGrid(side, slip=slip, start=(0, 0)).sample(1, rng=0)
    one, two = (mf.policy_iteration(tasks, discount, num_threads=n) for n in (1, 2))
    assert_same_bits(one.values, two.values)
    assert_same_bits(one.policy, two.policy)
    largest = one.values.max()
    earned = mf.policy_evaluation(tasks, one.policy, discount)
    assert np.abs(earned.values - one.values).max() <= 2e-10 * largest
    if slip == 0.0:  # one step fewer or more is a factor, however far the goal
        steps = np.log(one.returns[0]) / np.log(discount)
        assert steps > 100
        assert abs(steps - round(steps)) < 1e-9


def test_an_elimination_that_memory_may_not_hold_is_refused():
    tasks = mf.TaskDistribution(50_000, 1, transitions=mf.Garnet(3)).sample(1, rng=0)
    with pytest.raises(ValueError, match=r"discount is 1, expected below 1, or a horizon: .* more than 2 GB"):
        mf.policy_iteration(tasks, 1.0)
