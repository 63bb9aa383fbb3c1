"""Datasets of learning histories: they are what `train` records, however they are read, cut or written."""

from __future__ import annotations

import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

ROOM = mf.Darkroom(4, horizon=8)
LEARNER = mf.QLearning(epsilon=0.3, learning_rate=0.5)
NAMES = ("state", "action", "reward", "next_state", "terminated", "truncated")


def recorded(tasks, num_episodes, learner=LEARNER, **options):
    return mf.train(learner, tasks, num_episodes, rng=1, record=True, **options).history


@pytest.fixture(scope="module")
def ending():
    """Lifetimes of different lengths: episodes end at the goal."""
    tasks = mf.GoalGrid(3, horizon=12).sample(70, rng=0)
    return mf.Histories(LEARNER, tasks, 9, rng=1), recorded(tasks, 9)


def test_lifetimes_are_what_train_records(ending):
    histories, expected = ending
    assert len(histories) == 70
    best = mf.policy_iteration(histories.tasks, LEARNER.discount).policy
    for place in (0, 33, -1):
        found, length = histories[place], expected.length[place]
        assert found.state.shape == (1, length)
        for name in NAMES:
            assert_same_bits(getattr(found, name)[0], getattr(expected, name)[place, :length])
        np.testing.assert_array_equal(found.optimal_action[0], best[place][found.state[0]])
        ends = found.terminated[0] | found.truncated[0]
        np.testing.assert_array_equal(found.episode[0], np.cumsum(ends) - ends)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("batch", "context"), [(7, 5), (64, 40), (1000, 1)])
def test_iterating_gives_every_step_once(ending, shuffle, batch, context):
    histories, expected = ending
    seen = {}
    for found in histories.iterate(batch, context, shuffle=shuffle, rng=3):
        assert found.state.shape[0] <= batch
        assert found.state.shape[1] == context
        for row, (task, start) in enumerate(zip(found.task.tolist(), found.start.tolist(), strict=True)):
            for k in np.flatnonzero(found.mask[row]).tolist():
                key = (task, start + k)
                assert key not in seen
                seen[key] = tuple(getattr(found, name)[row, k] for name in NAMES)
        for name in NAMES:
            assert not getattr(found, name)[~found.mask].any()
    assert len(seen) == expected.length.sum()
    for (task, step), values in seen.items():
        assert values == tuple(getattr(expected, name)[task, step] for name in NAMES)


def test_the_order_is_the_seeds_and_shared_out_among_workers(ending):
    histories, _ = ending

    def tasks(**options):
        return [task for found in histories.iterate(8, 5, **options) for task in found.task.tolist()]

    assert tasks(rng=1) == tasks(rng=1, num_threads=2)
    assert tasks(rng=1) != tasks(rng=2)
    long = mf.Histories(LEARNER, ROOM.sample(2100, rng=0), 2, rng=1)
    shares = [
        {task for found in long.iterate(500, 16, worker=(k, 2)) for task in found.task.tolist()}
        for k in (0, 1)
    ]
    assert shares[0] | shares[1] == set(range(2100))
    assert not shares[0] & shares[1]
    for worker in ((2, 2), (0, 0), (-1, 2)):
        with pytest.raises(ValueError, match="worker"):
            next(histories.iterate(8, 5, worker=worker))
    with pytest.raises(ValueError, match="rng is None, expected an integer that all 2 workers share"):
        next(histories.episodes(8, 2, worker=(0, 2), rng=None))


def test_contexts_by_place(ending):
    histories, expected = ending
    found = histories.context(5, 3, 10)
    assert found.state.shape == (1, 10)
    length = min(10, expected.length[5] - 3)
    assert_same_bits(found.state[0, :length], expected.state[5, 3 : 3 + length])
    assert not histories.context(5, 10_000, 4).mask.any()
    with pytest.raises(ValueError, match="place is 70"):
        histories.context(70, 0, 4)
    few = mf.Histories(LEARNER, histories.tasks[:3], 2, rng=1)
    assert [int(lifetime.task[0]) for lifetime in few] == few.tasks.ids.tolist()  # as any sequence
    for place in (3, -4):
        with pytest.raises(IndexError, match=f"lifetime {place} of a dataset of 3"):
            few[place]


def test_subsampled_lifetimes_hold_every_kth_episode(ending):
    histories, expected = ending
    some = mf.Histories(LEARNER, histories.tasks, 9, rng=1, every=4)
    with pytest.raises(ValueError, match="every is 10, expected at most 9"):
        mf.Histories(LEARNER, histories.tasks, 9, every=10)
    for place in (0, 12):
        length = expected.length[place]
        ends = (expected.terminated | expected.truncated)[place, :length]
        episode = np.cumsum(ends) - ends
        kept = np.isin(episode, [0, 4, 8])
        assert_same_bits(some[place].state[0], expected.state[place, :length][kept])
        np.testing.assert_array_equal(some[place].episode[0], episode[kept])


def test_distilled_lifetimes_go_from_random_to_optimal():
    tasks = ROOM.sample(300, rng=0)
    (found,) = mf.Histories.distilled(tasks, 21, rng=0).iterate(300, 21 * 8, shuffle=False)
    reward = found.reward.reshape(300, 21, 8).sum(axis=2).mean(axis=0)
    limits = mf.bounds(tasks, 1.0)
    assert reward[-1] == pytest.approx(limits.optimal.mean())
    assert reward[0] == pytest.approx(limits.random.mean(), abs=0.3)
    last = slice(20 * 8, None)
    assert (found.action == found.optimal_action)[:, last].mean() > 0.6  # the others are as good


