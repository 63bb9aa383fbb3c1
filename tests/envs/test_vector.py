"""`TabularVectorEnv` against Gymnasium's SyncVectorEnv over `TabularEnv`, and against `train`."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import metarl_fast as mf

gymnasium = pytest.importorskip("gymnasium")

from envs_twin import assert_same, run_side_by_side  # noqa: E402
from learner_twins import Setting  # noqa: E402
from learners.test_q_learning import Twin  # noqa: E402
from metarl_fast.envs import TabularEnv, TabularVectorEnv, TrialVectorEnv  # noqa: E402

MODES = [mode.value for mode in gymnasium.vector.AutoresetMode]


def masked_tasks(count):
    """Action 1 is not available in state 0; random rows otherwise, and noise."""
    rng = np.random.default_rng(1)
    transitions = rng.dirichlet(np.ones(3), (count, 3, 2))
    transitions[:, 0, 1] = 0.0
    rewards = rng.normal(size=(count, 3, 2))
    return mf.from_arrays(transitions, rewards, start=[0.5, 0.5, 0.0], reward_noise=0.5, horizon=4)


def available(rng, infos):
    """Any of the actions that the masks leave."""
    return (rng.random(infos["action_mask"].shape) * infos["action_mask"]).argmax(axis=1)


SETS = {
    "random": lambda: mf.TaskDistribution(4, 3, horizon=5).sample(6, rng=0),
    "grids": lambda: mf.GoalGrid(3, slip=0.3, start=None).sample(5, rng=2),
    "horizons": lambda: mf.from_arrays(np.full((3, 2, 2, 2), 0.5), np.ones((3, 2, 2)), horizon=[1, 2, 5]),
    "masked": lambda: masked_tasks(4),
    "changing": lambda: mf.Switching(mf.TaskDistribution(3, 2, horizon=3), every=2).sample(3, rng=0),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tasks", SETS)
@pytest.mark.parametrize("observation", ["index", "one_hot"])
def test_returns_what_gymnasiums_own_returns(tasks, mode, observation):
    batch = SETS[tasks]()
    made = [lambda task=task: TabularEnv(task, observation=observation) for task in batch]
    gymnasiums = gymnasium.vector.SyncVectorEnv(made, autoreset_mode=mode)
    ours = TabularVectorEnv(batch, observation=observation, autoreset_mode=mode)
    assert ours.observation_space == gymnasiums.observation_space
    assert ours.action_space == gymnasiums.action_space
    choose = available if tasks == "masked" else None
    run_side_by_side(gymnasiums, ours, 7, 30, np.random.default_rng(0), choose)
    seeds = [3, None, 4, 5, 6, 7][: len(batch)]
    assert_same(gymnasiums.reset(seed=seeds)[0], ours.reset(seed=seeds)[0])


class FromItsStream:
    """A sub-environment's random numbers as the twins of learners draw them."""

    def __init__(self, numbers, companions):
        self.number, self.companion = int(numbers), int(companions)

    def next(self):
        return self.number


