"""A good guest: forks, Ctrl-C, callbacks, threads, and what the package leaves alone."""

from __future__ import annotations

import ctypes.util
import math
import os
import threading
import time
from functools import partial

import numpy as np
import pytest

import fresh_process
import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast import checks, runtime

LEARNER = mf.QLearning(10, 5, epsilon=0.2)
TASKS = mf.TaskDistribution(10, 5).sample(200, rng=0)

# Programs begin with this. The children of some are forks of a process with threads, which Python warns of.
PRELUDE = """
import os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import numpy as np
import metarl_fast as mf

learner = mf.QLearning(10, 5, epsilon=0.2)
tasks = mf.TaskDistribution(10, 5).sample(200, rng=0)

def result():
    run = mf.train(learner, tasks, 10, 10, rng=1, num_threads=2)
    values = mf.value_iteration(tasks, num_threads=2).values
    return run.q_table.tobytes() + values.tobytes()
"""


def run(program, **keywords):
    return fresh_process.run(PRELUDE + program, **keywords)


# --- fork ---

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@forks
def test_a_forked_child_works_on_after_its_parent_ran_threads():
    run(
        """
expected = result()
for generation in range(2):  # a child, and a child of that child
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        os._exit(0)
    signal.alarm(20)  # a child that waits for threads it does not have would hang
    assert result() == expected
os._exit(0)
"""
    )


@forks
def test_a_fork_pool_works_after_its_parent_ran_threads():
    run(
        """
import multiprocessing

def same(_):
    return result() == expected

expected = result()
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map_async(same, range(4)).get(timeout=30) == [True] * 4
assert result() == expected
"""
    )


@forks
def test_environments_in_forked_workers_can_train():
    """As Gymnasium's AsyncVectorEnv starts them."""
    run(
        """
import gymnasium
from gymnasium.vector import AsyncVectorEnv

class Trainer(gymnasium.Env):
    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, float(result() == expected), False, False, {}

if __name__ == "__main__":
    expected = result()
    envs = AsyncVectorEnv([Trainer, Trainer], context="fork", shared_memory=False)
    envs.reset(seed=0)
    envs.step_async(np.zeros(2, int))
    assert envs.step_wait(timeout=30)[1].tolist() == [1.0, 1.0]
    envs.close()
    assert result() == expected
"""
    )


def test_spawned_workers_give_the_same_bits():
    run(
        """
import concurrent.futures, multiprocessing, pickle

if __name__ == "__main__":
    work = mf.train, learner, tasks, 10, 10
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(*work, rng=1).result(timeout=30)
    assert found.q_table.tobytes() == mf.train(learner, tasks, 10, 10, rng=1).q_table.tobytes()
"""
    )


# --- Ctrl-C ---

INTERRUPT = """
# Started in the background, a shell's children ignore Ctrl-C, and so would this program.
signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupted(job):
    \"\"\"Seconds from Ctrl-C to KeyboardInterrupt, in a job that a fast machine does again and again.\"\"\"
    pressed = []
    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    timer = threading.Timer(0.3, press)
    timer.start()
    try:
        while True:
            job()
    except KeyboardInterrupt:
        return time.monotonic() - pressed[0]

expected = result()
"""

SETUP = """
small = mf.QLearning(2, 2)
many = mf.TaskDistribution(2, 2).sample(10**7, rng=0)
wide = mf.QLearning(300, 9)
large = mf.TaskDistribution(300, 9, transitions=mf.Dirichlet(1)).sample(99, rng=0)
uniform = np.full((10, 5), 0.2)
cycle = mf.from_arrays([[[0.0, 1.0]], [[1.0, 0.0]]], [[1.0], [0.0]])  # never mixes: sweeps gain 1 - discount

class Slow(mf.Family):
    num_states, num_actions = 2, 2

    def task(self, rng):
        time.sleep(0.01)
        return {"transitions": np.full((2, 2, 2), 0.5), "rewards": np.zeros((2, 2))}
"""
TRAINING = {
    "many steps on few tasks": "mf.train(learner, tasks[:2], 10, 2 * 10**9)",
    "on two threads": "mf.train(learner, tasks, 10, 2 * 10**9, num_threads=2)",
    "many tasks": "mf.train(small, many, 100, 50, returns=False, q_table=False, num_threads=2)",
    "large tasks": "mf.train(wide, large, 1, 1, num_threads=2)",
}
OTHER_WORK = {
    "value iteration": "mf.value_iteration(cycle, 1 - 1e-12, tolerance=1e-300)",
    "policy iteration": "mf.policy_iteration(many[: 10**6], num_threads=2)",
    "policy evaluation": "mf.policy_evaluation(many[: 10**6], [0, 1], num_threads=2)",
    "backward induction": "mf.backward_induction(tasks[:1], 2**62, plan=False)",
    "episodes of a policy": "mf.policy_evaluation(tasks[:1], uniform, horizon=2**62)",
    "writing out": "large.transitions",
    "a Python family": "Slow().sample(10**6, rng=0).core",
}


