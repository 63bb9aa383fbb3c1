"""What a learner is: frozen settings, which take their sizes from the tasks and may start from a table."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.learners import TD_LEARNERS

kinds = pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)
SMALL, LARGE = (mf.TaskDistribution(s, a, horizon=5).sample(6, rng=0) for s, a in ((3, 2), (9, 4)))


@kinds
def test_sizes_come_from_the_tasks(kind):
    learner = kind(learning_rate=0.5)
    for tasks in (SMALL, LARGE):
        sized = learner.replace(num_states=tasks.num_states, num_actions=tasks.num_actions)
        found, expected = (mf.train(one, tasks, 4, rng=1).q_table for one in (learner, sized))
        assert_same_bits(found, expected)
    assert mf.adapt(learner, SMALL, (0, 2), rng=0).scores.shape == (6, 2)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (mf.QLearning(9, 2), "the learner has 9 states and 2 actions, the tasks 3 and 2"),
        (mf.QLearning(9), "the learner has 9 states, the tasks 3 and 2"),
        (mf.QLearning(num_actions=4), "the learner has 4 actions, the tasks 3 and 2"),
        (
            mf.QLearning(initial_q=mf.Table(np.zeros((3, 4)))),
            "the learner's initial_q has 3 states and 4 actions, the tasks 3 and 2",
        ),
        (
            mf.QLearning(initial_q=mf.Table(np.zeros((5, 3, 2)))),
            r"initial_q has shape \(5, 3, 2\), expected \(3, 2\) or \(6, 3, 2\)",
        ),
    ],
)
def test_other_sizes_are_refused_with_all_numbers(learner, message):
    for use in (mf.train, mf.adapt):
        with pytest.raises(ValueError, match=message):
            use(learner, SMALL, [1] if use is mf.adapt else 1)


def test_a_table_of_other_sizes_than_the_learner_is_refused_at_once():
    with pytest.raises(ValueError, match=r"num_actions is 5, but initial_q has the shape \(3, 2\)"):
        mf.QLearning(3, 5, initial_q=mf.Table(np.zeros((3, 2))))
    with pytest.raises(ValueError, match=r"num_states is 4, but initial_q has the shape \(7, 3, 2\)"):
        mf.QLearning(4, initial_q=mf.Table(np.zeros((7, 3, 2))))
    with pytest.raises(TypeError, match=r"initial_q is .*, expected a number"):
        mf.QLearning(3, 2, initial_q=np.zeros((3, 2)))


@kinds
@pytest.mark.parametrize("shape", [(3, 2), (6, 3, 2)])
def test_a_start_is_a_part_of_the_learner(kind, shape):
    start = np.random.default_rng(0).normal(size=shape)
    learner = kind(initial_q=mf.Table(start))
    found = mf.train(learner, SMALL, 4, rng=1, snapshot_episodes=[0])
    expected = mf.train(kind(), SMALL, 4, rng=1, initial_table=start)
    assert_same_bits(found.q_table, expected.q_table)
    assert_same_bits(found.snapshots[:, 0], np.broadcast_to(start.astype(np.float32), (6, 3, 2)))
    # What is said in the call goes first.
    assert_same_bits(
        mf.train(learner, SMALL, 4, rng=1, initial_table=0.0).q_table,
        mf.train(kind(), SMALL, 4, rng=1).q_table,
    )
    curve = mf.adapt(learner, SMALL, (0, 3), rng=1)
    assert_same_bits(curve.scores, mf.adapt(kind(), SMALL, (0, 3), rng=1, initial_table=start).scores)


def test_a_start_that_tables_cannot_hold_is_refused():
    learner = mf.QLearning(initial_q=mf.Table(np.full((3, 2), 1e39)))
    with pytest.raises(ValueError, match="initial_q has the value 1e\\+39, which does not fit float32"):
        mf.train(learner, SMALL, 1)
    with pytest.raises(ValueError, match=r"initial_q\[0, 1\] is -inf, expected a finite number"):
        mf.train(learner.replace(initial_q=mf.Table([[0, -np.inf]] * 3)), SMALL, 1)


def test_learners_are_equal_if_they_start_alike():
    one, same, other = (mf.QLearning(initial_q=mf.Table([[0.0, q]])) for q in (1.0, 1.0, 2.0))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != mf.QLearning()
    assert mf.QLearning() != mf.Sarsa()
    assert {one: "found"}[same] == "found"
    assert pickle.loads(pickle.dumps(one)) == one


@kinds
def test_a_learner_is_small(kind):
    for learner in (kind(), kind(1000, 1000), kind(2**31 - 1, 2**31 - 1)):
        assert len(pickle.dumps(learner)) < 700


@kinds
def test_replace_names_what_there_is(kind):
    learner = kind(learning_rate=0.5)
    assert learner.replace(discount=0.7) == kind(learning_rate=0.5, discount=0.7)
    assert learner.replace() == learner
    with pytest.raises(
        TypeError, match=r"has no setting 'epsilom', expected some of .*; did you mean epsilon"
    ):
        learner.replace(epsilom=0.5)
    with pytest.raises(ValueError, match="epsilon is 2"):
        learner.replace(epsilon=2.0)


@kinds
def test_help_lists_every_parameter(kind):
    listed = inspect.getdoc(kind).split("Parameters\n----------\n")[1]
    names = [name for line in listed.splitlines() if line[:1].strip() for name in line.split(", ")]
    assert names == list(inspect.signature(kind).parameters)
