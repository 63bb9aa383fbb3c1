"""Forks inside callbacks, and signals: the child is told, the parent goes on, errors come through once."""

from __future__ import annotations

import os

import pytest

import fresh_process

PRELUDE = """
import os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import numpy as np
import metarl_fast as mf

signal.signal(signal.SIGINT, signal.default_int_handler)
learner = mf.QLearning(10, 5, epsilon=0.2)
tasks = mf.TaskDistribution(10, 5).sample(200, rng=0)

def result(threads=2):
    return mf.train(learner, tasks, 10, 10, rng=1, num_threads=threads).q_table.tobytes()

expected = result()
"""


def run(program, **environment):
    return fresh_process.run(PRELUDE + program, **environment)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_callback_that_forks(threads):
    run(
        f"""
children = []

def fork_once(done, total):
    if not children:
        children.append(os.fork())

signal.alarm(50)  # a child that waits for threads it does not have would hang
try:
    run = mf.train(learner, tasks, 1000, 10, rng=1, num_threads={threads}, progress=fork_once)
except RuntimeError as error:
    assert children == [0] and "forked" in str(error)
    os._exit(7 if result() == expected else 1)
assert children != [0]
assert os.waitpid(children[0], 0)[1] == 7 << 8
alone = mf.train(learner, tasks, 1000, 10, rng=1, num_threads=1)
assert run.q_table.tobytes() == alone.q_table.tobytes()
"""
    )


HUGE = {
    "drawing": "mf.train(mf.QLearning(2500, 10), dirichlet, 1, 1)",
    "writing out": "dirichlet.materialise()",
    "long lists": "garnet.materialise()",
    "candidates": "mf.AnyMdp(256, 64).sample(2, rng=0).materialise()",
    "walls": "mf.GoalGrid(1000, wall_density=0.2).sample(8, rng=0).materialise()",
    "softmax": "mf.train(mf.Sarsa(2, 2**18, temperature=1.0), wide, 10**6, 100)",
}


@pytest.mark.parametrize("job", HUGE)
def test_ctrl_c_is_heard_inside_one_huge_task(job):
    output = run(
        f"""
dirichlet = mf.TaskDistribution(2500, 10, transitions=mf.Dirichlet(1)).sample(1, rng=0)
garnet = mf.TaskDistribution(2**20, 10, transitions=mf.Garnet(2)).sample(1, rng=0)
wide = mf.TaskDistribution(2, 2**18).sample(1, rng=0)
pressed = []

def press():
    pressed.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

threading.Timer(0.2, press).start()
try:
    {HUGE[job]}
except KeyboardInterrupt:
    print(time.monotonic() - pressed[0])
time.sleep(0.1)  # once only
assert result() == expected
"""
    )
    assert float(output or 0) < 2.0  # half a second, and the machine's other work


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no alarm")
def test_what_a_handler_of_the_users_raises_comes_through():
    run(
        """
class TooLongError(Exception):
    pass

def late(*_):
    raise TooLongError

signal.signal(signal.SIGALRM, late)
for threads in (1, 2):
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        mf.train(learner, tasks, 10, 10**8, num_threads=threads)
    except TooLongError:
        assert result() == expected
    else:
        raise AssertionError
"""
    )
