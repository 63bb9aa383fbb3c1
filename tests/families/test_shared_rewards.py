"""Tasks with the same rewards and different rows."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from bits import assert_same_bits
from families.test_shared_dynamics import DENSE, GRID, spliced
from reference import key_of_part, make_key

FAMILY = mf.SharedRewards
GOLDEN_TASKS = {"shared_rewards": mf.SharedRewards(DENSE)}
ARGUMENTS = {"family": DENSE, "seed": 1, "base": None}


def twin(family, key, task, segment=0):
    """A task of `SharedRewards`, in plain Python."""
    shared = family_twins.generate(family.base or family.family, make_key(family.seed), 0)
    return spliced(family_twins.part(family.family, key_of_part(key, 0), task), shared)


def families():
    parts = st.sampled_from([GRID, DENSE, mf.TaskDistribution(9, 4, mf.Garnet(3), mf.Normal())])
    return st.builds(mf.SharedRewards, parts, st.integers(0, 3), st.none() | parts)


def test_rewards_are_those_of_the_seed_and_rows_the_familys():
    tasks = mf.SharedRewards(DENSE, seed=5).sample(20, rng=0)
    shared = DENSE.sample(rng=5)
    for rewards in tasks.rewards:
        assert_same_bits(rewards, shared.rewards)
    plain = mf.Tasks(DENSE._recipe(key_of_part(tasks.recipe.key, 0), range(20)))
    assert_same_bits(tasks.transitions, plain.transitions)
    training, held_out = (half.sample(20, rng=0) for half in mf.SharedRewards(DENSE).split())
    assert_same_bits(training.rewards[0], held_out.rewards[0])
    assert not np.intersect1d(training.transitions, held_out.transitions).size
