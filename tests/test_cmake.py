"""The core as a C++ library: built by CMake without Python, installed, found and used by another project."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest

import metarl_fast
from metarl_fast import _core

ROOT = Path(__file__).resolve().parents[1]
# The cmake and ninja of this environment come first, whether it is activated or not.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
MISSING = [tool for tool in ("cmake", "ninja", "c++") if shutil.which(tool, path=PATH) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"building needs {', '.join(MISSING)}")


def run(*command):
    """Run a command that must succeed; return its standard output and error."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


class Build:
    """One build folder, reconfigured from test to test: only what changed is compiled again."""

    def __init__(self, folder):
        self.build, self.prefix, self.consumer = folder / "build", folder / "prefix", folder / "consumer"

    def configure(self, *options):
        """Return what CMake warned of."""
        reset = (
            "-DMETARL_FAST_PYTHON=OFF",
            "-DMETARL_FAST_OPENMP=ON",
            "-DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=OFF",
        )
        _, warnings = run("cmake", "-S", ROOT, "-B", self.build, "-G", "Ninja", *reset, *options)
        return warnings

    def compile_commands(self):
        return json.loads((self.build / "compile_commands.json").read_text())

    def run_consumer(self):
        """Install, build tests/cpp/consumer against it, and return what that prints, by name."""
        run("cmake", "--build", self.build)
        run("cmake", "--install", self.build, "--prefix", self.prefix, "--component", "dev")
        source = ROOT / "tests" / "cpp" / "consumer"
        run("cmake", "-S", source, "-B", self.consumer, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", self.consumer)
        printed, _ = run(self.consumer / "consumer")
        return dict(line.split() for line in printed.splitlines())


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    return Build(tmp_path_factory.mktemp("cmake"))


@pytest.fixture(scope="module")
def expected_sum():
    """What the consumer's main.cpp computes, by way of the Python module."""
    ids = _core.TaskIds(0, 100, None)
    law = _core.TransitionLaw.uniform, 1.0, 1, _core.RewardLaw.uniform, 0.0, 1.0, np.empty((0, 0)), 0.0
    tasks = _core.random_mdps(1, ids, 10, 5, *law, np.eye(10)[0])
    q_table = np.empty((100, 10, 5))
    settings = 50, 10, False, 0.1, 0.0, 0.95, None, np.zeros((10, 5))
    _core.train_float64(tasks, 2, *settings, q_table, None, None, None, np.empty(0, np.int64), 1, None)
    return reduce(add, q_table.ravel().tolist(), 0.0)  # one after the other, as std::accumulate adds


def test_another_project_finds_and_uses_the_installed_core(build, expected_sum):
    warnings = build.configure()
    printed = build.run_consumer()
    assert int(printed["openmp"]) == metarl_fast.build_info()["openmp"]
    assert ("OpenMP was not found" in warnings) == (printed["openmp"] == "0")
    assert float(printed["sum"]) == expected_sum


def test_without_openmp_cmake_warns_and_the_build_is_serial(build, expected_sum):
    warnings = build.configure("-DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON")
    assert "OpenMP was not found" in warnings
    assert "METARL_FAST_OPENMP=OFF" in warnings
    printed = build.run_consumer()
    assert printed["openmp"] == "0"
    assert float(printed["sum"]) == expected_sum


def test_openmp_can_be_switched_off_without_a_warning(build):
    assert "was not found" not in build.configure("-DMETARL_FAST_OPENMP=OFF")
    assert not [entry for entry in build.compile_commands() if "-fopenmp" in entry["command"].split()]


def test_no_build_asks_for_the_machine_it_runs_on_or_inexact_arithmetic(build):
    build.configure()
    commands = [entry["command"].split() for entry in build.compile_commands()]
    assert len(commands) >= 5
    for command in commands:
        assert "-ffp-contract=off" in command
        assert not {"-ffast-math", "-Ofast", "-march=native"}.intersection(command)


def test_the_presets_are_readable():
    presets, _ = run("cmake", "-S", ROOT, "--list-presets")
    assert '"dev"' in presets
    assert '"bench"' in presets


def test_the_wheel_holds_no_c_plus_plus():
    files = importlib.metadata.files("metarl-fast") or []
    assert files
    assert not [str(file) for file in files if file.suffix in (".hpp", ".cpp", ".a", ".cmake")]
