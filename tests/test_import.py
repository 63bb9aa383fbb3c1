"""Import is cheap, and what is missing says how to install it."""

from __future__ import annotations

import pytest

import fresh_process


def test_importing_needs_numpy_alone():
    loaded = fresh_process.run(
        """
        import sys
        import metarl_fast
        optional = {"gymnasium", "matplotlib", "tqdm", "torch", "scipy", "pandas"}
        print(sorted(optional & set(sys.modules)))
        """
    )
    assert loaded == "[]\n"


def test_the_whole_core_works_without_extras():
    """Nothing but FrozenLakeMaps, pictures and bars needs an extra."""
    fresh_process.run(
        """
        import sys
        for extra in ("gymnasium", "matplotlib", "tqdm", "scipy"):
            sys.modules[extra] = None  # importing it raises ImportError
        import metarl_fast as mf
        family, other = mf.GoalGrid(4).split()
        learner = mf.QLearning(16, 4)
        meta = mf.AverageQ().fit(family, learner, 10, num_tasks=20, rng=0)
        mf.adapt(meta, other.sample(5, rng=0), [0, 1], rng=0).interval()
        """
    )


@pytest.mark.parametrize(
    ("module", "extra", "program"),
    [
        ("gymnasium", "gym", "metarl_fast.FrozenLakeMaps().sample(rng=0).transitions"),
        ("gymnasium", "gym", "metarl_fast.envs"),
        ("matplotlib", "plot", "from metarl_fast import plotting; plotting.adaptation({}, (), 'never.png')"),
    ],
)
def test_missing_extras_are_named(module, extra, program):
    text = fresh_process.run(
        f"""
        import sys
        sys.modules[{module!r}] = None
        import metarl_fast
        try:
            {program}
        except ImportError as error:
            print(error)
        """
    )
    assert text == f"this needs {module}: install it with `pip install 'metarl-fast[{extra}]'`\n"


def test_a_gymnasium_that_is_too_old_is_named():
    text = fresh_process.run(
        """
        import gymnasium.vector
        del gymnasium.vector.AutoresetMode
        import metarl_fast
        try:
            metarl_fast.envs
        except ImportError as error:
            print(error)
        """
    )
    assert text.startswith("this needs a newer gymnasium, one that has gymnasium.vector.AutoresetMode: ")
