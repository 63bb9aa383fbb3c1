"""Tasks that move slowly from one draw of a family to the next."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from bits import assert_same_bits
from reference import key_of_part

FAMILY = mf.Drifting
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.3, start=None)
DENSE = mf.TaskDistribution(7, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
GOLDEN = {"drifting": mf.Drifting(GRID, 2, 3), "drifting_dense": mf.Drifting(DENSE, 1, 4)}
ARGUMENTS = {"family": GRID, "every": 2, "steps": 3, "segment": None}


def twin(family, key, task, segment=0):
    """A task of `Drifting`, in plain Python."""
    draw, r = divmod(segment if family.segment is None else family.segment, family.steps)
    old, new = (family_twins.part(family.family, key_of_part(key, draw + k), task) for k in (0, 1))
    w = r / family.steps
    start = (1.0 - w) * old.start + w * new.start
    noise = (1.0 - w) * old.reward_noise + w * new.reward_noise
    if old.next_state is None:
        probability = (1.0 - w) * old.probability + w * new.probability
        reward = (1.0 - w) * old.reward + w * new.reward
        return dataclasses.replace(
            old, probability=probability, reward=reward, start=start, reward_noise=noise, weights=None
        )
    ends = [family_twins.terminal(old), family_twins.terminal(new)]
    weight = np.where(ends[1], 0.0, np.where(ends[0], 1.0, w))[:, None, None]
    both = {
        name: np.concatenate([getattr(old, name), getattr(new, name)], axis=-1)
        for name in ("next_state", "reward", "terminated")
    }
    probability = np.concatenate([(1.0 - weight) * old.probability, weight * new.probability], axis=-1)
    return dataclasses.replace(
        old,
        probability=probability,
        **both,
        start=start,
        reward_noise=noise,
        terminal=ends[0] & ends[1],
    )


def families():
    parts = [GRID, DENSE, mf.RiverSwim(4, forward=mf.Uniform(0.1, 0.5)), DENSE.split()[1]]
    parts += [mf.Permuted(DENSE), mf.TaskDistribution(66, 2), mf.TaskDistribution(6, 2, mf.Garnet(3))]
    steps, segments = st.integers(1, 4), st.none() | st.integers(0, 9)
    return st.builds(mf.Drifting, st.sampled_from(parts), st.integers(1, 3), steps, segments)


def test_rows_rewards_and_starts_move_on_straight_lines():
    family = mf.Drifting(DENSE, steps=4)
    tasks = family.sample(5, rng=0)
    draws = [mf.Tasks(DENSE._recipe(key_of_part(tasks.recipe.key, k), range(5))) for k in range(3)]
    for segment in range(9):
        now, (j, r) = tasks.segment(segment), divmod(segment, 4)
        for name in ("transitions", "rewards", "start"):
            ends = [getattr(draws[min(j + k, 2)], name) for k in (0, 1)]
            expected = ends[0] + r / 4 * (ends[1] - ends[0])
            np.testing.assert_allclose(getattr(now, name), expected, atol=1e-15)


def test_a_grid_walks_from_one_goal_to_the_next():
    family = mf.Drifting(mf.GoalGrid(3), steps=2)
    tasks = family.sample(20, rng=0)
    draws = [mf.Tasks(mf.GoalGrid(3)._recipe(key_of_part(tasks.recipe.key, k), range(20))) for k in (0, 1)]
    for k, plain in enumerate(draws):
        values = [mf.policy_iteration(batch, 0.9).returns for batch in (tasks.segment(2 * k), plain)]
        np.testing.assert_allclose(*values, rtol=1e-12)
    halfway = tasks.segment(1)
    np.testing.assert_allclose(halfway.transitions.sum(axis=-1), 1.0, atol=1e-15)
    old, new = (plain.terminal for plain in draws)
    assert (halfway.terminal == (old & new)).all()
    moved = (old & ~new).any(axis=1)
    assert moved.any()
    assert not halfway.terminal[moved].any()


def test_learning_follows_the_drift():
    tasks = mf.Drifting(DENSE, every=5, steps=3).sample(64, rng=0)
    learner = mf.QLearning(epsilon=0.2)
    run, alone = (mf.train(learner, tasks, 40, 10, rng=1, num_threads=n) for n in (2, 1))
    assert_same_bits(run.q_table, alone.q_table)
    first = mf.train(learner, tasks.segment(0), 5, 10, rng=1)
    assert_same_bits(run.returns[:, :5], first.returns)


def test_steps_are_checked_and_one_step_is_a_switch():
    with pytest.raises(ValueError, match="steps is 0"):
        mf.Drifting(GRID, steps=0)
    drifting = mf.Drifting(DENSE, steps=1).sample(9, rng=0)
    switched = mf.Switching(DENSE, every=1).sample(9, rng=0)
    np.testing.assert_array_equal(drifting.segment(3).transitions, switched.segment(3).transitions)
