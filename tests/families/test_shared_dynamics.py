"""Tasks with the same rows and different rewards."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from bits import assert_same_bits
from reference import key_of_part, make_key

FAMILY = mf.SharedDynamics
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2)
DENSE = mf.TaskDistribution(9, 4, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
GOLDEN_TASKS = {"shared_dynamics": mf.SharedDynamics(DENSE)}
ARGUMENTS = {"family": DENSE, "seed": 1, "base": None}


def spliced(dynamics, rewards):
    """The rows of one task with the expected rewards of another."""
    paid = np.array(rewards.reward, float)
    if rewards.next_state is not None:
        paid = np.zeros(rewards.probability.shape[:2])
        for k in range(rewards.probability.shape[-1]):  # in this order
            paid += rewards.probability[..., k] * rewards.reward[..., k]
    if dynamics.next_state is not None:
        paid = np.where(family_twins.terminal(dynamics)[:, None], 0.0, paid)
        paid = np.repeat(paid[..., None], dynamics.probability.shape[-1], axis=-1)
    return dataclasses.replace(dynamics, reward=paid, reward_noise=rewards.reward_noise)


def twin(family, key, task, segment=0):
    """A task of `SharedDynamics`, in plain Python."""
    shared = family_twins.generate(family.base or family.family, make_key(family.seed), 0)
    return spliced(shared, family_twins.part(family.family, key_of_part(key, 1), task))


def families():
    parts = st.sampled_from([GRID, DENSE, mf.TaskDistribution(9, 4, mf.Garnet(3), mf.Normal())])
    return st.builds(mf.SharedDynamics, parts, st.integers(0, 3), st.none() | parts)


def test_rows_are_those_of_the_seed_and_rewards_the_familys():
    tasks = mf.SharedDynamics(DENSE, seed=5).sample(20, rng=0)
    shared = DENSE.sample(rng=5)
    for rows in tasks.transitions:
        assert_same_bits(rows, shared.transitions)
    plain = mf.Tasks(DENSE._recipe(key_of_part(tasks.recipe.key, 1), range(20)))
    assert_same_bits(tasks.rewards, plain.rewards)
    assert (tasks.start == shared.start).all()
    assert tasks.reward_noise == 0.3


def test_halves_share_the_rows_and_no_rewards():
    training, held_out = (half.sample(20, rng=0) for half in mf.SharedDynamics(DENSE).split())
    assert_same_bits(training.transitions[0], held_out.transitions[0])
    assert not np.intersect1d(training.rewards, held_out.rewards).size
    grid = mf.GoalGrid(3)
    grids = mf.SharedDynamics(grid).split(0.3)[1]
    assert grids.base == grid
    assert grids.family == grid.split(0.3)[1]


def test_halves_that_would_draw_the_same_tasks_are_refused():
    """What tells the family's tasks apart is what all have in common here."""
    paid_alike = dataclasses.replace(DENSE, rewards=mf.Fixed(1.0))
    assert paid_alike.split()
    with pytest.raises(ValueError, match="held-out tasks are among"):
        mf.SharedDynamics(paid_alike).split()
    certain = mf.TaskDistribution(2, 1, mf.Garnet(1), mf.Normal())
    with pytest.raises(ValueError, match="held-out tasks are among"):
        mf.SharedRewards(certain).split()
    with pytest.raises(ValueError, match="held-out tasks are among"):
        mf.WithRewards(certain, mf.Fixed(1.0)).split()
    assert mf.WithRewards(certain).split()


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match="family is 5"):
        mf.SharedDynamics(5)
    with pytest.raises(ValueError, match="base has 6 states, expected 9"):
        mf.SharedDynamics(DENSE, base=mf.RiverSwim())
    with pytest.raises(ValueError, match="seed is -1"):
        mf.SharedDynamics(DENSE, -1)
