"""The textbook's tasks have the textbook's numbers (Sutton and Barto, 2018)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import metarl_fast as mf
from bits import assert_same_bits, digest
from metarl_fast.listing import concrete

NEARLY_ONE = 1 - 1e-9


def optimum(family, discount=NEARLY_ONE):
    return mf.policy_iteration(family.sample(1), discount)


GOLDEN_FILE = Path(__file__).parent.parent / "data" / "golden" / "fixed_tasks.json"


def checksums():
    """By name, checksums of families of one task: what the task is, and its optimum; written by this file."""
    found = {}
    for kind in concrete(vars(mf), mf.FixedTask):
        family = mf.JacksCarRental(max_cars=5) if kind is mf.JacksCarRental else kind()
        tasks = family.sample(1)
        best = mf.policy_iteration(tasks, 0.9)
        found[kind.__name__] = digest(*tasks.outcomes.values(), tasks.start, best.values, best.policy)
    return found


def test_tasks_and_optima_are_the_same_bits_everywhere():
    assert checksums() == json.loads(GOLDEN_FILE.read_text(encoding="ascii"))


@pytest.mark.parametrize("family", [mf.GamblersProblem(10, horizon=20), mf.MaximizationBias()])
def test_lanes_share_the_tables_of_one_task(family):
    """Lazily there is one, and learners side by side look into it; in memory each has its own."""
    lazy, learner = family.sample(70, rng=0), mf.QLearning(epsilon=0.3)
    own = lazy.materialise()
    assert_same_bits(*(mf.train(learner, tasks, 6, 20, rng=3).q_table for tasks in (lazy, own)))
    runs = [mf.train(learner, own[:n], 6, 20, rng=3, num_runs=40).q_table[0] for n in (1, 2)]
    assert_same_bits(*runs)


def test_places_are_those_of_the_figures():
    """Each state has one of its own; sums, cars and capital grow along it."""
    for family in (mf.Blackjack(), mf.JacksCarRental(max_cars=3)):
        assert len(np.unique(family.places, axis=0)) == family.num_states
        assert (family.sample(1)[0].places == family.places).all()
    hands = mf.Blackjack().places
    assert (hands[100 + 10 * 4 + 20 - 12] == [11 - 8, 4]).all()  # a usable ace, a dealer's 5, 20
    assert (mf.JacksCarRental(max_cars=3).places[1 * 4 + 2] == [2, 2]).all()


# --- chapter 4: dynamic programming ------------------------------------------------------------------------


def test_small_gridworld_figure_4_1():
    family = mf.SmallGridworld()
    uniform = np.full((16, 4), 0.25)
    values = mf.policy_evaluation(family.sample(1), uniform, NEARLY_ONE).values[0].reshape(4, 4)
    expected = [[0, -14, -20, -22], [-14, -18, -20, -20], [-20, -20, -18, -14], [-22, -20, -14, 0]]
    np.testing.assert_allclose(values, expected, atol=1e-5)
    np.testing.assert_allclose(optimum(family).values[0].reshape(4, 4)[0], [0, -1, -2, -3], atol=1e-6)
    assert mf.SmallGridworld(2).sample().num_states == 4


def test_jacks_car_rental_figure_4_2():
    """The last of the figure's policies: up to five cars one way, up to four the other."""
    found = optimum(mf.JacksCarRental(), 0.9)
    moves = found.policy[0].reshape(21, 21) - 5
    assert (moves.max(), moves.min()) == (5, -4)
    assert (np.diff(moves, axis=0) >= 0).all()
    assert (np.diff(moves, axis=1) <= 0).all()
    assert moves[20, 20] == 0
    assert moves[0].tolist() == [0] * 8 + [-1, -1, -2, -2, -2, -3, -3, -3, -3, -3, -4, -4, -4]


def test_jacks_values():
    """Without moves the places are worth what each is alone; the figure's 612 is about the most of that."""

    def alone(request, returned):
        laws = [[stats.poisson(mean).pmf(k) for k in range(40)] for mean in (request, returned)]
        days = []
        for cars in range(21):
            pays, nights = 0.0, [0.0] * 21
            for asked, p in enumerate(laws[0]):
                rented = min(asked, cars)
                pays += p * 10 * rented
                for back, q in enumerate(laws[1]):
                    nights[min(cars - rented + back, 20)] += p * q
            days.append((pays, nights))
        values = [0.0] * 21
        for _ in range(300):
            values = [pays + 0.9 * np.dot(nights, values) for pays, nights in days]
        return np.array(values)

    family = mf.JacksCarRental()
    never = np.zeros((441, 11))
    never[:, 5] = 1.0
    found = mf.policy_evaluation(family.sample(1), never, 0.9).values[0]
    expected = np.add.outer(alone(3, 3), alone(4, 2)).ravel()
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert (found.min(), found.max()) == pytest.approx((407.18, 611.40), abs=0.01)
    best = optimum(family, 0.9).values[0]
    assert (best.min(), best.max()) == pytest.approx((421.41, 636.99), abs=0.01)


