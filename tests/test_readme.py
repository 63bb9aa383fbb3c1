"""What README.md shows is what happens."""

import re

import pytest

import metarl_fast as mf
from building import ROOT
from metarl_fast.config import read_table
from metarl_fast.experiment import Experiment

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Python programs, each with the output that the next block shows.
PROGRAMS = re.findall(r"```python\n(.*?)```[^`]*```\n(.*?)```", README, flags=re.S)


@pytest.mark.parametrize(
    ("program", "output"), PROGRAMS, ids=["ten lines", "learners", "planning", "gymnasium"]
)
def test_programs_print_what_is_shown(program, output, capsys):
    exec(program, {})
    assert capsys.readouterr().out == output


def test_the_quickstart_prints_what_is_shown(quickstart):
    shown = re.search(r"## What the quickstart prints\n\n```\n(.*?)```", README, flags=re.S)[1].splitlines()
    printed = quickstart[1].splitlines()
    assert shown[:-1] == printed[: len(shown) - 1]
    untimed = shown[-1].rpartition("1 the optimum.")
    assert printed[len(shown) - 1].startswith(untimed[0] + untimed[1])


def test_the_file_shown_is_a_file_of_settings(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", README, flags=re.S)
    (tmp_path / "settings.toml").write_text(text)
    experiment = Experiment.from_table(read_table(tmp_path / "settings.toml"))
    assert isinstance(experiment.family, mf.FrozenLakeMaps)
    assert experiment.learner.discount == 0.99
