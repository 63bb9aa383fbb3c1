"""Tasks seen through observations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from dirichlet import draw_dirichlet
from reference import LAYOUT, key_of_part, make_stream

FAMILY = mf.BlockMdp
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2)
DENSE = mf.TaskDistribution(4, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
GOLDEN_TASKS = {"block_mdp": mf.BlockMdp(DENSE)}
ARGUMENTS = {"family": DENSE, "observations": 2, "concentration": 3.0}


def twin(family, key, task, segment=0):
    """A task of `BlockMdp`, in plain Python."""
    model = family_twins.part(family.family, key_of_part(key, 0), task, segment)
    s, a, k = model.probability.shape
    m, stream = family.observations, make_stream(key, task, LAYOUT)
    shown = np.array([draw_dirichlet(stream, family.concentration, [1.0] * m) for _ in range(s)])
    dense = model.next_state is None
    to = np.broadcast_to(np.arange(s), (s, a, s)) if dense else np.asarray(model.next_state)

    def observed(values):
        return np.repeat(values, m, axis=0)

    split = (model.probability[..., None] * shown[to]).reshape(s, a, k * m)
    changed = {"probability": observed(split), "start": (model.start[:, None] * shown).ravel()}
    if dense:
        changed |= {"reward": observed(model.reward), "terminated": observed(model.terminated)}
    else:
        changed |= {
            "next_state": observed((to[..., None] * m + np.arange(m)).reshape(s, a, k * m)),
            "reward": observed(np.repeat(model.reward, m, axis=-1)),
            "terminated": observed(np.repeat(model.terminated, m, axis=-1)),
        }
    if model.terminal is not None:
        changed["terminal"] = observed(model.terminal)
    return dataclasses.replace(model, **changed, weights=None)


def families():
    parts = st.sampled_from([GRID, DENSE, mf.RiverSwim(4), DENSE.split()[1], mf.Switching(DENSE, 2)])
    return st.builds(mf.BlockMdp, parts, st.integers(1, 3), st.sampled_from([0.1, 1.0, 50.0]))


@pytest.mark.parametrize("plain", [GRID, DENSE], ids=["grid", "dense"])
def test_values_are_those_of_what_is_seen(plain):
    blocks = mf.BlockMdp(plain, 3).sample(10, rng=0)
    latent = mf.Tasks(plain._recipe(key_of_part(blocks.recipe.key, 0), range(10)))
    found, expected = (mf.policy_iteration(tasks, 0.9) for tasks in (blocks, latent))
    np.testing.assert_allclose(found.values, np.repeat(expected.values, 3, axis=1), atol=1e-10)
    np.testing.assert_allclose(found.returns, expected.returns, rtol=1e-10)
    assert (blocks.terminal == np.repeat(latent.terminal, 3, axis=1)).all()
    shown = blocks.transitions.reshape(10, -1, 3)
    seen = shown.sum(axis=-1)
    np.testing.assert_allclose(seen, latent.transitions.repeat(3, axis=1).reshape(10, -1), atol=1e-14)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="observations is 0"):
        mf.BlockMdp(DENSE, 0)
    with pytest.raises(ValueError, match=r"num_states \* observations is"):
        mf.BlockMdp(DENSE, 2**30)
    with pytest.raises(TypeError, match="family is 5"):
        mf.BlockMdp(5)
