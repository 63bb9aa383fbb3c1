"""`from_gymnasium` against the environments themselves: their outcome lists, their episodes, their values."""

from __future__ import annotations

from typing import ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.toy_text.frozen_lake import FrozenLakeEnv

import metarl_fast as mf
from toy_text import dense_model, optimal_values, terminal_states

# v4 since Gymnasium 1.3.
TAXI = "Taxi-v4" if "Taxi-v4" in gymnasium.registry else "Taxi-v3"
OLD = gymnasium.__version__ < "1.2"
ENVIRONMENTS = {
    "FrozenLake-v1": {},
    "FrozenLake-v1 8x8": {"map_name": "8x8"},
    "FrozenLake-v1 firm": {"is_slippery": False},
    TAXI: {},
    f"{TAXI} rainy": {"is_rainy": True},
    "CliffWalking-v1": {},
    "CliffWalking-v1 slippery": {"is_slippery": True},
}


def made(name, **options):
    """An environment; Gymnasium has had CliffWalking-v1 and rain since 1.2."""
    try:
        return gymnasium.make(name, **options)
    except (gymnasium.error.Error, TypeError):
        if not OLD:
            raise
        pytest.skip(f"Gymnasium {gymnasium.__version__} has no {name} with {options}")


@pytest.fixture(params=ENVIRONMENTS)
def env(request):
    environment = made(request.param.split()[0], **ENVIRONMENTS[request.param])
    yield environment
    environment.close()


def test_outcome_lists_are_those_of_the_environment(env):
    tasks = mf.from_gymnasium(env)
    outcomes = tasks.outcomes
    ends = terminal_states(env)
    assert set(np.flatnonzero(tasks.terminal[0])) == ends
    for state, by_action in env.unwrapped.P.items():
        for action, listed in by_action.items():
            # Nothing is done in terminal states, whatever P says.
            expected = [(1.0, state, 0.0, True)] if state in ends else listed
            fields = ("probability", "next_state", "reward", "terminated")
            found = list(zip(*(outcomes[name][0, state, action].tolist() for name in fields), strict=True))
            assert found[: len(expected)] == expected
            assert all(probability == 0.0 for probability, *_ in found[len(expected) :])


def test_transitions_rewards_start_and_horizon_are_those_of_the_environment(env):
    tasks = mf.from_gymnasium(env)
    transitions = np.zeros((tasks.num_states, tasks.num_actions, tasks.num_states))
    for state, by_action in env.unwrapped.P.items():
        for action, listed in by_action.items():
            for probability, next_state, _, _ in listed:
                transitions[state, action, next_state] += probability
    for state in terminal_states(env):
        transitions[state] = np.eye(tasks.num_states)[state]
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
    env = made("CliffWalking-v1", is_slippery=True)
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


def test_environments_keep_their_own_time_limits():
    envs = [gymnasium.make("FrozenLake-v1", max_episode_steps=limit) for limit in (10, 20)]
    assert [mf.from_gymnasium(env).horizon for env in envs] == [10, 20]
    np.testing.assert_array_equal(mf.from_gymnasium(envs).horizon, [10, 20])
    assert mf.from_gymnasium([*envs, envs[0].unwrapped]).horizon is None


def episode_length(env):
    """Steps until an environment cuts an episode that does not terminate, which FrozenLake's corner has."""
    env.reset(seed=0)
    for step in range(1, 400):
        *_, terminated, truncated, _ = env.step(3)  # up, along the upper border
        assert not terminated
        if truncated:
            return step
    return None


def test_the_shortest_time_limit_counts():
    lake, limit = FrozenLakeEnv, gymnasium.wrappers.TimeLimit
    firm = {"is_slippery": False}
    for env, expected in (
        (gymnasium.make("FrozenLake-v1", **firm), 100),
        (limit(gymnasium.make("FrozenLake-v1", **firm), 10_000), 100),
        (limit(gymnasium.make("FrozenLake-v1", **firm), 7), 7),
        (limit(lake(**firm), 20), 20),
        (limit(limit(lake(**firm), 20), 30), 20),
        (gymnasium.wrappers.RecordEpisodeStatistics(limit(limit(lake(**firm), 30), 20)), 20),
        (limit(gymnasium.make("FrozenLake-v1", **firm).unwrapped, 300), 300),
        (gymnasium.make("FrozenLake-v1", max_episode_steps=-1, **firm), None),
        (lake(**firm), None),
    ):
        assert mf.from_gymnasium(env).horizon == expected == episode_length(env)
        assert mf.from_gymnasium(env, horizon=3).horizon == 3


