"""What README.md shows is what happens."""

import re

import pytest

import metarl_fast as mf
from building import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM_NAMES = ["ten lines", "gymnasium", "environments"]
# Python programs, each with the output that the next block shows.
PROGRAMS = re.findall(r"```python\n(.*?)```[^`]*```\n(.*?)```", README, flags=re.S)


@pytest.mark.parametrize(("program", "output"), PROGRAMS, ids=PROGRAM_NAMES)
def test_programs_print_what_is_shown(program, output, capsys):
    exec(program, {})
    assert capsys.readouterr().out == output


def test_it_names_every_learner_and_meta_learner():
    for kind in (*mf.learners.LEARNERS, *mf.meta.METAS):
        assert f"`{kind.__name__}`" in README
