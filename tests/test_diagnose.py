"""`diagnose`: where tasks share something it says so, and where they share nothing it says that."""

from __future__ import annotations

import json

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.diagnose import _split, _tasks_of
from metarl_fast.diagnosis import KINDS, judged, suggested

GRID = mf.GoalGrid(4, goals=mf.Region((1, 4), (1, 4)), horizon=16)
SMALL = {
    "num_tasks": (1, 8),
    "episodes": (0, 2, 5),
    "num_splits": 3,
    "num_held_out": 20,
    "training_episodes": 30,
}


def own_arrays(count):
    """Corridors that pay at the left or the right end."""
    transitions = np.zeros((count, 5, 2, 5))
    rewards = np.zeros((count, 5, 2))
    for s in range(5):
        transitions[:, s, 0, max(0, s - 1)] = transitions[:, s, 1, min(4, s + 1)] = 1.0
    rewards[::2, 0, 0] = rewards[1::2, 4, 1] = 1.0
    return mf.from_arrays(transitions, rewards, start=2, horizon=10)


@pytest.fixture(scope="module")
def grid():
    return mf.diagnose(GRID, mf.QLearning(learning_rate=0.5), **SMALL)


def test_goals_on_one_map_suit_it(grid):
    assert grid.suits
    assert grid.best == "prior"
    assert grid.gain["prior"].low[-1, 1:].min() > 0.2
    assert grid.advice.startswith("Yes: try a prior to plan by (EmpiricalBayes). With 8 training tasks")
    assert grid.few == 5


def test_tasks_that_share_nothing_do_not():
    """The law is the same under any renaming of states and actions, and a myopic policy has nearly all."""
    settings = {**SMALL, "num_splits": 2, "num_tasks": (8,)}
    found = mf.diagnose(mf.TaskDistribution(4, 2, horizon=8), mf.QLearning(learning_rate=0.5), **settings)
    assert max(found.gain[kind].mean[-1, -1] for kind in ("table", "exploration")) < 0.1
    assert suggested(found.card) == "scalars"
    assert "scalars (Tuned, tune)" in found.advice
    assert found.suits == found.advice.startswith("Yes")


def test_where_no_kind_gains_anything_none_is_the_best(grid):
    """And not simply the first."""
    nothing = {
        kind: mf.Interval(*(np.zeros_like(getattr(found, end)) for end in ("mean", "low", "high")))
        for kind, found in grid.gain.items()
    }
    scores = {"scratch": grid.scratch, "untuned": grid.untuned, "card": grid.card}
    found = judged(grid.comparison, nothing, grid.num_tasks, **scores)
    assert (found.suits, found.best) == (False, "none")
    assert found.advice.startswith("No: nothing helps. Over the first 5 episodes no kind")
    assert "no kind gains anything after 5 episodes, 8 tasks" in repr(found)
    assert found.to_json()["best"] == "none"


def test_gains_are_paired_differences_over_splits(grid):
    for kind in KINDS:
        for row, number in enumerate(grid.num_tasks):
            scores = grid.comparison.scores[f"{kind} of {number}"] - grid.comparison.scores["tuned scratch"]
            assert scores.shape == (3, 20, 3)
            expected = mf.bootstrap_mean(scores.mean(axis=1))
            for end in ("mean", "low", "high"):
                found = getattr(grid.gain[kind], end)[row]
                np.testing.assert_allclose(found, getattr(expected, end), atol=1e-12)


def test_it_is_shown_as_text_numbers_and_pictures(grid):
    assert "\n" not in repr(grid)
    assert repr(grid).startswith("Diagnosis(suits meta-learning; prior +")
    head, _, *rows = grid.table().splitlines()
    assert "gain over tuned scratch" in head
    assert [row.split()[0] for row in rows[: 2 * len(KINDS) : 2]] == list(KINDS)
    assert str(grid).endswith(grid.advice)
    again = json.loads(json.dumps(grid.to_json(), allow_nan=False))
    assert again["gain"]["table"]["mean"] == grid.gain["table"].mean.tolist()
    left = grid.plot()
    right = left.figure.axes[1]
    for ax, places in ((left, [1, 8]), (right, [0, 2, 5])):
        lines = {line.get_label(): line for line in ax.get_lines()}
        assert lines["prior"].get_xdata().tolist() == places


