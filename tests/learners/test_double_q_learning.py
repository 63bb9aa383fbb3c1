"""Double Q-learning: one table chooses, the other one judges, and the bias of a maximum is smaller."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

import metarl_fast as mf
import reference
from bits import assert_same_bits
from following import FAMILIES, following
from td_twin import OneStep, first_best
from textbook import share_that_goes_left

LEARNER = mf.DoubleQLearning


class Twin(OneStep):
    """What the other table says of the action that the one that learns finds best."""

    num_tables = 2

    def ahead(self, next_state, learning, other):
        return other[next_state][first_best(learning[next_state])]


def test_update_is_the_equation():
    random = np.random.default_rng(0)
    learner = mf.DoubleQLearning(4, 3, learning_rate=0.3, discount=0.8, initial_q=0.5)
    q = np.full((2, 4, 3), 0.5)
    for _ in range(300):
        state, action, next_state, which = random.integers([4, 3, 4, 2])
        reward = random.normal()
        learner.update(state, action, reward, next_state, second=bool(which))
        ahead = q[1 - which, next_state, q[which, next_state].argmax()]
        q[which, state, action] += 0.3 * (reward + 0.8 * ahead - q[which, state, action])
        np.testing.assert_allclose(learner.q_tables, q, rtol=1e-12)
        np.testing.assert_allclose(learner.q_table, q.mean(axis=0), rtol=1e-12)
    assert_same_bits(learner.get_policy(), q.sum(axis=0).argmax(axis=1))


def test_a_terminated_episode_has_nothing_ahead():
    learner = mf.DoubleQLearning(2, 2, learning_rate=0.5)
    learner.q_tables[:, 1] = 100.0
    learner.update(0, 1, 3.0, 1, terminated=True, second=False)
    assert learner.q_tables[0].tolist() == [[0.0, 1.5], [100.0, 100.0]]
    assert learner.q_tables[1].tolist() == [[0.0, 0.0], [100.0, 100.0]]


@pytest.mark.parametrize("behaviour", [{"epsilon": 0.5}, {"temperature": 0.5, "bonus": 0.5}])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_object_follows_the_twin(family, behaviour):
    learner = mf.DoubleQLearning(family.num_states, family.num_actions, learning_rate=0.3, **behaviour)
    for twin in following(learner, family):
        assert_same_bits(learner.q_tables, twin.tables)
        assert_same_bits(learner.q_table, twin.table())


def test_what_is_reported_is_the_mean_of_two_tables_that_learn_in_turn():
    # One step at rate 1: one table has the reward, the other the initial value.
    tasks = mf.from_arrays(np.ones((1, 1, 1)), np.full((1, 1), 3.0))
    learner = mf.DoubleQLearning(1, 1, learning_rate=1.0, discount=0.0, initial_q=1.0)
    run = mf.train(learner, tasks, 20, 1, rng=0, snapshot_episodes=range(21))
    values = run.snapshots.ravel()
    first_of_both = int(np.argmax(values == 3.0))
    assert values.tolist() == [1.0] + [2.0] * (first_of_both - 1) + [3.0] * (21 - first_of_both)
    assert 1 < first_of_both < 20


def test_each_table_counts_its_own_visits():
    # Rate 1/N: what either table started from is gone once each has learned. (Counted together, of 10 there
    # would be 0.056 left after 10,000 visits.)
    tasks = mf.from_arrays(np.ones((200, 1, 1, 1)), np.zeros((1, 1)))
    learner = mf.DoubleQLearning(
        1, 1, learning_rate=1.0, learning_rate_decay=1.0, discount=0.0, initial_q=10.0
    )
    run = mf.train(learner, tasks, 1, 20, rng=0)
    assert (run.q_table == 0.0).all()


def test_each_table_is_the_mean_of_its_own_rewards():
    tasks = mf.from_arrays(np.ones((1, 1, 1)), np.full((1, 1), 3.0), reward_noise=1.0)
    learner = mf.DoubleQLearning(1, 1, learning_rate=1.0, learning_rate_decay=1.0, discount=0.0)
    run = mf.train(learner, tasks, 1000, 1, rng=0, dtype=np.float64, snapshot_episodes=range(1001))
    # The table that did not learn stays, so that twice the mean's change is the change of one of two means.
    assert run.q_table[0, 0, 0] == pytest.approx(run.returns.mean(), abs=0.05)
    twin = {0: [], 1: []}
    stream = reference.make_stream(reference.make_key(0), 0, reference.LEARNING)
    for reward in run.returns[0]:
        *_, coin = (stream.next() for _ in range(5))  # start, action, outcome, noise, coin
        twin[coin >> 31].append(reward)
    expected = np.mean([np.mean(rewards) for rewards in twin.values()])
    assert run.q_table[0, 0, 0] == pytest.approx(expected, rel=1e-12)


def test_the_coin_is_fair():
    tasks = mf.from_arrays(np.ones((4000, 1, 1, 1)), np.full((1, 1), 1.0))
    learner = mf.DoubleQLearning(1, 1, learning_rate=1.0, discount=0.0)
    # After two steps both tables have learned if the coin fell differently.
    both = (mf.train(learner, tasks, 1, 2, rng=0).q_table == 1.0).mean()
    assert abs(both - 0.5) < 5 * np.sqrt(0.25 / 4000)


def test_the_bias_of_the_maximum_is_smaller():
    # Example 6.7 of Sutton and Barto: left is worse, but looks better while its values are uncertain.
    assert share_that_goes_left(mf.QLearning, 100) > 0.5
    assert share_that_goes_left(mf.DoubleQLearning, 100) < 0.15


def test_the_textbooks_example_with_two_actions_here_and_ten_there():
    """Example 6.7 as it is in the book: in A one goes left or right, in B there are ten ways on."""
    quantiles = [-0.1 + NormalDist().inv_cdf((k + 0.5) / 40) for k in range(40)]
    ways = {action: [(1 / 40, 2, reward, True) for reward in quantiles] for action in range(10)}
    table = {0: {0: [(1.0, 1, 0.0, False)], 1: [(1.0, 2, 0.0, True)]}, 1: ways, 2: {}}
    task = mf.from_outcomes(table, start=0, horizon=2)
    share = {}
    for kind in (mf.QLearning, mf.DoubleQLearning):
        learner = kind(3, 10, learning_rate=0.1, discount=1.0, epsilon=0.1)
        returns = mf.train(learner, task, 300, num_runs=10_000, rng=0).returns[0]
        share[kind] = (returns != 0).mean(axis=0)  # only what follows left is never 0
    # Figure 6.5: both begin by a toss; Q-learning climbs above 90 %, and ends near the 5 % of exploration.
    assert abs(share[mf.DoubleQLearning][0] - 0.5) < 0.02
    assert 0.27 < share[mf.DoubleQLearning][19] < 0.33
    assert share[mf.QLearning][19] > 0.9
    assert 0.05 < share[mf.DoubleQLearning][-1] < share[mf.QLearning][-1] < 0.15
