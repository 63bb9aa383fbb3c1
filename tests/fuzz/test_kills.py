"""Meta-training that is killed at any moment goes on from its checkpoint to the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from fuzz.campaign import EXAMPLES

STEPS = 40
PROGRAM = f"""
import sys, time
import metarl_fast as mf
mf.Reptile(tasks_per_iteration=2).fit(
    mf.GoalGrid(5), mf.QLearning(), 3, num_iterations={STEPS}, num_tasks=9, rng=5, num_threads=1,
    checkpoint=sys.argv[1], callback=lambda *step: time.sleep(0.002),
)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill like that")
def test_killed_at_any_moment_the_file_is_the_old_or_the_new_one(tmp_path):
    path = tmp_path / "meta.npz"
    whole = mf.Reptile(tasks_per_iteration=2).fit(
        mf.GoalGrid(5), mf.QLearning(), 3, num_iterations=STEPS, num_tasks=9, rng=5
    )
    random = np.random.default_rng(0 if EXAMPLES == 0 else None)
    before = -1
    for _ in range(EXAMPLES or 3):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, path])
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < 60.0:
            if path.exists() and mf.load(path).num_iterations > before:  # it is at work
                break
            time.sleep(0.005)
        time.sleep(random.uniform(0.0, 0.03))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        reached = mf.load(path)  # which refuses half a file
        assert before <= reached.num_iterations <= STEPS
        before = reached.num_iterations
        if before == STEPS:
            assert_same_bits(reached.state["theta"], whole.state["theta"])
            path.unlink()
            before = -1
    found = mf.Reptile(tasks_per_iteration=2).fit(
        mf.GoalGrid(5), mf.QLearning(), 3, num_iterations=STEPS, num_tasks=9, rng=5, checkpoint=path
    )
    for name, values in whole.state.items():
        assert_same_bits(found.state[name], values)
    for name, values in whole.history.items():
        assert_same_bits(found.history[name], values)
