"""What families in Python have drawn is kept: for slices and copies, within bounds, to the same bits."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.data import from_outcomes
from metarl_fast.families import drawn_tasks, python_recipe

S, A = 3, 2
drawn = []  # of all families here: a sample keeps a copy of all that is a family's own


class Counted(mf.Family):
    """Remembers what it drew, by the first number of its stream, and fills one array again and again."""

    num_states, num_actions, horizon = S, A, 4

    def __init__(self, kind="dense"):
        self.kind, self.rewards = kind, np.zeros((S, A))

    def task(self, rng):
        name = rng.random()
        drawn.append(name)
        self.rewards[:] = name
        self.rewards[0] += rng.random(A)
        transitions = rng.dirichlet(np.ones(S), (S, A))
        if self.kind == "dense":
            return {"transitions": transitions, "rewards": self.rewards, "start": 1}
        table = {
            s: {
                a: [(p, k, self.rewards[s, a], False) for k, p in enumerate(transitions[s, a])]
                for a in range(A)
            }
            for s in range(S)
        }
        return {"outcomes": table, "start": 1}


@pytest.fixture(autouse=True)
def nothing_drawn():
    drawn.clear()


def assert_drawn_once(count):
    assert len(drawn) == len(set(drawn)) == count


LEARNER = mf.QLearning(S, A, epsilon=0.5)


@pytest.mark.parametrize("kind", ["dense", "lists"])
def test_slices_and_copies_of_a_batch_draw_nothing_twice(kind):
    tasks = Counted(kind).sample(40, rng=3)
    expected = mf.train(LEARNER, tasks, 5, rng=1)
    assert_drawn_once(40)
    for places in (slice(3, 30), [5, 2, 39], np.arange(40)[::-1]):
        part = mf.train(LEARNER, tasks[places], 5, rng=1)
        assert_same_bits(part.q_table, expected.q_table[places])
    for same in (tasks[:], copy.copy(tasks), copy.deepcopy(tasks), pickle.loads(pickle.dumps(tasks))):
        assert_same_bits(mf.train(LEARNER, same, 5, rng=1).q_table, expected.q_table)
    assert_same_bits(mf.concatenate([tasks[7], tasks[:3]]).rewards, tasks.rewards[[7, 0, 1, 2]])
    assert_same_bits(tasks.materialise().transitions, tasks.transitions)
    _ = [task.rewards for task in tasks]
    mf.Reptile().fit(tasks, LEARNER, 5, num_iterations=3, rng=0)
    mf.adapt(LEARNER, tasks, (0, 3), rng=0)
    assert_drawn_once(40)


def test_what_was_drawn_in_part_is_completed_in_any_order():
    tasks, whole = Counted().sample(50, rng=3), Counted().sample(50, rng=3)
    _ = tasks[[20, 4]].rewards, tasks[10:30].rewards, tasks[0].rewards
    assert_drawn_once(22)
    shuffled = np.random.default_rng(0).permutation(50)
    assert_same_bits(tasks[shuffled].transitions, tasks.transitions[shuffled])
    assert len(drawn) == 50
    drawn.clear()
    assert_same_bits(tasks.rewards, whole.rewards)
    repeated = tasks[[3, 3, 4, 3]]
    assert_same_bits(repeated.rewards, whole.rewards[[3, 3, 4, 3]])
    assert repeated.ids.tolist() == [3, 3, 4, 3]
    assert_drawn_once(50)  # of `whole`, which is another copy of the family


def test_two_seeds_two_families_and_two_samples_share_nothing():
    _ = [Counted().sample(5, rng=seed).rewards for seed in (0, 1, 2)]
    assert_drawn_once(15)
    family = Counted()
    first, second = family.sample(5, rng=9), family.sample(5, rng=9)
    family.kind = "lists"
    assert_same_bits(first.rewards, second.rewards)
    assert len(drawn) == 25


def test_beyond_the_bound_what_was_used_longest_ago_is_drawn_again(monkeypatch):
    tasks = Counted().sample(60, rng=0)
    expected = tasks.rewards
    one = drawn_tasks._TASK_BYTES * 10 + drawn_tasks._BLOCK_BYTES + 10 * (S * A * S + S * A + S + 1) * 8
    other = Counted().sample(60, rng=0)
    drawn.clear()
    monkeypatch.setattr(drawn_tasks, "MOST_BYTES", 4 * one)
    monkeypatch.setattr(drawn_tasks, "_shelf", drawn_tasks._Shelf())
    for first in range(0, 60, 10):
        assert_same_bits(other[first : first + 10].rewards, expected[first : first + 10])
        assert drawn_tasks._shelf._num_bytes <= 4 * one
    assert_drawn_once(60)
    _ = other[50:60].rewards
    assert_drawn_once(60)
    assert_same_bits(other[:10].rewards, expected[:10])
    assert len(drawn) == 70
    # More than fits at all is used, and let go.
    assert_same_bits(other.rewards, expected)
    assert drawn_tasks._shelf._num_bytes <= 4 * one


def test_what_nobody_refers_to_is_gone():
    tasks = Counted().sample(1000, rng=0)
    source = tasks.recipe.drawn
    _ = tasks.rewards
    blocks = [found() for found in drawn_tasks._shelf._blocks.values()]
    kept = [block for block in blocks if block is not None and block.owner() is source]
    assert len(kept) == 1
    name = source.name
    assert name in drawn_tasks._known
    del tasks, source, blocks, kept
    gc.collect()
    assert name not in drawn_tasks._known


def test_threads_draw_one_after_the_other():
    tasks, expected = Counted().sample(400, rng=0), Counted().sample(400, rng=0)
    gate = threading.Barrier(4)

    def read(k):
        gate.wait()
        return [tasks[first : first + 40].rewards for first in range(k * 40, 400, 40)]

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(read, k) for k in range(4)]
        for k, job in enumerate(found):
            assert_same_bits(np.concatenate(job.result()), expected.rewards[k * 40 :])
    assert len(drawn) == len(set(drawn)) + 400 == 800


class Broken(mf.Family):
    """Its task of id `bad` is not one."""

    num_states, num_actions, horizon = S, A, 4

    def __init__(self, bad, what):
        self.bad, self.what, self.count = bad, what, 0

    def task(self, rng):
        good = {
            "transitions": np.full((S, A, S), 1 / S),
            "rewards": np.zeros((S, A)),
            "start": 0,
            "terminal": np.zeros(S, bool),
            "reward_noise": 0.0,
        }
        self.count += 1
        return {**good, **self.what} if self.count == self.bad + 1 else good


BAD = {
    "rows": (
        {"transitions": np.full((S, A, S), 0.4)},
        r"transitions\[task=ID, state=0, action=0\] sums to 1.2",
    ),
    "rewards": ({"rewards": np.full((S, A), np.nan)}, "nan"),
    "start": ({"start": 7}, "start is state 7, expected 0 to 2"),
    "noise": ({"reward_noise": -1.0}, "reward_noise is -1.0"),
    "terminal": ({"terminal": np.full(S, 2)}, "terminal has the value 2"),
}


@pytest.mark.parametrize(("what", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("bad", [0, 5])
def test_a_wrong_task_is_named_by_its_family_and_id(what, message, bad):
    tasks = mf.FamilyPart(Broken(bad, what), (2**20, 2**21)).sample(9, rng=0)
    name = 2**20 + bad
    with pytest.raises(
        (ValueError, TypeError), match=f"task {name} of Broken: .*{message}".replace("ID", str(name))
    ):
        _ = tasks.rewards


def test_a_task_that_fails_is_named_and_drawn_again():
    class Failing(mf.Family):
        num_states, num_actions = 1, 1
        calls = []  # noqa: RUF012

        def task(self, rng):
            self.calls.append(0)
            if len(self.calls) == 3:
                raise OSError("no file")
            return {"transitions": np.ones((1, 1, 1)), "rewards": rng.random((1, 1))}

    tasks = Failing().sample(5, rng=0)
    with pytest.raises(OSError, match="no file") as caught:
        _ = tasks.rewards
    notes = getattr(caught.value, "__notes__", ["while task 2 of Failing was drawn"])
    assert notes == ["while task 2 of Failing was drawn"]
    assert_same_bits(tasks.rewards, Failing().sample(5, rng=0).rewards)


def test_a_single_task_is_checked_once(monkeypatch):
    """Outcome lists of many states are read one by one, which takes its time."""
    read = []
    monkeypatch.setattr(
        python_recipe,
        "from_outcomes",
        lambda *given, **named: read.append(1) or from_outcomes(*given, **named),
    )
    tasks = mf.RandomWalk(41).sample(3, rng=0)
    assert tasks.materialise().num_states == 41
    assert len(read) == 1
