"""`from_gymnasium` against the environments themselves: their outcome lists, their episodes, their values."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import metarl_fast as mf
from toy_text import dense_model, optimal_values

# v4 since Gymnasium 1.3.
TAXI = "Taxi-v4" if "Taxi-v4" in gymnasium.registry else "Taxi-v3"
ENVIRONMENTS = {
    "FrozenLake-v1": {},
    "FrozenLake-v1 8x8": {"map_name": "8x8"},
    "FrozenLake-v1 firm": {"is_slippery": False},
    TAXI: {},
    f"{TAXI} rainy": {"is_rainy": True},
    "CliffWalking-v1": {},
    "CliffWalking-v1 slippery": {"is_slippery": True},
}


@pytest.fixture(params=ENVIRONMENTS)
def env(request):
    environment = gymnasium.make(request.param.split()[0], **ENVIRONMENTS[request.param])
    yield environment
    environment.close()


def test_outcome_lists_are_those_of_the_environment(env):
    outcomes = mf.from_gymnasium(env).outcomes
    for state, by_action in env.unwrapped.P.items():
        for action, listed in by_action.items():
            fields = ("probability", "next_state", "reward", "terminated")
            found = list(zip(*(outcomes[name][0, state, action].tolist() for name in fields), strict=True))
            assert found[: len(listed)] == listed
            assert all(probability == 0.0 for probability, *_ in found[len(listed) :])


def test_transitions_rewards_start_and_horizon_are_those_of_the_environment(env):
    tasks = mf.from_gymnasium(env)
    transitions = np.zeros((tasks.num_states, tasks.num_actions, tasks.num_states))
    for state, by_action in env.unwrapped.P.items():
        for action, listed in by_action.items():
            for probability, next_state, _, _ in listed:
                transitions[state, action, next_state] += probability
    np.testing.assert_array_equal(tasks.transitions[0], transitions)
    np.testing.assert_allclose(tasks.rewards[0], dense_model(env)[1], rtol=1e-15, atol=1e-15)
    np.testing.assert_array_equal(tasks.start[0], env.unwrapped.initial_state_distrib)
    assert tasks.horizon == env.spec.max_episode_steps
    assert mf.from_gymnasium(env, horizon=7).horizon == 7


@pytest.mark.parametrize("discount", [0.9, 0.99])
def test_value_iteration_agrees_with_numpy(env, discount):
    found = mf.value_iteration(mf.from_gymnasium(env), discount)
    np.testing.assert_allclose(found.values[0], optimal_values(env, discount), rtol=0, atol=1e-8)


def test_uniform_policy_agrees_with_a_dense_solve(env):
    tasks = mf.from_gymnasium(env)
    going_on, rewards = dense_model(env)
    uniform = np.full((tasks.num_states, tasks.num_actions), 1 / tasks.num_actions)
    expected = np.linalg.solve(np.eye(tasks.num_states) - 0.97 * going_on.mean(axis=1), rewards.mean(axis=1))
    found = mf.policy_evaluation(tasks, uniform, 0.97)
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-9, atol=1e-8)


def random_episodes(env, num_episodes, num_steps):
    """Undiscounted returns and lengths of episodes stepped in the environment itself."""
    actions = np.random.default_rng(0)
    returns, lengths = np.zeros(num_episodes), np.zeros(num_episodes)
    for episode in range(num_episodes):
        env.reset(seed=episode)
        for _ in range(num_steps):
            _, reward, terminated, truncated, _ = env.step(int(actions.integers(env.action_space.n)))
            returns[episode] += reward
            lengths[episode] += 1
            if terminated or truncated:
                break
    return returns, lengths


def assert_same_mean(found, expected):
    """Within five standard errors."""
    error = np.sqrt(np.var(found) / found.size + np.var(expected) / expected.size)
    assert abs(np.mean(found) - np.mean(expected)) < 5 * error + 1e-6


def test_episodes_earn_what_the_environment_pays(env):
    tasks = mf.from_gymnasium(env)
    num_steps = tasks.horizon or 60  # CliffWalking has no time limit of its own
    expected, lengths = random_episodes(env, 300, num_steps)
    learner = mf.QLearning(tasks.num_states, tasks.num_actions, epsilon=1.0)
    found = mf.train(learner, tasks, 4000, num_steps, rng=0).returns[0]
    assert_same_mean(found, expected)
    # The same with a reward of 1 a step: how long episodes last says whether they end where they should.
    paid_by_step = {
        state: {
            action: [(p, next_state, 1.0, end) for p, next_state, _, end in listed]
            for action, listed in by_action.items()
        }
        for state, by_action in env.unwrapped.P.items()
    }
    clock = mf.from_outcomes(paid_by_step, start=tasks.start)
    assert_same_mean(mf.train(learner, clock, 4000, num_steps, rng=0).returns[0], lengths)


def test_outcomes_to_one_state_keep_their_own_rewards():
    env = gymnasium.make("CliffWalking-v1", is_slippery=True)
    mixed = [
        (state, action)
        for state, by_action in env.unwrapped.P.items()
        for action, listed in by_action.items()
        if len({(next_state, reward) for _, next_state, reward, _ in listed}) > len({o[1] for o in listed})
    ]
    assert mixed  # else this test shows nothing
    outcomes = mf.from_gymnasium(env).outcomes
    for state, action in mixed:
        assert set(outcomes["reward"][0, state, action]) == {-1.0, -100.0}


def test_several_environments_make_one_batch():
    envs = [gymnasium.make("FrozenLake-v1", is_slippery=slippery) for slippery in (True, False)]
    tasks = mf.from_gymnasium(envs)
    assert (len(tasks), tasks.num_states, tasks.num_actions, tasks.horizon) == (2, 16, 4, 100)
    for k, env in enumerate(envs):
        np.testing.assert_array_equal(tasks[k].transitions, mf.from_gymnasium(env)[0].transitions)


def test_environments_with_other_time_limits_have_none_together():
    envs = [gymnasium.make("FrozenLake-v1", max_episode_steps=limit) for limit in (10, 20)]
    assert [mf.from_gymnasium(env).horizon for env in envs] == [10, 20]
    assert mf.from_gymnasium(envs).horizon is None


def test_a_bare_environment_will_do():
    env = gymnasium.make(TAXI)
    assert mf.from_gymnasium(env.unwrapped).num_states == 500


def test_dynamics_that_P_does_not_describe_are_refused():
    with pytest.raises(ValueError, match="TaxiEnv has fickle_passenger=True"):
        mf.from_gymnasium(gymnasium.make(TAXI, fickle_passenger=True))


def test_wrappers_that_change_the_model_are_refused_and_others_left_out():
    env = gymnasium.make("FrozenLake-v1")
    for changed in (
        gymnasium.wrappers.TransformReward(env, lambda reward: 10 * reward),
        gymnasium.wrappers.TimeLimit(gymnasium.wrappers.StickyAction(env, 0.5), 20),
    ):
        with pytest.raises(ValueError, match=r"(TransformReward|StickyAction) changes what P describes"):
            mf.from_gymnasium(changed)
    watched = gymnasium.wrappers.TimeLimit(gymnasium.wrappers.RecordEpisodeStatistics(env), 20)
    np.testing.assert_array_equal(mf.from_gymnasium(watched).rewards, mf.from_gymnasium(env).rewards)


@pytest.mark.parametrize("name", ["CartPole-v1", "Blackjack-v1"])
def test_environments_without_a_model_are_refused(name):
    with pytest.raises(TypeError, match="has no outcome lists P"):
        mf.from_gymnasium(gymnasium.make(name))


def test_environments_of_other_sizes_do_not_mix():
    envs = [gymnasium.make("FrozenLake-v1"), gymnasium.make("CliffWalking-v1")]
    with pytest.raises(ValueError, match=r"\[16, 48\] states"):
        mf.from_gymnasium(envs)
