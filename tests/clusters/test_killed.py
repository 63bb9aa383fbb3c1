"""A run with a checkpoint is killed again and again, and goes on each time, to the bits of one that was not.

`nox -s kills` kills it fifty times; METARL_FAST_KILLS says how often else.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time

import metarl_fast as mf

KILLS = int(os.environ.get("METARL_FAST_KILLS", "2"))


class ByShard:
    shards_per_job = in_flight = 1

    def submit(self, function, *arguments):
        return type("Later", (), {"result": staticmethod(lambda: function(*arguments))})


def learned(**how):
    """Return a digest of what is learned."""
    tasks = mf.GoalGrid(5, slip=0.1, horizon=30).sample((KILLS + 3) * 1024, rng=0)
    run = mf.train(mf.QLearning(epsilon=0.2), tasks, 40, rng=1, returns=False, mean_returns=True, **how)
    return hashlib.sha256(run.q_table.tobytes() + run.mean_returns.tobytes()).hexdigest()


def learned_in_parts(folder):
    """Return the same digest; a line says when each shard is there."""
    return learned(executor=ByShard(), checkpoint=folder, progress=lambda done, _: print(done, flush=True))


def test_what_is_killed_goes_on_to_the_same_bits(tmp_path):
    draw = random.Random(0)
    reached, killed = 0, 0
    while killed < KILLS:
        command = [sys.executable, __file__, str(tmp_path / "run")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout:
                assert len(line) < 20, "the run ended before it was killed often enough"
                if int(line) > reached:
                    reached = int(line)
                    break
            time.sleep(draw.random() * 0.02)  # in the middle of learning, or of writing
            child.kill()
            killed += 1
    assert learned_in_parts(str(tmp_path / "run")) == learned()
    assert reached >= 1024 * KILLS
    assert not [path for path in (tmp_path / "run").iterdir() if path.suffix not in (".npz", ".json", ".tmp")]


if __name__ == "__main__":
    print(learned_in_parts(sys.argv[1]))
