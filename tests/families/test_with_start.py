"""Tasks that start elsewhere."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from bits import assert_same_bits

FAMILY = mf.WithStart
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2)
DENSE = mf.TaskDistribution(9, 3, mf.Dirichlet(0.4), reward_noise=0.3)
GOLDEN_TASKS = {"with_start": mf.WithStart(GRID)}
ARGUMENTS = {"family": DENSE, "start": 2}


def twin(family, key, task, segment=0):
    """A task of `WithStart`, in plain Python."""
    model, start = family_twins.part(family.family, key, task, segment), family.start
    s = len(model.start)
    if isinstance(start, mf.Uniform):
        ends = np.zeros(s, bool) if model.next_state is None else family_twins.terminal(model)
        start = np.where(ends, 0.0, 1.0 / (s - ends.sum()))
    elif np.ndim(start) == 0:
        start = np.eye(s)[start]
    return dataclasses.replace(model, start=np.array(start, float))


def families():
    parts = [GRID, DENSE, GRID.split()[1], mf.Permuted(GRID), mf.RiverSwim(9), mf.Switching(DENSE, 2)]
    starts = st.sampled_from([mf.Uniform(), 0, 8, (0.25, 0.5, *[0.0] * 6, 0.25)])
    return st.builds(mf.WithStart, st.sampled_from(parts), starts)


def test_only_the_start_is_another():
    plain, moved = GRID.sample(30, rng=0), mf.WithStart(GRID).sample(30, rng=0)
    assert_same_bits(moved.transitions, plain.transitions)
    assert ((moved.start > 0) == ~plain.terminal).all()
    np.testing.assert_allclose(moved.start.sum(axis=1), 1.0)
    values = mf.policy_iteration(plain, 0.9).values
    expected = np.array([row[~ends].mean() for row, ends in zip(values, plain.terminal, strict=True)])
    np.testing.assert_allclose(mf.policy_iteration(moved, 0.9).returns, expected, rtol=1e-12)
    assert (mf.WithStart(DENSE, 4).sample(3, rng=0).start == np.eye(9)[4]).all()


@pytest.mark.parametrize("start", [9, -1, [0.5] * 9])
def test_wrong_starts_are_refused(start):
    with pytest.raises(ValueError, match="start"):
        mf.WithStart(DENSE, start)
    with pytest.raises(TypeError, match="family is 5"):
        mf.WithStart(5)
