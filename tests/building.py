"""Commands that build, for the tests that look at what was built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The tools of this environment come first, whether it is activated or not.
_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def needs(*tools):
    """Skip tests where one of the tools is missing."""
    missing = [tool for tool in tools if shutil.which(tool, path=_PATH) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not found")


def run(*command, folder=ROOT):
    """Run a command that must succeed; return its standard output and error."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PATH": _PATH},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr
