"""Learning histories as files: each layout is read as its users read it, and exports are killed."""

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast import history_recipe

LEARNER = mf.QLearning(epsilon=0.3, learning_rate=0.5)
ROOM = mf.Darkroom(4, horizon=8)


@pytest.fixture(scope="module")
def ending():
    """Lifetimes of different lengths."""
    made = mf.Histories(LEARNER, mf.GoalGrid(3, horizon=12).sample(30, rng=0), 5, rng=1)
    return made, made.history(slice(None))


def test_xlands_layout(ending, tmp_path):
    h5py = pytest.importorskip("h5py")
    made, expected = ending
    path = tmp_path / "set.hdf5"
    made.to_hdf5(path)
    with h5py.File(path) as file:
        assert sorted(map(int, file)) == list(range(30))
        for k in (0, 7, 29):
            group, steps = file[str(k)], slice(0, expected.length[k])
            assert_same_bits(group["states"][0], expected.state[k, steps])
            assert_same_bits(group["actions"][0], expected.action[k, steps])
            assert group["rewards"].dtype == np.float16
            np.testing.assert_array_equal(group["rewards"][0], expected.reward[k, steps])
            assert_same_bits(group["dones"][0], (expected.terminated | expected.truncated)[k, steps])
            assert_same_bits(group["expert_actions"][0], made[k].optimal_action[0])
            assert group["states"].compression_opts == 6
            assert group.attrs["ruleset-id"] == k
            assert {"env-id", "benchmark-id"} < set(group.attrs)
        assert mf.Histories.from_recipe(file.attrs["recipe"]).hash == file.attrs["hash"] == made.hash
    assert os.listdir(tmp_path) == ["set.hdf5"]
    made.to_hdf5(path)  # it is there
    with pytest.raises(ValueError, match="holds another dataset"):
        mf.Histories(LEARNER, made.tasks, 4).to_hdf5(path)


def test_ad_eps_reads_them(ending, tmp_path):
    """As its `load_learning_histories` does: what describes a run names its files, whose rows are joined."""
    for made, most in ((ending[0], 5), (mf.Histories(LEARNER, ROOM.sample(3, rng=0), 6, rng=1), 6)):
        folder = tmp_path / str(most)
        made.to_ad(folder)
        expected, seen = made.history(slice(None)), 0
        for described in sorted(folder.glob("*.metadata")):
            said = json.loads(described.read_text())
            (name,) = said["ordered_trajectories"]
            k, seen = said["label"], seen + 1
            with np.load(folder / name) as chunk:
                assert chunk["states"].shape[0] in (1, most)
                for ours, theirs in (("state", "states"), ("action", "actions"), ("reward", "rewards")):
                    joined = np.hstack(chunk[theirs])
                    np.testing.assert_array_equal(joined, getattr(expected, ours)[k, : expected.length[k]])
                assert np.hstack(chunk["dones"]).sum() == made.num_episodes
            if expected.reward[k].max() > 0:
                goal = expected.next_state[k, expected.reward[k].argmax()]
                assert said["goal"] == mf.factors(made.tasks)[goal].tolist()
            assert said["algorithm"] == "QLearning"
        assert seen == len(made)


def test_dpt_reads_them(tmp_path):
    made = mf.Histories(mf.QLearning(epsilon=1.0), ROOM.sample(20, rng=0), 4, rng=1)
    made.to_dpt(tmp_path / "trajs.pkl", 16, rng=3)
    found = pickle.loads((tmp_path / "trajs.pkl").read_bytes())
    stacked = {name: np.array([one[name] for one in found]) for name in found[0]}
    n = len(found)
    assert n >= 20
    assert stacked["query_state"].shape == (n, 2)
    assert stacked["optimal_action"].shape == (n, 5)
    assert stacked["context_states"].shape == stacked["context_next_states"].shape == (n, 16, 2)
    assert stacked["context_actions"].shape == (n, 16, 5)
    assert stacked["context_rewards"].shape == (n, 16)
    moved = stacked["context_next_states"] - stacked["context_states"]
    assert np.abs(moved).sum(axis=-1).max() == 1


