"""What all meta-learners share: a start that helps, and a file that gives it back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.meta.start import FORMAT, FORMAT_VERSION

GRID = mf.GoalGrid(6, goals=mf.Region((3, 6), (3, 6)), slip=0.1)
LEARNER = mf.QLearning(36, 4, learning_rate=0.5, discount=0.9, epsilon=0.2)
# How to make each, and what its `fit` needs beside.
KINDS = {
    "average_q": (lambda: mf.AverageQ(36, 4), {}),
    "policy_prior": (lambda: mf.MetaLearner(36, 4, learning_rate=0.05), {}),
    "reptile": (lambda: mf.Reptile(36, 4, step_size=0.3, tasks_per_iteration=32), {"num_iterations": 40}),
}
kinds = pytest.mark.parametrize(("make", "options"), KINDS.values(), ids=KINDS)


@kinds
def test_a_meta_learned_start_is_ahead_on_held_out_goals(make, options):
    training, held_out = GRID.split(0.2, rng=2)  # not the far corner, of which the other goals say little
    meta = make().fit(training, LEARNER, 300, num_tasks=300, rng=0, **options)
    tasks = held_out.sample(100, rng=1)
    ahead = mf.adapt(LEARNER, tasks, (2, 5), rng=2, initial_table=meta.initial_table)
    scratch = mf.adapt(LEARNER, tasks, (2, 5), rng=2)
    assert ahead.returns.mean() > 1.5 * scratch.returns.mean()
    assert (ahead.scores.mean(axis=0) > scratch.scores.mean(axis=0) + 0.3).all()


@kinds
def test_a_file_gives_back_what_was_saved(make, options, tmp_path):
    tasks = GRID.sample(20, rng=0)
    meta = make().fit(tasks, LEARNER, 20, rng=0, **options)
    meta.context = {"family": "goal_grid", "size": [6, 6]}
    meta.save(tmp_path / "meta.npz")
    again = mf.load(tmp_path / "meta.npz")
    assert type(again) is type(meta)
    assert again.context == meta.context
    assert again._settings() == meta._settings()
    assert_same_bits(again.initial_table, meta.initial_table)
    for one in (meta, again):  # they go on alike, too
        one.fit(tasks, LEARNER, 5, rng=1, **options)
    assert_same_bits(again.initial_table, meta.initial_table)


@kinds
def test_tasks_of_another_size_are_refused_before_the_work(make, options):
    told = []
    with pytest.raises(ValueError, match="the meta-learner has 36 states and 4 actions, the tasks 9 and 4"):
        make().fit(mf.GoalGrid(3), mf.QLearning(9, 4), 5, progress=lambda *done: told.append(done), **options)
    assert not told


def test_it_shows_its_settings():
    assert repr(mf.AverageQ(3, 2)) == "AverageQ(num_states=3, num_actions=2)"
    assert repr(mf.MetaLearner(3, 2)) == "MetaLearner(num_states=3, num_actions=2, learning_rate=0.1)"
    shown = "Reptile(num_states=3, num_actions=2, step_size=0.5, tasks_per_iteration=8)"
    assert repr(mf.Reptile(3, 2, 0.5, 8)) == shown


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(tmp_path):
    for path, error in ((tmp_path / "none" / "meta.npz", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(error) as refused:
            mf.AverageQ(3, 2).save(path)
        assert str(refused.value).endswith(f": '{path}'")
    assert not list(tmp_path.iterdir())


def test_saving_replaces_a_file_whole(tmp_path):
    path = tmp_path / "meta.npz"
    path.write_text("something else")
    mf.AverageQ(3, 2).save(path)
    assert mf.load(str(path)).initial_table.shape == (3, 2)
    assert [file.name for file in tmp_path.iterdir()] == ["meta.npz"]  # nothing temporary stays


def test_the_file_holds_no_pickle(tmp_path):
    mf.AverageQ(3, 2).save(tmp_path / "meta.npz")
    with np.load(tmp_path / "meta.npz", allow_pickle=False) as file:
        header = json.loads(str(file["header"]))
        assert (header["format"], header["version"], header["kind"]) == (FORMAT, FORMAT_VERSION, "AverageQ")
        assert {name: file[name].dtype.kind for name in file.files} == {
            "header": "U",
            "table": "f",
            "_num_seen": "f",
        }


def test_fit_accepts_one_task():
    meta = mf.AverageQ(36, 4).fit(GRID.sample(rng=0), LEARNER, 30, rng=0)
    assert meta.initial_table.any()
