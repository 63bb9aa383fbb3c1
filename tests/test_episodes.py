"""What an episode is: where it starts, how long it lasts, what it returns, and the noise of its rewards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.learners import TD_LEARNERS

kinds = pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)
reals = pytest.mark.parametrize("real", [np.float32, np.float64])


def single_state(reward, **options):
    return mf.from_arrays(np.ones((1, 1, 1)), np.full((1, 1), float(reward)), **options)


def with_terminal(tasks, terminal, start):
    """The same tasks with other terminal states and starts."""
    shape = (len(tasks), tasks.num_states)
    arrays = {
        "terminal": np.broadcast_to(terminal, shape).astype(np.uint8),
        "start": np.broadcast_to(start, shape).astype(float),
    }
    return mf.Tasks(replace(tasks.recipe, **arrays), tasks.horizon)


# --- returns ---


@kinds
@reals
def test_returns_are_summed_in_double(kind, real):
    run = mf.train(kind(1, 1), single_state(0.1), 1, 1_000_000, rng=0, dtype=real, mean_returns=True)
    assert run.returns.dtype == np.float64
    # In a table of floats the reward is 0.1 to eight digits.
    assert run.returns[0, 0] == pytest.approx(1e6 * float(real(0.1)), rel=1e-9)
    assert run.mean_returns[0] == run.returns[0, 0]


def test_a_return_goes_on_where_floats_stop_counting():
    run = mf.train(mf.QLearning(1, 1, epsilon=1.0), single_state(-1.0), 1, 16_777_226, rng=0)
    assert run.returns.tolist() == [[-16_777_226.0]]


def test_returns_of_floats_may_exceed_them():
    run = mf.train(mf.QLearning(1, 1), single_state(3e38), 2, 10, rng=0, mean_returns=True)
    assert run.returns[0].tolist() == [10 * float(np.float32(3e38))] * 2
    assert run.mean_returns == pytest.approx([3e39] * 2, rel=1e-6)


def test_rewards_that_no_sum_holds_are_refused():
    tasks = single_state(1e307)
    mf.train(mf.QLearning(1, 1), tasks, 2, 17, rng=0, dtype=np.float64)
    with pytest.raises(ValueError, match=r"rewards reach 1e\+307, too large to be summed over the 18 steps"):
        mf.train(mf.QLearning(1, 1), tasks, 2, 18, rng=0, dtype=np.float64)


@pytest.mark.parametrize(
    ("reward", "noise", "match"),
    [(0.0, 1e39, r"reward_noise of task 0 is 1e\+39"), (3e38, 1e37, r"reward_noise of task 0 is 1e\+37")],
)
def test_noise_that_the_table_cannot_hold_is_refused(reward, noise, match):
    tasks = single_state(reward, reward_noise=noise)
    with pytest.raises(ValueError, match=match):
        mf.train(mf.QLearning(1, 1), tasks, 2, 10, rng=0)
    assert np.isfinite(mf.train(mf.QLearning(1, 1), tasks, 2, 10, rng=0, dtype=np.float64).returns).all()


# --- starts in terminal states ---


@kinds
@reals
def test_an_episode_that_starts_in_a_terminal_state_has_no_steps(kind, real):
    # State 0 goes to state 1, which is terminal, for a reward of -1. Half of the episodes start in each.
    transitions = np.zeros((2000, 2, 1, 2))
    transitions[..., 1] = 1.0
    tasks = mf.from_arrays(
        transitions, np.full((2, 1), -1.0), terminal=[False, True], start=[0.5, 0.5], horizon=10
    )
    learner = kind(2, 1, learning_rate=1.0, initial_q=7.0)
    run = mf.train(learner, tasks, 3, rng=0, dtype=real, snapshot_episodes=[0, 1, 2, 3])
    assert set(run.returns.ravel()) == {-1.0, 0.0}
    assert abs((run.returns == 0.0).mean() - 0.5) < 5 * np.sqrt(0.25 / 6000)
    assert (run.q_table[:, 1] == 7.0).all()
    # What is learned is learned in the episodes that had a step.
    if kind is not mf.DoubleQLearning:
        for episode in range(4):
            tried = (run.returns[:, :episode] == -1.0).any(axis=1)
            assert_same_bits(run.snapshots[:, episode, 0, 0], np.where(tried, real(-1.0), real(7.0)))


@kinds
@pytest.mark.parametrize("continuing", [False, True])
@pytest.mark.parametrize("num_episodes", [0, 1, 50, 2**20])
def test_a_task_that_always_starts_in_a_terminal_state_ends_all_episodes_at_once(
    kind, continuing, num_episodes
):
    tasks = with_terminal(mf.TaskDistribution(3, 2).sample(40, rng=0).materialise(), [1, 0, 1], [0.5, 0, 0.5])
    learner = kind(3, 2, initial_q=0.5, temperature=1.0)
    run = mf.train(
        learner, tasks[:2], num_episodes, 1000, rng=0, continuing=continuing, snapshot_episodes=[num_episodes]
    )
    assert run.returns.shape == (2, num_episodes)
    assert not run.returns.any()
    assert (run.q_table == 0.5).all()
    assert (run.snapshots == 0.5).all()
    assert (run.policy == 0).all()


@kinds
def test_it_does_not_matter_to_the_others_that_a_task_starts_nowhere(kind):
    tasks = mf.TaskDistribution(4, 3, start=mf.Uniform()).sample(40, rng=0).materialise()
    terminal = np.zeros((40, 4))
    terminal[[3, 17]] = 1.0
    mixed = with_terminal(tasks, terminal, 0.25)
    learner = kind(4, 3)
    alone, beside = (mf.train(learner, batch, 20, 9, rng=1) for batch in (tasks, mixed))
    others = np.delete(np.arange(40), [3, 17])
    assert_same_bits(beside.q_table[others], alone.q_table[others])
    assert_same_bits(beside.returns[others], alone.returns[others])
    assert not beside.returns[[3, 17]].any()


def test_no_episodes_choose_nothing():
    for kind in TD_LEARNERS:
        for behaviour in ({"temperature": 1.0}, {"epsilon": 0.5}, {"epsilon": 1.0}, {"bonus": 1.0}):
            run = mf.train(kind(2, 2, **behaviour), mf.TaskDistribution(2, 2).sample(3, rng=0), 0, 5, rng=0)
            assert not run.q_table.any()


# --- each task's own number of steps, and noise ---


@kinds
@pytest.mark.parametrize("continuing", [False, True])
def test_each_task_has_its_own_number_of_steps(kind, continuing):
    tasks = mf.TaskDistribution(4, 3).sample(70, rng=0)
    steps = np.random.default_rng(0).integers(1, 30, 70)
    learner = kind(4, 3)
    options = {"rng": 1, "continuing": continuing, "mean_returns": True}
    run = mf.train(learner, tasks, 6, steps, **options)
    for k in (0, 31, 32, 69):
        alone = mf.train(learner, tasks[k], 6, int(steps[k]), **options)
        assert_same_bits(run.q_table[k], alone.q_table[0])
        assert_same_bits(run.returns[k], alone.returns[0])
    np.testing.assert_allclose(run.mean_returns, run.returns.mean(axis=0), rtol=1e-12)
    alike = mf.train(learner, tasks, 6, np.full(70, 9), **options)
    assert_same_bits(alike.q_table, mf.train(learner, tasks, 6, 9, **options).q_table)


@pytest.mark.parametrize(
    ("steps", "match"),
    [
        ([3, 0], "num_steps is 0, expected at least 1"),
        ([3, 2**31 - 1], "num_steps is 2147483647, expected at most 2147483646"),
        ([3, 4, 5], r"num_steps has shape \(3,\), expected \(2,\)"),
        ([3, 1.5], "num_steps has the value 1.5, expected integers"),
    ],
)
def test_wrong_numbers_of_steps_are_refused(steps, match):
    with pytest.raises(ValueError, match=match):
        mf.train(mf.QLearning(4, 3), mf.TaskDistribution(4, 3).sample(2, rng=0), 1, steps, rng=0)


@kinds
@reals
def test_a_task_without_noise_draws_nothing_for_it_beside_noisy_ones(kind, real):
    tasks = mf.TaskDistribution(4, 3).sample(40, rng=0).materialise()
    deviations = np.where(np.arange(40) % 3 == 1, 0.5 + np.arange(40), 0.0)
    mixed = mf.Tasks(replace(tasks.recipe, reward_noise=deviations))
    learner = kind(4, 3)
    beside = mf.train(learner, mixed, 5, 9, rng=1, dtype=real)
    for k in (0, 1, 38, 39):
        one = mf.Tasks(replace(tasks[k : k + 1].recipe, reward_noise=np.array(deviations[k])))
        alone = mf.train(learner, one, 5, 9, rng=1, dtype=real)
        assert_same_bits(beside.q_table[k], alone.q_table[0])
        assert_same_bits(beside.returns[k], alone.returns[0])


def test_noise_has_the_deviation_of_its_task():
    deviations = np.array([0.0, 1.0, 5.0])
    tasks = mf.from_arrays(np.ones((3, 1, 1, 1)), np.full((1, 1), 3.0))
    noisy = mf.Tasks(replace(tasks.recipe, reward_noise=deviations))
    draws = mf.train(mf.QLearning(1, 1), noisy, 20_000, 1, rng=0, dtype=np.float64).returns
    assert (np.abs(draws.mean(axis=1) - 3.0) <= 5 * deviations / np.sqrt(20_000)).all()
    assert (np.abs(draws.std(axis=1) - deviations) <= 5 * deviations / np.sqrt(40_000)).all()
