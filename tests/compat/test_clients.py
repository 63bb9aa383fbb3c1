"""The libraries' own agents and checkers on our tasks; those that are not installed are passed over."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import metarl_fast as mf

gymnasium = pytest.importorskip("gymnasium")

from metarl_fast.compat.envpool import Pool  # noqa: E402
from metarl_fast.envs import TabularEnv, TabularVectorEnv, TrialVectorEnv  # noqa: E402

TASKS = mf.GoalGrid(3, slip=0.2, horizon=6).sample(4, rng=0)
RL2 = mf.TaskDistribution(4, 3, reward_noise=0.5, horizon=5)

# What the libraries warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")


def client(name):
    """A library, or none: importing some of them warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def test_pools_answer_what_the_vector_environment_answers():
    pool, twin = Pool(TabularVectorEnv(TASKS)), TabularVectorEnv(TASKS)
    np.testing.assert_array_equal(pool.reset(seed=3)[0], twin.reset(seed=3)[0])
    rng = np.random.default_rng(0)
    for _ in range(20):
        actions = rng.integers(4, size=4)
        for one, other in zip(pool.step(actions)[:4], twin.step(actions)[:4], strict=True):
            np.testing.assert_array_equal(one, other)
    assert not pool.is_async


def test_pools_return_batches_in_the_order_of_what_was_sent():
    pool = Pool(TabularVectorEnv(TASKS), batch_size=2)
    assert pool.is_async
    pool.async_reset(seed=0)
    received = []
    for _ in range(6):
        seen, rewards, terminated, _, info = pool.recv()
        assert (seen.dtype, rewards.dtype, terminated.dtype) == (np.int32, np.float32, np.bool_)
        received.append(info["env_id"].tolist())
        pool.send(np.zeros(2, int), info["env_id"][::-1])
    assert received == [[0, 1], [2, 3], [1, 0], [3, 2], [0, 1], [2, 3]]
    assert info["elapsed_step"].tolist() == [2, 2]
    pool.recv()
    pool.recv()
    for _ in range(2):
        pool.send([0, 0], [0, 1])
    assert [pool.recv()[-1]["elapsed_step"].tolist() for _ in range(2)] == [[4, 4], [5, 5]]
    with pytest.raises(ValueError, match="0 results are on their way, expected 2"):
        pool.recv()
    with pytest.raises(ValueError, match="expected different ones"):
        pool.send([0, 0], [1, 1])
    for given in ({"autoreset_mode": "Disabled"}, {"observation": "one_hot"}):
        with pytest.raises(ValueError, match=r"env is .*, expected one with"):
            Pool(TabularVectorEnv(TASKS, **given))


def test_stable_baselines3_learns_in_them():
    sb3 = client("stable_baselines3")
    from stable_baselines3.common.env_checker import check_env

    from metarl_fast.compat.stable_baselines3 import VecTasks

    check_env(TabularEnv(TASKS[0]))
    env = VecTasks(TabularVectorEnv(TASKS, autoreset_mode="SameStep"))
    twin = TabularVectorEnv(TASKS, autoreset_mode="SameStep")
    env.seed(5)
    np.testing.assert_array_equal(env.reset(), twin.reset(seed=5)[0])
    for _ in range(10):
        seen, rewards, done, infos = env.step(np.ones(4, int))
        expected = twin.step(np.ones(4, int))
        np.testing.assert_array_equal(seen, expected[0])
        np.testing.assert_array_equal(done, expected[2] | expected[3])
        assert ["terminal_observation" in info for info in infos] == done.tolist()
    assert rewards.dtype == np.float32
    assert [task.id for task in env.get_attr("task")] == [0, 1, 2, 3]
    assert len(env.env_method("action_masks", indices=[0, 2])) == 2
    others = TASKS.recipe.family.sample(9, rng=1)
    env.set_options([{"task": others[8]}, {}, {"task": others[5]}, {}])
    env.seed(2)
    first = env.reset()
    assert [task.id for task in env.get_attr("task")] == [8, 1, 5, 3]
    assert first[1] == twin.reset(seed=[2, 3, 4, 5])[0][1]
    sb3.PPO("MlpPolicy", env, n_steps=16, batch_size=32, n_epochs=1, device="cpu").learn(128)
    rows = np.zeros((1, 2, 2, 2))
    rows[0, 0, 0, 1] = rows[0, 1, :, 0] = 1.0
    masked = VecTasks(
        TabularVectorEnv(mf.from_arrays(rows, np.ones((1, 2, 2)), horizon=1), autoreset_mode="SameStep")
    )
    masked.reset()
    ended = masked.step([0])[3][0]
    assert [info["action_mask"].tolist() for info in (ended, *masked.reset_infos)] == [[1, 1], [1, 0]]
    trials = VecTasks(TrialVectorEnv(RL2, 4, autoreset_mode="SameStep"))
    sb3.PPO("MlpPolicy", trials, n_steps=16, batch_size=32, n_epochs=1, device="cpu").learn(64)
    with pytest.raises(ValueError, match="autoreset_mode='SameStep'"):
        VecTasks(TabularVectorEnv(TASKS))


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_skrl_wraps_them(mode):
    client("skrl")
    from skrl.envs.wrappers.torch import wrap_env

    wrap_env(gymnasium.make_vec("metarl/RL2MDP-v0", num_envs=2))
    env = wrap_env(TabularVectorEnv(TASKS, autoreset_mode=mode))
    seen, _ = env.reset()
    assert seen.shape[0] == 4
    for _ in range(8):
        found = env.step(seen[:, :1] * 0)
    assert [part.shape[0] for part in found[:4]] == [4] * 4