@pytest.mark.parametrize("mode", ["SameStep", "Disabled", "NextStep"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_learner_in_python_learns_what_train_learns(mode, dtype):
    tasks = mf.GoalGrid(3, slip=0.2).sample(4, rng=0)
    learner, episodes = mf.QLearning(epsilon=0.3, epsilon_decay=0.9), 12
    expected = mf.train(learner, tasks, episodes, rng=5, dtype=dtype)
    env = TabularVectorEnv(tasks, autoreset_mode=mode, rng=5, dtype=dtype)
    states, _ = env.reset()
    table = np.zeros((9, 4)).tolist()
    twins = [Twin(learner, Setting([list(map(dtype, row)) for row in table], episodes, dtype)) for _ in tasks]
    episode, returns = np.zeros(4, int), np.zeros((4, episodes))
    for twin in twins:
        twin.begin_episode(0)
    resetting = np.zeros(4, bool)
    while (episode < episodes).any():
        numbers, companions = env.draw()
        streams = [FromItsStream(x, y) for x, y in zip(numbers, companions, strict=True)]
        actions = [twin.act(int(s), stream) for twin, s, stream in zip(twins, states, streams, strict=True)]
        after, rewards, terminated, truncated, infos = env.step(np.array(actions))
        done = terminated | truncated
        for i in np.flatnonzero((episode < episodes) & ~resetting):
            entered = infos["final_obs"][i] if done[i] and mode == "SameStep" else after[i]
            twins[i].observe(int(states[i]), actions[i], dtype(rewards[i]), int(entered), terminated[i], None)
            returns[i, episode[i]] += rewards[i]
            if done[i]:
                twins[i].end_episode()
                episode[i] += 1
                if episode[i] < episodes:
                    twins[i].begin_episode(episode[i])
        if mode == "NextStep":
            resetting = done
        if mode == "Disabled" and done.any():
            after, _ = env.reset(options={"reset_mask": done})
        states = after
    np.testing.assert_array_equal([twin.table() for twin in twins], expected.q_table)
    np.testing.assert_array_equal(returns, expected.returns)


def test_seeds_in_a_list_are_those_of_train_too():
    tasks = mf.TaskDistribution(4, 2, horizon=6).sample(3, rng=0)
    one, other = TabularVectorEnv(tasks, rng=9), TabularVectorEnv(tasks)
    assert_same(one.reset()[0], other.reset(seed=[9, 9, 9])[0])
    for _ in range(20):
        actions = np.array([0, 1, 0])
        assert_same(dict(enumerate(one.step(actions))), dict(enumerate(other.step(actions))))


@pytest.mark.parametrize("family", [mf.TaskDistribution(4, 2, horizon=3), mf.FrozenLakeMaps(4, horizon=3)])
def test_a_family_draws_a_task_for_every_episode(family):
    env = TabularVectorEnv(family, 3, episodes_per_task=2, autoreset_mode="Disabled")
    drawn = family.sample(12, rng=4)
    env.reset(seed=4)
    for episode in range(8):
        at = 3 * (episode // 2) + np.arange(3)
        for task, k in zip(env.tasks, at, strict=True):
            assert task.id == drawn[int(k)].id
            np.testing.assert_array_equal(task.transitions, drawn[int(k)].transitions)
        env.reset()


@pytest.mark.parametrize(
    "family",
    [
        mf.TaskDistribution(4, 2, reward_noise=0.1, horizon=3),
        mf.Switching(mf.TaskDistribution(3, 2, horizon=2), every=2),
        mf.TaskDistribution(300, 2, horizon=3),  # as Simulators, not tables
        mf.FrozenLakeMaps(4, horizon=3),  # drawn in Python
    ],
)
@pytest.mark.parametrize("kind", [TabularVectorEnv, TrialVectorEnv])
def test_copies_go_on_as_the_original_would(kind, family):
    for source in (family, family.sample(3, rng=1)):
        env = kind(source, 3, autoreset_mode="SameStep")
        before = pickle.loads(pickle.dumps(env))
        assert_same(env.reset(seed=5)[1], before.reset(seed=5)[1])
        for stage in range(3):
            twins = pickle.loads(pickle.dumps(env)), copy.deepcopy(env), env, before
            told = [[each.step([0, 1, k % 2]) for k in range(3 + stage)] for each in twins]
            for other in told[1:]:
                for one, another in zip(told[0], other, strict=True):
                    assert_same(dict(enumerate(one)), dict(enumerate(another)))
            given = {"task": family.sample(9, rng=4)[8], "reset_mask": np.array([True, False, True])}
            for each in (env, before):
                each.reset(options=given)
            assert [task.id for task in copy.deepcopy(env).tasks] == [task.id for task in env.tasks]


def test_tasks_can_be_given_at_reset_and_stay():
    family = mf.TaskDistribution(4, 2, horizon=3)
    env = TabularVectorEnv(family, 3)
    given = family.sample(3, rng=8)
    twin = TabularVectorEnv(given)
    for k in range(3):
        one, other = env.reset(seed=k, options={"tasks": given}), twin.reset(seed=k)
        assert_same(one[0], other[0])
        for _ in range(9):
            assert_same(dict(enumerate(env.step(np.ones(3)))), dict(enumerate(twin.step(np.ones(3)))))
        assert [task.id for task in env.tasks] == [0, 1, 2]
    single = family.sample(rng=3)
    env.reset(options={"task": single, "reset_mask": np.array([False, True, False])})
    assert [np.array_equal(task, single) for task in env.tasks] == [False, True, False]
    env.set_attr("task", [single] * 3)
    assert all(np.array_equal(task, single) for task in env.get_attr("task"))


def test_sub_environments_are_seen_by_name():
    env = TabularVectorEnv(mf.GoalGrid(3).sample(2, rng=0), render_mode="ansi")
    env.reset(seed=0)
    assert env.call("render") == env.render()
    assert env.get_attr("render_mode") == ("ansi", "ansi")
    env.set_attr("colour", ["red", "blue"])
    assert env.get_attr("colour") == ("red", "blue")
    env.step([1, 2])
    assert env.get_attr("state") == (1, 3) == tuple(env.states)
    assert env.get_attr("elapsed_steps") == (1, 1)
    with pytest.raises(ValueError, match="values holds 1 values, expected 2"):
        env.set_attr("task", [None])


def test_without_copies_the_arrays_are_the_same_ones():
    tasks = mf.TaskDistribution(4, 2, horizon=3).sample(3, rng=0)
    env = TabularVectorEnv(tasks, copy=False)
    env.reset(seed=0)
    first, second = env.step(np.zeros(3, int)), env.step(np.ones(3, int))
    assert all(a is b for a, b in zip(first[:4], second[:4], strict=True))
    env = TabularVectorEnv(tasks)
    env.reset(seed=0)
    first, second = env.step(np.zeros(3, int)), env.step(np.ones(3, int))
    assert not any(np.shares_memory(a, b) for a in first[:4] for b in second[:4])


def test_gymnasiums_wrappers_run():
    from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

    tasks = mf.TaskDistribution(4, 2, horizon=3).sample(3, rng=0)
    env = RecordEpisodeStatistics(TabularVectorEnv(tasks))
    env.reset(seed=0)
    told = [env.step([0, 1, 0])[-1] for _ in range(8)]
    assert [infos["episode"]["l"].tolist() for infos in told if "episode" in infos] == [[3] * 3] * 2
    env = DictInfoToList(TabularVectorEnv(masked_tasks(2)))
    _, infos = env.reset(seed=0)
    assert [info["action_mask"].shape for info in infos] == [(2,), (2,)]


def test_what_it_refuses():
    tasks = mf.TaskDistribution(4, 2, horizon=3).sample(3, rng=0)
    env = TabularVectorEnv(tasks, autoreset_mode="Disabled")
    with pytest.raises(ValueError, match="place 0 is over, expected a reset"):
        env.step([0, 0, 0])
    env.reset(seed=0)
    before = env.states
    for actions, text in (
        ([0, 2, 0], r"actions\[1\] is 2, expected 0 to 1"),
        ([0, 0], r"shape \(2,\), expected \(3,\)"),
    ):
        with pytest.raises(ValueError, match=text):
            env.step(actions)
    np.testing.assert_array_equal(env.states, before)
    with pytest.raises(TypeError, match="expected a boolean array"):
        env.reset(options={"reset_mask": [True] * 3})
    with pytest.raises(ValueError, match=r"seed\[1\] is -1, expected at least 0"):
        env.reset(seed=[1, -1, 3])
    with pytest.raises(ValueError, match="has no True"):
        env.reset(options={"reset_mask": np.zeros(3, bool)})
    with pytest.raises(ValueError, match="seed holds 2 seeds, expected 3"):
        env.reset(seed=[1, 2])
    with pytest.raises(ValueError, match="expected 1 or 3"):
        env.reset(options={"tasks": tasks[:2]})
    with pytest.raises(ValueError, match="expected 4 and 2"):
        env.reset(options={"tasks": mf.TaskDistribution(5, 2).sample(3, rng=0)})
    with pytest.raises(ValueError, match="expected one of NextStep, SameStep, Disabled"):
        TabularVectorEnv(tasks, autoreset_mode="never")
    ends = mf.from_arrays(np.eye(2)[None, :, None], np.zeros((1, 2, 1)), terminal=[True, False], start=0)
    with pytest.raises(ValueError, match="starts in terminal states alone"):
        TabularEnv(ends[0])
    masked = TabularVectorEnv(masked_tasks(1), autoreset_mode="Disabled")
    masked.reset(seed=0)
    while masked.states[0]:
        masked.reset()
    with pytest.raises(ValueError, match="which is not available in state 0"):
        masked.step([1])
