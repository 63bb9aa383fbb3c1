"""What contributors run, each in an environment of its own: `nox -l` lists it, `nox -s lint` runs one."""

import nox

nox.options.sessions = ["lint", "tests", "cpp"]
CPP = ("git", "ls-files", "*.cpp", "*.hpp")


@nox.session
def lint(session):
    """Check formatting, lint and types; change nothing."""
    session.install(".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    files = session.run(*CPP, external=True, silent=True).split()
    session.run("clang-format", "--dry-run", "-Werror", *files)
    session.run("mypy")


@nox.session
def tests(session):
    """Run the Python tests; further arguments go to pytest."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session(python=["3.11"])
def oldest(session):
    """Run the Python tests with the oldest libraries that pyproject.toml allows."""
    session.install(
        ".[test]", "numpy==1.26.*", "gymnasium==1.1.0", "matplotlib==3.8.*", "tqdm==4.60.*", "scipy==1.11.*"
    )
    # Old libraries meet deprecations of others that they did not pin.
    session.run("pytest", "-W", "ignore::DeprecationWarning", *session.posargs)


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def pythons(session):
    """Run what decides bits, and what reads and refuses, with each Python."""
    session.install(".[test]")
    tests = [
        "tests/test_import.py",
        "tests/test_engine.py",
        "tests/test_determinism.py",
        "tests/families/test_twins.py",
        "tests/test_histories.py",
        "tests/test_typing.py",
    ]
    session.run("pytest", *tests, *session.posargs)


@nox.session
def rllib(session):
    """Run RLlib's PPO on our vector environments, with the one Gymnasium that RLlib takes."""
    session.install(".[test]", "ray[rllib]", "torch")
    session.run("pytest", "tests/compat/test_rllib.py", *session.posargs)


@nox.session(python=["3.11"])
def cherry(session):
    """Run cherry's wrappers on our environments, with the gym and the NumPy that cherry-rl is for."""
    session.install(".[gym]", "pytest", "numpy==1.26.*", "gym==0.25.2", "dotmap", "six", "torch")
    session.install("--no-deps", "cherry-rl==0.2.0")
    session.run("pytest", "-W", "ignore", "tests/compat/test_learn2learn.py", *session.posargs)


@nox.session(python=["3.10"])
def learn2learn(session):
    """Build learn2learn, with the last tools that can, and run its MetaEnv and its MAML on our tasks."""
    session.install("setuptools<66", "wheel", "cython<3", "numpy==1.26.*")
    session.install("--no-build-isolation", "--no-deps", "learn2learn==0.2.0")
    needed = ["dotmap", "gym==0.25.2", "requests", "scikit-learn", "scipy", "six", "torch", "tqdm"]
    session.install(".[gym]", "pytest", "numpy==1.26.*", *needed)
    stands_in = {"PYTHONPATH": "tests/compat"}
    session.run("python", "-c", "import no_pictures, learn2learn.gym", env=stands_in)  # the test may not skip
    tests = ["-p", "no_pictures", "-W", "ignore", "tests/compat/test_learn2learn.py", *session.posargs]
    session.run("pytest", *tests, env=stands_in)
    example = "import no_pictures, runpy; runpy.run_path('examples/maml_learn2learn.py', run_name='__main__')"
    session.run("python", "-c", example, env=stands_in)


@nox.session
def docs(session):
    """Build the documentation into build/docs; the examples are run."""
    session.install(".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "docs", "build/docs")


@nox.session
@nox.parametrize("version", ["1.1.0", "1.2.2", "newest"])
def gymnasium(session, version):
    """Run the tests of environments with the oldest Gymnasium that works, RLlib's, and the newest."""
    session.install(".[test]", "gymnasium" if version == "newest" else f"gymnasium=={version}")
    tests = ["tests/envs", "tests/compat", "tests/families/test_frozen_lake.py", *session.posargs]
    session.run("pytest", "-W", "ignore::DeprecationWarning", *tests)


@nox.session(name="map")
def file_map(session):
    """Write the list of files in ARCHITECTURE.md anew, from the first sentence of each."""
    session.install("pytest")
    session.run("python", "tests/file_map.py")


@nox.session
def fuzz(session):
    """Run the fuzz campaign for long: `nox -s fuzz -- 2000` for so many new examples of each test."""
    session.install(".[test]")
    count, *others = session.posargs or ["1000"]
    session.run(
        "pytest", "tests/fuzz", "tests/test_engine.py", *others, env={"METARL_FAST_FUZZ_EXAMPLES": count}
    )


@nox.session
def kills(session):
    """Kill a run with a checkpoint fifty times, and see that it ends with the bits of one that was not."""
    session.install(".[test]")
    session.run("pytest", "tests/clusters/test_killed.py", *session.posargs, env={"METARL_FAST_KILLS": "50"})


@nox.session
def builds(session):
    """Build the core by CMake alone, look at what was built, install it and use it from another project."""
    session.install(".[test]")
    session.run("pytest", "-m", "builds", *session.posargs)


@nox.session
def cpp(session):
    """Run the C++ tests with the address and undefined-behaviour sanitizers."""
    session.install("cmake>=3.24", "ninja")
    session.run("cmake", "--preset", "dev")
    session.run("cmake", "--build", "--preset", "dev")
    session.run("ctest", "--preset", "dev")


@nox.session
def bench(session):
    """Measure; needs Google Benchmark (libbenchmark-dev), to which further arguments go."""
    session.install("cmake>=3.24", "ninja")
    session.run("cmake", "--preset", "bench")
    session.run("cmake", "--build", "--preset", "bench")
    session.run("build/bench/bench_engine", *session.posargs, external=True)


@nox.session
def claims(session):
    """Run every contender on eight families, as docs/where_it_helps.md reports; a quarter of an hour."""
    session.install(".[plot]")
    session.run("python", "bench/where_it_helps.py", "--splits", "5", *session.posargs)


@nox.session
def stubs(session):
    """Check that `_core.pyi` agrees with the compiled core; write a generated draft to compare with."""
    session.install(".[lint]", "pybind11-stubgen")
    session.run("python", "-m", "mypy.stubtest", "metarl_fast._core")
    session.run("pybind11-stubgen", "metarl_fast._core", "-o", session.create_tmp())