@pytest.mark.parametrize("jobs", [TRAINING, OTHER_WORK], ids=["training", "other work"])
def test_ctrl_c_stops_within_half_a_second(jobs):
    presses = [f"print(interrupted(lambda: {job}), {name!r})\n" for name, job in jobs.items()]
    output = run(INTERRUPT + SETUP + "".join(presses) + "assert result() == expected\n")
    assert len(output.splitlines()) == len(jobs)
    for line in output.splitlines():
        seconds, name = line.split(maxsplit=1)
        assert float(seconds) < 2.0, name  # half a second, and the machine's other work


def test_ctrl_c_reaches_the_main_thread_when_another_trains():
    run(
        INTERRUPT
        + """
found = []
work = lambda: found.append(mf.train(learner, tasks, 50_000, 10, rng=1, returns=False))
worker = threading.Thread(target=work)
worker.start()
assert interrupted(lambda: time.sleep(20)) < 2
worker.join()  # it was not asked to stop, and comes to its end
assert len(found) == 1
assert result() == expected
"""
    )


def test_a_process_may_end_while_daemon_threads_train():
    output = run(
        """
def again_and_again():
    while True:
        mf.train(learner, tasks, 10, 10, progress=lambda done, total: sum(range(100)))

threading.Thread(target=lambda: mf.train(learner, tasks, 10, 2 * 10**9), daemon=True).start()
threading.Thread(target=again_and_again, daemon=True).start()
time.sleep(0.3)
print("end")
"""
    )
    assert output == "end\n"


def test_what_runs_at_exit_may_still_train():
    output = fresh_process.run(
        """
        import atexit

        def last():
            tasks = mf.TaskDistribution(10, 5).sample(100, rng=0)
            print(mf.train(mf.QLearning(10, 5), tasks, 3, 10, num_threads=2).q_table.shape)

        atexit.register(last)  # before the package is imported, and so after its own end
        import metarl_fast as mf
        """
    )
    assert output == "(100, 10, 5)\n"


# --- progress ---