def test_the_seed_decides_whatever_the_threads():
    tiny = {**SMALL, "num_splits": 2, "num_tasks": (4,), "training_episodes": 5}
    problem, told = own_arrays(6), []
    one = mf.diagnose(problem, rng=3, num_threads=1, **tiny, progress=lambda *done: told.append(done))
    assert one.to_json() == mf.diagnose(problem, rng=3, num_threads=2, **tiny).to_json()
    assert told == [(k + 1, 10) for k in range(10)]


def test_arrays_tasks_and_environments_of_ones_own_are_problems_too():
    gymnasium = pytest.importorskip("gymnasium")
    tiny = {**SMALL, "num_splits": 2, "num_tasks": (1, 100), "training_episodes": 5}
    lakes = [
        gymnasium.make("FrozenLake-v1", desc=desc, is_slippery=False, max_episode_steps=8)
        for desc in (["SF", "FG"], ["SF", "HG"], ["SH", "FG"], ["SF", "FG"])
    ]
    for problem, counts in ((list(own_arrays(8)), (1, 6)), (lakes, (1, 3))):
        found = mf.diagnose(problem, **tiny)
        assert found.num_tasks == counts
        assert np.isfinite(found.gain["prior"].mean).all()


def test_tasks_made_one_by_one_do_not_meet_the_same_random_numbers():
    """`from_arrays` numbers its tasks from 0 each time; those of one family and seed keep their numbers."""
    whole = own_arrays(4)
    alone = [mf.from_arrays(t.transitions[None], t.rewards[None], horizon=10) for t in whole]
    found = _tasks_of([alone[0], alone[1][0], *alone[2:]])
    assert list(found.ids) == [0, 1, 2, 3]
    assert_same_bits(found.rewards, whole.rewards)
    lazy = GRID.sample(5, rng=0)
    assert list(_tasks_of([lazy[3], lazy[:2]]).ids) == [3, 0, 1]


def test_a_best_arm_that_tasks_share_speaks_for_a_table_though_nothing_takes_planning():
    means = np.array([0.0, 0.2, 0.4, 1.0])
    rewards = means + np.random.default_rng(0).normal(0.0, 0.05, (12, 1, 4))
    bandits = mf.from_arrays(np.ones((12, 1, 4, 1)), rewards, horizon=1)
    assert suggested(mf.describe(bandits)) == "table"
    assert suggested(mf.describe(mf.BernoulliBandit(4), precision=0.05, most_tasks=128)) == "scalars"


def test_training_and_held_out_tasks_are_apart():
    tasks = own_arrays(9)
    for key in range(5):
        training, tested, _ = _split(tasks, 0.25, 64, 64, key)
        assert len(tested) == 2
        assert sorted([*training.ids, *tested.ids]) == list(tasks.ids)
    training, tested, _ = _split(GRID, 0.25, 50, 50, 1)
    goals = [
        set(np.unique(part.materialise().rewards.argmax(axis=1).max(axis=1))) for part in (training, tested)
    ]
    assert goals[1]
    assert_same_bits(
        training[:3].materialise().rewards, _split(GRID, 0.25, 50, 50, 1)[0][:3].materialise().rewards
    )


@pytest.mark.parametrize(
    ("problem", "changes", "error", "message"),
    [
        (7, {}, TypeError, "7|int"),
        ([], {}, ValueError, "empty"),
        (own_arrays(1), {}, ValueError, "there are 1 tasks, expected at least 2"),
        (GRID, {"learner": mf.UCB1()}, TypeError, "learner is a UCB1, expected one that learns a table"),
        (
            GRID,
            {"episodes": (0, 10)},
            ValueError,
            r"episodes are \[0, 10\], expected one of them to be from 1",
        ),
        (GRID, {"num_tasks": (0, 4)}, ValueError, r"num_tasks is \[0, 4\]"),
        (GRID, {"num_tasks": (4, 2)}, ValueError, "num_tasks"),
        (GRID, {"num_splits": 1}, ValueError, "num_splits is 1"),
        (GRID, {"held_out": 0.0}, ValueError, "held_out is 0"),
        (GRID, {"training_episodes": 0}, ValueError, "training_episodes is 0"),
        (GRID, {"progress": 5}, TypeError, "progress is 5"),
        (mf.LowRank(), {}, ValueError, "num_steps"),
    ],
)
def test_what_cannot_be_diagnosed_is_refused(problem, changes, error, message):
    with pytest.raises(error, match=message):
        mf.diagnose(problem, **changes)
