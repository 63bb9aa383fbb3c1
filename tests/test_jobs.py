"""Jobs: done by any executor, kept in files, and put together to the bits of one call."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast import jobs
from metarl_fast.executors import using
from metarl_fast.part_files import PartFiles, digest

N = 2 * 1024 + 300
LEARNER = mf.QLearning(learning_rate=0.3, epsilon=0.2)
TASKS = mf.TaskDistribution(4, 2, horizon=5).sample(N, rng=0)


class Inline:
    """Does what is submitted at once, and counts."""

    in_flight = 2

    def __init__(self, fails_at=None):
        self.count, self.fails_at = 0, fails_at

    def submit(self, function, *arguments):
        self.count += 1
        if self.count == self.fails_at:
            raise OSError("the machine is gone")
        result = function(*arguments)
        return type("Done", (), {"result": staticmethod(lambda: result)})


def same(found, expected):
    ours, theirs = found.flat(), expected.flat()
    assert list(ours) == list(theirs)
    for name, array in theirs.items():
        assert_same_bits(ours[name], array)


WAYS = {
    "plain": {},
    "runs, snapshots and history": {"num_runs": 2, "snapshot_episodes": [0, 3], "record": True},
    "limits of each": {"num_steps": 1 + np.arange(N) % 5, "mean_returns": True, "returns": False},
    "tables of each": {"initial_table": np.arange(N * 8.0).reshape(N, 4, 2) / N, "dtype": np.float64},
    "little kept": {"q_table": False, "policy": False, "mean_returns": True},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_train_has_the_same_bits_by_jobs(way):
    # A Generator gives one key, whoever does the work.
    whole = mf.train(LEARNER, TASKS, 6, rng=np.random.default_rng(5), **way)
    executor, told = Inline(), []
    found = mf.train(
        LEARNER,
        TASKS,
        6,
        rng=np.random.default_rng(5),
        executor=executor,
        progress=lambda *counts: told.append(counts),
        **way,
    )
    same(found, whole)
    assert executor.count >= 2
    assert told[-1] == (N, N)
    if "mean_returns" in way:
        assert_same_bits(found.mean_returns, whole.mean_returns)
    if "q_table" not in way:
        more = {name: way[name] for name in ("num_runs", "dtype") if name in way}
        same(
            mf.train(LEARNER, TASKS, 2, resume=found, executor=executor, **more),
            mf.train(LEARNER, TASKS, 2, resume=whole, **more),
        )


def test_compare_and_fit_have_the_same_bits_by_jobs():
    reptile = mf.Reptile(tasks_per_iteration=N)
    drawn = mf.Switching(mf.GoalGrid(3, horizon=8), every=2).sample(1100, rng=1)
    with ThreadPoolExecutor(2) as pool:
        for tasks, discount in ((TASKS[:1500], 0.9), (TASKS, 1.0), (drawn, 0.9)):
            contenders = {"one": LEARNER, "two": [mf.Sarsa(), mf.Sarsa(epsilon=0.5)]}
            with_pool, alone = (
                mf.compare(contenders, tasks, (0, 1, 3), rng=2, discount=discount, executor=executor)
                for executor in (pool, None)
            )
            for name, curves in alone.curves.items():
                for curve, expected in zip(with_pool.curves[name], curves, strict=True):
                    assert_same_bits(curve.scores, expected.scores)
                    assert_same_bits(curve.returns, expected.returns)
        fitted = [
            reptile.fit(TASKS, LEARNER, 5, num_iterations=3, rng=0, executor=executor)
            for executor in (None, pool)
        ]
    assert_same_bits(fitted[1].learner.initial_q.values, fitted[0].learner.initial_q.values)
    executor = Inline()
    with using(executor):
        mf.train(LEARNER, TASKS, 1, rng=0)
    assert executor.count >= 2


def test_a_card_has_the_same_bits_by_jobs():
    executor = Inline()
    cards = [
        mf.describe(mf.GoalGrid(3), precision=1e-9, most_tasks=2100, executor=where).to_json()
        for where in (None, executor)
    ]
    assert executor.count >= 4
    assert cards[0] == cards[1]


def test_exported_histories_have_the_same_bits_by_jobs(tmp_path):
    histories = mf.Histories(LEARNER, TASKS, 3, rng=4)
    executor = Inline()
    histories.to_npz(tmp_path / "here")
    histories.to_npz(tmp_path / "there", executor=executor)
    histories.to_npz(tmp_path / "there", executor=Inline(fails_at=1))  # all is there
    assert executor.count == 3
    for path in (tmp_path / "here").iterdir():
        assert path.suffix == ".json" or path.read_bytes() == (tmp_path / "there" / path.name).read_bytes()
    with pytest.raises(OSError, match="gone"):
        histories.to_npz(tmp_path / "more", executor=Inline(fails_at=3))
    with pytest.raises(TypeError, match="executor is 5"):
        histories.to_npz(tmp_path / "more", executor=5)


def test_other_processes_have_the_same_bits():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        same(mf.train(LEARNER, TASKS, 3, rng=7, executor=pool), mf.train(LEARNER, TASKS, 3, rng=7))


def test_a_run_goes_on_where_its_files_end(tmp_path):
    whole = mf.train(LEARNER, TASKS, 5, rng=1, record=True)
    call = {"rng": 1, "record": True, "checkpoint": tmp_path / "run"}
    with pytest.raises(OSError, match="gone"):
        mf.train(LEARNER, TASKS, 5, **call, executor=Inline(fails_at=3))
    assert len(list((tmp_path / "run").glob("*.npz"))) == 1
    executor = Inline()
    same(mf.train(LEARNER, TASKS, 5, **call, executor=executor), whole)
    assert 1 <= executor.count <= 2
    same(mf.train(LEARNER, TASKS, 5, **call, executor=Inline(fails_at=1)), whole)  # all is there
    same(mf.train(LEARNER, TASKS, 5, **call), whole)
    for other in ({"rng": 2}, {"record": False}, {"num_steps": 4}, {"dtype": np.float64}):
        with pytest.raises(ValueError, match="holds parts of another run"):
            mf.train(LEARNER, TASKS, 5, **call | other)
    with pytest.raises(ValueError, match="holds parts of another run"):
        mf.train(mf.QLearning(learning_rate=0.31, epsilon=0.2), TASKS, 5, **call)
    with pytest.raises(ValueError, match="rng is None"):
        mf.train(LEARNER, TASKS, 5, checkpoint=tmp_path / "run")
    part = min((tmp_path / "run").glob("*.npz"))
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{part.name} is damaged: delete it"):
        mf.train(LEARNER, TASKS, 5, **call)
    part.unlink()
    same(mf.train(LEARNER, TASKS, 5, **call), whole)
    (tmp_path / "run" / "run.json").write_text("{")
    with pytest.raises(ValueError, match=r"run\.json is no file of a run's name"):
        mf.train(LEARNER, TASKS, 5, **call)


def test_comparisons_and_continued_runs_have_files_too(tmp_path):
    first = mf.train(LEARNER, TASKS, 2, rng=1)
    whole = mf.train(LEARNER, TASKS, 3, resume=first)
    for _ in range(2):
        same(mf.train(LEARNER, TASKS, 3, resume=first, checkpoint=tmp_path / "more"), whole)
    whole = mf.compare({"a": LEARNER, "b": mf.Sarsa()}, TASKS, (0, 2), rng=0)
    for _ in range(2):
        found = mf.compare({"a": LEARNER, "b": mf.Sarsa()}, TASKS, (0, 2), rng=0, checkpoint=tmp_path / "c")
        for name, (curve,) in whole.curves.items():
            assert_same_bits(found.curves[name][0].scores, curve.scores)
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["contender-0-0", "contender-1-0"]
    with pytest.raises(ValueError, match="rng is None"):
        mf.compare({"a": LEARNER}, TASKS, (0, 2), checkpoint=tmp_path / "c")


def test_jobs_are_as_many_shards_as_take_a_second():
    size = jobs._Size(100)
    size.measured(1, 0.25)
    assert size.shards == 4
    size.measured(4, 1.0)
    assert size.shards == 4
    size.measured(4, 20.0)
    assert size.shards == 1
    quick = jobs._Size(100)
    for expected in (8, 64, 100, 100):
        quick.measured(quick.shards, 0.0)
        assert quick.shards == expected


def test_what_names_a_run_is_the_same_for_the_same_alone(tmp_path):
    def name(rng=0, **changes):
        return digest(LEARNER.replace(**changes), TASKS.recipe, np.float32(rng))

    assert (
        name()
        == name()
        == digest(LEARNER, mf.TaskDistribution(4, 2, horizon=5).sample(N, rng=0).recipe, np.float32(0))
    )
    different = [
        name(),
        name(1),
        name(learning_rate=0.1),
        name(initial_q=mf.Table(np.zeros((4, 2)))),
        name(initial_q=mf.Table(np.ones((4, 2)))),
        name(epsilon=mf.Linear(1.0, 0.0, 5)),
        digest(LEARNER, TASKS[1:].recipe, np.float32(0)),
        digest(LEARNER, TASKS.materialise().recipe, np.float32(0)),
        digest([1, 2], [3]),
        digest([1], [2, 3]),
        digest(mf.FrozenLakeMaps(4).sample(3, rng=0).recipe),  # drawn in Python
    ]
    assert len(set(different)) == len(different)
    with pytest.raises(TypeError, match="by which no run can be named"):
        digest(object())
    files = PartFiles(tmp_path, digest(1))
    assert json.loads((tmp_path / "run.json").read_text()) == {"run": digest(1)}
    files.write(slice(5, 9), {"a": np.ones(4)})
    assert list(files.read()) == []  # not from the first task on
    files.write(slice(0, 5), {"a": np.arange(5)})
    assert [(places, arrays["a"].sum()) for places, arrays in files.read()] == [
        (slice(0, 5), 10),
        (slice(5, 9), 4),
    ]


def test_executors_of_libraries_that_are_missing_say_which_extra_has_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "distributed", None)
    for make, extra in ((mf.distributed.ray_executor, "ray"), (mf.distributed.dask_executor, "dask")):
        with pytest.raises(ImportError, match=rf"metarl-fast\[{extra}\]"):
            make()


def test_executors_may_say_how_many_shards_are_a_job():
    executor = Inline()
    executor.shards_per_job = 2
    mf.train(LEARNER, TASKS, 1, rng=0, executor=executor)
    assert executor.count == 2
    executor.shards_per_job = 0
    with pytest.raises(ValueError, match="shards_per_job is 0"):
        mf.train(LEARNER, TASKS, 1, rng=0, executor=executor)


def test_bad_executors_are_named():
    for call in (
        lambda: mf.train(LEARNER, TASKS, 1, executor=5),
        lambda: mf.adapt(LEARNER, TASKS, (0, 1), executor=5),
        lambda: mf.bounds(TASKS, executor=5),
        lambda: mf.compare({"a": LEARNER}, TASKS, (0, 1), executor=5),
        lambda: mf.Reptile().fit(TASKS, LEARNER, 1, executor=5),
    ):
        with pytest.raises(TypeError, match="executor is 5, expected one with a method submit"):
            call()
