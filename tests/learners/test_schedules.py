"""Schedules: what changes from episode to episode, and that nothing depends on how many follow."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.config import from_config, to_config
from metarl_fast.learners import TD_LEARNERS

kinds = pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (mf.Linear(1.0, 0.0, 4), [1.0, 0.75, 0.5, 0.25, 0.0, 0.0, 0.0]),
        (mf.Linear(0.2, 0.8, 2), [0.2, 0.5, 0.8, 0.8, 0.8, 0.8, 0.8]),
        (mf.Linear(0.3, 0.1, 1), [0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
        ([0.9, 0.5, 0.1], [0.9, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1]),
        (np.array([1, 0]), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        (0.4, [0.4] * 7),
    ],
)
def test_a_schedule_says_what_each_episode_has(schedule, expected):
    for episodes in (7, 3, 1, 0):
        learner = mf.QLearning(2, 2, epsilon=schedule)
        assert learner.epsilons(episodes) == pytest.approx(expected[:episodes], rel=1e-15)
        warm = mf.QLearning(2, 2, temperature=np.array(expected) + 1.0)
        assert warm.temperatures(episodes) == pytest.approx(np.array(expected[:episodes]) + 1.0, rel=1e-15)


@pytest.mark.parametrize("schedule", [mf.Linear(1.0, 0.05, 100), [0.5, 0.25], np.array([0.5, 0.25]), (1, 0)])
def test_learners_with_schedules_are_values(schedule):
    learner = mf.Sarsa(3, 2, epsilon=schedule)
    same = mf.Sarsa(3, 2, epsilon=copy.deepcopy(schedule))
    assert learner == same
    assert hash(learner) == hash(same)
    assert learner != mf.Sarsa(3, 2, epsilon=0.5)
    assert pickle.loads(pickle.dumps(learner)) == learner
    assert from_config(to_config(learner)) == learner
    assert replace(learner, learning_rate=0.5).epsilon == learner.epsilon


@kinds
def test_a_schedule_is_what_its_numbers_are(kind):
    tasks = mf.TaskDistribution(4, 3).sample(40, rng=0)
    for name, first in (("epsilon", 0.8), ("temperature", 2.0)):
        decaying = kind(4, 3, **{name: first, f"{name}_decay": 0.5})
        listed = kind(4, 3, **{name: first * 0.5 ** np.arange(6)})
        runs = [mf.train(learner, tasks, 6, 9, rng=1) for learner in (decaying, listed)]
        assert_same_bits(runs[0].q_table, runs[1].q_table)


FADING = {
    "constant": {"epsilon": 0.3},
    "uniform at first": {"epsilon": mf.Linear(1.0, 0.0, 20)},
    "listed": {"epsilon": [1.0] * 5 + [0.1] * 3},
    "softmax": {"temperature": mf.Linear(2.0, 0.1, 7)},
    "decaying": {"epsilon": 1.0, "epsilon_decay": 0.9},
    "bonus": {"epsilon": 0.1, "bonus": 1.0},
    "fading bonus": {"epsilon": 0.1, "bonus": 1.0, "bonus_episodes": 8},
}


@kinds
@pytest.mark.parametrize("behaviour", FADING.values(), ids=FADING)
def test_an_episode_does_not_depend_on_how_many_follow(kind, behaviour):
    tasks = mf.TaskDistribution(5, 3).sample(40, rng=0)
    learner = kind(5, 3, learning_rate_decay=0.5, **behaviour)
    long = mf.train(learner, tasks, 30, 12, rng=1, snapshot_episodes=[5])
    short = mf.train(learner, tasks, 5, 12, rng=1)
    assert_same_bits(short.q_table, long.snapshots[:, 0])
    assert_same_bits(short.returns, long.returns[:, :5])


def test_adaptation_curves_agree_where_they_meet():
    tasks = mf.TaskDistribution(5, 3).sample(20, rng=0)
    learner = mf.QLearning(5, 3, bonus=1.0, bonus_episodes=10, epsilon=mf.Linear(1.0, 0.1, 20))
    short, long = (
        mf.adapt(learner, tasks, episodes, num_steps=10, rng=1) for episodes in ((0, 5), (0, 5, 50))
    )
    assert_same_bits(short.scores, long.scores[:, :2])


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"epsilon": mf.Linear(1.0, 1.5, 10)}, ValueError, "epsilon.last is 1.5"),
        ({"epsilon": mf.Linear(-1.0, 0.5, 10)}, ValueError, "epsilon.first is -1.0"),
        ({"temperature": mf.Linear(1.0, 0.0, 10)}, ValueError, "temperature.last is 0.0"),
        ({"epsilon": [0.5, 2.0]}, ValueError, r"epsilon\[1\] is 2.0"),
        ({"epsilon": []}, ValueError, r"epsilon has shape \(0,\)"),
        ({"epsilon": np.zeros((2, 2))}, ValueError, r"epsilon has shape \(2, 2\)"),
        ({"epsilon": [0.5, np.nan]}, ValueError, r"epsilon\[1\] is nan"),
        ({"epsilon": "0.5"}, TypeError, "epsilon is '0.5'"),
        (
            {"epsilon": [0.5, 0.1], "epsilon_decay": 0.9},
            ValueError,
            "epsilon_decay is 0.9, expected 1.0",
        ),
        ({"epsilon": [0.5, 0.1], "epsilon_min": 0.1}, ValueError, "epsilon_min is 0.1, expected 0.0"),
        ({"bonus_episodes": 0}, ValueError, "bonus_episodes is 0"),
        ({"initial_visits": -1}, ValueError, "initial_visits is -1"),
        ({"initial_visits": 1e300}, ValueError, "initial_visits is 1e[+]300"),
    ],
)
def test_wrong_schedules_are_refused(settings, error, match):
    with pytest.raises(error, match=match):
        mf.QLearning(2, 2, **settings)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((np.nan, 0.0, 3), "first is nan"),
        ((0.0, np.inf, 3), "last is inf"),
        ((0.0, 1.0, 0), "num_episodes is 0"),
    ],
)
def test_a_line_has_two_ends_and_a_length(arguments, match):
    with pytest.raises(ValueError, match=match):
        mf.Linear(*arguments)
