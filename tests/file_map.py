"""The list of files in ARCHITECTURE.md, read off the first sentence of every file: `nox -s map` writes it."""

from __future__ import annotations

import ast
import re
from itertools import groupby

from building import ROOT

DOCUMENT = ROOT / "ARCHITECTURE.md"
HEADING = "## Every file\n"
PARTS = {
    "Core": ["cpp/**/*.?pp"],
    "Python": ["python/metarl_fast/**/*.py"],
    "Benchmarks": ["bench/**/*.?pp", "bench/**/*.py"],
}
LONGEST = 130
"""Characters of a line; what a longer sentence adds after its colon is left to the file."""
LICENCE = "// SPDX-License-Identifier: MIT"


def name(path):
    return path.relative_to(ROOT).as_posix()


def opening(path):
    """The comment or docstring that a file begins with; "" if it has none."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return ast.get_docstring(ast.parse(text)) or ""
    comment = re.match(r"(?://.*\n)*", text.removeprefix(LICENCE + "\n"))[0]
    return "\n".join(line.removeprefix("//").strip() for line in comment.splitlines())


def idea(path):
    """The first sentence of a file, which says its one idea; of a long one what stands before its colon."""
    first = " ".join(opening(path).split("\n\n")[0].split())
    sentence = re.split(r"(?<=[\w)`]\.) (?=[A-Z`])", first)[0].rstrip(".:")
    return sentence if len(sentence) <= LONGEST else sentence.partition(": ")[0]


def sources(part):
    """The files of a part, those that stand in no folder of it first; a header before its source."""
    paths = {path for pattern in PARTS[part] for path in ROOT.glob(pattern)}
    return sorted(paths, key=lambda path: (len(path.parts), path.parent, path.stem, path.suffix != ".hpp"))


def lines(part):
    """A line for each file; sources that say nothing of their own stand beside their header."""
    for _, alike in groupby(sources(part), lambda path: path.with_suffix("")):
        files = list(alike)
        while files:
            silent = [path for path in files[1:] if not idea(path)]
            yield f"* {', '.join(f'`{name(path)}`' for path in [files[0], *silent])}: {idea(files[0])}."
            files = [path for path in files[1:] if path not in silent]


def section():
    """What the section should say."""
    parts = (f"{part}:\n\n" + "\n".join(lines(part)) for part in PARTS)
    return HEADING + "\n" + "\n\n".join(parts) + "\n"


def split():
    """What stands before, in and after the section."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(HEADING)
    found, separator, after = rest.partition("\nAround it:")
    return before, HEADING + found, separator + after


if __name__ == "__main__":
    before, _, after = split()
    DOCUMENT.write_text(before + section() + after, encoding="utf-8")
