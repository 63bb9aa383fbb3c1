"""Tasks whose rewards are shaped by a potential: optimal policies stay, as they do not under any bonus."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf

FAMILY = mf.Shaped
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2, start=None)
DENSE = mf.TaskDistribution(7, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
NINE, SEVEN = tuple(np.linspace(-2.0, 3.0, 9) ** 2), (3.0, -1.0, 0.0, 0.5, 7.0, 1e-3, 2.0)
GOLDEN_TASKS = {"shaped": mf.Shaped(DENSE, SEVEN, 0.9)}
ARGUMENTS = {"family": DENSE, "potential": SEVEN, "discount": 0.9}


def twin(family, key, task, segment=0):
    """A task of `Shaped`, in plain Python."""
    model = family_twins.as_lists(family_twins.part(family.family, key, task, segment))
    potential, ends = np.array(family.potential), family_twins.terminal(model)
    ahead = np.where(model.terminated, 0.0, family.discount * potential[model.next_state])
    paid = (model.probability > 0.0) & ~ends[:, None, None]
    reward = np.where(paid, model.reward + (ahead - potential[:, None, None]), model.reward)
    return dataclasses.replace(model, reward=reward, weights=None)


def families():
    discounts = st.sampled_from([0.0, 0.9, 1.0])
    nine = st.sampled_from([GRID, mf.RiverSwim(9), GRID.split()[1], mf.TaskDistribution(9, 4, mf.Garnet(5))])
    seven = st.sampled_from([DENSE, mf.Permuted(DENSE), mf.Switching(DENSE, 2)])
    return st.builds(mf.Shaped, nine, st.just(NINE), discounts) | st.builds(
        mf.Shaped, seven, st.just(SEVEN), discounts
    )


@pytest.mark.parametrize(
    "plain", [GRID, DENSE, mf.TaskDistribution(9, 2, mf.Garnet(3), mf.Normal())], ids=str
)
def test_optimal_policies_stay_and_values_move_by_the_potential(plain):
    potential = np.random.default_rng(0).normal(0, 5, plain.num_states)
    before = mf.policy_iteration(plain.sample(50, rng=0), 0.9)
    shaped = mf.Shaped(plain, potential, 0.9).sample(50, rng=0)
    after = mf.policy_iteration(shaped, 0.9)
    moved = np.where(shaped.terminal, 0.0, potential)
    np.testing.assert_allclose(after.values, before.values - moved, atol=1e-9)
    gap = np.sort(before.q_values, axis=-1)
    clear = gap[..., -1] - gap[..., -2] > 1e-6
    assert clear.any()
    assert (after.policy == before.policy)[clear].all()


def test_an_arbitrary_bonus_moves_optimal_policies():
    """A bonus for being in a state, which no potential explains: the optimum is to stay where it is paid."""
    river = mf.RiverSwim()
    bonus = np.zeros(6)
    bonus[1] = 1.0
    paid = mf.WithRewards(river, mf.Fixed(bonus), on="state", added=True)
    plain, moved = (mf.policy_iteration(family.sample(1, rng=0), 0.95) for family in (river, paid))
    assert (plain.policy == 1).all()
    assert moved.policy[0].tolist() == [1, 0, 0, 0, 0, 1] or (moved.policy != plain.policy).any()
    # Judged by what the task was about, the new optimum loses nearly all.
    task = river.sample(1, rng=0)
    limits = mf.bounds(task, 0.95)
    assert mf.score(task, moved.policy, limits)[0] < 0.1
    assert mf.score(task, plain.policy, limits)[0] == pytest.approx(1.0)


def test_learning_is_learning_that_starts_from_the_potential():
    """Wiewiora (2003): with the same experience the action values differ by Phi(s), always."""
    potential = np.array(SEVEN)
    learner = mf.QLearning(learning_rate=0.3, discount=0.9, epsilon=1.0)
    quiet = dataclasses.replace(DENSE, reward_noise=0.0)
    tasks, shaped = (family.sample(20, rng=0) for family in (quiet, mf.Shaped(quiet, potential, 0.9)))
    start = np.repeat(potential[:, None], 3, axis=1)
    plain = mf.train(learner, tasks, 5, 30, rng=1, initial_table=start, dtype=np.float64)
    run = mf.train(learner, shaped, 5, 30, rng=1, dtype=np.float64)
    np.testing.assert_allclose(run.q_table, plain.q_table - potential[:, None], atol=1e-10)


def test_wrong_arguments_are_refused():
    for potential, text in (((1.0,), r"shape \(1,\)"), ([np.nan] * 7, "potential\\[0\\] is nan")):
        with pytest.raises(ValueError, match=text):
            mf.Shaped(DENSE, potential)
    with pytest.raises(TypeError, match="family is 5"):
        mf.Shaped(5, SEVEN)
