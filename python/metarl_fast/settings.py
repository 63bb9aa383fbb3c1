"""Frozen settings, as learners and meta-learners are: copies with changes, parameters in one docstring."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING, Any

from metarl_fast import checks

if TYPE_CHECKING:
    from typing_extensions import Self

_HEADING = re.compile(r"^(\w+)\n-+\n", flags=re.M)
_LISTS = ("Parameters", "Attributes")
"""The sections of a docstring that list names; a class has those of its bases, too."""


class Settings:
    """Base of frozen dataclasses of settings, whose fields are what they are made of."""

    def __init_subclass__(cls, **more: Any) -> None:
        """List the parameters of the bases in the docstring, before the class's own."""
        super().__init_subclass__(**more)
        inherited = cls.__mro__[1].__doc__
        if cls.__doc__ and inherited:
            cls.__doc__ = _with_lists_of(inherited, cls.__doc__)

    def replace(self, **changes: Any) -> Self:
        """Return a copy of the settings in which some are other ones.

        Raises
        ------
        TypeError
            For a name that is no setting, with those that are.
        ValueError, TypeError
            For values that the class refuses.
        """
        names = [f.name for f in dataclasses.fields(self) if f.init]  # type: ignore[arg-type]
        for name in changes:
            if name not in names:
                raise TypeError(
                    f"{type(self).__name__} has no setting {checks.shown(name)}, "
                    f"expected some of {checks.choices(name, names)}"
                )
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


def _with_lists_of(inherited: str, own: str) -> str:
    """Return the docstring `own` with the entries of `inherited` in its lists, if `own` has no such one."""
    text, sections = _sections(own)
    for heading, body in _sections(inherited)[1].items():
        if heading in _LISTS:
            entries = {**_entries(body), **_entries(sections.get(heading, ""))}
            sections[heading] = "\n".join(line for lines in entries.values() for line in lines)
    ordered = sorted(sections, key=lambda heading: (*_LISTS, heading).index(heading))
    return "\n\n".join([text, *(f"{name}\n{'-' * len(name)}\n{sections[name]}" for name in ordered)]) + "\n"


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    """Return the text of a NumPy-style docstring and its sections by heading."""
    text, *parts = _HEADING.split(inspect.cleandoc(doc) + "\n")
    return text.strip(), {name: body.strip("\n") for name, body in zip(parts[::2], parts[1::2], strict=True)}


def _entries(body: str) -> dict[str, list[str]]:
    """Return the lines of each entry of a list by what the entry is of."""
    found: dict[str, list[str]] = {}
    for line in body.splitlines():
        if line and not line[0].isspace():
            found[line.split(" : ")[0]] = last = [line]
        elif line:
            last.append(line)
    return found
