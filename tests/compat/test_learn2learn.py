"""learn2learn's environments: tasks as plain dicts, the old and the new step, many copies side by side."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import metarl_fast as mf

pytest.importorskip("gymnasium")

from metarl_fast.compat.learn2learn import MetaEnv, VectorMetaEnv
from metarl_fast.envs import TabularEnv

FAMILY = mf.TaskDistribution(4, 3, reward_noise=0.5, horizon=5)


@pytest.mark.parametrize(
    "family", [FAMILY, mf.GoalGrid(3, slip=0.2), mf.GoalGrid(3, start=None)], ids=["dense", "lists", "starts"]
)
def test_tasks_survive_as_dicts(family):
    tasks = family.sample(5, rng=0)[2:]
    dicts = pickle.loads(pickle.dumps(mf.to_task_dicts(tasks)))
    again = mf.from_task_dicts(dicts)
    np.testing.assert_array_equal(again.ids, tasks.ids)
    assert again.horizon == tasks.horizon
    learner = mf.QLearning()
    one, other = (mf.train(learner, batch, 20, rng=1) for batch in (tasks, again))
    np.testing.assert_array_equal(one.q_table, other.q_table)
    np.testing.assert_array_equal(one.returns, other.returns)


def test_dicts_of_tabular_mdp_are_what_its_sampler_draws():
    rng = np.random.default_rng(0)
    drawn = [
        {"transitions": rng.dirichlet(np.ones(10), (10, 5)), "rewards_mean": rng.normal(1, 1, (10, 5))}
        for _ in range(3)
    ]
    tasks = mf.from_task_dicts(drawn)
    np.testing.assert_allclose(tasks.transitions, [task["transitions"] for task in drawn], rtol=1e-12)
    np.testing.assert_array_equal(tasks.rewards, [task["rewards_mean"] for task in drawn])
    assert (tasks.horizon, tasks.reward_noise) == (10, 1.0)
    assert tasks.start[:, 0].tolist() == [1.0] * 3
    assert {"transitions", "rewards_mean"} <= set(mf.to_task_dicts(tasks)[0])


@pytest.mark.parametrize("given", [3, {}, {"transitions": np.eye(2)}, [{"goal": 1}], []])
def test_what_is_no_dict_of_a_task_is_refused(given):
    with pytest.raises((TypeError, ValueError), match="expected"):
        mf.from_task_dicts(given)


def test_an_environment_has_the_task_that_was_set():
    env = MetaEnv(FAMILY, rng=0, observation="index")
    first, second = env.get_task(), env.sample_tasks(1)[0]
    np.testing.assert_array_equal(first["transitions"], FAMILY.sample(2, rng=0)[0])
    assert env.set_task(second)
    assert env.get_task() is second
    twin = TabularEnv(mf.from_task_dicts(second)[0])
    env.seed(3)
    for episode in range(3):
        assert env.reset() == twin.reset(seed=None if episode else 3)[0]
        for step in range(5):
            seen, reward, done, info = env.step(1)
            assert [seen, reward, done] == [*twin.step(1)[:2], step == 4]
        assert info == {"TimeLimit.truncated": True}


def test_the_new_api_and_tasks_by_place():
    tasks = FAMILY.sample(3, rng=1)
    env = MetaEnv(tasks, api="gymnasium", rng=0)
    seen, info = env.reset(seed=1)
    assert seen.shape == (4,)
    assert seen.dtype == np.float32
    assert info == {}
    assert len(env.step(0)) == 5
    env.reset_task(2)
    np.testing.assert_array_equal(env.get_task()["transitions"], tasks[2])
    assert env.reset_task(tasks[1])["id"] == 1
    assert env.unwrapped is env
    with pytest.raises(ValueError, match="api is 'old'"):
        MetaEnv(tasks, api="old")


def test_many_copies_are_stepped_without_processes():
    env = VectorMetaEnv(FAMILY, 6, rng=0)
    tasks = env.sample_tasks(2)
    env.set_task(tasks[1])
    env.seed(2)
    first = env.reset()
    assert first.shape == (6, 4)
    total = np.zeros(6)
    for step in range(10):
        _, rewards, dones, infos = env.step(np.full(6, step % 3))
        total += rewards
        assert dones.all() == ((step + 1) % 5 == 0)
    assert infos[0]["TimeLimit.truncated"]
    assert infos[0]["final_obs"].shape == (4,)
    assert len(set(total.tolist())) == 6
    env.seed(2)
    np.testing.assert_array_equal(env.reset(), first)
    env.set_task(FAMILY.sample(6, rng=3))  # one for each
    assert env.reset().shape == (6, 4)
    env.set_task([tasks[0], tasks[1]] * 3)
    env.reset()
    np.testing.assert_array_equal(env._env.tasks[2], tasks[0]["transitions"])


def test_it_is_one_of_learn2learns():
    learn2learn = pytest.importorskip("learn2learn")
    env = MetaEnv(FAMILY, rng=0)
    assert isinstance(env, learn2learn.gym.MetaEnv)
    assert env.reset().shape == (4,)


def test_cherrys_wrappers_run_it():
    """cherry-rl is for an old gym and an old NumPy: `nox -s cherry` has them."""
    cherry = pytest.importorskip("cherry")
    torch = pytest.importorskip("torch")
    tasks = mf.GoalGrid(3, horizon=12).sample(3, rng=0)
    env = cherry.envs.Runner(cherry.envs.Torch(MetaEnv(tasks, rng=0)))
    assert (env.state_size, env.action_size, env.discrete_action) == (9, 4, True)
    actions = torch.randint(4, (200,), generator=torch.Generator().manual_seed(0)).tolist()
    taken = iter(actions)
    env.seed(3)
    replay = env.run(lambda state: torch.tensor([next(taken)]), episodes=5)
    assert replay.done().sum() == 5
    twin = TabularEnv(tasks[0])
    seen, begins = twin.reset(seed=3)[0], False
    for step, action in zip(replay, actions, strict=False):
        if begins:
            seen = twin.reset()[0]
        assert step.state.argmax() == seen
        seen, reward, terminated, truncated, _ = twin.step(action)
        begins = terminated or truncated
        assert (step.reward.item(), bool(step.done.item())) == (pytest.approx(reward), begins)
        assert step.next_state.argmax() == seen

    many = cherry.envs.Runner(cherry.envs.Torch(VectorMetaEnv(tasks, 4, rng=0)))
    assert many.is_vectorized
    replay = many.run(lambda state: torch.randint(4, (len(state),)), steps=24)
    assert replay.state().shape[-1] == 9
    assert len(replay) == 24
