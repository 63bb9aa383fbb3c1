"""A run that another one continues: both have the bits of one long run."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

S, A, N = 4, 2, 45


def cut(n=N):
    """Dense tasks that end now and then, some already where they begin."""
    rng = np.random.default_rng(0)
    start = rng.dirichlet(np.ones(S), n)
    return mf.from_arrays(
        rng.dirichlet(np.ones(S), (n, S, A)),
        rng.normal(size=(n, S, A)),
        start=start,
        terminal=rng.random((n, S)) < 0.2,
        reward_noise=rng.random(n),
        horizon=rng.integers(1, 9, n),
    )


def listed(n=N):
    """Outcome lists, of which some end the episode and some actions are not available."""
    rng = np.random.default_rng(1)

    def table():
        found = {
            s: {
                a: [(0.5, int(rng.integers(S)), rng.normal(), bool(rng.random() < 0.3)) for _ in range(2)]
                for a in range(A)
            }
            for s in range(S)
        }
        del found[int(rng.integers(S))][int(rng.integers(A))]
        return found

    return mf.from_outcomes([table() for _ in range(n)], start=rng.integers(0, S, n), horizon=6)


def nowhere(n=N):
    """Tasks of which some begin in terminal states alone."""
    terminal = np.zeros((n, S), bool)
    terminal[::3] = True
    tasks = mf.TaskDistribution(S, A).sample(n, rng=1)
    return mf.from_arrays(tasks.transitions, tasks.rewards, terminal=terminal, start=2, horizon=4)


TASKS = {
    "lazy": lambda: mf.TaskDistribution(S, A, horizon=7).sample(N, rng=0),
    "with ends": cut,
    "outcome lists": listed,
    "starts that are ends": nowhere,
    "switching": lambda: mf.Switching(mf.GoalGrid(2, slip=0.2, horizon=6), every=4).sample(N, rng=0),
    "by rejection": lambda: mf.TaskDistribution(80, A, horizon=7).sample(5, rng=0),
}
KINDS = [mf.QLearning, mf.Sarsa, mf.ExpectedSarsa, mf.DoubleQLearning, mf.QLambda, mf.SarsaLambda]
SETTINGS = {
    "epsilon-greedy": {"epsilon": mf.Linear(0.9, 0.1, 20)},
    "softmax": {"temperature": 0.5},
    "visits": {"epsilon": 0.3, "learning_rate": 0.5, "learning_rate_decay": 0.7, "bonus": 0.5},
}


def assert_continued(parts, whole, snapshots=()):
    """Runs that follow one another are, together, the long run."""
    last = parts[-1]
    for name in ("q_table", "policy"):
        assert_same_bits(getattr(last, name), getattr(whole, name))
    assert_same_bits(np.concatenate([run.returns for run in parts], axis=-1), whole.returns)
    assert_same_bits(np.concatenate([run.mean_returns for run in parts]), whole.mean_returns)
    for run in parts:
        for k, episode in enumerate(run.snapshot_episodes):
            place = whole.snapshot_episodes.index(episode)
            assert_same_bits(run.snapshots[..., k, :, :], whole.snapshots[..., place, :, :])


def test_the_example_of_the_manual():
    tasks = mf.TaskDistribution(10, 5, horizon=10).sample(100, rng=0)
    learner = mf.QLearning(learning_rate=0.1)
    first = mf.train(learner, tasks, 12, rng=7)
    second = mf.train(learner, tasks, 18, resume=first)
    whole = mf.train(learner, tasks, 30, rng=7)
    assert_same_bits(second.q_table, whole.q_table)
    assert_same_bits(second.policy, whole.policy)
    assert_same_bits(second.returns, whole.returns[:, 12:])


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("continuing", [False, True])
def test_two_runs_are_one_long_run(kind, settings, make, continuing):
    tasks, learner = make(), kind(**settings)
    options = {"continuing": continuing, "mean_returns": True}
    whole = mf.train(learner, tasks, 30, rng=7, snapshot_episodes=[0, 12, 20, 30], **options)
    first = mf.train(learner, tasks, 12, rng=7, snapshot_episodes=[0, 12], **options)
    second = mf.train(learner, tasks, 18, resume=first, snapshot_episodes=[12, 20, 30], **options)
    assert_continued([first, second], whole)


@pytest.mark.parametrize("kind", [mf.QLearning, mf.DoubleQLearning, mf.SarsaLambda])
@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("runs", [None, 1, 3])
def test_many_runs_from_nothing_and_from_copies(kind, real, runs):
    tasks, learner = cut(), kind(epsilon=0.3, learning_rate_decay=0.5)
    options = {"mean_returns": True, "dtype": real, "num_runs": runs, "continuing": True}
    whole = mf.train(learner, tasks, 9, rng=3, **options)
    found = [mf.train(learner, tasks, 0, rng=3, **options)]
    for k, episodes in enumerate((2, 0, 1, 6)):
        before = (lambda run: run, copy.deepcopy, lambda run: pickle.loads(pickle.dumps(run)))[k % 3](
            found[-1]
        )
        found.append(mf.train(learner, tasks, episodes, resume=before, num_threads=2, **options))
    assert_continued(found, whole)
    assert_same_bits(found[0].q_table, mf.train(learner, tasks, 0, rng=9, **options).q_table)


def test_shards_are_continued_and_joined():
    tasks = mf.TaskDistribution(S, A, horizon=5).sample(1500, rng=0)
    learner = mf.QLearning(epsilon=0.4)
    whole = mf.train(learner, tasks, 8, rng=1, mean_returns=True)

    def first(shard):
        return mf.train(learner, shard, 3, rng=1, mean_returns=True)

    run = mf.shards.join(mf.shards.map(first, tasks))
    assert_continued([run, mf.train(learner, tasks, 5, resume=run, mean_returns=True)], whole)


def test_families_in_python_are_continued():
    class Own(mf.Family):
        num_states, num_actions, horizon = S, A, 5

        def task(self, rng):
            return {"transitions": rng.dirichlet(np.ones(S), (S, A)), "rewards": rng.normal(size=(S, A))}

    tasks = Own().sample(1100, rng=0)
    learner = mf.DoubleQLearning(epsilon=0.4)
    whole = mf.train(learner, tasks, 4, rng=1, mean_returns=True)
    first = mf.train(learner, tasks, 3, rng=1, mean_returns=True)
    assert_continued([first, mf.train(learner, tasks, 1, resume=first, mean_returns=True)], whole)


def test_num_steps_is_that_of_the_run():
    tasks = mf.TaskDistribution(S, A).sample(20, rng=0)
    learner = mf.Sarsa(epsilon=0.4)
    whole = mf.train(learner, tasks, 6, 9, rng=1, mean_returns=True)
    first = mf.train(learner, tasks, 2, 9, rng=1, mean_returns=True)
    assert_continued([first, mf.train(learner, tasks, 4, resume=first, mean_returns=True)], whole)


TASK = mf.TaskDistribution(S, A, horizon=5).sample(20, rng=0)
LEARNER = mf.QLearning(S, A, epsilon=0.3)
RUN = mf.train(LEARNER, TASK, 2, rng=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resume": 5}, "resume is a int, expected what train returned"),
        (
            {"learner": mf.QLearning(S, A, epsilon=0.2)},
            r"learner\.epsilon is 0\.2, but resume is a run with 0\.3$",
        ),
        ({"learner": mf.Sarsa(S, A, epsilon=0.3)}, "learner is Sarsa"),
        ({"tasks": TASK[1:]}, "run of 20 other tasks, expected one of these 19"),
        (
            {"tasks": mf.TaskDistribution(S, A, horizon=5).sample(20, rng=1)},
            "resume is a run of 20 other",
        ),
        (
            {"tasks": mf.TaskDistribution(S, A, mf.Garnet(2), horizon=5).sample(20, rng=0)},
            "resume is a run of 20 other tasks",
        ),
        ({"dtype": np.float64}, "dtype is .*float64.*, but resume is a run with .*float32"),
        ({"num_runs": 2}, "num_runs is 2, but resume is a run with None"),
        ({"rng": 3}, "rng is 3, expected None"),
        ({"initial_table": 0.0}, "initial_table is given beside resume"),
        ({"continuing": True}, "continuing is True, but resume is a run with False"),
        ({"snapshot_episodes": [1]}, "a snapshot episode is 1"),
        ({"snapshot_episodes": [6]}, "snapshot_episodes is .*6"),
        ({"num_episodes": 2**31 - 3}, "num_episodes is"),
        ({"resume": mf.train(LEARNER, TASK, 2, rng=0, q_table=False)}, "its q_table was not kept"),
    ],
)
def test_what_does_not_belong_together_is_refused(changes, message):
    given = {"learner": LEARNER, "tasks": TASK, "num_episodes": 3, "resume": RUN, **changes}
    with pytest.raises((ValueError, TypeError), match=message):
        mf.train(**given)


def test_the_same_tasks_made_again_are_the_same_tasks():
    again = mf.TaskDistribution(S, A, horizon=5).sample(20, rng=0)
    expected = mf.train(LEARNER, TASK, 3, resume=RUN).q_table
    assert_same_bits(mf.train(LEARNER, again, 3, resume=RUN).q_table, expected)
    stored = TASK.materialise()
    run = mf.train(LEARNER, stored, 2, rng=0)
    assert_same_bits(mf.train(LEARNER, TASK.materialise(), 3, resume=run).q_table, expected)
