"""`save` and `load`: settings with arrays go to a file and come back equal."""

from __future__ import annotations

import json

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.learners import TD_LEARNERS
from metarl_fast.meta import METAS
from metarl_fast.store import FORMAT, FORMAT_VERSION

TABLE = mf.Table(np.random.default_rng(0).normal(size=(4, 3)))
FAMILY = mf.TaskDistribution(4, 3, horizon=6)
SAVED = [
    TABLE,
    mf.Linear(1.0, 0.1, 50),
    mf.Table([[0.0, -np.inf]]),
    *(kind() for kind in TD_LEARNERS),
    *(kind(4, 3, initial_q=TABLE, epsilon=mf.Linear(0.5, 0.1, 9)) for kind in TD_LEARNERS),
    mf.Sarsa(epsilon=[0.5, 0.25], temperature=(1.0, 0.5)),
    *(kind() for kind in METAS),
]


@pytest.mark.parametrize("value", SAVED, ids=lambda value: type(value).__name__)
def test_settings_come_back_equal(value, tmp_path):
    mf.save(tmp_path / "file", value)
    again = mf.load(tmp_path / "file")
    assert type(again) is type(value)
    assert again == value


@pytest.mark.parametrize("kind", METAS, ids=lambda kind: kind.__name__)
def test_what_was_fitted_comes_back_and_goes_on(kind, tmp_path):
    meta, learner = kind(tasks_per_iteration=3), mf.QLearning(initial_q=TABLE, epsilon=0.3)
    fitted = meta.fit(FAMILY, learner, 4, num_iterations=2, num_tasks=9, rng=0)
    fitted = fitted.replace(context={"family": "any", "size": [6, {"a": None}], "name": "ü"})
    fitted.save(tmp_path / "meta.npz")
    again = mf.load(tmp_path / "meta.npz")
    assert (again.meta, again.base, again.learner) == (meta, learner, fitted.learner)
    assert (again.context, again.key, again.num_iterations) == (fitted.context, fitted.key, 2)
    for arrays, others in ((again.state, fitted.state), (again.history, fitted.history)):
        assert arrays.keys() == others.keys()
        for name, values in arrays.items():
            assert_same_bits(values, others[name])
    ends = [
        meta.fit(FAMILY, learner, 4, num_iterations=2, num_tasks=9, resume=one) for one in (fitted, again)
    ]
    assert ends[0].learner == ends[1].learner


def test_of_a_learner_settings_are_saved_and_what_it_learned_if_asked(tmp_path):
    learner = mf.QLearning(3, 2)
    learner.update(0, 1, 1.0, 2)
    mf.save(tmp_path / "a", learner)
    assert not mf.load(tmp_path / "a").q_table.any()
    mf.save(tmp_path / "b", learner.replace(initial_q=mf.Table(learner.q_table)))
    assert_same_bits(mf.load(tmp_path / "b").q_table, learner.q_table)


class OwnLearner(mf.QLearning):
    pass


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (OwnLearner(), TypeError, "OwnLearner has no form in a file, expected one of ActorCritic"),
        (5, TypeError, "settings is 5, expected a learner, meta-learner or Table"),
        ({"a": mf.QLearning()}, TypeError, "expected a learner, meta-learner or Table"),
        (FAMILY, TypeError, "settings is TaskDistribution.*: TaskDistribution is not JSON"),
        (None, TypeError, "settings is None"),
        (mf.MetaLearner(3, 2), TypeError, "MetaLearner is not JSON"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(value, error, message, tmp_path):
    with pytest.raises(error, match=message):
        mf.save(tmp_path / "file", value)
    assert not list(tmp_path.iterdir())


def test_a_class_of_ones_own_does_not_take_a_name_of_the_package(tmp_path):
    type("QLearning", (mf.QLearning,), {})
    mf.save(tmp_path / "file", mf.QLearning())
    assert type(mf.load(tmp_path / "file")) is mf.QLearning


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(tmp_path):
    for path, error in ((tmp_path / "none" / "meta.npz", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(error) as refused:
            mf.save(path, TABLE)
        assert str(refused.value).endswith(f": '{path}'")
    assert not list(tmp_path.iterdir())


def test_saving_replaces_a_file_whole(tmp_path):
    path = tmp_path / "meta.npz"
    path.write_text("something else")
    mf.save(path, TABLE)
    assert mf.load(str(path)) == TABLE
    assert [file.name for file in tmp_path.iterdir()] == ["meta.npz"]  # nothing temporary stays


def test_the_file_holds_no_pickle(tmp_path):
    mf.save(tmp_path / "meta.npz", mf.QLearning(initial_q=TABLE))
    with np.load(tmp_path / "meta.npz", allow_pickle=False) as file:
        header = json.loads(str(file["header"]))
        assert (header["format"], header["version"]) == (FORMAT, FORMAT_VERSION)
        assert {name: file[name].dtype.kind for name in file.files} == {
            "header": "U",
            "initial_q.values": "f",
        }


def test_files_of_version_0_2_are_refused_by_name(tmp_path):
    header = {
        "format": "metarl_fast meta-learner",
        "version": 1,
        "kind": "Reptile",
        "num_states": 3,
        "num_actions": 2,
        "settings": {"step_size": 0.2, "tasks_per_iteration": 64},
        "context": {},
    }
    np.savez(tmp_path / "old.npz", header=np.array(json.dumps(header)), theta=np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"written by metarl_fast 0\.2 and holds a table without a learner"):
        mf.load(tmp_path / "old.npz")