def test_skrls_q_learning_agrees_with_ours():
    """What happened to our learner, told to skrl's tabular agent, makes the same table."""
    client("skrl")
    import torch
    from skrl.agents.torch.q_learning import Q_LEARNING
    from skrl.models.torch import Model, TabularMixin

    class Greedy(TabularMixin, Model):
        def __init__(self, env):
            Model.__init__(self, observation_space=env.observation_space, action_space=env.action_space)
            TabularMixin.__init__(self)
            size = env.observation_space.n, env.action_space.n
            self.q_table = torch.nn.Parameter(torch.zeros(size, dtype=torch.float64), requires_grad=False)

        def compute(self, inputs, role=""):
            return self.q_table[inputs["observations"]].argmax(-1), {}

    env, settings = TabularEnv(TASKS[0]), {"learning_rate": 0.3}
    agent = Q_LEARNING(
        models={"policy": Greedy(env)},
        observation_space=env.observation_space,
        action_space=env.action_space,
        device="cpu",
        cfg=settings | {"discount_factor": 0.9, "experiment": {"write_interval": 0}},
    )
    agent.training = True
    ours = mf.train(
        mf.QLearning(**settings, discount=0.9, epsilon=0.5),
        TASKS[0],
        50,
        rng=0,
        record=True,
        dtype=np.float64,
    )
    past = ours.history
    assert past.terminated.any()
    assert past.truncated.any()
    names = ("state", "action", "reward", "next_state", "terminated", "truncated")
    for step in range(int(past.length[0])):
        told = [torch.tensor([[getattr(past, name)[0, step].item()]]) for name in names]
        seen, actions, rewards, entered, terminated, truncated = told
        agent.record_transition(
            observations=seen,
            states=None,
            actions=actions,
            rewards=rewards.double(),
            next_observations=entered,
            next_states=None,
            terminated=terminated,
            truncated=truncated,
            infos={},
            timestep=step,
            timesteps=300,
        )
        agent.update(timestep=step, timesteps=300)
    # skrl multiplies its discount by flags, which makes it a float32.
    np.testing.assert_allclose(agent.policy.q_table.numpy(), ours.q_table[0], rtol=0, atol=1e-7)


@pytest.mark.parametrize("mode", ["SameStep", "Disabled"])
def test_torchrl_has_nothing_to_say(mode):
    client("torchrl")
    from torchrl.envs.libs.gym import GymWrapper
    from torchrl.envs.utils import check_env_specs

    env = TabularVectorEnv(TASKS, autoreset_mode=mode)
    check_env_specs(GymWrapper(env, categorical_action_encoding=True))
    check_env_specs(GymWrapper(TabularEnv(TASKS[0])))


def test_tianshou_collects_from_them():
    client("tianshou")
    from tianshou.algorithm.modelbased.psrl import PSRLPolicy
    from tianshou.data import Collector, VectorReplayBuffer

    from metarl_fast.compat.tianshou import TianshouTasks

    env = TianshouTasks(TabularVectorEnv(TASKS, autoreset_mode="Disabled"))
    env.seed(3)
    seen, infos = env.reset()
    np.testing.assert_array_equal(seen, TabularVectorEnv(TASKS).reset(seed=3)[0])
    assert [info["env_id"] for info in infos] == [0, 1, 2, 3]
    found = env.step([1, 1], [2, 0])
    assert [len(part) for part in found] == [2] * 5
    env.reset([3, 1], seed=[7, 8], options={"task": TASKS[2]})
    assert [task.id for task in env.get_env_attr("task")] == [0, 2, 2, 2]
    twin = TabularVectorEnv(TASKS[2], 4, autoreset_mode="Disabled")
    twin.reset(seed=[0, 8, 0, 7])
    np.testing.assert_array_equal(env.step([1, 1], [1, 3])[0], twin.step([1] * 4)[0][[1, 3]])
    env.reset()
    policy = PSRLPolicy(
        trans_count_prior=np.ones((9, 4, 9)),
        rew_mean_prior=np.zeros((9, 4)),
        rew_std_prior=np.ones((9, 4)),
        action_space=env.action_space[0],
        discount_factor=0.9,
    )
    collector = Collector(policy, env, VectorReplayBuffer(200, 4))
    collector.reset()
    assert collector.collect(n_step=40).n_collected_steps == 40
    assert collector.collect(n_episode=6).n_collected_episodes == 6


def test_dm_env_has_nothing_to_say():
    dm_env = client("dm_env")
    from metarl_fast.compat.dm_env import DmEnv

    client("dm_env.test_utils")
    from dm_env import test_utils

    class Conforms(test_utils.EnvironmentTestMixin):
        def make_object_under_test(self):
            return DmEnv(TabularEnv(TASKS[0], observation="one_hot"), seed=0)

    import unittest

    class Case(Conforms, unittest.TestCase):
        pass

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.testsRun >= 3
    assert not result.errors + result.failures
    env = DmEnv(TabularEnv(TASKS[0]), seed=0)
    assert env.step(0).first()
    with pytest.raises(TypeError, match=r"action is 1\.7, expected an integer"):
        env.step(1.7)
    steps = [env.step(0) for _ in range(6)]
    assert (steps[-1].last(), steps[-1].discount) == (True, 1.0)
    assert dm_env.specs.DiscreteArray(9, dtype=np.int64, name="observation") == env.observation_spec()
