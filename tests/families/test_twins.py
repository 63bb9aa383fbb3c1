"""Tasks of the core equal those of their families' twins, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import family_twins
import strategies
from bits import assert_same_bits

modules = pytest.mark.parametrize(
    "module", family_twins.MODULES.values(), ids=[kind.__name__ for kind in family_twins.MODULES]
)


@modules
@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data())
def test_tasks_equal_the_twin(module, data):
    family, seed = data.draw(module.families()), data.draw(strategies.seeds)
    tasks = family.sample(40, rng=seed)[[0, 17, 39]]
    found = tasks.outcomes
    for place, task in enumerate([0, 17, 39]):
        model = module.twin(family, tasks.recipe.key, task)
        assert_same_bits(found["probability"][place], model.probability)
        assert_same_bits(tasks.start[place], model.start)
        assert tasks.core.dense == (model.next_state is None)
        if model.next_state is None:
            assert_same_bits(tasks.rewards[place], model.reward)
            continue
        assert_same_bits(found["next_state"][place], np.asarray(model.next_state, np.int32))
        assert_same_bits(found["reward"][place], model.reward)
        assert_same_bits(found["terminated"][place], np.asarray(model.terminated, bool))
