"""Tasks whose states say how many steps of the episode are gone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf

FAMILY = mf.TimeInState
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2)
DENSE = mf.TaskDistribution(5, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform(), horizon=3)
GOLDEN_TASKS = {"time_in_state": mf.TimeInState(DENSE)}
ARGUMENTS = {"family": DENSE, "horizon": 2}


def twin(family, key, task, segment=0):
    """A task of `TimeInState`, in plain Python."""
    model = family_twins.as_lists(family_twins.part(family.family, key, task, segment))
    s, h = len(model.start), family.horizon
    ends = family_twins.terminal(model)[:, None, None]
    to = [np.where(ends, t, min(t + 1, h - 1)) * s for t in range(h)]
    return dataclasses.replace(
        model,
        probability=np.tile(model.probability, (h, 1, 1)),
        next_state=np.concatenate([model.next_state + first for first in to]),
        reward=np.tile(model.reward, (h, 1, 1)),
        terminated=np.concatenate([model.terminated | (t + 1 == h) for t in range(h)]),
        start=np.concatenate([model.start, np.zeros(s * (h - 1))]),
        weights=None,
    )


def families():
    parts = [GRID, DENSE, GRID.split()[1], mf.Permuted(DENSE), mf.RiverSwim(4), mf.Switching(DENSE, 2)]
    return st.builds(mf.TimeInState, st.sampled_from(parts), st.integers(1, 4))


@pytest.mark.parametrize("plain", [GRID, DENSE], ids=["grid", "dense"])
@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_the_optimum_is_that_of_the_horizon(plain, discount):
    timed = mf.TimeInState(plain, 6).sample(20, rng=0)
    assert timed.num_states == 6 * plain.num_states
    finite = mf.backward_induction(plain.sample(20, rng=0), 6, discount)
    if discount < 1.0:
        found = mf.policy_iteration(timed, discount)
        np.testing.assert_allclose(found.returns, finite.returns, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        mf.backward_induction(timed, 6, discount).returns, finite.returns, rtol=1e-12, atol=1e-12
    )
    with_more_steps = mf.backward_induction(timed, 9, discount).returns
    np.testing.assert_allclose(with_more_steps, finite.returns, rtol=1e-12, atol=1e-12)


def test_shaping_keeps_the_optimum_of_a_horizon_where_time_is_in_the_state():
    timed = mf.TimeInState(DENSE)
    potential = np.random.default_rng(0).normal(size=15)
    before, after = (
        mf.backward_induction(family.sample(20, rng=0), 3) for family in (timed, mf.Shaped(timed, potential))
    )
    expected = before.returns - potential[:5].mean()
    np.testing.assert_allclose(after.returns, expected, rtol=1e-10)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="give a horizon"):
        mf.TimeInState(dataclasses.replace(DENSE, horizon=None))
    with pytest.raises(ValueError, match="horizon is 0"):
        mf.TimeInState(DENSE, 0)
    with pytest.raises(ValueError, match=r"num_states \* horizon is"):
        mf.TimeInState(DENSE, 2**30)
