"""The tutorial article's program: its three names come from here, its loop is unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

PROGRAM = (Path(__file__).parent.parent / "examples" / "tutorial.py").read_text(encoding="utf-8")
IMPORT = "from metarl_fast import MetaLearner, QLearning, TaskDistribution\n"

# The same three names, defined on the spot as a tutorial would. Tasks are those that metarl_fast drew.
DEFINITIONS = """
class TaskDistribution:
    def __init__(self, num_states, num_actions):
        self.tasks = iter(drawn)

    def sample(self, rng=None):
        return np.array(next(self.tasks))


class QLearning:
    def __init__(self, num_states, num_actions):
        self.q_table = np.zeros((num_states, num_actions))

    def update(self, state, action, reward, next_state):
        target = reward + 0.95 * np.max(self.q_table[next_state])
        self.q_table[state, action] = 0.9 * self.q_table[state, action] + 0.1 * target

    def get_policy(self):
        return np.argmax(self.q_table, axis=1)


class MetaLearner:
    def __init__(self, num_states, num_actions):
        self.theta = np.zeros((num_states, num_actions))

    @property
    def policy(self):
        weights = np.exp(self.theta)
        return weights / weights.sum(axis=1, keepdims=True)

    def update(self, task, policy):
        self.theta += 0.1 * (np.eye(5)[policy] - self.policy)
"""


@pytest.fixture
def drawn(monkeypatch):
    """The tasks that the program draws, from seeds 0, 1, ... instead of the system's."""
    tasks = []
    sample = mf.TaskDistribution.sample

    def seeded(self, rng=None):
        tasks.append(sample(self, rng=len(tasks)))
        return tasks[-1]

    monkeypatch.setattr(mf.TaskDistribution, "sample", seeded)
    return tasks


def run(program, **names):
    names = {"__name__": "__main__", **names}
    exec(compile(program, "tutorial.py", "exec"), names)
    return names


def test_the_program_runs_to_its_end_and_learns(capsys, drawn):
    assert IMPORT in PROGRAM
    program = run(PROGRAM)
    q_learning, meta_learner = program["q_learning"], program["meta_learner"]
    assert q_learning.q_table.shape == meta_learner.theta.shape == (10, 5)
    assert (q_learning.q_table >= 0).all()
    assert q_learning.q_table.max() < 1 / (1 - 0.95)
    # The gradient of a softmax likelihood sums to zero in every state.
    np.testing.assert_allclose(meta_learner.theta.sum(axis=1), 0.0, atol=1e-12)
    assert np.abs(meta_learner.theta).max() > 0.1
    # 20 visits of each pair teach something about the last task: its score is well above that of chance, 0.
    task = np.asarray(drawn[-1])
    tasks = mf.from_arrays(task, task[:, :, -1], start=np.full(10, 0.1))
    score = mf.score(tasks, q_learning.get_policy(), mf.bounds(tasks, 0.95))
    assert 0.2 < score[0] <= 1
    assert "policy learned on the last task" in capsys.readouterr().out


def test_imported_names_do_what_the_defined_ones_did(capsys, drawn):
    imported = run(PROGRAM)
    defined = run(PROGRAM.replace(IMPORT, DEFINITIONS), drawn=list(drawn), np=np)
    assert len(drawn) == 20
    assert_same_bits(imported["policy"], defined["policy"])
    np.testing.assert_allclose(imported["q_learning"].q_table, defined["q_learning"].q_table, rtol=1e-12)
    np.testing.assert_allclose(
        imported["meta_learner"].theta, defined["meta_learner"].theta, rtol=0, atol=1e-12
    )
    first, second = capsys.readouterr().out.split("policy learned")[1:]
    assert first == second


def test_a_task_behaves_as_its_array_does():
    task = mf.TaskDistribution(10, 5).sample(rng=0)
    array = np.asarray(task)
    assert isinstance(array, np.ndarray)
    assert (array.shape, array.dtype) == ((10, 5, 10), np.float64)
    assert (task.shape, task.dtype, task.ndim, len(task)) == (
        array.shape,
        array.dtype,
        array.ndim,
        len(array),
    )
    np.testing.assert_allclose(array.sum(axis=2), 1.0, rtol=1e-12)
    for index in (
        3,
        -1,
        (3, 2),
        (3, 2, 1),
        slice(2, 5),
        (slice(None), 1),
        ...,
        (..., 0),
        [1, 3],
        array > 0.1,
    ):
        assert_same_bits(task[index], array[index])
    assert_same_bits(task[3][2], array[3, 2])
    assert_same_bits(np.array(list(task)), array)
    assert_same_bits(np.sum(task, axis=2), array.sum(axis=2))
    assert_same_bits(np.array(task, dtype=np.float32), array.astype(np.float32))
    with pytest.raises(IndexError):
        task[10]


def test_rows_are_what_choice_takes():
    np.random.seed(0)  # noqa: NPY002
    task = mf.TaskDistribution(10, 5).sample(rng=0)
    for state, action in np.ndindex(10, 5):
        assert 0 <= np.random.choice(10, p=task[state, action]) < 10  # noqa: NPY002


def test_changing_the_array_does_not_change_the_task():
    task = mf.TaskDistribution(10, 5).sample(rng=0)
    array = np.asarray(task)
    before = array.copy()
    array[:] = 0.0
    assert_same_bits(np.asarray(task), before)


def test_without_a_seed_every_task_is_another():
    family = mf.TaskDistribution(10, 5)
    assert not np.array_equal(family.sample(), family.sample())


def test_full_steps_without_discount_give_the_tutorials_target():
    learner = mf.QLearning(3, 2, learning_rate=1, discount=1)
    learner.q_table[:] = [[1.0, 2.0], [0.1, 0.7], [-3.0, 5.0]]
    learner.update(0, 1, 0.25, 1)
    assert learner.q_table.tolist() == [[1.0, 0.95], [0.1, 0.7], [-3.0, 5.0]]
