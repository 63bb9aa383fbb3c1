"""What README.md shows is what happens."""

import re

import pytest

from building import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Python programs, each with the output that the next block shows.
PROGRAMS = re.findall(r"```python\n(.*?)```[^`]*```\n(.*?)```", README, flags=re.S)


@pytest.mark.parametrize(("program", "output"), PROGRAMS, ids=["ten lines", "gymnasium"])
def test_programs_print_what_is_shown(program, output, capsys):
    exec(program, {})
    assert capsys.readouterr().out == output
