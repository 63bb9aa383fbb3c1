"""What the temporal-difference rules share: behaviours, their schedules, the bonus, tables of their own."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import family_twins
import metarl_fast as mf
import reference
from bits import assert_same_bits
from following import MORE
from learner_twins import Life
from metarl_fast.learners import TD_LEARNERS
from metarl_fast.learners.traces import TraceLearner
from td_twin import EpsilonGreedy

kinds = pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)


# --- schedules ---


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"temperature": 3.0}, [3.0] * 5),
        ({"temperature": 1.0, "temperature_decay": 0.5}, [1.0, 0.5, 0.25, 0.125, 0.0625]),
        (
            {"temperature": 1.0, "temperature_decay": 0.5, "temperature_min": 0.2},
            [1.0, 0.5, 0.25, 0.2, 0.2],
        ),
        ({"temperature": 0.1, "temperature_decay": 0.5, "temperature_min": 0.2}, [0.1] * 5),  # never rises
        ({"temperature": 1.0, "temperature_decay": 1e-20}, [1.0, 1e-20, 1e-30, 1e-30, 1e-30]),
        ({"temperature": 1e-300}, [1e-30] * 5),
    ],
)
def test_temperature_decays_by_episode(settings, expected):
    assert mf.QLearning(2, 2, **settings).temperatures(5) == pytest.approx(expected, rel=1e-15)
    assert mf.QLearning(2, 2, **settings).temperatures(0).tolist() == []


def test_a_learner_without_temperature_has_no_temperatures():
    with pytest.raises(ValueError, match="this learner is epsilon-greedy"):
        mf.QLearning(2, 2).temperatures(3)


# --- behaviours: a learner that does not learn shows how it acts ---


def frequencies(kind, table, num_episodes=200, **behaviour):
    """How often each of the actions of the only state is taken: the n-th one earns 1000^n."""
    actions = len(table)
    tasks = mf.from_arrays(np.ones((1, actions, 1)), 1000.0 ** np.arange(actions)[None])
    learner = kind(1, actions, learning_rate=0.0, **behaviour)
    run = mf.train(
        learner, tasks, num_episodes, 999, rng=1, initial_table=np.array([table]), dtype=np.float64
    )
    counts = run.returns[0][:, None] // 1000.0 ** np.arange(actions) % 1000
    return counts.sum(axis=0) / (num_episodes * 999)


@kinds
@pytest.mark.parametrize("temperature", [0.5, 2.0, 1e6])
def test_softmax_takes_actions_in_proportion_to_the_exponential_of_their_values(kind, temperature):
    table = np.array([1.0, 0.0, 2.0, 1.5])
    # What double Q-learning compares is the sum of its two tables.
    weights = np.exp(table * (2 if kind is mf.DoubleQLearning else 1) / temperature)
    expected = weights / weights.sum()
    five_errors = 5 * np.sqrt(expected * (1 - expected) / (200 * 999))
    found = frequencies(kind, table, temperature=temperature)
    assert (np.abs(found - expected) < five_errors).all()


def test_a_cold_softmax_takes_the_best_action_and_shares_among_equals():
    found = frequencies(mf.QLearning, [1.0, 2.0, 2.0], temperature=1e-30)
    assert found[0] == 0.0
    assert abs(found[1] - 0.5) < 5 * np.sqrt(0.25 / (200 * 999))


def test_softmax_does_not_look_at_epsilon():
    tasks = mf.TaskDistribution(4, 3).sample(20, rng=0)
    one, other = (
        mf.Sarsa(4, 3, temperature=0.3, epsilon=e, epsilon_decay=d) for e, d in ((0.1, 1), (1, 0.5))
    )
    first, second = (mf.train(learner, tasks, 5, 10, rng=1) for learner in (one, other))
    assert_same_bits(first.q_table, second.q_table)


@kinds
def test_a_decaying_temperature_is_that_of_the_episode(kind):
    # Hot, then cold: one step an episode, and returns that say which action was taken.
    tasks = mf.from_arrays(np.ones((4000, 1, 2, 1)), np.array([[0.0, 1.0]]))
    learner = kind(1, 2, learning_rate=0.0, temperature=1e9, temperature_decay=1e-12)
    run = mf.train(learner, tasks, 2, 1, rng=0, initial_table=[[0.0, 1.0]])
    assert abs(run.returns[:, 0].mean() - 0.5) < 5 * np.sqrt(0.25 / 4000)
    assert (run.returns[:, 1] == 1.0).all()


@kinds
def test_rare_exploration_is_even(kind):
    # Of 2e8 actions 40 explore. In 24 bits epsilon is 4 numbers, which reach 4 of the 5 actions.
    if kind is not mf.QLearning:
        pytest.skip("what is chosen by is the same for all: the twin says so")
    table, epsilon, steps = [1.0, 0.0, 0.0, 0.0, 0.0], 2e-7, 3_125_000
    tasks = mf.from_arrays(np.ones((64, 1, 5, 1)), np.array([[0.0, 1.0, 1e3, 1e6, 1e9]]))
    learner = kind(1, 5, learning_rate=0.0, epsilon=epsilon)
    returns = mf.train(learner, tasks, 1, steps, rng=0, initial_table=[table]).returns.ravel()
    counts = (returns[:, None] // 1000.0 ** np.arange(4) % 1000).sum(axis=0)
    assert abs(counts.sum() - 32) < 5 * np.sqrt(32)
    assert (counts > 0).all()


@pytest.mark.parametrize("epsilon", [1.0, 0.5, 0.1, 1e-6, 1e-8])
def test_explorers_try_all_actions_alike_and_often_enough(epsilon):
    # The twin decides as the core does; here for x and y that lie evenly.
    chosen = np.zeros(5)
    behaviour = EpsilonGreedy(epsilon)
    explorers = round(epsilon * 2**31)
    for x in {0, explorers // 2, explorers - 1}:
        for y in range(0, 2**32, 2**32 // 100):
            chosen[behaviour.choose([-1.0, 0.0, -1.0, -1.0, -1.0], x << 1, y)] += 1
    assert chosen.max() - chosen.min() <= 3
    if epsilon < 1.0:
        assert behaviour.choose([-1.0, 0.0, -1.0, -1.0, -1.0], explorers << 1, 0) == 1


# --- bonus ---


@kinds
def test_a_bonus_tries_every_action_before_any_twice(kind):
    actions = 7
    tasks = mf.from_arrays(np.ones((50, 1, actions, 1)), 100.0 ** np.arange(actions)[None])
    learner = kind(1, actions, learning_rate=0.0, epsilon=0.0, bonus=1.0)
    for rounds in (1, 2, 5):
        run = mf.train(learner, tasks, 1, rounds * actions, rng=0, dtype=np.float64)
        assert (run.returns == rounds * (100.0 ** np.arange(actions)).sum()).all()


@kinds
def test_a_bonus_fades_over_its_episodes_and_with_the_visits(kind):
    # One step an episode, values 0 and 1/2 (double Q-learning compares the sums of both tables), bonus 4.
    #   e = 0: 4 / 1       < 0.5 + 4 / 1        the second action
    #   e = 1: 3 / 1       > 0.5 + 3 / sqrt 2   the first
    #   e = 2: 2 / sqrt 2  < 0.5 + 2 / sqrt 2   the second
    #   e = 3: 1 / sqrt 2  < 0.5 + 1 / sqrt 3   the second; unfaded, 4 / sqrt 2 > 0.5 + 4 / sqrt 3, the first
    tasks = mf.from_arrays(np.ones((1, 2, 1)), np.array([[0.0, 1.0]]))
    table = [[0.0, 0.25 if kind is mf.DoubleQLearning else 0.5]]
    learner = kind(1, 2, learning_rate=0.0, epsilon=0.0, bonus=4.0, bonus_episodes=4)
    run = mf.train(learner, tasks, 4, 1, rng=0, initial_table=table)
    assert run.returns.tolist() == [[1.0, 0.0, 1.0, 1.0]]
    constant = dataclasses.replace(learner, bonus_episodes=None)
    run = mf.train(constant, tasks, 4, 1, rng=0, initial_table=table)
    assert run.returns.tolist() == [[1.0, 0.0, 1.0, 0.0]]


@kinds
def test_a_start_that_is_worth_visits_is_not_overwritten(kind):
    # Rate 1/N and a reward of 0: of a value of 1 that is worth 9 visits, 9/10 are left after one more.
    tasks = mf.from_arrays(np.ones((1, 1, 1)), np.zeros((1, 1)))
    rates = {"learning_rate": 1.0, "learning_rate_decay": 1.0, "discount": 0.0, "initial_q": 1.0}
    for visits in (0, 9, 2.5):
        learner = kind(1, 1, **rates, initial_visits=visits)
        run = mf.train(learner, tasks, 5, 1, rng=0, dtype=np.float64, snapshot_episodes=range(6))
        if kind is not mf.DoubleQLearning:
            expected = np.array([1.0, *(visits / (visits + np.arange(1, 6)))])
            assert run.snapshots.ravel() == pytest.approx(expected, rel=1e-12)
        else:  # the mean of two tables of which one has learned
            assert run.snapshots[0, 1, 0, 0] == pytest.approx(0.5 + 0.5 * visits / (visits + 1))


@kinds
def test_visits_that_a_start_is_worth_make_the_bonus_smaller(kind):
    # Values 0 and 1/2, bonus 4: untried, action 0 wins the second turn, 4 > 0.5 + 4 / sqrt 2; as if both had
    # been tried 99 times it does not, 4 / 10 < 0.5.
    tasks = mf.from_arrays(np.ones((1, 2, 1)), np.array([[0.0, 1.0]]))
    table = [[0.0, 0.25 if kind is mf.DoubleQLearning else 0.5]]
    for visits, expected in ((0, [1.0, 0.0]), (99, [1.0, 1.0])):
        learner = kind(1, 2, learning_rate=0.0, epsilon=0.0, bonus=4.0, initial_visits=visits)
        run = mf.train(learner, tasks, 2, 1, rng=0, initial_table=table)
        assert run.returns.tolist() == [expected]


def test_the_uniform_behaviour_has_no_use_for_a_bonus():
    tasks = mf.TaskDistribution(4, 3).sample(20, rng=0)
    plain, curious = (mf.train(mf.QLearning(4, 3, epsilon=1.0, bonus=b), tasks, 5, 10, rng=1) for b in (0, 9))
    assert_same_bits(plain.q_table, curious.q_table)


def test_without_bonus_and_temperature_nothing_is_drawn_differently():
    """A bonus of 0 is none, in every sense."""
    family = mf.TaskDistribution(4, 3)
    learner = mf.QLearning(4, 3, epsilon=0.5, bonus=0.0, temperature=None)
    run = mf.train(learner, family.sample(1, rng=0), 5, 10, rng=1, dtype=np.float64)
    stream = reference.make_stream(reference.make_key(1), 0, reference.LEARNING)
    model = family_twins.generate(family, reference.make_key(0), 0)
    twin = Life(model, stream, learner, 5, np.zeros((4, 3)), float)
    for episode in range(5):
        twin.begin_episode(episode)
        for _ in range(10):
            twin.step()
        twin.end_episode()
    assert_same_bits(run.q_table[0], np.array(twin.twin.table()))


# --- objects ---


@kinds
def test_the_step_by_step_object_learns_what_the_engine_learns(kind):
    # A ring of three states with one action: the path is known. What a fair coin says is in the stream.
    transitions = np.eye(3)[[1, 2, 0]][:, None]
    rewards = np.array([[0.1], [0.2], [-1.0]])
    learner = kind(3, 1, learning_rate=0.3, discount=0.9)
    run = mf.train(learner, mf.from_arrays(transitions, rewards), 1, 25, rng=0, dtype=np.float64)
    stream = reference.make_stream(reference.make_key(0), 0, reference.LEARNING)
    stream.next()  # the start
    for step in range(25):
        more = dict(MORE.get(kind, {}))
        if kind is mf.DoubleQLearning:
            _, _, coin = (stream.next() for _ in range(3))  # action, outcome, coin
            more["second"] = bool(coin >> 31)
        learner.update(step % 3, 0, rewards[step % 3, 0], (step + 1) % 3, **more)
    assert_same_bits(run.q_table[0], learner.q_table)


@kinds
def test_train_leaves_the_object_alone(kind):
    learner = kind(5, 2)
    mf.train(learner, mf.TaskDistribution(5, 2).sample(2, rng=0), 3, 5, rng=0)
    assert not learner.q_table.any()


@kinds
def test_objects_do_not_share_their_tables(kind):
    first, second = kind(2, 2), kind(2, 2)
    first.update(0, 0, 1.0, 1, **MORE.get(kind, {}))
    assert first.q_table[0, 0] != 0.0
    assert not second.q_table.any()


@kinds
def test_tables_begin_at_initial_q_and_policies_at_the_first_action(kind):
    learner = kind(4, 3, initial_q=2.5)
    assert learner.q_table.tolist() == [[2.5] * 3] * 4
    assert learner.get_policy().tolist() == [0] * 4
    learner.update(2, 0, -9.0, 1, **MORE.get(kind, {}))
    assert learner.get_policy().tolist() == [0, 0, 1, 0]


@kinds
@pytest.mark.parametrize("itemsize", [4, 8])
def test_the_core_counts_what_it_keeps_for_a_pair(kind, itemsize):
    s, a, lanes = 100_000, 8, 32
    tasks = mf.TaskDistribution(s, a, horizon=5).sample(100, rng=0)

    def bytes_of_pair(**settings):
        more = {"trace_decay": 1.0, "discount": 1.0} if has_traces else {}  # traces never fade
        core = kind(**more, **settings).core(1)
        assert core.tasks_at_once == lanes
        return core.scratch(tasks.core, 100, 1, 2**30, False, False, itemsize) / (lanes * s * a)

    has_traces = issubclass(kind, TraceLearner)
    tables = 2 if kind is mf.DoubleQLearning else 1
    traces = (itemsize + 4) / a if has_traces else 0.0  # one a state: they replace each other
    shared = itemsize + itemsize / lanes + (itemsize + 1) / a  # rewards; the initial table; starts and ends
    assert bytes_of_pair() == pytest.approx(tables * itemsize + traces + shared, rel=0.05)
    for counted in ({"bonus": 1.0}, {"learning_rate_decay": 0.5}):
        more = bytes_of_pair(**counted) - bytes_of_pair()
        assert more == pytest.approx(tables * itemsize, rel=0.05)


# --- tables of their own, made when they are wanted ---


@kinds
def test_what_was_learned_step_by_step_survives_copies_and_nothing_else_travels(kind):
    learner = kind(20, 10)
    blank = len(pickle.dumps(learner))
    assert blank < 700
    assert not learner.q_table.any()  # looking makes the table, which is no reason to carry it
    assert len(pickle.dumps(learner)) == blank
    learner.update(3, 4, 1.0, 5, **MORE.get(kind, {}))
    for again in (pickle.loads(pickle.dumps(learner)), copy.deepcopy(learner), copy.copy(learner)):
        assert again == learner
        assert_same_bits(again.q_table, learner.q_table)
        assert hasattr(again, "traces") == issubclass(kind, TraceLearner)
        if issubclass(kind, TraceLearner):
            assert_same_bits(again.traces, learner.traces)
    assert not learner.replace(discount=0.5).q_table.any()


@kinds
def test_a_learner_without_sizes_says_what_learning_step_by_step_needs(kind):
    text = rf"num_states is None and num_actions is None.* as in {kind.__name__}\(10, 5\)"
    for use in (
        lambda: kind().q_table,
        lambda: kind().get_policy(),
        lambda: kind().update(0, 0, 0.0, 0, **MORE.get(kind, {})),
    ):
        with pytest.raises(ValueError, match=text):
            use()
    with pytest.raises(ValueError, match="num_states is 4 and num_actions is None"):
        _ = kind(4).q_table


@kinds
def test_learning_step_by_step_starts_from_the_table(kind):
    table = mf.Table([[0.0, 1.0], [2.0, -1.0], [0.0, 0.5]])
    learner = kind(initial_q=table)
    assert_same_bits(learner.q_table, table.values)
    learner.update(0, 0, 5.0, 1, **MORE.get(kind, {}))
    assert not np.array_equal(learner.q_table, table.values)
    assert table == mf.Table([[0.0, 1.0], [2.0, -1.0], [0.0, 0.5]])
    with pytest.raises(ValueError, match=r"initial_q has the shape \(2, 3, 2\), a table for each of 2 tasks"):
        _ = kind(initial_q=mf.Table(np.zeros((2, 3, 2)))).q_table


def test_the_view_that_is_kept_between_runs_is_that_of_the_run():
    learner = mf.QLearning(epsilon=1.0, epsilon_decay=0.5)
    tasks = mf.TaskDistribution(4, 2).sample(5, rng=0)
    for episodes in (3, 7, 3, 2000, 7):
        anew = mf.train(learner.replace(), tasks, episodes, 5, rng=1)
        assert_same_bits(mf.train(learner, tasks, episodes, 5, rng=1).q_table, anew.q_table)
    assert len(pickle.dumps(learner)) == len(pickle.dumps(learner.replace()))
    assert vars(copy.deepcopy(learner)) == vars(learner.replace())