def test_a_bare_environment_will_do():
    env = gymnasium.make(TAXI)
    assert mf.from_gymnasium(env.unwrapped).num_states == 500
    assert mf.from_gymnasium(env.unwrapped).horizon is None


def test_the_start_distribution_has_an_older_name():
    class Older:
        P: ClassVar = FrozenLakeEnv().P
        isd: ClassVar = np.eye(16)[3]

    np.testing.assert_array_equal(mf.from_gymnasium(Older()).start[0], np.eye(16)[3])


def test_dynamics_that_P_does_not_describe_are_refused():
    with pytest.raises(ValueError, match="TaxiEnv has fickle_passenger=True"):
        mf.from_gymnasium(made(TAXI, fickle_passenger=True))


class Doubled(gymnasium.Wrapper):
    """Changes rewards, as any wrapper may."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, 2 * reward, *rest


class Elsewhere(gymnasium.Wrapper):
    """Changes where episodes start."""

    def reset(self, **options):
        super().reset(**options)
        self.unwrapped.s = 14
        return 14, {}


class LongerLimit(gymnasium.wrappers.TimeLimit):
    """Is no TimeLimit any more."""

    def step(self, action):
        return self.env.step(action)


class Named(gymnasium.Wrapper):
    """Changes nothing that matters."""

    def render(self):
        return "a lake"


def patched(env):
    env.step = lambda action: (0, 1.0, True, False, {})
    return env


wrappers = gymnasium.wrappers
CHANGED = {
    "TransformReward": lambda env: wrappers.TransformReward(env, lambda reward: 10 * reward),
    "StickyAction": lambda env: wrappers.TimeLimit(wrappers.StickyAction(env, 0.5), 20),
    "NormalizeReward": wrappers.NormalizeReward,
    "ClipReward": lambda env: wrappers.ClipReward(env, 0, 1),
    "TransformAction": lambda env: wrappers.TransformAction(env, lambda action: 0, None),
    "TransformObservation": lambda env: wrappers.TransformObservation(env, lambda state: 0, None),
    "DelayObservation": lambda env: wrappers.DelayObservation(env, 2),
    "TimeAwareObservation": wrappers.TimeAwareObservation,
    "Doubled": lambda env: wrappers.RecordEpisodeStatistics(Doubled(env)),
    "Elsewhere": Elsewhere,
    "LongerLimit": lambda env: LongerLimit(env, 1000),
    "TimeLimit": patched,
}
if hasattr(wrappers, "RepeatAction"):
    CHANGED["RepeatAction"] = lambda env: wrappers.RepeatAction(env, 2)


@pytest.mark.parametrize("name", CHANGED)
def test_wrappers_that_may_change_the_model_are_refused(name):
    env = CHANGED[name](gymnasium.make("FrozenLake-v1"))
    with pytest.raises(ValueError, match=f"{name} changes what P describes, or is not known not to"):
        mf.from_gymnasium(env)


def test_wrappers_that_change_nothing_are_left_out():
    env = gymnasium.make("FrozenLake-v1")
    for watched in (
        wrappers.TimeLimit(wrappers.RecordEpisodeStatistics(env), 20),
        wrappers.Autoreset(env),
        wrappers.RenderCollection(gymnasium.make("FrozenLake-v1", render_mode="rgb_array")),
        gymnasium.Wrapper(env),
        Named(env),
    ):
        np.testing.assert_array_equal(mf.from_gymnasium(watched).rewards, mf.from_gymnasium(env).rewards)


def test_names_and_vector_environments_say_what_to_give_instead():
    for given in ("FrozenLake-v1", ["FrozenLake-v1"]):
        with pytest.raises(TypeError, match=r"envs is 'FrozenLake-v1', .*gymnasium\.make\('FrozenLake-v1'\)"):
            mf.from_gymnasium(given)
    # One whose environments live elsewhere, as AsyncVectorEnv's do.
    env = type("AsyncVectorEnv", (), {"num_envs": 3})()
    with pytest.raises(TypeError, match=r"envs is a AsyncVectorEnv of 3 environments, .* give a list"):
        mf.from_gymnasium(env)


@pytest.mark.parametrize("name", ["CartPole-v1", "Blackjack-v1"])
def test_environments_without_a_model_are_refused(name):
    with pytest.raises(TypeError, match="has no outcome lists P"):
        mf.from_gymnasium(gymnasium.make(name))


def test_environments_of_other_sizes_do_not_mix():
    envs = [gymnasium.make("FrozenLake-v1"), made("CliffWalking-v1")]
    with pytest.raises(ValueError, match=r"\[16, 48\] states"):
        mf.from_gymnasium(envs)
