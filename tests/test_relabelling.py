"""What a teacher would have done at each step of what somebody else did."""

from dataclasses import replace

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.relabelling import equally_good

ROOM = mf.Darkroom(4, (1, 1), 6)
LADDER = mf.RiverSwim(5)


def history_of(learner, tasks, num_episodes, **keywords):
    return mf.train(learner, tasks, num_episodes, record=True, rng=3, **keywords).history


def slowly(history, tasks, teacher):
    """The labels by an agent that is shown step after step."""
    label = np.zeros((*history.state.shape, tasks.num_actions), np.float32)
    for i, length in enumerate(history.length):
        agent = teacher.agent(tasks[i], rng=0, dtype=history.reward.dtype)
        for t in range(length):
            step = {f: getattr(history, f)[i, t].item() for f in ("state", "action", "next_state")}
            label[i, t] = mf.greedy_policy(agent.q_table)[step["state"]]
            ends = {f: bool(getattr(history, f)[i, t]) for f in ("terminated", "truncated")}
            agent.observe(**step, reward=float(history.reward[i, t]), **ends)
    return label


@pytest.mark.parametrize(
    "teacher",
    [mf.QLearning(learning_rate=0.5, epsilon=0.0), mf.QLambda(), mf.PosteriorPlanner(), "fitted"],
    ids=["QLearning", "QLambda", "PosteriorPlanner", "fitted"],
)
def test_a_learner_says_what_it_would_do_after_the_steps_before(teacher):
    training, held_out = ROOM.split(0.3, rng=0)
    tasks = held_out.sample(6, rng=1)
    if teacher == "fitted":
        teacher = mf.EmpiricalBayes().fit(training, num_tasks=40, rng=0).learner
    history = history_of(mf.QLearning(epsilon=0.7), tasks, 4)
    found = mf.relabel(history, None, tasks, teacher, num_threads=2)
    assert_same_bits(found, slowly(history, tasks, teacher))
    assert_same_bits(found, mf.relabel(history, None, tasks.materialise(), teacher, num_threads=1))


def test_a_bandit_learner_is_greedy_in_its_means():
    tasks = mf.BernoulliBandit(3).sample(4, rng=0)
    history = history_of(mf.QLearning(epsilon=1.0, learning_rate=0.0), tasks, 30, num_steps=1)
    label = mf.relabel(history, None, tasks, mf.UCB1())
    pulls = np.cumsum(history.action[..., None] == np.arange(3), axis=1)[:, :-1]
    gains = np.cumsum((history.action[..., None] == np.arange(3)) * history.reward[..., None], axis=1)[:, :-1]
    seen = (pulls > 0).all(axis=-1)
    means = (gains / np.maximum(pulls, 1))[seen]
    assert seen.any()
    assert (label[:, 1:][seen][np.arange(len(means)), means.argmax(axis=1)] > 0).all()


def test_one_that_knows_the_task_shares_alike_among_the_best():
    tasks = ROOM.sample(5, rng=0)
    history = history_of(mf.QLearning(epsilon=1.0), tasks, 3)
    label = mf.relabel(history, None, tasks)
    goals = mf.policy_iteration(tasks, 0.0).q_values[:, :, 0].argmax(axis=1)  # only there staying pays
    place = mf.factors(tasks)[history.state]
    away = np.abs(place - mf.factors(tasks)[goals][:, None]).sum(axis=-1)
    moved = np.abs(mf.factors(tasks)[history.next_state] - mf.factors(tasks)[goals][:, None]).sum(axis=-1)
    taken = np.take_along_axis(label, history.action[..., None].astype(int), axis=-1)[..., 0] > 0
    nearer = (moved < away) | ((away == 0) & (moved == 0))
    assert (taken == nearer).all()  # every step nearer is as good as any other
    found = mf.policy_iteration(tasks, 0.99)
    good = equally_good(found.q_values)
    assert (np.take_along_axis(good, found.policy[..., None], axis=-1) > 0).all()
    done = []
    assert_same_bits(mf.relabel(history, None, tasks, progress=lambda *now: done.append(now)), label)
    assert done[-1] == (5, 5)


