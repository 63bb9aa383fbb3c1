"""Building the core without Python, for the tests that look at what was built."""

import json
import os
import shlex
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


def run(*command, folder=ROOT, **environment):
    """Run a command that must succeed; return its standard output and error."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PATH": _PATH, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


class CoreBuild:
    """A folder of builds, reconfigured from test to test and kept: only what changed is compiled again."""

    def __init__(self, folder):
        self.folder = folder

    def configure(self, *options):
        """Configure without Python; return CMake's warnings."""
        folders = "-S", ROOT, "-B", self.folder / "core"
        fixed = "-DMETARL_FAST_PYTHON=OFF", "-DMETARL_FAST_WERROR=ON"
        _, warnings = run("cmake", *folders, "-G", "Ninja", *fixed, *options)
        return warnings

    def build(self):
        """Compile and link what is not up to date."""
        run("cmake", "--build", self.folder / "core")

    def compile_commands(self):
        """The words of each compiler call."""
        entries = json.loads((self.folder / "core" / "compile_commands.json").read_text())
        return [shlex.split(entry["command"]) for entry in entries]

    def run_consumer(self):
        """Install, build tests/cpp/consumer against that, and return what it prints, by name."""
        self.build()
        prefix, consumer = self.folder / "prefix", self.folder / "consumer"
        shutil.rmtree(prefix, ignore_errors=True)  # a header that is installed no more must be missed
        run("cmake", "--install", self.folder / "core", "--prefix", prefix, "--component", "dev")
        source = ROOT / "tests" / "cpp" / "consumer"
        run("cmake", "-S", source, "-B", consumer, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", consumer)
        printed, _ = run(consumer / "consumer")
        return dict(line.split() for line in printed.splitlines())
