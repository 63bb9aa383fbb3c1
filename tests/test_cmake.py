"""The core as a C++ library: built by CMake without Python, installed, found and used by another project."""

import importlib.metadata
from functools import reduce
from operator import add

import numpy as np
import pytest

import metarl_fast
from building import ROOT, needs, run
from metarl_fast import _core

pytestmark = needs("cmake", "ninja", "c++")


@pytest.fixture(scope="module")
def expected_sum():
    """What the consumer's main.cpp computes, by way of the Python module."""
    ids = _core.TaskIds(0, 100, None)
    family = metarl_fast.TaskDistribution(10, 5)._core_family()
    tasks = _core.generate(family, 1, ids)
    q_table = np.empty((100, 10, 5))
    learner = _core.TdLearner(
        rule="q_learning",
        behaviour=_core.Behaviour.uniform,
        exploration=np.empty(0),
        learning_rate=0.1,
        learning_rate_decay=0.0,
        discount=0.95,
        initial_visits=0.0,
        trace_decay=0.0,
        traces=_core.Traces.replacing,
        bonus=0.0,
        bonus_episodes=0,
    )
    settings = 50, np.array(10), False, np.zeros((10, 5))
    nothing = None, None, None, None, np.empty(0, np.int64)
    _core.train_float64(tasks, learner, 2, *settings, q_table, *nothing, 1, None)
    return reduce(add, q_table.ravel().tolist(), 0.0)  # one after the other, as std::accumulate adds


def test_another_project_finds_and_uses_the_installed_core(core_build, expected_sum):
    core_build.configure()
    assert float(core_build.run_consumer()["sum"]) == expected_sum


def test_the_core_does_not_use_openmps_threads(core_build):
    """They may end the process; `simd` pragmas need no runtime."""
    core_build.configure()
    assert not [command for command in core_build.compile_commands() if "-fopenmp" in command]


def test_no_build_asks_for_the_machine_it_runs_on_or_inexact_arithmetic(core_build):
    core_build.configure()
    commands = core_build.compile_commands()
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
