"""Trials: several episodes in one task as one, alone and side by side."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import metarl_fast as mf

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from envs.test_vector import MODES, available, masked_tasks  # noqa: E402
from envs_twin import run_side_by_side  # noqa: E402
from metarl_fast.envs import TabularEnv, TrialEnv, TrialVectorEnv  # noqa: E402

RL2 = mf.TaskDistribution(
    4, 3, transitions=mf.Dirichlet(1), rewards=mf.Normal(1, 1), reward_noise=1, horizon=5
)


def test_a_trial_is_its_episodes_one_after_the_other():
    task = mf.GoalGrid(3, slip=0.3, horizon=6).sample(rng=0)
    trial, inner = TrialEnv(task, num_episodes=3), TabularEnv(task)
    rng = np.random.default_rng(0)
    seen, info = trial.reset(seed=2)
    state, _ = inner.reset(seed=2)
    expected = np.zeros(9 + 4 + 2, np.float32)
    expected[state] = 1
    np.testing.assert_array_equal(seen, expected)
    for episode in range(3):
        assert info["inner_episode"] == episode
        over = False
        while not over:
            action = int(rng.integers(4))
            seen, reward, terminated, truncated, info = trial.step(action)
            state, earned, *ends, _ = inner.step(action)
            over = any(ends)
            if over and episode < 2:
                state, _ = inner.reset()
            expected = np.zeros(9 + 4 + 2, np.float32)
            expected[[state, 9 + action]] = 1
            expected[-2:] = earned, over
            np.testing.assert_array_equal(seen, expected)
            assert (reward, terminated, truncated) == (earned, over and episode == 2, False)
    with pytest.raises(ValueError, match="the trial is over, expected a reset"):
        trial.step(0)


def test_every_trial_has_another_task():
    env = TrialEnv(RL2, num_episodes=2)
    ids = []
    for trial in range(5):
        env.reset(seed=1 if trial == 0 else None)
        for step in range(10 if trial % 2 else 7):  # some are left before their end
            *_, terminated, truncated, _ = env.step(step % 3)
        assert (terminated, truncated) == (bool(trial % 2), False)
        ids.append(env.task.id)
    assert ids == [0, 1, 2, 3, 4]
    assert env.task.id == 4
    given = RL2.sample(rng=7)
    for _ in range(3):
        env.reset(options={"task": given})
        np.testing.assert_array_equal(env.task, given)


def test_gymnasiums_checker_has_nothing_to_say():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*Not able to test alternative render modes.*")
        check_env(TrialEnv(RL2, render_mode="rgb_array"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["random", "grids", "masked"])
def test_side_by_side_they_are_what_gymnasiums_own_returns(kind, mode):
    batch = {
        "random": RL2.sample(5, rng=0),
        "grids": mf.GoalGrid(3, slip=0.3, horizon=4).sample(4, rng=0),
        "masked": masked_tasks(3),
    }[kind]
    made = [lambda task=task: TrialEnv(task) for task in batch]
    gymnasiums = gymnasium.vector.SyncVectorEnv(made, autoreset_mode=mode)
    ours = TrialVectorEnv(batch, autoreset_mode=mode)
    assert ours.observation_space == gymnasiums.observation_space
    choose = available if kind == "masked" else None
    run_side_by_side(gymnasiums, ours, 7, 60, np.random.default_rng(0), choose)


def test_side_by_side_every_trial_has_another_task_too():
    env = TrialVectorEnv(RL2, 3, num_episodes=2)
    env.reset(seed=0)
    for trial in range(3):
        assert [task.id for task in env.tasks] == [3 * trial + i for i in range(3)]
        for step in range(11):  # the last one begins the next trial
            _, _, terminated, _, infos = env.step([0, 1, 2])
            assert terminated.all() == (step == 9)
            assert (infos["inner_episode"] == (step < 10) * ((step + 1) // 5 if step < 9 else 1)).all()
    env.reset(options={"reset_mask": np.array([False, True, False])})
    assert [task.id for task in env.tasks] == [9, 13, 11]


def test_a_trial_needs_an_end():
    endless = mf.TaskDistribution(3, 2)
    with pytest.raises(ValueError, match="expected steps of an episode"):
        TrialEnv(endless)
    TrialEnv(endless, episode_steps=3)
    with pytest.raises(ValueError, match="num_episodes is 0"):
        TrialEnv(RL2, num_episodes=0)
