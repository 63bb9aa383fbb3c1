"""Running a program in a Python process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap


def run(program, *, timeout=60, **environment):
    """Run `program` to its end; return what it printed. It fails the test if it fails, or prints errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env={**os.environ, **environment},
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
