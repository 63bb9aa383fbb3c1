"""Threads, stacks and memory that the system refuses: fewer threads or a clean error, never the end."""

from __future__ import annotations

import sys

import pytest

import fresh_process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits are set as on Linux")

PRELUDE = """
import os, resource, sys, threading
import numpy as np
import metarl_fast as mf

learner = mf.QLearning(10, 5, epsilon=0.2)
tasks = mf.TaskDistribution(10, 5).sample(500, rng=0)

def result(threads):
    run = mf.train(learner, tasks, 20, 50, rng=1, num_threads=threads, mean_returns=True)
    values = mf.value_iteration(tasks, 0.9, num_threads=threads).values
    return run.q_table.tobytes() + run.mean_returns.tobytes() + values.tobytes()

def address_space(megabytes):
    \"\"\"Leave so many megabytes to what comes.\"\"\"
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + (megabytes << 20), resource.RLIM_INFINITY))

expected = result(1)
"""


def run(program, **environment):
    return fresh_process.run(PRELUDE + program, **environment)


def test_threads_that_address_space_refuses_are_threads_fewer():
    run(
        """
for megabytes in (16, 4):
    address_space(megabytes)
    assert result(64) == expected
"""
    )


def test_threads_that_the_number_of_processes_refuses_are_threads_fewer():
    run(
        """
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)  # the limit is not for root
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
assert result(8) == expected
"""
    )


@pytest.mark.parametrize("size", ["16K", "9999999G", "nonsense"])
def test_openmps_size_of_stacks_does_not_matter(size):
    run("assert result(4) == expected\n", OMP_STACKSIZE=size)


@pytest.mark.parametrize("size", [32768, 65536, 262144])
def test_small_stacks_of_pythons_threads(size):
    run(
        f"""
threading.stack_size({size})
found = []

def work():
    found.append(result(1) == expected and result(3) == expected)
    seen = []
    mf.train(learner, tasks, 20, 50, num_threads=2, progress=lambda done, total: seen.append(done))
    found.append(seen[-1] == 500)

thread = threading.Thread(target=work)
thread.start()
thread.join()
assert found == [True, True]
"""
    )


def test_a_small_stack_of_the_first_thread():
    run(
        """
resource.setrlimit(resource.RLIMIT_STACK, (128 << 10, resource.RLIM_INFINITY))
assert result(1) == expected
assert result(2) == expected
"""
    )


def test_memory_that_the_system_refuses_is_a_memory_error_and_work_goes_on():
    output = run(
        """
huge = mf.TaskDistribution(2000, 10, transitions=mf.Dirichlet(1)).sample(2, rng=0)
from metarl_fast import checks
checks.memory = lambda *_: None  # as if another process took the memory after the look
checks.available_memory = lambda: 2**62
address_space(100)
for job in (
    lambda: mf.train(mf.QLearning(2000, 10), huge, 1, 1, num_threads=2),
    lambda: mf.value_iteration(huge, num_threads=2),
    lambda: mf.policy_evaluation(huge, np.full((2000, 10), 0.1), num_threads=2),
    lambda: huge.transitions,
    lambda: huge.rewards.sum() and huge.materialise(),
):
    try:
        job()
    except MemoryError as error:
        assert str(error) and "bad_alloc" not in str(error), error
        print("refused")
    assert result(2) == expected
"""
    )
    assert output == "refused\n" * 5


def test_what_a_limit_does_not_leave_is_refused_first():
    run(
        """
huge = mf.TaskDistribution(2000, 10, transitions=mf.Dirichlet(1)).sample(2, rng=0)
address_space(200)
try:
    mf.train(mf.QLearning(2000, 10), huge, 1, 1)
except MemoryError as error:
    assert "are available" in str(error), error
else:
    raise AssertionError
assert result(2) == expected
"""
    )


def test_many_threads_are_not_refused_for_scratch_they_would_not_use():
    run(
        """
large = mf.TaskDistribution(300, 9, transitions=mf.Dirichlet(1)).sample(4096, rng=0)
from metarl_fast import checks
checks._system_memory = lambda: 2 * 10**9
tables = [
    mf.train(mf.QLearning(300, 9), large[:33], 1, 1, rng=0, num_threads=threads).q_table.tobytes()
    for threads in (1, 4096)
]
assert tables[0] == tables[1]
"""
    )


def test_early_returns_of_a_fast_thread_are_bounded():
    output = run(
        """
def peak():
    mf.train(
        learner, tasks, 20_000, 1, rng=1, returns=False, q_table=False, policy=False, mean_returns=True,
        num_threads=2,
    )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((peak() - before) // 1024)
"""
    )
    assert int(output) < 40  # MB; two blocks of returns are 5
