"""What a run recorded: who learns from it again learns the same, and it costs the run no bit.

That every step is the twin's is tested where training is (`test_engine.py`, `bandits.py`).
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast import checks
from test_resume import TASKS

NAMES = ("state", "action", "reward", "next_state", "terminated", "truncated", "length")
tasks_of_all_kinds = pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)


def assert_same_history(found, expected):
    for name in NAMES:
        assert_same_bits(getattr(found, name), getattr(expected, name))


def lifetimes(history):
    """Yield the steps of each learner, one tuple a step."""
    for row, length in enumerate(history.length):
        yield zip(*(getattr(history, name)[row, :length].tolist() for name in NAMES[:-1]), strict=True)


@tasks_of_all_kinds
def test_learning_again_from_what_was_recorded_gives_the_table(make):
    tasks = make()
    learner = mf.QLearning(tasks.num_states, tasks.num_actions, epsilon=0.4, learning_rate=0.3)
    run = mf.train(learner, tasks, 15, rng=7, record=True, dtype=np.float64)
    for row, steps in enumerate(lifetimes(run.history)):
        again = mf.QLearning(tasks.num_states, tasks.num_actions, learning_rate=0.3)
        start = mf.train(learner, tasks[[row]], 0, dtype=np.float64).q_table[0]  # -inf where unavailable
        again.q_table[:] = start
        for state, action, reward, next_state, terminated, _ in steps:
            again.update(state, action, reward, next_state, terminated=terminated)
        assert_same_bits(again.q_table, run.q_table[row])


@tasks_of_all_kinds
@pytest.mark.parametrize("continuing", [False, True])
@pytest.mark.parametrize("kind", [mf.QLearning, mf.Sarsa, mf.DoubleQLearning, mf.QLambda])
def test_recording_changes_nothing_and_episodes_are_whole(kind, continuing, make):
    tasks, learner = make(), kind(epsilon=0.4)
    options = {"rng": 7, "continuing": continuing, "dtype": np.float64}
    plain, run = (mf.train(learner, tasks, 15, record=record, **options) for record in (False, True))
    assert_same_bits(plain.q_table, run.q_table)
    assert_same_bits(plain.returns, run.returns)
    for row, steps in enumerate(lifetimes(run.history)):
        returns, earned, goes_on = [], 0.0, None
        for state, _, reward, next_state, terminated, truncated in steps:
            assert goes_on in (None, state)
            assert not (terminated and truncated)
            earned += reward
            over = terminated or truncated
            goes_on = None if terminated or (over and not continuing) else next_state
            if over:
                returns.append(earned)
                earned = 0.0
        assert earned == 0.0  # every lifetime ends with its last episode
        # Those that start in terminal states have no steps.
        with_steps = run.returns[row][run.returns[row] != 0.0].tolist()
        assert [value for value in returns if value != 0.0] == with_steps


@tasks_of_all_kinds
@pytest.mark.parametrize("kind", [mf.Sarsa, mf.SarsaLambda, mf.DoubleQLearning])
@pytest.mark.parametrize("continuing", [False, True])
def test_two_histories_are_one_long_history(kind, continuing, make):
    tasks, learner = make(), kind(epsilon=mf.Linear(0.9, 0.1, 20))
    options = {"record": True, "continuing": continuing}
    whole = mf.train(learner, tasks, 20, rng=7, **options)
    first = mf.train(learner, tasks, 8, rng=7, **options)
    second = mf.train(learner, tasks, 12, resume=first, **options)
    parts = zip(lifetimes(first.history), lifetimes(second.history), strict=True)
    assert [[*before, *after] for before, after in parts] == [list(x) for x in lifetimes(whole.history)]


def test_threads_runs_and_shards_do_not_matter():
    tasks = mf.GoalGrid(3, slip=0.2, horizon=7).sample(1100, rng=0)
    learner = mf.QLearning(epsilon=0.5)

    def learn(batch, threads=1):
        return mf.train(learner, batch, 5, rng=1, record=True, num_threads=threads)

    whole = learn(tasks)
    assert_same_history(learn(tasks, 3).history, whole.history)
    assert_same_history(mf.shards.join(mf.shards.map(learn, tasks)).history, whole.history)
    alone = learn(tasks[777:778]).history
    assert list(lifetimes(alone)) == [] or list(*lifetimes(alone)) == list(
        list(lifetimes(whole.history))[777]
    )
    runs = mf.train(learner, tasks[:5], 5, rng=1, num_runs=3, record=True).history
    assert runs.state.shape == (5, 3, runs.length.max())
    for name in NAMES[:-1]:
        row = getattr(whole.history, name)[:5]
        longest = min(row.shape[-1], runs.state.shape[-1])
        assert_same_bits(getattr(runs, name)[:, 0, :longest], row[:, :longest])


def test_families_in_python_are_recorded_part_by_part(monkeypatch):
    class Own(mf.Family):
        num_states, num_actions, horizon = 3, 2, 4

        def task(self, rng):
            return {"transitions": rng.dirichlet(np.ones(3), (3, 2)), "rewards": rng.normal(size=(3, 2))}

    tasks, learner = Own().sample(40, rng=0), mf.QLearning(epsilon=0.4)
    expected = mf.train(learner, tasks.materialise(), 6, rng=1, record=True).history
    assert_same_history(mf.train(learner, tasks, 6, rng=1, record=True).history, expected)


@pytest.mark.parametrize(
    ("states", "actions", "expected"),
    [(256, 2, ("uint8", "uint8")), (257, 2, ("uint16", "uint8")), (2, 300, ("uint8", "uint16"))],
)
def test_numbers_are_as_narrow_as_can_be(states, actions, expected):
    tasks = mf.TaskDistribution(states, actions).sample(2, rng=0)
    history = mf.train(mf.QLearning(epsilon=1.0), tasks, 1, 3000, rng=0, record=True).history
    assert (history.state.dtype, history.action.dtype) == tuple(map(np.dtype, expected))
    assert history.next_state.dtype == history.state.dtype
    assert history.state.max() == states - 1
    assert history.action.max() == actions - 1


def test_more_than_65536_states():
    tasks = mf.RiverSwim(70_000).sample(1, rng=0)
    table = np.zeros((70_000, 2))
    table[:, 1] = 1.0
    run = mf.train(
        mf.QLearning(epsilon=0.0, learning_rate=0.0), tasks, 1, 40, initial_table=table, record=True
    )
    assert run.history.state.dtype == np.uint32


def test_nothing_recorded_and_nothing_to_record():
    tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
    with pytest.raises(AttributeError, match="history was not kept: tell train record=True"):
        mf.train(mf.QLearning(), tasks, 2, 5).history  # noqa: B018
    nothing = mf.train(mf.QLearning(), tasks, 0, 5, record=True).history
    assert nothing.state.shape == (3, 0)
    assert nothing.length.tolist() == [0, 0, 0]
    assert mf.train(mf.QLearning(), tasks[:0], 2, 5, record=True).history.state.shape == (0, 0)


def test_a_history_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(checks, "available_memory", lambda: 2**30)
    tasks = mf.TaskDistribution(4, 2).sample(100_000, rng=0)
    with pytest.raises(MemoryError, match="the history of 100000 tasks of 10000 steps"):
        mf.train(mf.QLearning(), tasks, 1000, 10, record=True, q_table=False, policy=False, returns=False)


def test_results_pickle_and_show_in_one_line():
    tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
    run = mf.train(mf.QLearning(), tasks, 2, 5, rng=0, record=True, returns=False, policy=False)
    assert_same_history(pickle.loads(pickle.dumps(run)).history, run.history)
    assert repr(run).startswith("TrainResult(q_table[3, 4, 2], history=History(state[3, 10], action[3, 10]")
    assert "\n" not in repr(run)


def test_parts_of_which_only_some_recorded_do_not_belong_together():
    tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
    parts = [mf.train(mf.QLearning(), tasks, 2, 5, record=record) for record in (True, False)]
    with pytest.raises(ValueError, match="1 of 2 results have a history"):
        mf.shards.join(parts)