@pytest.mark.parametrize("teacher", ["optimal", mf.QLearning()])
def test_steps_that_are_no_tasks_are_refused_whoever_teaches(teacher):
    tasks = ROOM.sample(3, rng=0)
    history = history_of(mf.QLearning(), tasks, 2)
    for name, change, error, match in (
        ("state", lambda a: a.astype(int) - 20, ValueError, r"state\[0, 0\] is -\d+, expected one of"),
        ("state", lambda a: a.astype(int) + 2**32, ValueError, r"state\[0, 0\] is 42949\d+, expected one of"),
        ("next_state", lambda a: a + 0.5, TypeError, r"history\.next_state is float64, expected integers"),
        ("action", lambda a: a + 9, ValueError, r"action\[0, 0\] is \d+, expected one of the tasks' 5"),
        ("length", lambda a: a + 1, ValueError, r"history\.length\[0\] is 13, expected at most 12"),
        ("length", lambda a: a - 13, ValueError, r"history\.length\[0\] is -1, expected at least 0"),
    ):
        with pytest.raises(error, match=match):
            mf.relabel(replace(history, **{name: change(getattr(history, name))}), None, tasks, teacher)


def test_a_sequence_of_ones_own():
    tasks = ROOM.sample(1, rng=0)
    states, actions, rewards = [5, 5, 4, 4], [0, 3, 0], [0.0, 0.0, 1.0]
    found = mf.relabel(states, rewards, tasks, mf.QLearning(learning_rate=1.0), actions=actions)
    assert found.shape == (3, 5)
    assert_same_bits(found, np.full((3, 5), 0.2, np.float32))  # nothing was seen before the last step
    states, actions, rewards = [4, 4, 4], [2, 2], [1.0, 1.0]
    found = mf.relabel(states, rewards, tasks[0], mf.QLearning(learning_rate=1.0), actions=actions)
    assert found[1].tolist() == [0, 0, 1, 0, 0]


def test_a_teacher_of_ones_own():
    class Lefty:
        def labels(self, history, tasks):
            return np.tile(np.eye(tasks.num_actions)[3], (*history.state.shape, 1))

    tasks = ROOM.sample(2, rng=0)
    history = history_of(mf.QLearning(), tasks, 2)
    assert (mf.relabel(history, None, tasks, Lefty()).argmax(axis=-1) == 3).all()


def test_what_is_refused():
    tasks = LADDER.sample(2, rng=0)
    history = history_of(mf.QLearning(), tasks, 2, num_steps=4)
    with pytest.raises(ValueError, match="teacher is 'best'"):
        mf.relabel(history, None, tasks, "best")
    with pytest.raises(TypeError, match="tasks is None"):
        mf.relabel(history)
    with pytest.raises(TypeError, match="beside a History"):
        mf.relabel(history, [0.0], tasks)
    with pytest.raises(TypeError, match="rewards or actions are None"):
        mf.relabel([0, 1], None, tasks[0])
    with pytest.raises(ValueError, match=r"history\.length has shape \(2,\), expected \(1,\)"):
        mf.relabel(history, None, tasks[0], "optimal")
    for teacher in ("optimal", mf.QLearning()):
        with pytest.raises(ValueError, match=r"state\[0, .\] is 7, expected one"):
            mf.relabel([0, 7, 1], [0, 0], tasks[0], teacher, actions=[0, 0])
    with pytest.raises(ValueError, match=r"action\[0, 0\] is 9, expected one"):
        mf.relabel([0, 0, 1], [0, 0], tasks[0], mf.QLearning(), actions=[9, 0])
    with pytest.raises(ValueError, match=r"reward\[0, 1\] is inf, expected a finite number"):
        mf.relabel([0, 0, 1], [0, np.inf], tasks[0], mf.QLearning(), actions=[0, 0])
