"""`TabularEnv` against Gymnasium's checker, `Simulator` and the task itself."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import metarl_fast as mf

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils import env_checker  # noqa: E402

from metarl_fast.envs import TabularEnv  # noqa: E402

GRID = mf.GoalGrid(3, slip=0.1)


@pytest.mark.parametrize("observation", ["index", "one_hot"])
@pytest.mark.parametrize(
    "source", [GRID.sample(rng=0), GRID, {"type": "TaskDistribution", "num_states": 4, "num_actions": 2}]
)
def test_gymnasiums_checker_has_nothing_to_say(source, observation):
    env = TabularEnv(source, observation=observation, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*Not able to test alternative render modes.*")
        env_checker.check_env(env)
        if hasattr(env_checker, "check_returned_data_not_reused"):
            env_checker.check_returned_data_not_reused(env)


def test_answers_what_a_simulator_answers_and_is_cut_at_the_horizon():
    task = mf.TaskDistribution(5, 3, horizon=4).sample(rng=0)
    env, simulator = TabularEnv(task), mf.Simulator(task, rng=6)
    rng = np.random.default_rng(0)
    state, info = env.reset(seed=6)
    assert (state, info) == (simulator.reset(), {})
    for _ in range(5):
        for step in range(4):
            action = rng.integers(3)
            state, reward, terminated, truncated, _ = env.step(action)
            assert (state, reward, terminated) == simulator.step(action)
            assert truncated == (step == 3)
            assert env.elapsed_steps == step + 1
        with pytest.raises(ValueError, match="the episode is over, expected a reset"):
            env.step(0)
        assert env.reset()[0] == simulator.reset() == env.state


@pytest.mark.parametrize(("limit", "steps"), [(None, 4), (2, 2), (0, 30)])
def test_limits(limit, steps):
    env = TabularEnv(mf.TaskDistribution(5, 3, horizon=4).sample(rng=0), max_episode_steps=limit)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(steps)] == [False] * (steps - 1) + [limit != 0]


def test_without_a_seed_the_environments_generator_names_it():
    task = mf.TaskDistribution(5, 3).sample(rng=0)
    env, twin = TabularEnv(task), TabularEnv(task)
    states = [env.reset()[0], *(env.step(0)[0] for _ in range(20))]
    assert states == [twin.reset(seed=env.np_random_seed)[0], *(twin.step(0)[0] for _ in range(20))]
    env.np_random = np.random.default_rng(1)
    env.reset()


def test_episodes_that_start_in_terminal_states_are_passed_over():
    stay = np.eye(3)[None, :, None]
    start = [0.9, 0.05, 0.05]
    task = mf.from_arrays(stay, np.zeros((1, 3, 1)), terminal=[True, False, False], start=start)[0]
    env = TabularEnv(task, max_episode_steps=1)
    assert {env.reset(seed=k)[0] for k in range(30)} == {1, 2}


def test_actions_that_are_not_available_can_leave_the_state_as_it_is():
    transitions = np.array([[[0.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.5, 0.5]]])
    task = mf.from_arrays(transitions[None], np.ones((1, 2, 2)), start=0, horizon=3)[0]
    env = TabularEnv(task, unavailable="stay")
    _, info = env.reset(seed=0)
    assert info["action_mask"].tolist() == [1, 0]
    assert env.step(1)[:4] == (0, 0.0, False, False)
    *found, info = env.step(0)
    assert found == [1, 1.0, False, False]
    assert info["action_mask"].tolist() == [1, 1]
    assert env.step(1)[1:4] == (1.0, False, True)
    with pytest.raises(ValueError, match="unavailable is 'ignore', expected 'refuse' or 'stay'"):
        TabularEnv(task, unavailable="ignore")


def test_pictures():
    task = mf.GoalGrid(3, walls=("...", ".#.", "..."), goals=mf.Cells(((2, 2),))).sample(rng=0)
    env = TabularEnv(task, render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == "@..\n.#.\n..G"
    env.step(1)
    assert env.render() == "S@.\n.#.\n..G"
    world = mf.GridWorld(("S.", "#.", "G.")).sample(rng=0)  # a wall is no state
    env = TabularEnv(world, render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == "@.\n .\nG."
    env = TabularEnv(mf.RiverSwim(6), render_mode="ansi")
    env.reset(seed=0)
    assert len(env.render()) == 6  # in a row
    lake = mf.from_gymnasium(gymnasium.make("FrozenLake-v1"))[0]
    env = TabularEnv(lake, render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == "@...\n.H.H\n...H\nH..G"
    env = TabularEnv(task, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (48, 48, 3)
    assert TabularEnv(task).render() is None
    with pytest.raises(ValueError, match="render_mode is 'human', expected"):
        TabularEnv(task, render_mode="human")


def test_a_refused_reset_changes_nothing():
    family = mf.RiverSwim()
    dead = mf.from_arrays(np.ones((6, 2, 6)) / 6, np.ones((6, 2)), terminal=[True] * 6)
    env, twin = TabularEnv(family, rng=3), TabularEnv(family, rng=3)
    twin.reset()
    for given in ({"task": mf.Darkroom(4).sample(rng=0)}, {"task": dead}):
        with pytest.raises(ValueError, match=r"tasks have 16 states|terminal states alone"):
            env.reset(options=given)
    env.reset()
    for k in range(16):
        if k == 8:
            with pytest.raises(ValueError, match="tasks have 16 states"):
                env.reset(seed=8, options={"task": mf.Darkroom(4).sample(rng=0)})
        assert env.step(1) == twin.step(1)


def test_a_task_put_into_place_is_there_from_the_next_reset():
    env = TabularEnv(mf.Darkroom(3), rng=0)
    env.reset()
    env.task = chosen = mf.Darkroom(3).sample(9, rng=1)[7]
    with pytest.raises(ValueError, match="expected a reset"):
        env.step(0)
    env.reset()
    assert np.array_equal(env.task, chosen)


def test_what_it_refuses():
    tasks = mf.TaskDistribution(5, 3).sample(2, rng=0)
    for source in (None, 3, "FrozenLake-v1"):
        with pytest.raises(TypeError, match="expected a Task, Tasks, a family"):
            TabularEnv(source)
    with pytest.raises(ValueError, match="source holds 2 tasks, expected one"):
        TabularEnv(tasks)
    env = TabularEnv(tasks[0])
    env.reset(seed=0)
    for action, error in ((3, ValueError), (0.5, TypeError), (None, TypeError)):
        with pytest.raises(error, match="action is"):
            env.step(action)
    with pytest.raises(TypeError, match=r"options\['task'\] is"):
        env.reset(options={"task": tasks})
    with pytest.raises(ValueError, match="options has the key 'tasks', expected task"):
        env.reset(options={"tasks": tasks[:1]})
    env.reset(options={"a wrapper's": 3})
    with pytest.raises(TypeError, match="options is 3, expected a dict or None"):
        env.reset(options=3)
    with pytest.raises(TypeError, match="task is 'hole', expected one Task"):
        env.task = "hole"
    with pytest.raises(ValueError, match="observation is 'pixels'"):
        TabularEnv(tasks[0], observation="pixels")