def test_jacks_days_by_scipy_and_by_chance():
    family = mf.JacksCarRental(max_cars=4, max_moved=1, requests=(1.0, 2.0), returns=(0.5, 1.5))
    task = family.sample()
    rng = np.random.default_rng(0)
    n = 200_000
    cars = np.array([3 - 1, 1 + 1])  # one is moved from (3, 1)
    rented = np.minimum(rng.poisson([1.0, 2.0], (n, 2)), cars)
    night = np.minimum(cars - rented + rng.poisson([0.5, 1.5], (n, 2)), 4)
    counts = np.bincount(night[:, 0] * 5 + night[:, 1], minlength=25) / n
    state = 3 * 5 + 1
    np.testing.assert_allclose(task.transitions[state, 2], counts, atol=0.005)
    assert task.rewards[state, 2] == pytest.approx(10 * rented.sum(axis=1).mean() - 2, abs=0.1)
    exact = sum(stats.poisson(mean).sf(k) for mean, most in ((1.0, 2), (2.0, 2)) for k in range(most))
    assert task.rewards[state, 2] == pytest.approx(10 * exact - 2, rel=1e-12)
    assert task.available[0].tolist() == [False, True, False]
    free = mf.JacksCarRental(max_cars=12, max_moved=2, free_first=True, parking_cost=4.0).sample()
    plain = mf.JacksCarRental(max_cars=12, max_moved=2).sample()
    saved = free.rewards - plain.rewards
    state = 12 * 13 + 3
    np.testing.assert_allclose(saved[state, 2:], [-4.0, -2.0, 2.0], atol=1e-9)


def test_gamblers_problem_figure_4_3():
    """Below one half bold play is best: stake all that helps (Dubins and Savage)."""
    found = optimum(mf.GamblersProblem())
    assert found.values[0][[25, 50, 75]] == pytest.approx([0.16, 0.4, 0.64], abs=1e-6)

    def bold(capital, depth=0):
        if capital in (0, 100) or depth > 40:
            return float(capital == 100)
        stake = min(capital, 100 - capital)
        return 0.4 * bold(capital + stake, depth + 1) + 0.6 * bold(capital - stake, depth + 1)

    expected = [bold(capital) for capital in range(1, 100)]
    np.testing.assert_allclose(found.values[0][1:100], expected, atol=1e-6)
    task = mf.GamblersProblem().sample()
    assert task.available.sum(axis=1)[[1, 50, 99]].tolist() == [1, 50, 1]
    # At better odds small stakes are best.
    better = optimum(mf.GamblersProblem(goal=20, heads=0.55)).policy[0][1:20]
    assert (better == 0).all()


# --- chapter 5: Monte Carlo methods ------------------------------------------------------------------------


def test_blackjack_figure_5_2():
    policy = mf.backward_induction(mf.Blackjack().sample(1)).policy[0, 0]
    hit = policy[:200].reshape(2, 10, 10)  # usable ace, dealer's card, sum
    stick_from = 22 - (hit == 0).sum(axis=-1)
    assert (np.diff(hit, axis=-1) <= 0).all()
    assert stick_from[0].tolist() == [17, 13, 13, 12, 12, 12, 17, 17, 17, 17]
    assert stick_from[1].tolist() == [19, 18, 18, 18, 18, 18, 18, 18, 19, 19]


def test_blackjack_by_hands_played():
    """Policies evaluated exactly, and by hands dealt by rules written anew."""
    rng = np.random.default_rng(0)

    def card():
        return min(int(rng.integers(1, 14)), 10)

    def value(hand):
        soft = 1 in hand and sum(hand) + 10 <= 21
        return sum(hand) + 10 * soft, soft

    def play(limit):
        own, dealer = [card(), card()], [card(), card()]
        naturals = [value(hand)[0] == 21 for hand in (own, dealer)]
        if naturals[0]:
            return 200 + dealer[0] - 1, 0.0 if naturals[1] else 1.0
        while value(own)[0] < 12:
            own.append(card())
        total, soft = value(own)
        first = soft * 100 + (dealer[0] - 1) * 10 + total - 12
        while value(own)[0] < limit:
            own.append(card())
        if value(own)[0] > 21:
            return first, -1.0
        while value(dealer)[0] < 17:
            dealer.append(card())
        mine, theirs = value(own)[0], value(dealer)[0]
        return first, 1.0 if theirs > 21 or theirs < mine else -float(theirs > mine)

    task = mf.Blackjack().sample(1)
    hands = [play(18) for _ in range(20_000)]
    starts = Counter(first for first, _ in hands)
    frequent = np.argsort(task.start[0])[-20:]
    for state in frequent:
        assert starts[state] / 20_000 == pytest.approx(task.start[0, state], abs=0.006)
    sums = np.tile(np.arange(12, 22), 20)
    policy = np.append((sums < 18).astype(int), np.zeros(10, int))
    exact = mf.policy_evaluation(task, policy, 1.0, horizon=22).returns[0]
    rewards = np.array([reward for _, reward in hands])
    assert rewards.mean() == pytest.approx(exact, abs=4 * rewards.std() / 20_000**0.5)
    assert mf.backward_induction(task).returns[0] == pytest.approx(-0.0431, abs=1e-4)


