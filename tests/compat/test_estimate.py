"""Tasks counted from samples, against the task that was sampled."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf

gymnasium = pytest.importorskip("gymnasium")

from metarl_fast.envs import TabularEnv, TabularVectorEnv  # noqa: E402


def test_counts_come_near_what_was_counted():
    task = mf.TaskDistribution(4, 2, start=mf.Uniform(), reward_noise=0.5, horizon=7).sample(rng=0)
    found = mf.estimate(TabularEnv(task, max_episode_steps=7), 20_000, horizon=7, rng=1)
    assert found.visits.sum() == found.counts.sum() == 20_000
    assert found.start_counts.sum() == 20_000 // 7 + 1
    assert found.untried == 0
    errors = (found.tasks.transitions[0] - task.transitions) / found.transition_errors
    assert np.abs(errors).max() < 5
    assert 0.7 < np.sqrt((errors**2).mean()) < 1.3
    misses = (found.tasks[0].rewards - task.rewards) / found.reward_errors
    assert np.abs(misses).max() < 4
    np.testing.assert_allclose(found.tasks.reward_noise, 0.5, rtol=0.03)
    assert found.tasks.horizon == 7
    assert mf.estimate(TabularEnv(task), 20, rng=1).tasks.horizon == 7


def test_observations_outside_of_the_space_are_refused():
    env = gymnasium.wrappers.TransformObservation(gymnasium.make("CliffWalking-v1"), lambda s: s - 48, None)
    with pytest.raises(ValueError, match="the observation returned is -12, expected one of 48"):
        mf.estimate(env, 5, rng=0)


def test_an_environment_without_noise_is_found_exactly():
    env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    found, known = mf.estimate(env, 20_000, rng=0), mf.from_gymnasium(env)
    assert found.tasks.horizon == 100
    assert found.tasks.reward_noise == 0.0
    one, other = (mf.value_iteration(tasks, 0.95) for tasks in (found.tasks, known))
    np.testing.assert_allclose(one.returns, other.returns, rtol=1e-12)


def test_pairs_that_were_not_tried_stay_where_they_are():
    found = mf.estimate(TabularEnv(mf.GoalGrid(4).sample(rng=0)), 5, rng=0)
    assert found.untried > 0
    assert np.isinf(found.reward_errors[found.visits < 2]).all()
    outcomes = found.tasks[0].outcomes
    for state, action in np.argwhere(found.visits == 0):
        assert outcomes["next_state"][state, action, 0] == state
        assert outcomes["reward"][state, action, 0] == 0


def test_actions_that_are_not_available_are_not_taken():
    transitions = np.array([[[0.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.5, 0.5]]])
    task = mf.from_arrays(transitions[None], np.ones((1, 2, 2)), start=0, horizon=3)[0]
    assert mf.estimate(TabularEnv(task), 200, rng=0).visits[0, 1] == 0


def test_spaces_that_are_not_discrete_are_refused():
    with pytest.raises(TypeError, match=r"observation_space is .*, expected Discrete"):
        mf.estimate(TabularEnv(mf.RiverSwim().sample(rng=0), observation="one_hot"), 5)


def test_vector_environments_are_taken_apart():
    made = [lambda slip=slip: gymnasium.make("FrozenLake-v1", is_slippery=slip) for slip in (True, False)]
    vector = gymnasium.vector.SyncVectorEnv(made)
    tasks = mf.from_gymnasium(vector)
    assert len(tasks) == 2
    assert tasks.horizon == 100
    family = mf.TaskDistribution(3, 2, horizon=5, reward_noise=1.0)
    batch = family.sample(3, rng=0)
    for env in (TabularVectorEnv(batch), [TabularEnv(task) for task in batch]):
        found = mf.from_gymnasium(env)
        np.testing.assert_array_equal(found.transitions, batch.transitions)
        assert (found.horizon, found.reward_noise) == (5, 1.0)
    assert mf.from_gymnasium(TabularEnv(batch[0]), horizon=9).horizon == 9


def test_our_environments_keep_their_limits_and_refuse_wrappers_that_change_them():
    room = mf.Darkroom(3, horizon=9).sample(rng=0)
    limit, id_ = gymnasium.wrappers.TimeLimit, "metarl_fast:metarl/Darkroom-v0"
    for env, horizon in (
        (TabularEnv(room), 9),
        (TabularEnv(room, max_episode_steps=4), 4),
        (TabularEnv(room, max_episode_steps=0), None),
        (limit(TabularEnv(room), 3), 3),
        (gymnasium.make(id_, max_episode_steps=7), 7),
        (gymnasium.make_vec(id_, 2, max_episode_steps=7), 7),
        (gymnasium.make_vec(id_, 2, max_episode_steps=-1), None),
    ):
        assert mf.from_gymnasium(env).horizon == horizon
    mixed = [TabularEnv(room), limit(TabularEnv(room), 3)]
    assert mf.from_gymnasium(mixed).horizon.tolist() == [9, 3]
    with pytest.raises(ValueError, match="TransformReward changes what P describes"):
        mf.from_gymnasium(gymnasium.wrappers.TransformReward(mixed[0], lambda reward: 2 * reward))
