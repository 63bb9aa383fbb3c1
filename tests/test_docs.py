"""The documentation's pages: what they show is what happens, and nothing public is missing from them."""

from __future__ import annotations

import importlib.util
import re

import pytest

import metarl_fast as mf
from building import ROOT
from metarl_fast.config import read_table
from metarl_fast.experiment import Experiment

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


QUICKSTART = (DOCS / "quickstart.md").read_text(encoding="utf-8")


def test_the_quickstart_prints_what_is_shown(quickstart):
    """The same lines of the same contenders; numbers are those of the whole one, which takes longer."""
    shown = re.search(r"## What it prints\n\n```\n(.*?)```", QUICKSTART, flags=re.S)[1]
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
    (text,) = re.findall(r"```toml\n(.*?)```", QUICKSTART, flags=re.S)
    (tmp_path / "settings.toml").write_text(text)
    experiment = Experiment.from_table(read_table(tmp_path / "settings.toml"))
    assert isinstance(experiment.family, mf.FrozenLakeMaps)
    assert experiment.learner.discount == 0.99


@pytest.mark.parametrize(
    ("page", "kinds"), [("learners", mf.learners.LEARNERS), ("meta_learners", mf.meta.METAS)]
)
def test_pages_say_when_to_choose_each(page, kinds):
    text = (DOCS / "how_to" / f"{page}.md").read_text(encoding="utf-8")
    assert not [kind.__name__ for kind in kinds if f"`{kind.__name__}`" not in text]
