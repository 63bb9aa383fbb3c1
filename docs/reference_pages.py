"""Writes the reference's pages: every public name once, on the page of its kind."""

from __future__ import annotations

import inspect
from pathlib import Path

import metarl_fast as mf
from metarl_fast.families import FAMILIES
from metarl_fast.learners import LEARNERS
from metarl_fast.meta import METAS

CONCEPTS = ("Task", "Tasks", "Family", "Learner", "Agent", "Meta", "Simulator")


def pages() -> dict[str, tuple[str, dict[str, list[str]]]]:
    """Return {file: (title, {section: names})} that hold each public name once."""
    families: dict[str, list[str]] = {}
    for kind in FAMILIES:
        families.setdefault(kind.group, []).append(kind.__name__)
    learners = [kind.__name__ for kind in LEARNERS]
    metas = [kind.__name__ for kind in METAS]
    listed = {*CONCEPTS, *learners, *metas, *(name for names in families.values() for name in names)}
    rest = [name for name in mf.__all__ if name not in listed and not name.startswith("_")]
    functions = [name for name in rest if inspect.isfunction(getattr(mf, name))]
    classes = [name for name in rest if inspect.isclass(getattr(mf, name))]
    return {
        "concepts": ("Concepts", {"": list(CONCEPTS)}),
        "families": ("Families", families),
        "learners": ("Learners", {"": learners}),
        "meta": ("Meta-learners", {"": metas}),
        "functions": ("Functions", {"": functions}),
        "classes": ("Results and settings", {"": classes}),
    }


def write_reference_pages(folder: Path) -> None:
    """Write a page for each kind into `folder`, and one that lists the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, (title, sections) in pages().items():
        lines = [title, "=" * len(title), "", ".. currentmodule:: metarl_fast", ""]
        for section, names in sections.items():
            if section:
                lines += [section, "-" * len(section), ""]
            lines += [".. autosummary::", "   :toctree: names", "", *(f"   {name}" for name in names), ""]
        _write(folder / f"{file}.rst", lines)
    contents = [".. toctree::", "   :maxdepth: 1", "", *(f"   {file}" for file in pages())]
    _write(folder / "index.rst", ["Reference", "=========", "", *contents, ""])


def _write(path: Path, lines: list[str]) -> None:
    """Write a file that says something new: Sphinx reads what is younger than its copy."""
    text = "\n".join(lines)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
