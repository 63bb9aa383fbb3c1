"""The two-step task: its trials, how they change, and what learners show who know it or not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from metarl_fast.history import History
from reference import REWARDS, Model, make_stream, normal_quantile, open_unit, unit

FAMILY = mf.TwoStep
GOLDEN_TASKS = {"two_step": mf.TwoStep()}
ARGUMENTS = {
    "common": 0.8,
    "drift": "swap",
    "low": 0.1,
    "high": 0.9,
    "walk_std": 0.1,
    "swap": 0.1,
    "segment": None,
}


def twin(family, key, task, segment=0):
    """A trial of `TwoStep`, in plain Python."""
    stream = make_stream(key, task, REWARDS)
    trial = segment if family.segment is None else family.segment
    low, high = family.low, family.high
    if family.drift == "walk":
        pays = [low + (high - low) * unit(stream.next()) for _ in range(4)]
        for _ in range(trial):
            for k in range(4):
                p = pays[k] + family.walk_std * normal_quantile(open_unit(stream.next()))
                p = 2.0 * high - p if p > high else p
                p = 2.0 * low - p if p < low else p
                pays[k] = min(p, high)
    else:
        first = unit(stream.next()) < 0.5
        for _ in range(trial):
            first ^= unit(stream.next()) < family.swap
        pays = [high, high, low, low] if first else [low, low, high, high]
    pays = np.reshape(pays, (2, 2))
    probability = np.empty((3, 2, 2))
    probability[0] = family.common, 1.0 - family.common
    probability[1:] = np.stack([pays, 1.0 - pays], axis=-1)
    next_state, reward = np.zeros((3, 2, 2), int), np.zeros((3, 2, 2))
    next_state[0], next_state[1], next_state[2] = [[1, 2], [2, 1]], 1, 2
    reward[1:, :, 0] = 1.0
    terminated = np.zeros((3, 2, 2), bool)
    terminated[1:] = True
    return Model(probability, next_state, reward, terminated, np.eye(3)[0])


def families():
    drifts, segments = st.sampled_from(["walk", "swap"]), st.none() | st.integers(0, 30)
    return st.builds(mf.TwoStep, st.sampled_from([0.7, 0.8]), drifts, segment=segments)


def test_probabilities_walk_between_their_bounds():
    tasks = mf.TwoStep().sample(500, rng=0)
    pays = np.stack([tasks.segment(t).rewards[:, 1:] for t in (0, 1, 2, 100)])
    assert ((pays >= 0.25) & (pays <= 0.75)).all()
    assert stats.kstest(pays[0].ravel(), stats.uniform(0.25, 0.5).cdf).pvalue > 1e-4
    assert stats.kstest(pays[3].ravel(), stats.uniform(0.25, 0.5).cdf).pvalue > 1e-4
    inside = np.abs(pays[0] - 0.5) < 0.15
    steps = (pays[1] - pays[0])[inside]
    assert steps.std() == pytest.approx(0.025, rel=0.05)


def test_states_swap_once_in_forty_trials():
    tasks = mf.TwoStep.wang().sample(2000, rng=0)
    good = np.stack([tasks.segment(t).rewards[:, 1, 0] > 0.5 for t in range(6)])
    swaps = (good[1:] != good[:-1]).mean()
    assert swaps == pytest.approx(0.025, abs=4 * np.sqrt(0.025 / 10_000))
    assert tasks.rewards[0, 1:].tolist() in ([[0.9] * 2, [0.1] * 2], [[0.1] * 2, [0.9] * 2])
    np.testing.assert_allclose(tasks.transitions[0, 0], [[0, 0.8, 0.2], [0, 0.2, 0.8]])


def test_a_model_free_learner_stays_after_reward_whatever_the_transition():
    tasks = mf.TwoStep().sample(200, rng=0)
    learner = mf.SarsaLambda(learning_rate=0.5, discount=1.0, trace_decay=1.0, epsilon=0.1)
    found = mf.stay_probabilities(mf.train(learner, tasks, 100, rng=1, record=True).history)
    assert found.count.sum() == 200 * 99
    assert found.reward_effect > 0.15
    assert abs(found.interaction) < 0.3 * found.reward_effect
    random = mf.train(mf.QLearning(epsilon=1.0), tasks, 100, rng=1, record=True).history
    np.testing.assert_allclose(mf.stay_probabilities(random).stay, 0.5, atol=0.03)


def model_based(num_learners, num_trials, seed):
    """Trials of who knows the transitions and follows the state that paid last: plain NumPy."""
    rng = np.random.default_rng(seed)
    good, values = rng.integers(1, 3, num_learners), np.full((num_learners, 3), 0.5)
    names, shape = ("state", "action", "next_state", "reward"), (num_learners, 2 * num_trials)
    columns = {name: np.zeros(shape) for name in names}
    everyone = np.arange(num_learners)
    for t in range(num_trials):
        good = np.where(rng.random(num_learners) < 0.025, 3 - good, good)
        choice = (values[:, 2] > values[:, 1]).astype(int)
        choice = np.where(rng.random(num_learners) < 0.1, 1 - choice, choice)
        state = np.where(rng.random(num_learners) < 0.8, choice + 1, 2 - choice)
        reward = (rng.random(num_learners) < np.where(state == good, 0.9, 0.1)).astype(float)
        values[everyone, state] += 0.5 * (reward - values[everyone, state])
        columns["action"][:, 2 * t], columns["next_state"][:, 2 * t] = choice, state
        columns["state"][:, 2 * t + 1] = columns["next_state"][:, 2 * t + 1] = state
        columns["reward"][:, 2 * t + 1] = reward
    ends = np.tile([False, True], (num_learners, num_trials))
    lengths = np.full(num_learners, 2 * num_trials)
    integers = {name: columns[name].astype(np.uint8) for name in names[:3]}
    paid, cut = columns["reward"], np.zeros(shape, bool)
    return History(**integers, reward=paid, terminated=ends, truncated=cut, length=lengths)


def test_a_model_based_learner_stays_by_transition_and_reward():
    found = mf.stay_probabilities(model_based(500, 200, 0))
    assert found.interaction > 0.3
    assert abs(found.reward_effect) < 0.2 * found.interaction
    assert found.stay[1, 1] > found.stay[1, 0]
    assert found.stay[0, 1] < found.stay[0, 0]
    axes = found.plot()
    assert [text.get_text() for text in axes.get_xticklabels()] == ["rewarded", "unrewarded"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"common": 1.5}, r"common is 1\.5"),
        ({"drift": "jump"}, "drift is 'jump', expected walk or swap"),
        ({"low": 0.8}, r"high is 0\.75, expected at least low=0\.8"),
        ({"segment": -1}, "segment is -1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.TwoStep(**arguments)


def test_two_tasks_cannot_be_split():
    training, held_out = mf.TwoStep().split()
    a, b = (half.sample(20, rng=0).rewards[:, 1:] for half in (training, held_out))
    assert not np.intersect1d(a, b).size
    assert mf.TwoStep.wang().split()
    with pytest.raises(ValueError, match="2 different tasks"):
        dataclasses.replace(mf.TwoStep.wang(), segment=3).split()


def test_histories_of_other_tasks_are_refused():
    with pytest.raises(TypeError, match="history is a int"):
        mf.stay_probabilities(5)
    history = mf.train(mf.QLearning(), mf.RiverSwim().sample(3, rng=0), 2, rng=0, record=True).history
    with pytest.raises(ValueError, match="other states than trials"):
        mf.stay_probabilities(history)


def test_what_is_remembered_of_other_tasks_decides_nothing():
    """A buffer remembers 8,192 tasks: these are more, and all are learned on again from their first trial."""
    tasks = mf.TwoStep().sample(8200, rng=0)
    again = mf.train(mf.QLearning(), tasks, 20, rng=1, num_runs=2, num_threads=1).returns
    for k in (0, 6, 64, 69, 8192, 8199):
        alone = mf.train(mf.QLearning(), tasks[k : k + 1], 20, rng=1, num_runs=2).returns
        np.testing.assert_array_equal(again[k], alone[0])