# --- chapter 6: temporal-difference learning ---------------------------------------------------------------


@pytest.mark.parametrize("num_states", [5, 19])
def test_random_walk_example_6_2(num_states):
    values = optimum(mf.RandomWalk(num_states)).values[0]
    np.testing.assert_allclose(values, np.arange(1, num_states + 1) / (num_states + 1), atol=1e-6)
    both = optimum(mf.RandomWalk(num_states, left_reward=-1.0)).values[0]
    np.testing.assert_allclose(both, 2 * np.arange(1, num_states + 1) / (num_states + 1) - 1, atol=1e-6)


def test_windy_gridworld_example_6_5_and_exercises():
    assert optimum(mf.WindyGridworld()).returns[0] == pytest.approx(-15, abs=1e-6)
    assert optimum(mf.WindyGridworld(8)).returns[0] == pytest.approx(-7, abs=1e-6)
    assert optimum(mf.WindyGridworld(9)).returns[0] == pytest.approx(-7, abs=1e-6)
    stochastic = mf.WindyGridworld(8, stochastic=True)
    assert -12 < optimum(stochastic).returns[0] < -7
    rows = stochastic.sample().transitions
    up_in_the_wind = rows[4 * 10 + 6, 0]  # one up, and a wind of 1 to 3
    assert np.flatnonzero(up_in_the_wind).tolist() == [6, 16, 26]


def test_cliff_walking_example_6_6():
    """The optimum walks along the edge; SARSA earns more while it learns, and learns a way further up."""
    family = mf.CliffWalking()
    assert optimum(family).returns[0] == pytest.approx(-13, abs=1e-6)
    tasks = family.sample(200, rng=0)
    settings = {"learning_rate": 0.5, "discount": 1.0, "epsilon": 0.1}
    runs = {kind: mf.train(kind(**settings), tasks, 500, rng=1) for kind in (mf.QLearning, mf.Sarsa)}
    q, sarsa = (run.returns[:, -200:].mean() for run in runs.values())
    assert sarsa == pytest.approx(-25, abs=5)
    assert q == pytest.approx(-50, abs=8)
    greedy = mf.policy_evaluation(tasks, runs[mf.QLearning].policy, 1.0, horizon=100).returns
    assert np.median(greedy) == -13


def test_maximization_bias_example_6_7():
    """Q-learning goes left most of the time at first, Double Q-learning seldom; the optimum is right."""
    tasks = mf.MaximizationBias().sample(4000, rng=0)
    assert tasks[0].rewards[1].tolist() == pytest.approx([-0.1] * 10)
    outcomes = tasks[:1].outcomes
    second = (outcomes["probability"] * outcomes["reward"] ** 2).sum(axis=-1)[0, 1]
    np.testing.assert_allclose(second - 0.01, 1.0, rtol=1e-12)
    assert tasks[0].available[0].tolist() == [True, True] + [False] * 8
    settings = {"learning_rate": 0.1, "discount": 1.0, "epsilon": 0.1}
    lefts = {}
    for kind in (mf.QLearning, mf.DoubleQLearning):
        tables = mf.train(kind(**settings), tasks, 300, rng=1, snapshot_episodes=[20, 300]).snapshots
        best = tables[:, :, 0, :2].argmax(axis=-1) == 0
        lefts[kind] = 0.9 * best.mean(axis=0) + 0.05
    assert lefts[mf.QLearning][0] > 0.55
    assert lefts[mf.DoubleQLearning][0] < 0.5
    assert lefts[mf.QLearning][1] < 0.2
    assert lefts[mf.DoubleQLearning][1] < 0.15


# --- chapter 8: planning and learning ----------------------------------------------------------------------


def test_dyna_maze_example_8_1():
    found = optimum(mf.DynaMaze(), 0.95)
    assert found.returns[0] == pytest.approx(0.95**13, rel=1e-12)
    assert mf.DynaMaze().sample(1).terminal.sum() == 8


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: mf.SmallGridworld(1), ValueError, "side is 1"),
        (lambda: mf.WindyGridworld(5), ValueError, "moves is 5, expected 4, 8 or 9"),
        (lambda: mf.CliffWalking((1, 12)), ValueError, "size is"),
        (lambda: mf.RandomWalk(4), ValueError, "num_states is 4, expected an odd number"),
        (lambda: mf.MaximizationBias(1), ValueError, "num_actions is 1"),
        (lambda: mf.JacksCarRental(requests=3), TypeError, "requests is 3"),
        (lambda: mf.GamblersProblem(1), ValueError, "goal is 1"),
        (lambda: mf.DynaMaze(0), ValueError, "horizon is 0"),
        (lambda: mf.Blackjack().split(), ValueError, "Blackjack is a single task"),
    ],
)
def test_wrong_arguments_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


if __name__ == "__main__":
    GOLDEN_FILE.write_text(json.dumps(checksums(), indent=2) + "\n", encoding="ascii")