def test_recipes_are_short_and_name_the_dataset(ending):
    histories, _ = ending
    text = json.dumps(histories.recipe)
    assert len(text) < 1000
    again = mf.Histories.from_recipe(text)
    assert again.hash == histories.hash
    assert_same_bits(again[3].state, histories[3].state)
    other = mf.Histories(LEARNER, histories.tasks, 9, rng=2)
    assert other.hash != histories.hash
    with pytest.raises(ValueError, match=r"expected what Histories\.recipe says"):
        mf.Histories.from_recipe({"rng": 3})


class Coin(mf.Family):
    """Pays in one of two states. No dataclass, as a family of one's own need not be."""

    num_states, num_actions, horizon = 2, 2, 3

    def __init__(self, chance, memory=None):
        self.chance, self.memory = chance, memory

    def task(self, rng):
        luck = float(rng.random() < self.chance)
        return {"transitions": np.full((2, 2, 2), 0.5), "rewards": np.array([[luck] * 2, [1 - luck] * 2])}


def test_tasks_that_no_file_can_make_are_named_by_all_that_they_are(tmp_path):
    arrays = mf.from_arrays(np.full((3, 2, 2, 2), 0.5), np.ones((3, 2, 2)), horizon=3)
    batches = [Coin(chance).sample(3, rng=0) for chance in (0.3, 0.31, 1.0)]
    batches += [mf.Mixture([Coin(chance), Coin(0.5)]).sample(3, rng=0) for chance in (0.3, 0.31)]
    batches += [Coin(0.3, memory=object()).sample(3, rng=0), arrays, arrays[:2]]
    assert np.array_equal(batches[0][0], batches[1][0])  # so that the first task alone is no name
    named = [mf.Histories(LEARNER, tasks, 2, rng=1).hash for tasks in batches]
    assert len(set(named)) == len(named)
    again = pickle.loads(pickle.dumps(batches[0]))
    for tasks in (Coin(0.3).sample(3, rng=0), again):
        assert mf.Histories(LEARNER, tasks, 2, rng=1).hash == named[0]
    for k, tasks in enumerate(batches[::3]):
        histories = mf.Histories(LEARNER, tasks, 2, rng=1)
        for _ in range(2):  # the second time it is there
            histories.to_npz(tmp_path / str(k))
            histories.to_ad(tmp_path / f"{k}.ad")
    with pytest.raises(ValueError, match="holds another dataset"):
        mf.Histories(LEARNER, arrays, 2, rng=2).to_npz(tmp_path / "2")


def test_files_are_written_once_and_gone_on_with(tmp_path, monkeypatch):
    histories = mf.Histories(LEARNER, ROOM.sample(2100, rng=0), 2, rng=1)
    calls = []
    learn = mf.Histories.lifetimes
    monkeypatch.setattr(mf.Histories, "lifetimes", lambda *a, **k: calls.append(a[1]) or learn(*a, **k))

    def stop(done, total):
        if done == 2048:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        histories.to_npz(tmp_path / "set", progress=stop)
    histories.to_npz(tmp_path / "set")
    assert calls == histories.pieces  # each once
    index = json.loads((tmp_path / "set" / "index.json").read_text())
    assert index["hash"] == histories.hash
    assert sum(found["tasks"] for found in index["files"].values()) == 2100
    expected = recorded(histories.tasks, 2)
    with np.load(tmp_path / "set" / "histories-00001.npz") as file:
        assert_same_bits(file["state"], expected.state[1024:2048])
        assert file["optimal_action"].shape == file["state"].shape
        assert file["task"].tolist() == list(range(1024, 2048))
    with pytest.raises(ValueError, match="holds another dataset"):
        mf.Histories(LEARNER, histories.tasks, 3, rng=1).to_npz(tmp_path / "set")
    shard = tmp_path / "set" / "histories-00002.npz"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:100])  # whatever happened to it
    histories.to_npz(tmp_path / "set")
    assert shard.read_bytes() == whole
    for damaged in ("{", "[]", json.dumps({"hash": histories.hash}), '{"hash": 1, "files": {"x": 3}}'):
        (tmp_path / "set" / "index.json").write_text(damaged)
        with pytest.raises(ValueError, match=r"index\.json is no index of a dataset|another dataset"):
            histories.to_npz(tmp_path / "set")


def test_fitted_results_and_arguments():
    training, held_out = ROOM.split(0.3)
    fitted = mf.AverageQ().fit(training.sample(20, rng=0), LEARNER, 3, rng=0)
    histories = mf.Histories(fitted, held_out.sample(5, rng=0), 3)
    assert histories.learner == fitted.learner
    with pytest.raises(ValueError, match="begins is 'middle'"):
        mf.Histories(LEARNER, ROOM.sample(3, rng=0), 3, begins="middle")
    with pytest.raises(ValueError, match="these tasks have no horizon"):
        mf.Histories(LEARNER, mf.TaskDistribution(3, 2).sample(3, rng=0), 3)


def test_tensors_for_torch(ending, monkeypatch):
    torch = pytest.importorskip("torch")
    histories, expected = ending
    found = list(pickle.loads(pickle.dumps(histories.torch(16, 10))))  # as workers that are not forked get it
    assert sum(int(batch["mask"].sum()) for batch in found) == expected.length.sum()
    many, told = mf.Histories(LEARNER, ROOM.sample(5000, rng=0), 1, rng=1), []
    for rank, workers in ((0, [None]), (1, [SimpleNamespace(id=k, num_workers=2) for k in range(2)])):
        for worker in workers:
            monkeypatch.setattr(torch.utils.data, "get_worker_info", lambda found=worker: found)
            told += [batch["task"].numpy() for batch in many.torch(512, 12, worker=(rank, 2))]
    assert np.unique(np.concatenate(told)).tolist() == list(range(5000))
    assert sum(len(tasks) for tasks in told) < 2 * 5000  # none twice but for pieces that begin before it
