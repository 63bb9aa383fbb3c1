"""What the test file of each family says of it, found by the family's class.

A file of `tests/families` about a family that the core draws says `FAMILY`, the class; `twin(family, key,
task, segment=0)`, a task in plain Python, as a `Model` equal to the core's bit for bit; `families()`, a
strategy that draws families of the class; `GOLDEN`, families by name whose results are part of the promise
(golden.py); and `ARGUMENTS`, good ones for the campaign to spoil (fuzz).
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import strategies as st

import metarl_fast as mf

MODULES = {}
"""The test files that say these, by the class of their family."""


def generate(family, key, task, segment=0):
    """A task of a family, in plain Python."""
    return MODULES[type(family)].twin(family, key, task, segment)


def changes(family, key, task, num_episodes):
    """The task from segment to segment, by the episodes at which these begin."""
    every = family._episodes_per_segment or num_episodes + 1
    return {first: generate(family, key, task, first // every) for first in range(every, num_episodes, every)}


def part(family, key, task, segment=0):
    """The same of a family inside another one; of a `FamilyPart` it counts tasks from 0."""
    if isinstance(family, mf.FamilyPart):
        return generate(family.family, key, task + family.ids[0], segment)
    return generate(family, key, task, segment)


def families():
    """Families of all classes."""
    return st.one_of([module.families() for module in MODULES.values()])


for path in sorted((Path(__file__).parent / "families").glob("test_*.py")):
    with suppress(pytest.skip.Exception):
        module = import_module(f"families.{path.stem}")
        if hasattr(module, "FAMILY"):
            MODULES[module.FAMILY] = module
