"""The documentation's pages: what they show is what happens, and nothing public is missing from them."""

from __future__ import annotations

import importlib.util
import re

import pytest

import metarl_fast as mf
from building import ROOT

DOCS = ROOT / "docs"
PROGRAM = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", flags=re.S)
# One namespace a page: its programs follow one another.
PAGES = {
    path.relative_to(DOCS).as_posix(): programs
    for path in sorted(DOCS.rglob("*.md"))
    if (programs := PROGRAM.findall(path.read_text(encoding="utf-8")))
}


@pytest.mark.parametrize("page", PAGES)
def test_programs_print_what_is_shown(page, capsys):
    if "gymnasium" in page or "learn2learn" in page:
        pytest.importorskip("gymnasium")
    namespace: dict[str, object] = {}
    for program, output in PAGES[page]:
        exec(program, namespace)
        assert capsys.readouterr().out == output


def test_the_reference_has_each_public_name_once():
    spec = importlib.util.spec_from_file_location("reference_pages", DOCS / "reference_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    named = [name for _, sections in module.pages().values() for names in sections.values() for name in names]
    assert sorted(named) == sorted(set(mf.__all__) - {"__version__", "shards"})


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples_have_a_title(path):
    assert re.match(r'"""(.+)\n=+\n\n\w', path.read_text(encoding="utf-8"))
