"""Tasks between a few tasks, with weights of their own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from dirichlet import draw_dirichlet
from reference import PARTS, make_key, make_stream

FAMILY = mf.HiddenParameter
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2)
DENSE = mf.TaskDistribution(5, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
GOLDEN_TASKS = {"hidden_parameter": mf.HiddenParameter(DENSE, 3)}
ARGUMENTS = {"family": DENSE, "num_tasks": 2, "concentration": 3.0, "seed": 0}


def twin(family, key, task, segment=0):
    """A task of `HiddenParameter`, in plain Python."""
    n = family.num_tasks
    few = [family_twins.generate(family.family, make_key(family.seed), k) for k in range(n)]
    w = draw_dirichlet(make_stream(key, task, PARTS), family.concentration, [1.0] * n)
    start, noise = np.zeros(len(few[0].start)), 0.0
    for weight, model in zip(w, few, strict=True):
        start, noise = start + weight * model.start, noise + weight * model.reward_noise
    more = {"start": start, "reward_noise": noise, "weights": None}
    if few[0].next_state is None:
        probability, reward = np.zeros_like(few[0].probability), np.zeros_like(few[0].reward)
        for weight, model in zip(w, few, strict=True):
            # 1 is what the weights of those that are not terminal sum to, but for rounding.
            probability += weight / sum_in_order(w) * model.probability
            reward += weight / sum_in_order(w) * model.reward
        return dataclasses.replace(few[0], probability=probability, reward=reward, **more)
    ends = np.array([family_twins.terminal(model) for model in few])
    weight = np.zeros(ends.shape)
    for s in range(ends.shape[1]):
        open_ = sum_in_order([v for v, end in zip(w, ends[:, s], strict=True) if not end])
        for k in range(n):
            weight[k, s] = w[k] / (open_ or 1.0) if not (ends[k, s] and open_) else 0.0
    both = {
        name: np.concatenate([getattr(model, name) for model in few], axis=-1)
        for name in ("next_state", "reward", "terminated")
    }
    rows = [weight[k][:, None, None] * model.probability for k, model in enumerate(few)]
    return dataclasses.replace(
        few[0], probability=np.concatenate(rows, axis=-1), **both, terminal=ends.all(axis=0), **more
    )


def sum_in_order(numbers):
    total = 0.0
    for number in numbers:
        total += number
    return total


def families():
    bases = st.sampled_from([GRID, DENSE, mf.RiverSwim(forward=mf.Uniform(0.1, 0.6))])
    concentrations = st.sampled_from([0.1, 1.0, 30.0])
    return st.builds(mf.HiddenParameter, bases, st.integers(2, 4), concentrations, st.integers(0, 3))


def test_all_tasks_are_weighted_means_of_the_few():
    few = DENSE.sample(3, rng=7)
    tasks = mf.HiddenParameter(DENSE, 3, seed=7).sample(500, rng=0)
    columns = few.transitions.reshape(3, -1).T
    weights = np.linalg.lstsq(columns, tasks.transitions.reshape(500, -1).T, rcond=None)[0].T
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-9)
    assert (weights > -1e-9).all()
    np.testing.assert_allclose(tasks.rewards, np.tensordot(weights, few.rewards, axes=1), atol=1e-9)
    # Dirichlet(1, 1, 1): mean 1/3, variance 1/18.
    np.testing.assert_allclose(weights.mean(axis=0), 1 / 3, atol=0.05)
    np.testing.assert_allclose(weights.var(axis=0), 1 / 18, atol=0.01)


def test_goals_of_the_few_are_met_now_and_then():
    """A cell that is a goal in some of the few is left as in the others, and entered as in all."""
    tasks = mf.HiddenParameter(mf.GoalGrid(3), 2, seed=1).sample(40, rng=0)
    few = mf.GoalGrid(3).sample(2, rng=1)
    assert (tasks.terminal == few.terminal.all(axis=0)).all()
    np.testing.assert_allclose(tasks.transitions.sum(axis=-1), 1.0, atol=1e-14)
    returns = mf.policy_iteration(tasks, 0.9).returns
    assert (returns > 0).all()


def test_wrong_arguments_are_refused():
    for arguments, text in (({"num_tasks": 1}, "num_tasks is 1"), ({"concentration": 0}, "concentration")):
        with pytest.raises(ValueError, match=text):
            mf.HiddenParameter(DENSE, **arguments)
    with pytest.raises(TypeError, match="family is 5"):
        mf.HiddenParameter(5)
    with pytest.raises(ValueError, match="whether actions may be missing"):
        mf.policy_iteration(mf.HiddenParameter(mf.MaximizationBias()).sample(1, rng=0))
