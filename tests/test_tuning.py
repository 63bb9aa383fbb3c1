"""Hyper-parameters by successive halving: against `adapt`, and what must not be tuned away."""

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.learners import Table
from metarl_fast.tuning import SPACE, candidates, rungs, tune

GRID = mf.GoalGrid(size=4, slip=0.1, horizon=20)
SCRATCH = mf.QLearning(learning_rate=0.5, discount=0.9)
EPISODES = (0, 1, 5)


def tuned(**more):
    return tune(SCRATCH, GRID, num_candidates=8, num_tasks=6, episodes=EPISODES, rng=3, **more)


@pytest.mark.parametrize(
    ("count", "plan"),
    [
        (1, [(1, 5)]),
        (4, [(4, 5)]),
        (5, [(5, 5), (2, 20)]),
        (64, [(64, 5), (16, 20), (4, 80)]),
    ],
)
def test_a_quarter_goes_on_to_four_times_as_many_tasks(count, plan):
    assert rungs(count, 5) == plan


def test_each_rung_keeps_the_best_of_the_one_before():
    found = tuned()
    first, second = found.history
    assert (len(first), len(second)) == (8, 2)
    assert SCRATCH in [learner for learner, _ in first]
    for rung in found.history:
        scores = [score for _, score in rung]
        assert scores == sorted(scores, reverse=True)
    assert {learner for learner, _ in second} == {learner for learner, _ in first[:2]}
    assert found.learner == second[0][0]
    assert found.num_episodes == (8 * 6 + 2 * 24) * 5


def test_scores_are_those_of_adapt():
    """One candidate, so that which tasks it is tried on is known: all that there are."""
    tasks = GRID.sample(6, rng=0)
    found = tune(SCRATCH, tasks, num_candidates=1, num_tasks=6, episodes=(0,), rng=3)
    expected = mf.adapt(SCRATCH, tasks, (0,), rng=0).scores.mean()
    assert found.history == (((SCRATCH, pytest.approx(expected, abs=1e-12)),),)


def test_tuning_improves_on_new_tasks():
    found = tune(SCRATCH, GRID, num_candidates=40, num_tasks=16, episodes=EPISODES, rng=0)
    new = GRID.sample(300, rng=7)
    ahead = mf.compare({"tuned": found, "scratch": SCRATCH}, new, EPISODES, rng=1).difference(
        "tuned", "scratch"
    )
    assert ahead.low[-1] > 0.05


def test_the_seed_decides_and_the_threads_do_not():
    assert tuned(num_threads=1).history == tuned(num_threads=2).history
    other = tune(SCRATCH, GRID, num_candidates=8, num_tasks=6, episodes=EPISODES, rng=4)
    assert other.history != tuned().history


def test_a_learned_table_and_what_the_space_does_not_name_stay():
    table = Table(np.arange(64.0).reshape(16, 4))
    begun = SCRATCH.replace(initial_q=table, initial_visits=3.0)
    drawn = candidates(begun, SPACE, 30, np.random.default_rng(0))
    assert drawn[0] == begun
    assert all(each.initial_q == table for each in drawn)
    assert {each.discount for each in drawn} == {0.9}
    assert {each.initial_visits for each in drawn} == {3.0}
    assert {type(each) for each in drawn} == set(SPACE["type"])
    assert len({each.learning_rate for each in drawn}) > 3


def test_only_values_of_the_space_are_drawn():
    space = {"epsilon": [0.0, 0.5], "learning_rate": [0.25]}
    drawn = candidates(SCRATCH, space, 20, np.random.default_rng(0))[1:]
    assert {type(each) for each in drawn} == {mf.QLearning}
    assert {each.epsilon for each in drawn} == {0.0, 0.5}
    assert {each.learning_rate for each in drawn} == {0.25}


def test_progress_counts_episodes():
    told = []
    tuned(progress=lambda *report: told.append(report))
    assert told == sorted(told)
    assert told[-1] == (480, 480)


def test_repr_is_a_line():
    assert "\n" not in repr(tuned())
    assert repr(tuned()).endswith(", 480 episodes)")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"space": 3}, TypeError, "space is 3, expected a dict of hyper-parameters and values"),
        ({"space": {"epsilon": 0.1}}, TypeError, r"space\['epsilon'\] is 0.1, expected a list of values"),
        ({"space": {"epsilon": []}}, TypeError, r"space\['epsilon'\] is \[\], expected a list of values"),
        ({"space": {"epsylon": [0.1]}}, ValueError, "no learner of the space has .*'epsylon'.*mean epsilon"),
        ({"space": {"epsilon": [2.0]}}, ValueError, "epsilon is 2.0, expected"),
        ({"space": {"type": [GRID]}}, TypeError, "expected classes of learners such as QLearning"),
        ({"learner": "Q"}, TypeError, "learner is a str, expected one such as QLearning"),
        ({"num_candidates": 0}, ValueError, "num_candidates is 0, expected at least 1"),
        ({"num_tasks": 0}, ValueError, "num_tasks is 0, expected at least 1"),
        ({"tasks": GRID.sample(0, rng=0)}, ValueError, "there are no tasks to tune on"),
        ({"tasks": 3}, TypeError, "tasks is a int, expected Tasks"),
        ({"episodes": ()}, ValueError, "episodes is empty"),
        ({"rng": -1}, ValueError, "rng is -1"),
    ],
)
def test_what_cannot_be_tuned_is_refused(arguments, error, message):
    good = {"learner": SCRATCH, "tasks": GRID, "num_candidates": 3, "num_tasks": 2, "episodes": EPISODES}
    with pytest.raises(error, match=message):
        tune(**{**good, "rng": 0, **arguments})