JOBS = {
    "train": lambda progress, threads: mf.train(
        LEARNER, TASKS, 3000, 10, rng=0, num_threads=threads, progress=progress
    ),
    "value_iteration": lambda progress, threads: mf.value_iteration(
        TASKS, 0.95, num_threads=threads, progress=progress
    ),
    "backward_induction": lambda progress, threads: mf.backward_induction(
        TASKS, 500, num_threads=threads, progress=progress
    ),
    "policy_evaluation": lambda progress, threads: mf.policy_evaluation(
        TASKS, np.full((10, 5), 0.2), 0.95, num_threads=threads, progress=progress
    ),
    "adapt": lambda progress, threads: mf.adapt(
        LEARNER, TASKS, [0, 500], num_steps=20, rng=0, num_threads=threads, progress=progress
    ),
    "AverageQ.fit": lambda progress, threads: mf.AverageQ().fit(
        TASKS, LEARNER, 500, 10, rng=0, num_threads=threads, progress=progress
    ),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("job", JOBS)
def test_progress_counts_up_to_the_number_of_tasks(job, threads):
    calls = []
    JOBS[job](lambda done, total: calls.append((done, total)), threads)
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {200}
    assert calls[-1] == (200, 200)


def test_progress_comes_while_the_work_goes_on():
    calls = []
    tasks = mf.TaskDistribution(10, 5).sample(20_000, rng=0)
    mf.train(LEARNER, tasks, 1500, 10, rng=0, num_threads=1, progress=lambda done, _: calls.append(done))
    assert len(set(calls)) > 3
    # About twenty times a second, not once a task.
    assert len(calls) < 1000


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("job", JOBS)
def test_what_a_callback_raises_stops_the_work_and_comes_through(job, threads):
    class StopItError(Exception):
        pass

    calls = []

    def stop(done, total):
        calls.append(done)
        raise StopItError(f"after {done}")

    with pytest.raises(StopItError, match="after"):
        JOBS[job](stop, threads)
    assert len(calls) == 1


def test_a_stopped_run_stops_early():
    calls = []

    def stop(done, total):
        calls.append(done)
        raise SystemExit

    started = time.monotonic()
    with pytest.raises(SystemExit):
        mf.train(LEARNER, TASKS, 10, 2 * 10**9, rng=0, progress=stop)
    assert calls == [0]
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("threads", [1, 2])
def test_a_callback_may_train(threads):
    expected = mf.train(LEARNER, TASKS, 3, 10, rng=0).q_table
    found = []

    def progress(done, total):
        found.append(mf.train(LEARNER, TASKS, 3, 10, rng=0, num_threads=2).q_table)

    mf.train(LEARNER, TASKS, 1000, 10, rng=0, num_threads=threads, progress=progress)
    for table in found:
        assert_same_bits(table, expected)
    assert found


# --- threads ---


def test_other_python_threads_run_on():
    turns = []
    finished = threading.Event()

    def count():
        while not finished.wait(0.001):
            turns.append(None)

    counter = threading.Thread(target=count)
    counter.start()
    before = len(turns)
    # One thread would otherwise hold the interpreter for the whole of a run without callbacks.
    mf.train(LEARNER, TASKS, 5000, 10, rng=0, num_threads=1)
    during = len(turns) - before
    finished.set()
    counter.join()
    assert during > 10


def test_two_threads_train_at_once():
    tasks = [mf.TaskDistribution(10, 5).sample(100, rng=seed) for seed in range(4)]
    expected = [mf.train(LEARNER, batch, 100, 10, rng=1).q_table for batch in tasks]
    found = [None] * 4

    def work(k):
        found[k] = mf.train(LEARNER, tasks[k], 100, 10, rng=1, num_threads=2).q_table

    workers = [threading.Thread(target=partial(work, k)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for k in range(4):
        assert_same_bits(found[k], expected[k])


def test_more_threads_than_there_is_work_or_processors():
    expected = mf.train(LEARNER, TASKS, 3, 10, rng=0, num_threads=1).q_table
    assert_same_bits(mf.train(LEARNER, TASKS, 3, 10, rng=0, num_threads=4096).q_table, expected)


def test_openmp_settings_of_others_stay_as_they_are():
    if ctypes.util.find_library("gomp") is None:
        pytest.skip("libgomp not found")
    run(
        """
import ctypes, ctypes.util
openmp = ctypes.CDLL(ctypes.util.find_library("gomp"))
names = ("max_threads", "dynamic", "nested", "max_active_levels", "thread_limit")
settings = [getattr(openmp, "omp_get_" + name)() for name in names]
expected = result()
mf.train(learner, tasks, 10, 10, num_threads=3)
assert [getattr(openmp, "omp_get_" + name)() for name in names] == settings
openmp.omp_set_num_threads(1)  # somebody else's wish is not ours
assert result() == expected
assert openmp.omp_get_max_threads() == 1
""",
        OMP_NUM_THREADS="2",
    )


def test_num_threads_comes_first(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert runtime.thread_count(5) == 5


@pytest.mark.parametrize(("setting", "expected"), [("3", 3), (" 2 ", 2), ("4,2", 4), ("99999", 4096)])
def test_then_comes_the_environment(monkeypatch, setting, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert runtime.thread_count() == expected
    assert mf.build_info()["num_threads"] == expected


@pytest.mark.parametrize("setting", ["0", "-1", "two", "1.5", "2 3", "2x"])
def test_bad_settings_are_refused(monkeypatch, setting):
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    with pytest.raises(ValueError, match=f"OMP_NUM_THREADS is '{setting}', expected a positive integer"):
        runtime.thread_count()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_then_comes_affinity(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(runtime, "_control_group_quota", lambda: math.inf)
    allowed = os.sched_getaffinity(0)
    assert runtime.thread_count() == len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert runtime.thread_count() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(("quota", "expected"), [(math.inf, 8), (64.0, 8), (2.5, 3), (2.0, 2), (0.1, 1)])
def test_and_the_quota_of_the_control_group(monkeypatch, quota, expected):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(runtime, "_control_group_quota", lambda: quota)
    assert runtime.thread_count() == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, math.inf),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "nonsense"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
    ],
)
def test_quota_files(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert runtime._control_group_quota(tmp_path) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 2**62),
        ({"memory.max": "max\n", "memory.stat": "anon 5\n"}, 2**62),
        ({"memory.max": "1000\n", "memory.stat": "anon 300\nfile 600\n"}, 700),
        ({"memory/memory.limit_in_bytes": "1000\n", "memory/memory.stat": "cache 9\ntotal_rss 400\n"}, 600),
        ({"memory.max": "1000\n"}, 2**62),
    ],
)
def test_memory_files(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert checks._control_group_memory(tmp_path) == expected


def test_the_smaller_of_system_and_control_group_counts(monkeypatch):
    monkeypatch.setattr(checks, "_system_memory", lambda: 3 * 10**9)
    monkeypatch.setattr(checks, "_control_group_memory", lambda: 2 * 10**9)
    checks.memory(2 * 10**9, "a thing")
    with pytest.raises(MemoryError, match=r"a thing needs 2\.5 GB, but 2\.0 GB are available"):
        checks.memory(25 * 10**8, "a thing")


# --- the build ---


def test_build_info():
    info = mf.build_info()
    assert list(info) == [
        "version", "compiler", "build_type", "isa", "available_isas", "openmp", "num_threads",
    ]  # fmt: skip
    assert info["version"] == mf.__version__
    assert info["isa"] in info["available_isas"]
    assert info["available_isas"][0] == "base"
    assert info["openmp"] is False  # the threads are our own
