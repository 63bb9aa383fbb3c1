"""Damaged files: whatever the bytes, `load` and the readers of settings work or refuse."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metarl_fast as mf
from fuzz.campaign import examples
from fuzz.test_arguments import STANDARD, readable
from metarl_fast.config import read_table
from metarl_fast.experiment import Experiment


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Good files of what was meta-learned, and of a learner."""
    folder = tmp_path_factory.mktemp("saved")
    found = []
    learner = mf.QLearning(initial_q=mf.Table(np.ones((3, 2))))
    for meta in (mf.AverageQ(), mf.PolicyPrior()):
        fitted = meta.fit(mf.TaskDistribution(3, 2, horizon=4), learner, 2, num_tasks=2, rng=0)
        fitted.save(folder / "good.npz")
        found.append((folder / "good.npz").read_bytes())
    mf.save(folder / "good.npz", learner)
    found.append((folder / "good.npz").read_bytes())
    return folder, found


@st.composite
def damage(draw):
    """A change of bytes: some overwritten, some cut off, some put in."""
    kind = draw(st.sampled_from(["overwrite", "cut", "insert", "zero", "repeat"]))
    return kind, draw(st.floats(0.0, 1.0)), draw(st.binary(min_size=1, max_size=12))


def damaged(data, changes):
    for kind, where, new in changes:
        place = int(where * len(data))
        if kind == "overwrite":
            data = data[:place] + new + data[place + len(new) :]
        elif kind == "cut":
            data = data[:place]
        elif kind == "insert":
            data = data[:place] + new + data[place:]
        elif kind == "zero":
            data = data[:place] + bytes(len(new)) + data[place + len(new) :]
        else:
            data = data[:place] + data[place : place + 200] + data[place:]
    return data


@examples(200)
@given(which=st.integers(0, 2), changes=st.lists(damage(), min_size=1, max_size=3))
def test_damaged_settings_in_archives(saved, which, changes):
    folder, good = saved
    path = folder / "damaged.npz"
    path.write_bytes(damaged(good[which], changes))
    try:
        found = mf.load(path)
    except STANDARD as error:
        readable(error)
        return
    assert np.isfinite(getattr(found, "learner", found).initial_q).all()
    mf.save(path, found)
    assert type(mf.load(path)) is type(found)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@examples(100)
@given(which=st.integers(0, 2), member=st.integers(0, 20), content=_json, raw=st.booleans())
def test_files_whose_members_hold_something_else(saved, which, member, content, raw):
    folder, good = saved
    path = folder / "other.npz"
    with zipfile.ZipFile(io.BytesIO(good[which])) as source, zipfile.ZipFile(path, "w") as target:
        names = source.namelist()
        for place, name in enumerate(names):
            data = source.read(name)
            if place == member % len(names):
                room = io.BytesIO()
                np.save(room, np.array(json.dumps(content)))
                data = json.dumps(content).encode() if raw else room.getvalue()
            target.writestr(name, data)
    try:
        mf.load(path)
    except STANDARD as error:
        readable(error)


TOML = b"""training_tasks = 5
training_episodes = 20
held_out_tasks = 4
episodes = [0, 1, 5]
[family]
type = "GoalGrid"
size = 4
wall_density = 0.1
[learner]
type = "QLearning"
discount = 0.9
epsilon = 0.2
"""


@examples(200)
@given(changes=st.lists(damage(), min_size=1, max_size=3))
def test_damaged_settings(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "settings.toml"
    path.write_bytes(damaged(TOML, changes))
    try:
        Experiment.from_table(read_table(path))
    except STANDARD as error:
        readable(error)
