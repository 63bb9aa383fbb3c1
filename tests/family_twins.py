"""What the test file of each family says of it, found by the family's class.

A file of `tests/families` about a family that the core draws says `FAMILY`, the class; `twin(family, key,
task, segment=0)`, a task in plain Python, as a `Model` equal to the core's bit for bit; `families()`, a
strategy that draws families of the class; `GOLDEN_TASKS`, families by name whose tasks and results are part
of the promise (golden.py), or `GOLDEN`, if those of every learner are; and `ARGUMENTS`, good ones for the
campaign to spoil (fuzz).
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np
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


def as_lists(model, length=None):
    """The same task as outcome lists, of some length."""
    s, a, k = model.probability.shape
    length = length or k
    shape = (s, a, length)
    probability, next_state, reward = np.zeros(shape), np.zeros(shape, int), np.zeros(shape)
    terminated = np.zeros(shape, bool)
    for i, j, outcome in np.ndindex(s, a, k):
        place = i, j, outcome
        probability[place] = model.probability[place]
        next_state[place], reward[place], terminated[place] = model.outcome(*place)
    return dataclasses.replace(
        model, probability=probability, next_state=next_state, reward=reward, terminated=terminated
    )


def terminal(model):
    """States that are never left, for nothing, with the end of the episode: grids write them so."""
    here = np.arange(len(model.start))[:, None, None]
    return (model.terminated & (model.next_state == here) & (model.reward == 0.0)).all(axis=(1, 2))


def families():
    """Families of all classes."""
    return st.one_of([module.families() for module in MODULES.values()])


for path in sorted((Path(__file__).parent / "families").glob("test_*.py")):
    with suppress(pytest.skip.Exception):
        module = import_module(f"families.{path.stem}")
        if hasattr(module, "FAMILY"):
            MODULES[module.FAMILY] = module
