"""What test files share: one build of the core, one run of the quickstart."""

import os
import sys

import pytest

from building import ROOT, CoreBuild, run


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Share a plain `pytest` out among the processors; some of the tests, or `-n 0`, run here."""
    options = config.option
    plain = config.args_source is config.ArgsSource.TESTPATHS and options.markexpr == "not builds"
    here = hasattr(config, "workerinput") or options.collectonly or options.usepdb
    if plain and not here and getattr(options, "numprocesses", 0) is None:  # pytest-xdist is there
        options.numprocesses = len(os.sched_getaffinity(0))
        options.dist = "worksteal"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what needs a build of the core, so that it is left out where nobody asks for it."""
    for item in items:
        if "core_build" in item.fixturenames:
            item.add_marker("builds")


@pytest.fixture(scope="session")
def core_build():
    build = CoreBuild(ROOT / "build")
    build.configure()
    build.build()
    return build


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory):
    """The quickstart, reduced, once, as its user runs it: (folder of the results, output, error output)."""
    folder = tmp_path_factory.mktemp("quickstart")
    file = ROOT / "tests" / "reduced_quickstart.toml"
    command = [sys.executable, "-m", "metarl_fast", "train", "--config", file, "--out", "quickstart"]
    output, errors = run(*command, folder=folder)
    return folder / "quickstart", output, errors
