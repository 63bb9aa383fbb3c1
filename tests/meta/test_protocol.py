"""What all meta-learners are: settings, three pure functions, one loop over them, and a better learner."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.meta import METAS
from metarl_fast.meta.gradient import GradientMeta
from metarl_fast.meta.policy_start import PolicyStart
from metarl_fast.meta.tables import TableMeta
from metarl_fast.seeding import child, make_key

GRID = mf.GoalGrid(6, goals=mf.Region((3, 6), (3, 6)), slip=0.1)
LEARNER = mf.QLearning(learning_rate=0.5, discount=0.9, epsilon=0.2)
SMALL = mf.TaskDistribution(4, 3, horizon=6)
kinds = pytest.mark.parametrize("kind", METAS, ids=lambda kind: kind.__name__)
of_tables = pytest.mark.parametrize(
    "kind", [kind for kind in METAS if issubclass(kind, TableMeta)], ids=lambda kind: kind.__name__
)


@pytest.fixture(autouse=True)
def few_iterations(monkeypatch):
    """Two hundred iterations, where nobody says how many, show no more of the protocol than five."""
    monkeypatch.setattr(mf.LearnedUpdate, "default_iterations", 5)


def assert_same_state(found, expected):
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert_same_bits(found[name], values)


@pytest.mark.parametrize(
    "kind",
    # Which learn no start, or not where goals lie, do not learn on, or are shown ahead in files of their own.
    [
        kind
        for kind in METAS
        if kind not in (mf.Tuned, mf.LearnedUpdate, mf.PooledTraining, mf.EsMaml)
        and kind not in (mf.PolicyReptile, mf.PolicyImaml, mf.ConjugatePrior)
    ],
    ids=lambda kind: kind.__name__,
)
def test_a_meta_learned_learner_is_ahead_on_held_out_goals(kind):
    training, held_out = GRID.split(0.2, rng=2)  # not the far corner, of which the other goals say little
    few = issubclass(kind, GradientMeta)  # which look for what few episodes make good
    one_by_one = kind().tasks_per_iteration == 1
    much = {
        "num_iterations": 50 if issubclass(kind, PolicyStart) else None,
        "num_tasks": 50 if one_by_one else 300,
    }
    fitted = kind().fit(training, LEARNER, 3 if few else 300, **much, rng=0)
    tasks = held_out.sample(100, rng=1)
    ahead, scratch = (mf.adapt(contender, tasks, (2, 5), rng=2) for contender in (fitted, LEARNER))
    assert ahead.returns.mean() > 1.5 * scratch.returns.mean()
    assert (ahead.scores.mean(axis=0) > scratch.scores.mean(axis=0) + 0.3).all()


@kinds
def test_fit_is_a_loop_over_init_step_and_apply(kind):
    """The loop with which tasks that arrive one by one are learned from."""
    meta, tasks = kind(tasks_per_iteration=4), SMALL.sample(10, rng=0)
    fitted = meta.fit(tasks, LEARNER, 5, num_iterations=4, rng=3)
    key, state = make_key(3), meta.init(LEARNER)
    for k, chosen in enumerate(([0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1], [2, 3, 4, 5])):  # in turn
        before = {name: values.copy() for name, values in state.items()}
        after = meta.step(state, LEARNER, tasks[chosen], child(key, 1, k), 5)
        assert_same_state(state, before)  # nothing is changed in place
        assert_same_bits(fitted.history["returns"][k], after["returns"])
        state = after
    assert_same_state(fitted.state, state)
    assert fitted.learner == meta.apply(state, LEARNER)
    assert (fitted.num_iterations, fitted.history["returns"].shape) == (4, (4, 5))


@kinds
@pytest.mark.parametrize("where", [SMALL, SMALL.sample(10, rng=0)], ids=["family", "tasks"])
def test_what_is_resumed_has_the_bits_of_one_run(kind, where):
    meta = kind(tasks_per_iteration=3)
    whole = meta.fit(where, LEARNER, 4, num_iterations=7, num_tasks=10, rng=5)
    part = meta.fit(where, LEARNER, 4, num_iterations=3, num_tasks=10, rng=5)
    for count in (0, 4):
        part = meta.fit(where, LEARNER, 4, num_iterations=count, num_tasks=10, resume=part)
    assert_same_state(part.state, whole.state)
    assert_same_state(part.history, whole.history)
    assert part.learner == whole.learner


@kinds
def test_an_interruption_loses_no_iteration(kind):
    meta = kind(tasks_per_iteration=4)
    whole = meta.fit(SMALL, LEARNER, 4, num_iterations=6, num_tasks=40, rng=5)
    for stop_at in (1, 9, 24):  # the last one is told when all work is done

        def stop(done, total, stop_at=stop_at):
            if done >= stop_at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt) as stopped:
            meta.fit(SMALL, LEARNER, 4, num_iterations=6, num_tasks=40, rng=5, progress=stop)
        reached = stopped.value.fitted
        assert reached.num_iterations == (stop_at - 1) // 4
        rest = 6 - reached.num_iterations
        again = meta.fit(SMALL, LEARNER, 4, num_iterations=rest, num_tasks=40, resume=reached)
        assert_same_state(again.state, whole.state)


@kinds
def test_tasks_are_met_once_unless_it_says_otherwise(kind):
    meta = kind(tasks_per_iteration=4)
    fitted = meta.fit(SMALL.sample(10, rng=0), LEARNER, 2, rng=0)
    assert fitted.num_iterations == (kind.default_iterations or 3)
    if kind.default_iterations is None:
        again = meta.fit(SMALL.sample(10, rng=0), LEARNER, 2, resume=fitted)  # there is none left
        assert again.num_iterations == 3
        before = meta.fit(SMALL.sample(10, rng=0), LEARNER, 2, num_iterations=2, rng=0).state
        alone = meta.step(before, LEARNER, SMALL.sample(10, rng=0)[8:], child(make_key(0), 1, 2), 2)
        assert_same_bits(alone["returns"], fitted.history["returns"][2])


@of_tables
def test_sizes_come_from_the_tasks_and_stay(kind):
    meta = kind()
    fitted = meta.fit(SMALL, LEARNER, 3, num_tasks=5, rng=0)
    assert fitted.learner.initial_q.shape == (4, 3)
    assert (fitted.learner.num_states, fitted.learner.num_actions) == (None, None)
    with pytest.raises(
        ValueError, match="the learner's initial_q has 4 states and 3 actions, the tasks 36 and"
    ):
        meta.step(fitted.state, LEARNER, GRID.sample(2, rng=0), 0, 3)
    told = []
    with pytest.raises(ValueError, match="the learner has 9 states and 4 actions, the tasks 4 and 3"):
        meta.fit(SMALL, mf.QLearning(9, 4), 3, progress=lambda *done: told.append(done))
    for other in (mf.UCB1(), mf.PosteriorPlanner(), mf.TiedQLearning()):
        with pytest.raises(TypeError, match=r"learner is .*, expected one that starts from a table"):
            meta.fit(SMALL, other, 3, progress=lambda *done: told.append(done))
    with pytest.raises(
        ValueError, match=r"initial_q has shape \(7, 4, 3\), expected one table for all tasks"
    ):
        meta.fit(SMALL, mf.QLearning(initial_q=mf.Table(np.zeros((7, 4, 3)))), 3)
    assert not told


@kinds
def test_before_any_task_the_learner_is_what_it_was(kind):
    for initial in (0.0, -2.5, mf.Table([[0.0, 1.0], [2.0, 2.0]])):
        learner = mf.Sarsa(initial_q=initial)
        fitted = kind().fit(mf.TaskDistribution(2, 2, horizon=3), learner, 3, num_iterations=0, rng=0)
        start = np.broadcast_to(fitted.learner.initial_q, (2, 2))
        assert (start.max(axis=1) == np.broadcast_to(initial, (2, 2)).max(axis=1)).all()
        assert fitted.history["returns"].shape[0] == 0
        if not isinstance(initial, mf.Table):
            assert fitted.learner == learner


@kinds
def test_what_was_fitted_goes_where_a_learner_goes(kind):
    fitted = kind().fit(SMALL, LEARNER, 3, num_tasks=5, rng=0)
    tasks = SMALL.sample(6, rng=1)
    assert_same_bits(
        mf.train(fitted, tasks, 4, rng=2).q_table, mf.train(fitted.learner, tasks, 4, rng=2).q_table
    )
    assert_same_bits(
        mf.adapt(fitted, tasks, (0, 2), rng=2).scores, mf.adapt(fitted.learner, tasks, (0, 2), rng=2).scores
    )
    again = kind().fit(SMALL, fitted, 3, num_tasks=5, rng=3)
    assert again.base == fitted.learner


@kinds
def test_progress_counts_tasks(kind):
    told = []
    meta = kind(tasks_per_iteration=40)
    meta.fit(SMALL, LEARNER, 2, num_iterations=3, num_tasks=100, rng=0, progress=lambda *d: told.append(d))
    assert told[-1] == (120, 120)
    assert told == sorted(told)
    if not issubclass(kind, (TableMeta, mf.Maml)):  # which do more than one thing in a step
        assert len(set(told)) >= 6


@kinds
def test_it_needs_tasks(kind):
    with pytest.raises(ValueError, match="no tasks to learn from"):
        kind().fit(SMALL.sample(0, rng=0), LEARNER, 1)
    assert kind().fit(SMALL.sample(rng=0), LEARNER, 1, rng=0).num_iterations >= 1  # one is enough


@kinds
def test_the_seed_decides(kind):
    many = kind.default_iterations or 99 // kind().tasks_per_iteration
    few = {"num_iterations": 3 if many > 3 else None}
    first, same, other = (kind().fit(SMALL, LEARNER, 3, num_tasks=5, rng=seed, **few) for seed in (1, 1, 2))
    assert first.learner == same.learner
    assert first.learner != other.learner
    threads = [kind().fit(SMALL, LEARNER, 3, num_tasks=99, rng=1, num_threads=n, **few) for n in (1, 3)]
    assert_same_state(threads[0].state, threads[1].state)


@kinds
def test_resuming_from_something_else_is_refused(kind):
    meta = kind()
    fitted = meta.fit(SMALL, LEARNER, 3, num_tasks=5, rng=0)
    other = kind(tasks_per_iteration=7)
    for call, error, message in (
        (
            lambda: other.fit(SMALL, LEARNER, 3, resume=fitted),
            ValueError,
            r"resume is of \w+\(.*expected one",
        ),
        (lambda: meta.fit(SMALL, mf.Sarsa(), 3, resume=fitted), ValueError, r"resume is of QLearning\("),
        (lambda: meta.fit(SMALL, LEARNER, 3, rng=1, resume=fitted), ValueError, "rng is 1, expected None"),
        (lambda: meta.fit(SMALL, LEARNER, 3, resume=5), TypeError, "resume is a int"),
        (
            lambda: meta.fit(SMALL, LEARNER, 2, num_iterations=1, num_tasks=5, resume=fitted),
            ValueError,
            r"returns had shape \(3,\), now \(2,\): say num_episodes as before",
        ),
    ):
        with pytest.raises(error, match=message):
            call()


@kinds
def test_it_is_settings(kind):
    meta = kind(tasks_per_iteration=8)
    assert meta == kind(tasks_per_iteration=8)
    assert hash(meta) == hash(kind(tasks_per_iteration=8))
    assert meta != kind(tasks_per_iteration=9)
    assert eval(repr(meta), dict(vars(mf))) == meta
    assert meta.replace(tasks_per_iteration=9) == kind(tasks_per_iteration=9)
    with pytest.raises(TypeError, match="has no setting 'stepsize'"):
        meta.replace(stepsize=0.1)
    with pytest.raises(TypeError, match="positional argument"):
        kind(10, 5)
    listed = inspect.getdoc(kind).split("Parameters\n----------\n")[1]
    names = {line for line in listed.splitlines() if line[:1].strip()}
    assert names == {f.name for f in dataclasses.fields(kind)}


@kinds
def test_the_result_is_a_line_and_cannot_be_written_to(kind):
    fitted = kind().fit(SMALL, LEARNER, 3, num_iterations=2, num_tasks=5, rng=0)
    assert repr(fitted) == f"Fitted({kind()}, QLearning, 2 iterations)"
    for one in (fitted, copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        for values in (*one.state.values(), *one.history.values()):
            with pytest.raises(ValueError, match="read-only"):
                values[...] = 1.0


@of_tables
def test_tables_learned_elsewhere_in_shards_give_the_bits_of_one_run(kind):
    meta, tasks = kind(), SMALL.sample(2500, rng=0)
    runs = [mf.train(LEARNER, part, 3, rng=1) for part in mf.shards.split(tasks)]
    whole = meta.observe(meta.init(LEARNER), mf.train(LEARNER, tasks, 3, rng=1).q_table)
    joined = meta.observe(meta.init(LEARNER), mf.shards.join(runs).q_table)
    assert_same_state(joined, whole)


@kinds
def test_tasks_may_arrive_one_by_one(kind):
    meta = kind()
    state = meta.init(LEARNER)
    for seed, task in enumerate(SMALL.sample(3, rng=0)):
        state = meta.step(state, LEARNER, task, seed, 4)
    assert mf.train(meta.apply(state, LEARNER), SMALL.sample(2, rng=1), 2, rng=0).returns.shape == (2, 2)


@of_tables
@pytest.mark.parametrize("state", [{}, None, {"returns": np.zeros(0)}, {"theta": 1.0, "mean": [1.0]}])
def test_tables_are_observed_by_a_state(kind, state):
    with pytest.raises(TypeError, match=r"state is .*, expected a dict of arrays \['"):
        kind().observe(state, np.zeros((4, 3)))


@kinds
@pytest.mark.parametrize("state", [{}, None, {"returns": np.zeros(0)}, {"theta": 1.0, "mean": [1.0]}])
def test_what_is_no_state_is_refused(kind, state):
    meta = kind()
    for call in (
        lambda: meta.apply(state, LEARNER),
        lambda: meta.step(state, LEARNER, SMALL.sample(2, rng=0), 0, 3),
    ):
        with pytest.raises(TypeError, match=r"state is .*, expected a dict of arrays \['"):
            call()


class Bandit(mf.Meta):
    """A meta-learner of one's own, whose product is a hyper-parameter: the better one of two."""

    recorded = ()

    def init(self, learner):
        return {"returns_of": np.zeros(2)}

    def step(self, state, learner, tasks, rng, num_episodes, num_steps=None, **_):
        found = [
            mf.train(learner.replace(epsilon=e), tasks, num_episodes, num_steps, rng=0).returns.mean()
            for e in (0.1, 1.0)
        ]
        return {"returns_of": state["returns_of"] + found}

    def apply(self, state, learner):
        return learner.replace(epsilon=(0.1, 1.0)[int(state["returns_of"].argmax())])


def test_a_meta_learner_of_ones_own_may_make_something_else_than_a_table():
    fitted = Bandit().fit(GRID, mf.QLearning(epsilon=1.0), 200, num_tasks=20, rng=0)
    assert fitted.learner == mf.QLearning(epsilon=0.1)
    assert fitted.history == {}
