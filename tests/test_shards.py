"""Shards: cut at fixed places, done by any executor in any order, joined to the bits of the whole."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast import shards
from shard_work import LEARNER, A, Own, S, learn

N = 2 * 1024 + 300
BATCHES = {
    "lazy": lambda: mf.TaskDistribution(S, A, horizon=5).sample(N, rng=0),
    "stored": lambda: mf.TaskDistribution(S, A, horizon=5).sample(N, rng=0).materialise(),
    "Python, dense": lambda: Own("dense").sample(N, rng=0),
    "Python, lists": lambda: Own().sample(N, rng=0),
    "a part, in another order": lambda: mf.TaskDistribution(S, A, horizon=5).sample(2 * N, rng=0)[
        N + 5 : 5 : -1
    ],
}


@pytest.fixture(params=BATCHES, scope="module")
def tasks(request):
    return BATCHES[request.param]()


def assert_same_runs(found, expected):
    assert list(found.arrays) == list(expected.arrays)
    for name, array in expected.arrays.items():
        assert_same_bits(found.arrays[name], array)
    assert found.snapshot_episodes == expected.snapshot_episodes
    assert found.num_learners == expected.num_learners


def test_cuts():
    assert list(shards.cuts(0)) == []
    assert list(shards.cuts(1024)) == [slice(0, 1024)]
    assert list(shards.cuts(2050)) == [slice(0, 1024), slice(1024, 2048), slice(2048, 2050)]
    with pytest.raises(ValueError, match="num_tasks is -1"):
        shards.cuts(-1)


@pytest.mark.parametrize("runs", [None, 3])
def test_shards_joined_are_the_whole(tasks, runs):
    whole = learn(tasks, num_runs=runs)
    assert_same_runs(shards.join(shards.map(partial(learn, num_runs=runs, num_threads=1), tasks)), whole)
    # Cut at any of the boundaries.
    for cut in (1024, 2048):
        parts = [learn(tasks[:cut], num_runs=runs), learn(tasks[cut:], num_runs=runs)]
        assert_same_runs(shards.join(parts), whole)
    assert_same_runs(shards.join([shards.join(parts[:1]), parts[1]]), whole)


def test_means_are_sums_by_shards_in_order(tasks):
    run = learn(tasks)
    sums = [in_order(run.returns[places]) for places in shards.cuts(N)]
    assert_same_bits(run.return_sums, np.array(sums))
    assert_same_bits(run.mean_returns, in_order(np.array(sums)) / N)


def in_order(rows):
    total = np.zeros(rows.shape[1:])
    for row in rows:
        total = total + row
    return total


def test_sums_of_arrays_go_by_shards_too():
    values = np.random.default_rng(0).normal(size=(N, 3, 2)) * 10.0 ** np.arange(-3, 3).reshape(3, 2)
    found = shards.shard_sums(values)
    assert_same_bits(found, np.array([in_order(values[places]) for places in shards.cuts(N)]))
    assert_same_bits(shards.in_order(found), in_order(found))
    one = shards.shard_sums(values[:, :1, :1])  # NumPy's own sum would go by pairs here
    assert_same_bits(one, found[:, :1, :1])
    assert shards.in_order(shards.shard_sums(values[:0])).tolist() == [[0.0] * 2] * 3


def test_planners_and_scores_are_the_same_shard_by_shard(tasks):
    stored = tasks.materialise()
    for work in (
        lambda part: mf.policy_iteration(part, 0.9),
        lambda part: mf.value_iteration(part, 0.9),
        lambda part: mf.backward_induction(part, 5),
        lambda part: mf.policy_evaluation(part, random_policy(part)),
        lambda part: mf.bounds(part, 0.9),
        lambda part: mf.bounds(part, 1.0, horizon=4),
        lambda part: mf.adapt(LEARNER, part, (0, 2), rng=3),
    ):
        whole = work(tasks)
        for other in (work(stored), shards.join(shards.map(work, tasks))):
            for name, value in vars(whole).items():
                if isinstance(value, np.ndarray):
                    assert_same_bits(getattr(other, name), value)
                elif isinstance(value, mf.SolverInfo):  # its time is another one
                    assert_same_bits(getattr(other, name).iterations, value.iterations)
                else:
                    assert getattr(other, name) == value


def random_policy(tasks):
    available = tasks.available
    return available / available.sum(axis=-1, keepdims=True)


def test_what_tasks_hold_is_read_shard_by_shard(tasks):
    stored = tasks.materialise()
    for name in ("transitions", "rewards", "start", "terminal", "available", "reward_noise", "ids"):
        assert_same_bits(np.asarray(getattr(tasks, name)), np.asarray(getattr(stored, name)))


@pytest.mark.parametrize("pool", ["threads", "processes", "submit only"])
def test_executors(tasks, pool):
    whole = learn(tasks)
    work = partial(learn, num_threads=1)
    told = []

    def run(executor):
        results = shards.map(work, tasks, executor, progress=lambda *counts: told.append(counts))
        assert_same_runs(shards.join(results), whole)

    if pool == "threads":
        with ThreadPoolExecutor(3) as executor:
            run(executor)
    elif pool == "processes":
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
            run(executor)
    else:
        run(Backwards())
    assert told == [(1024, N), (2048, N), (N, N)]


class Later:
    """The future of an executor that works when somebody asks."""

    def __init__(self, work, log):
        self.work, self.log = work, log

    def result(self):
        self.log.append("asked")
        return self.work()

    def cancel(self):
        self.log.append("cancelled")


class Backwards:
    def __init__(self):
        self.log = []

    def submit(self, function, shard):
        self.log.append("submitted")
        return Later(lambda: function(shard), self.log)


def test_results_come_in_order_and_few_are_in_flight():
    tasks = mf.TaskDistribution(S, A).sample(5 * 1024 + 1, rng=0)
    executor = Backwards()
    found = shards.map(lambda shard: shard.ids[0], tasks, executor, in_flight=2)
    assert executor.log == []  # nothing is done before somebody asks
    assert next(found) == 0
    assert executor.log == ["submitted", "submitted", "asked"]
    assert list(found) == [1024 * k for k in range(1, 6)]
    assert executor.log.count("submitted") == executor.log.count("asked") == 6
    assert "cancelled" not in executor.log


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), None])
def test_what_waits_is_cancelled(error):
    tasks = mf.TaskDistribution(S, A).sample(5 * 1024, rng=0)
    executor = Backwards()

    def work(shard):
        if shard.ids[0] == 1024 and error:
            raise error
        return len(shard)

    found = shards.map(work, tasks, executor)
    assert next(found) == 1024
    if error is None:
        found.close()
    else:
        with pytest.raises(type(error)):
            next(found)
    assert executor.log.count("asked") == (1 if error is None else 2)
    assert executor.log.count("cancelled") == (4 if error is None else 3)


def test_a_failing_shard_cancels_those_that_have_not_begun():
    tasks = mf.TaskDistribution(S, A).sample(40 * 1024, rng=0)
    begun, gate = [], threading.Event()

    def work(shard):
        begun.append(int(shard.ids[0]))
        if len(begun) == 1:
            raise OSError(f"shard at {shard.ids[0]}")
        gate.wait(10)

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(OSError, match="shard at 0"):
            list(shards.map(work, tasks, pool))
        gate.set()
    assert len(begun) <= 2


def test_no_tasks_are_one_empty_shard():
    nothing = mf.TaskDistribution(S, A, horizon=3).sample(0, rng=0)
    found = shards.join(shards.map(learn, nothing))
    assert found.q_table.shape == (0, S, A)
    assert np.isnan(found.mean_returns).all()
    assert [len(shard) for shard in shards.split(mf.TaskDistribution(S, A).sample(rng=0))] == [1]


def test_bad_arguments_are_named():
    tasks = mf.TaskDistribution(S, A, horizon=3).sample(3, rng=0)
    for arguments, message in (
        ((5, tasks), "function is 5, expected something to call"),
        ((len, 5), "tasks is a int, expected Tasks"),
        ((len, tasks, 5), "executor is 5, expected one with a method submit"),
    ):
        with pytest.raises(TypeError, match=message):
            shards.map(*arguments)
    with pytest.raises(ValueError, match="in_flight is 0"):
        shards.map(len, tasks, in_flight=0)
    with pytest.raises(ValueError, match="results is empty"):
        shards.join([])
    with pytest.raises(TypeError, match=r"results\[0\] is a int"):
        shards.join([3])
    run = mf.train(LEARNER, tasks, 2, rng=0)
    for other, message in (
        (mf.train(LEARNER, tasks, 3, rng=0), r"returns of results\[1\] is an array of shape \(3, 3\)"),
        (mf.train(LEARNER, tasks, 2, rng=0, policy=False), r"results\[1\] has \['q_table', 'returns'\]"),
        (mf.train(LEARNER, tasks, 2, rng=0, dtype=np.float64), "dtype float64"),
    ):
        with pytest.raises(ValueError, match=message):
            shards.join([run, other])
    with pytest.raises(TypeError, match=r"results\[1\] is a Bounds, expected TrainResult"):
        shards.join([run, mf.bounds(tasks, 0.9)])


def test_progress_counts_to_all_tasks_and_an_error_of_the_callback_stops():
    tasks = Own("dense").sample(1500, rng=0)
    told = []
    mf.train(LEARNER, tasks, 1, rng=0, progress=lambda *counts: told.append(counts))
    mf.policy_iteration(tasks, 0.9, progress=lambda *counts: told.append(counts))
    assert {total for _, total in told} == {1500}
    assert [done for done, _ in told].count(1500) == 2
    done = [count for count, _ in told]
    first = done.index(1500) + 1
    assert done[:first] == sorted(done[:first])
    assert done[first:] == sorted(done[first:])

    def stop(done, _):
        if done > 1024:
            raise OSError("enough")

    with pytest.raises(OSError, match="enough"):
        mf.train(LEARNER, tasks, 1, rng=0, progress=stop)