@pytest.mark.filterwarnings("ignore::UserWarning")  # Minari asks for more about the data
def test_minari_reads_them(ending, tmp_path, monkeypatch):
    pytest.importorskip("minari")
    pytest.importorskip("h5py")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    made, expected = ending
    for wrong in ("histories", "a/b-v0"):
        with pytest.raises(ValueError, match=r"dataset_id is 'histories'|Malformed dataset ID"):
            made.to_minari(wrong)
    assert not list(tmp_path.iterdir())
    storage = pytest.importorskip("minari.dataset.minari_storage").MinariStorage

    def fail(*_, **__):
        raise ValueError("Unable to create dataset (file write failed: no space left)")

    with monkeypatch.context() as full:
        full.setattr(storage, "new", fail)
        with pytest.raises(OSError, match="file write failed"):
            made.to_minari("metarl/full-v0")
    dataset = made.to_minari(
        "metarl/goalgrid/histories-v0", author="A", author_email="a@b.c", code_permalink="x"
    )
    assert dataset.total_episodes == 30
    assert dataset.total_steps == expected.length.sum()
    for episode in dataset.iterate_episodes([0, 11]):
        k, steps = episode.id, slice(0, expected.length[episode.id])
        np.testing.assert_array_equal(episode.observations[:-1], expected.state[k, steps])
        np.testing.assert_array_equal(episode.actions, expected.action[k, steps])
        np.testing.assert_array_equal(episode.rewards, expected.reward[k, steps])
        np.testing.assert_array_equal(episode.terminations, expected.terminated[k, steps])
        np.testing.assert_array_equal(episode.truncations, expected.truncated[k, steps])
        entered = np.asarray(episode.infos["next_observation"])[1:, 0]
        np.testing.assert_array_equal(entered, expected.next_state[k, steps])
    assert made.to_minari("metarl/goalgrid/histories-v0").total_episodes == 30  # it is there
    with pytest.raises(ValueError, match="holds another dataset"):
        mf.Histories(LEARNER, made.tasks, 4).to_minari("metarl/goalgrid/histories-v0")


EXPORT = """
import sys, time
import metarl_fast as mf
from metarl_fast import history_recipe
history_recipe.TASKS_PER_SHARD = 16
made = mf.Histories(mf.QLearning(epsilon=0.3), mf.Darkroom(4, horizon=8).sample(64, rng=0), 2, rng=1)
getattr(made, sys.argv[1])(sys.argv[2], progress=lambda done, total: print(done, flush=True) or time.sleep(1))
"""


@pytest.mark.filterwarnings("ignore::UserWarning")  # Minari asks for more about the data
@pytest.mark.parametrize("how", ["to_npz", "to_hdf5", "to_minari"])
def test_who_is_killed_goes_on(how, tmp_path, monkeypatch):
    """SIGKILL in the middle: whole parts, an index that names them, and the same files in the end."""
    if how != "to_npz":
        pytest.importorskip("h5py")
    path = tmp_path / "set"
    if how == "to_minari":
        pytest.importorskip("minari")
        monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
        path = "killed-v0"
    monkeypatch.setattr(history_recipe, "TASKS_PER_SHARD", 16)
    export = subprocess.Popen(
        [sys.executable, "-c", EXPORT, how, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    export.stdout.readline()
    export.send_signal(signal.SIGKILL)
    export.communicate()
    folder = path if how == "to_npz" else tmp_path / f"{Path(path).name}.parts"
    index = json.loads((folder / "index.json").read_text())
    assert 1 <= len(index["files"]) < 4
    before = {name: (folder / name).stat().st_mtime_ns for name in index["files"]}
    made = mf.Histories(mf.QLearning(epsilon=0.3), ROOM.sample(64, rng=0), 2, rng=1)
    calls = []

    def keep(done, total):
        calls.append(done)
        if len(calls) == 1:
            assert all((folder / name).stat().st_mtime_ns == time for name, time in before.items())

    getattr(made, how)(path, progress=keep)
    assert calls[-1] == 64
    expected = made.history(slice(0, 16))
    if how == "to_npz":
        with np.load(path / "histories-00000.npz") as file:
            assert_same_bits(file["state"], expected.state)
        assert len(json.loads((path / "index.json").read_text())["files"]) == 4
    elif how == "to_minari":
        dataset = pytest.importorskip("minari").load_dataset(path)
        assert dataset.total_episodes == 64
        assert dataset.total_steps == made.history(slice(None)).length.sum()
        (episode,) = dataset.iterate_episodes([39])
        np.testing.assert_array_equal(episode.actions, made.history(slice(39, 40)).action[0])
        assert not folder.exists()
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(path) as file:
            assert len(file) == 64
            assert_same_bits(file["7"]["states"][0], expected.state[7])
        assert not folder.exists()


def test_a_learner_too_large_to_be_written_out_is_named_by_a_digest(tmp_path):
    training, held_out = mf.Darkroom(15, horizon=4).split(0.3)
    fitted, tasks = mf.EmpiricalBayes().fit(training, num_tasks=20, rng=0), held_out.sample(5, rng=1)
    made = mf.Histories(fitted, tasks, 2)
    made.to_npz(tmp_path / "set")
    index = json.loads((tmp_path / "set" / "index.json").read_text())
    assert index["hash"] == made.hash
    assert index["recipe"]["learner"]["type"] == "PosteriorPlanner"
    with pytest.raises(TypeError, match="belongs into an"):
        assert made.recipe
    other = mf.Histories(mf.EmpiricalBayes().fit(training, num_tasks=15, rng=5), tasks, 2)
    assert other.hash != made.hash
