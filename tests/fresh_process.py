"""Running a program in a Python process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap


def run(program, *, timeout=60, **environment):
    """Run `program` to its end; return what it printed. It must not fail, hang or print errors."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the children it may have forked
        process.communicate()
        raise
    assert (process.returncode, errors) == (0, ""), f"{process.returncode}\n{output}\n{errors}"
    return output
