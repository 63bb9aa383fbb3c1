"""What README.md shows is what happens."""

import re

import pytest

import metarl_fast as mf
from building import ROOT
from metarl_fast.config import read_table
from metarl_fast.experiment import Experiment

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM_NAMES = ["ten lines", "learners", "step by step", "prior", "planning", "gymnasium", "environments"]
# Python programs, each with the output that the next block shows.
PROGRAMS = re.findall(r"```python\n(.*?)```[^`]*```\n(.*?)```", README, flags=re.S)


@pytest.mark.parametrize(("program", "output"), PROGRAMS, ids=PROGRAM_NAMES)
def test_programs_print_what_is_shown(program, output, capsys):
    exec(program, {})
    assert capsys.readouterr().out == output


def test_the_quickstart_prints_what_is_shown(quickstart):
    """The same lines of the same contenders; numbers are those of the whole one, which takes longer."""
    shown = re.search(r"## What the quickstart prints\n\n```\n(.*?)```", README, flags=re.S)[1]
    printed = quickstart[1]
    for text in (shown, printed):
        assert text.splitlines()[0].split() == [
            *["score", "after", "episodes", "0", "1", "2", "5", "10", "20", "50"]
        ]
    rows = [line[:20].strip() for line in shown.splitlines()[2:10]]
    assert rows == [name.replace("_", " ") for name in Experiment.from_table({}).contenders]
    assert all(line.count("±") == 7 for line in shown.splitlines()[2:10])
    unit = re.compile(
        r"\d splits into training and held-out tasks, [\d,]+ held-out tasks and a training of its"
    )
    assert unit.search(shown)
    assert unit.search(printed)


def test_the_file_shown_is_a_file_of_settings(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", README, flags=re.S)
    (tmp_path / "settings.toml").write_text(text)
    experiment = Experiment.from_table(read_table(tmp_path / "settings.toml"))
    assert isinstance(experiment.family, mf.FrozenLakeMaps)
    assert experiment.learner.discount == 0.99
