"""A run with a checkpoint is killed again and again, and goes on each time, to the bits of one that was not.

`nox -s kills` kills it fifty times; METARL_FAST_KILLS says how often else.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

KILLS = int(os.environ.get("METARL_FAST_KILLS", "2"))
CODE = f"""
import hashlib, sys
import metarl_fast as mf

class ByShard:
    shards_per_job = in_flight = 1

    def submit(self, function, *arguments):
        return type("Later", (), {{"result": staticmethod(lambda: function(*arguments))}})

tasks = mf.GoalGrid(5, slip=0.1, horizon=30).sample({KILLS + 3} * 1024, rng=0)
options = {{"rng": 1, "returns": False, "mean_returns": True}}
if len(sys.argv) > 1:
    told = lambda done, _: print(done, flush=True)
    options |= {{"executor": ByShard(), "checkpoint": sys.argv[1], "progress": told}}
run = mf.train(mf.QLearning(epsilon=0.2), tasks, 40, **options)
print(hashlib.sha256(run.q_table.tobytes() + run.mean_returns.tobytes()).hexdigest())
"""


def started(*arguments):
    return subprocess.Popen([sys.executable, "-c", CODE, *arguments], stdout=subprocess.PIPE, text=True)


def test_what_is_killed_goes_on_to_the_same_bits(tmp_path):
    expected = started().communicate(timeout=120)[0].split()[-1]
    draw = random.Random(0)
    reached, killed = 0, 0
    while killed < KILLS:
        with started(str(tmp_path / "run")) as child:
            for line in child.stdout:
                assert len(line) < 20, "the run ended before it was killed often enough"
                if int(line) > reached:
                    reached = int(line)
                    break
            time.sleep(draw.random() * 0.02)  # in the middle of learning, or of writing
            child.kill()
            killed += 1
    found = started(str(tmp_path / "run")).communicate(timeout=120)[0].split()
    assert found[-1] == expected
    assert reached >= 1024 * KILLS
    assert not [path for path in (tmp_path / "run").iterdir() if path.suffix not in (".npz", ".json", ".tmp")]
