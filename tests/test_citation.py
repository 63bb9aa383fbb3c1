"""Citations: they name every family's tasks, survive JSON, and are refused where they would name others."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

import golden
import metarl_fast as mf
from bits import assert_same_bits


def again(tasks, **options):
    return mf.from_citation(json.loads(json.dumps(mf.cite(tasks))), **options)


@pytest.mark.parametrize("family", golden.FAMILIES.values(), ids=golden.FAMILIES)
def test_every_family_can_be_cited(family):
    tasks = family.sample(20, rng=5)
    found = again(tasks)
    assert len(found) == 20
    assert found.recipe.same(tasks.recipe)
    part = again(tasks[[3, 1]])
    assert part.ids.tolist() == tasks.ids[[3, 1]].tolist()
    task = mf.from_citation(json.dumps(mf.cite(tasks[7])))
    assert isinstance(task, mf.Task)
    assert task.id == tasks[7].id
    still = tasks[7].segment(0)
    assert_same_bits(task.segment(0).transitions, still.transitions)
    assert_same_bits(task.segment(0).rewards, still.rewards)


def test_splits_seeds_and_horizons_are_named_too():
    training, held_out = mf.GoalGrid(5).split(0.3, rng=4)
    for family in (training, held_out):
        tasks = family.sample(9, rng=np.random.SeedSequence(3))
        assert_same_bits(again(tasks).rewards, tasks.rewards)
    longer = mf.Tasks(tasks.recipe, range(1, 10))
    assert again(longer).horizon.tolist() == list(range(1, 10))
    assert again(longer[:0]).num_tasks == 0


def test_other_numbers_are_not_passed_off_as_those_cited():
    citation = mf.cite(mf.TaskDistribution(4, 2).sample(3, rng=0))
    of_three = {"type": "TaskDistribution", "num_states": 3, "num_actions": 2}
    for change in ({"key": "00000000000000ff"}, {"family": of_three}, {"ids": [1, 0]}):
        with pytest.raises(ValueError, match=r"task [01] has other numbers than the one cited with version"):
            mf.from_citation(citation | change)


@dataclass(frozen=True)
class Own(mf.Family):
    size: int = 3
    num_states, num_actions = 3, 2

    def task(self, rng):
        return {"transitions": rng.dirichlet(np.ones(3), (3, 2)), "rewards": rng.normal(size=(3, 2))}


def test_families_of_ones_own_are_given_back_by_hand():
    tasks = Own().sample(4, rng=0)
    with pytest.raises(ValueError, match="a family of one's own"):
        again(tasks)
    assert_same_bits(again(tasks, family=Own()).rewards, tasks.rewards)


def test_arrays_cannot_be_cited():
    with pytest.raises(ValueError, match="these tasks are arrays"):
        mf.cite(mf.GoalGrid(3).sample(2, rng=0).materialise())
    many = mf.GoalGrid(3).sample(30_000, rng=0)[::2]
    with pytest.raises(ValueError, match="15000 ids that are no run"):
        mf.cite(many)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"key": "xyz"}, "key is 'xyz'"),
        ({"key": 5}, "key is 5"),
        ({"key": "f" * 17}, "key is"),
        ({"ids": 3}, "ids is 3"),
        ({"ids": [1.5]}, "an id is 1.5"),
        ({"ids": {"first": 3, "end": 2}}, "ids['end'] is 2"),
        ({"family": {"type": "Grid"}}, "type is 'Grid'"),
        ({"horizon": 0}, "horizon is 0"),
    ],
)
def test_what_is_no_citation_is_refused(change, text):
    citation = mf.cite(mf.GoalGrid(3).sample(2, rng=0))
    with pytest.raises((ValueError, TypeError)) as error:
        mf.from_citation(citation | change)
    assert text in str(error.value)


@pytest.mark.parametrize("given", ["{", "[]", "3", 7, None, "{}"])
def test_what_is_nothing_of_the_kind_is_refused(given):
    with pytest.raises((ValueError, TypeError), match="citation"):
        mf.from_citation(given)
