"""Families written in Python, and what all families share."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import textwrap
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.families.base import NUM_IDS


def docstring_example():
    """Run the indented block of Family's docstring as it stands; return the names it defines."""
    block = inspect.getdoc(mf.Family).split("::\n", 1)[1]
    lines = [line for line in block.splitlines() if not line or line.startswith("    ")]
    names = {"metarl_fast": mf, "np": np}
    exec(textwrap.dedent("\n".join(lines)), names)
    return names


def test_the_docstrings_example_runs():
    names = docstring_example()
    tasks = names["tasks"]
    assert (len(tasks), tasks.num_states, tasks.num_actions, tasks.horizon) == (1000, 5, 2, 20)
    assert tasks.transitions.shape == (1000, 5, 2, 5)
    # One state pays on leaving it, any of the five equally often.
    paying = tasks.rewards.any(axis=2)
    assert (paying.sum(axis=1) == 1).all()
    assert (np.abs(paying.sum(axis=0) - 200) < 5 * np.sqrt(1000 * 0.2 * 0.8)).all()
    run = mf.train(mf.QLearning(5, 2, epsilon=1.0), tasks[:50], 200, rng=0)
    best = mf.value_iteration(tasks[:50], 0.95)
    reached = mf.policy_evaluation(tasks[:50], run.policy, 0.95)
    np.testing.assert_allclose(reached.returns, best.returns, rtol=1e-6)


def test_a_task_depends_on_its_seed_and_id_alone():
    family = docstring_example()["Corridor"]()
    whole = family.sample(50, rng=4)
    assert_same_bits(family.sample(20, rng=4).rewards, whole.rewards[:20])
    assert_same_bits(whole[[7, 30]].rewards, whole.rewards[[7, 30]])
    assert_same_bits(family.sample(rng=4).rewards, whole.rewards[0])
    assert not np.array_equal(family.sample(50, rng=5).rewards, whole.rewards)


class Coin(mf.Family):
    """One state, one action, and a payment by the outcome."""

    num_states, num_actions = 1, 1
    drawn = []  # noqa: RUF012  of the class: a sample keeps a copy of all that is the family's own

    def task(self, rng):
        p = rng.random()
        self.drawn.append(p)
        return {"outcomes": {0: {0: [(p, 0, 1.0, False), (1 - p, 0, -1.0, True)]}}, "reward_noise": 0.5}


def test_a_family_may_return_outcome_lists():
    tasks = Coin().sample(30, rng=0)
    outcomes = tasks.outcomes
    assert outcomes["reward"][:, 0, 0].tolist() == [[1.0, -1.0]] * 30
    assert outcomes["terminated"][:, 0, 0].tolist() == [[False, True]] * 30
    assert len(np.unique(outcomes["probability"])) == 60
    assert tasks.reward_noise == 0.5


@pytest.mark.parametrize("by_transition", [False, True])
def test_as_many_tasks_as_states_and_actions_leave_no_doubt(by_transition):
    class Square(mf.Family):
        num_states, num_actions = 3, 3

        def task(self, rng):
            rewards = rng.random((3, 3, 3) if by_transition else (3, 3))
            return {"transitions": rng.dirichlet(np.ones(3), (3, 3)), "rewards": rewards}

    tasks = Square().sample(4, rng=0)
    assert_same_bits(Square().sample(3, rng=0).rewards, tasks.rewards[:3])


def test_tasks_are_drawn_at_first_use_and_once():
    family = Coin()
    tasks = family.sample(10, rng=0)
    family.drawn.clear()
    _ = tasks.rewards
    _ = tasks.transitions
    assert len(family.drawn) == 10


def test_an_empty_sample():
    tasks = Coin().sample(0, rng=0)
    assert len(tasks) == 0
    assert mf.train(mf.QLearning(1, 1), tasks, 1, 1, rng=0).q_table.shape == (0, 1, 1)


class Wrong(mf.Family):
    num_states, num_actions = 2, 1

    def __init__(self, *tasks):
        self.tasks = iter(tasks)

    def task(self, rng):
        return next(self.tasks)


GOOD = {"transitions": np.full((2, 1, 2), 0.5), "rewards": np.zeros((2, 1))}


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([GOOD, {**GOOD, "start": 1}], r"task 1 of Wrong returned \['rewards', 'start', 'transitions'\]"),
        (
            [GOOD, {**GOOD, "transitions": np.full((2, 1, 2), 0.4)}],
            r"\[task=1, state=0, action=0\] sums to 0\.8",
        ),
        (
            [{"transitions": np.ones((1, 1, 1)), "rewards": np.zeros((1, 1))}] * 2,
            "returned 1 states and 1 actions",
        ),
        (
            [GOOD, {**GOOD, "rewards": np.zeros((3, 1))}],
            r"Wrong.task returned rewards of the shapes \[\(2, 1\), \(3, 1\)\], expected one shape",
        ),
        ([{**GOOD, "start": x} for x in (1, [0.5, 0.5])], r"start of the shapes \[\(\), \(2,\)\]"),
        ([{**GOOD, "reward_noise": x} for x in (0.0, -1.0)], r"reward_noise is -1\.0"),
    ],
)
def test_what_a_family_gets_wrong_is_named(tasks, message):
    batch = Wrong(*tasks).sample(2, rng=0)
    with pytest.raises(ValueError, match=message):
        _ = batch.rewards


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"transitions": GOOD["transitions"]}, r"\['transitions'\], expected \['rewards', 'transitions'\]"),
        ({**GOOD, "terminals": [0, 1]}, "expected .* perhaps some of .*'terminal'"),
        (
            {"outcomes": {}, **GOOD},
            r"expected \['outcomes'\] and perhaps some of \['reward_noise', 'start', 'terminal'\]",
        ),
    ],
)
def test_what_a_task_lacks_or_has_too_much_is_named(task, message):
    with pytest.raises(TypeError, match=f"Wrong.task returned .*{message}"):
        _ = Wrong(task).sample(1, rng=0).rewards


class Reusing(mf.Family):
    """Fills the same arrays, or the same table, for every task."""

    num_states, num_actions = 2, 1

    def __init__(self, listed):
        self.listed = listed
        self.arrays = {"transitions": np.full((2, 1, 2), 0.5), "rewards": np.zeros((2, 1))}
        self.table = {0: {0: [None]}, 1: {0: [(1.0, 0, 0.0, False)]}}

    def task(self, rng):
        self.arrays["rewards"][0] = reward = rng.random()
        self.table[0][0][0] = (1.0, 1, reward, False)
        return {"outcomes": self.table} if self.listed else self.arrays


@pytest.mark.parametrize("listed", [False, True])
def test_a_family_may_use_its_arrays_again(listed):
    tasks = Reusing(listed).sample(5, rng=0)
    alone = [Reusing(listed).sample(5, rng=0)[k : k + 1].rewards for k in range(5)]
    assert_same_bits(tasks.rewards, np.concatenate(alone))
    assert len(np.unique(tasks.rewards[:, 0])) == 5


def test_a_family_needs_a_task_method():
    class Empty(mf.Family):
        num_states, num_actions = 2, 1

    with pytest.raises(NotImplementedError, match=r"Empty has no method task\(rng\)"):
        _ = Empty().sample(1, rng=0).rewards


@pytest.mark.parametrize("family", [Coin(), mf.TaskDistribution(4, 2)])
def test_split_families_share_no_task(family):
    training, held_out = family.split(0.3)
    assert training.sample(5, rng=0).ids.tolist() == [0, 1, 2, 3, 4]
    assert held_out.sample(5, rng=0).ids.tolist() == [NUM_IDS // 2 + k for k in range(5)]
    rows = [part.sample(200, rng=0).outcomes["probability"][:, 0, 0] for part in (training, held_out)]
    assert len(np.unique(np.concatenate(rows), axis=0)) == 400


def test_halves_can_be_split_again_and_never_meet():
    family = mf.TaskDistribution(4, 2)
    training, rest = family.split()
    validation, test = rest.split()
    inner, outer = training.split(0.5, rng=3)
    parts = [part.sample(20, rng=0) for part in (inner, outer, validation, test)]
    ids = np.concatenate([part.ids for part in parts])
    assert len(set(ids.tolist())) == len(ids)
    rows = np.concatenate([part.transitions for part in parts])
    assert len(np.unique(rows.reshape(len(rows), -1), axis=0)) == len(rows)


@dataclass(frozen=True)
class Paying(mf.Family):
    """A family of one's own whose equality is that of its parameters."""

    scale: float = 1.0
    num_states, num_actions, horizon = 1, 1, 5

    def task(self, rng):
        return {"transitions": np.ones((1, 1, 1)), "rewards": self.scale * rng.random((1, 1))}


SPLIT_FAMILIES = [
    mf.TaskDistribution(4, 2, rewards=mf.Fixed([[1.0, 2.0]] * 4)),
    mf.GoalGrid(4),
    mf.FrozenLakeMaps(),
    Paying(2.0),
]
each_family = pytest.mark.parametrize("family", SPLIT_FAMILIES, ids=lambda family: type(family).__name__)


def parts(family):
    """The family, its parts, and parts of these."""
    training, held_out = family.split(0.4)
    return [family, training, held_out, *training.split(0.4), *held_out.split(0.4)]


@each_family
def test_parts_are_equal_exactly_when_they_draw_the_same(family):
    first, again = parts(family), parts(dataclasses.replace(family))
    for k, part in enumerate(first):
        assert [part == other for other in again] == [other == k for other in range(len(first))]
        assert hash(part) == hash(again[k])
    assert len({*first, *again}) == len(first)


@each_family
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda part: pickle.loads(pickle.dumps(part))])
def test_copies_of_parts_are_the_same_parts(family, copied):
    for part in parts(family):
        again = copied(part)
        assert again == part
        assert hash(again) == hash(part)
        drawn, expected = again.sample(3, rng=0), part.sample(3, rng=0)
        assert_same_bits(drawn.ids, expected.ids)
        assert_same_bits(drawn.transitions, expected.transitions)
        assert_same_bits(drawn.rewards, expected.rewards)


def test_a_part_shows_what_it_is_of():
    family = mf.TaskDistribution(4, 2, horizon=7)
    training, held_out = family.split()
    assert training.family == held_out.family == family
    assert (training.num_states, training.num_actions, training.horizon) == (4, 2, 7)
    assert held_out.ids == (NUM_IDS // 2, NUM_IDS)
    assert repr(training) == f"FamilyPart(family={family}, ids=(0, {NUM_IDS // 2}))"
    # What replaces a setting keeps the ids.
    longer = dataclasses.replace(held_out, family=dataclasses.replace(family, horizon=9))
    assert longer.sample(2, rng=0).ids.tolist() == held_out.sample(2, rng=0).ids.tolist()


def test_a_part_has_no_more_tasks_than_ids():
    part = mf.FamilyPart(Paying(), (5, 8))
    assert part.sample(3, rng=0).ids.tolist() == [5, 6, 7]
    with pytest.raises(ValueError, match="num_tasks is 4, expected at most 3"):
        part.sample(4, rng=0)
    one, two = part.split()
    assert (one.ids, two.ids) == ((5, 6), (6, 8))
    with pytest.raises(ValueError, match="split until a single task was left"):
        one.split()


@dataclass
class Scaled(mf.Family):
    """Holds what can be changed later: a number, a list, an array, and a dict of lists."""

    scale: float = 1.0
    listed: list = field(default_factory=lambda: [1.0, 2.0])
    array: np.ndarray = field(default_factory=lambda: np.ones(2))
    nested: dict = field(default_factory=lambda: {"a": [1.0]})
    num_states, num_actions, horizon = 2, 1, 5

    def task(self, rng):
        factor = self.scale * self.listed[0] * self.array[0] * self.nested["a"][0]
        return {"transitions": np.full((2, 1, 2), 0.5), "rewards": factor * rng.random((2, 1))}

    def spoil(self):
        self.scale = 100.0
        self.listed[0] = 100.0
        self.array[:] = 100.0
        self.nested["a"][0] = 100.0


@pytest.mark.parametrize("part", [lambda f: f, lambda f: f.split()[1], lambda f: mf.FamilyPart(f, (3, 9))])
def test_a_sample_does_not_follow_later_changes_of_its_family(part):
    family = Scaled()
    tasks = part(family).sample(2, rng=0)
    family.spoil()
    assert (tasks.rewards < 1.0).all()


def test_halves_do_not_follow_later_changes_of_their_family():
    family = Scaled()
    _, held_out = family.split()
    family.spoil()
    assert (held_out.sample(2, rng=0).rewards < 1.0).all()


class Listed(mf.Family):
    """Returns its outcome lists as a table or as arrays, of 1 to 3 outcomes."""

    num_states, num_actions, horizon = 2, 1, 5

    def __init__(self, as_arrays):
        self.as_arrays = as_arrays

    def task(self, rng):
        k = int(rng.integers(1, 4))
        outcomes = [(1 / k, int(rng.integers(2)), rng.normal(), bool(rng.integers(2))) for _ in range(2 * k)]
        if not self.as_arrays:
            return {"outcomes": {s: {0: outcomes[s * k : s * k + k]} for s in range(2)}, "start": 1}
        names = ("probability", "next_state", "reward", "terminated")
        columns = zip(*outcomes, strict=True)
        arrays = {
            name: np.array(column).reshape(2, 1, k) for name, column in zip(names, columns, strict=True)
        }
        return {"outcomes": arrays, "start": 1}


def test_outcome_lists_may_be_arrays():
    table, arrays = (Listed(as_arrays).sample(30, rng=0) for as_arrays in (False, True))
    for name, values in table.outcomes.items():
        assert_same_bits(arrays.outcomes[name], values)
    assert_same_bits(arrays.terminal, table.terminal)
    for wrong, message in (
        ({"probability": np.ones((1, 1, 1))}, r"task 0 of Wrong: tables has the arrays \['probability'\]"),
        ({name: np.ones((2, 1)) for name in table.outcomes}, r"outcomes has the shapes \[\(2, 1\)\]"),
    ):
        with pytest.raises(ValueError, match=message):
            _ = Wrong({"outcomes": wrong}).sample(1, rng=0).rewards


def test_what_cannot_be_copied_is_shared_and_the_rest_is_not():
    family = Scaled()
    family.lock = threading.Lock()
    tasks = family.sample(2, rng=0)
    family.spoil()
    assert (tasks.rewards < 1.0).all()


@dataclass(frozen=True)
class Few(mf.Family):
    """As many different tasks as it says."""

    different: int
    num_states, num_actions, horizon = 1, 1, 5

    def task(self, rng):
        return {
            "transitions": np.ones((1, 1, 1)),
            "rewards": np.full((1, 1), float(rng.integers(self.different))),
        }


class DividedFew(Few):
    def split(self, held_out=0.2):
        return Few(1), Few(1)


@pytest.mark.parametrize("different", [1, 5, 100, 1000])
@pytest.mark.parametrize("part", [lambda f: f, lambda f: mf.FamilyPart(f, (0, 1000))])
def test_a_split_tells_that_a_family_has_few_tasks(different, part):
    with pytest.raises(ValueError, match=r"give Few a method split\(held_out\)"):
        part(Few(different)).split()
    part(Few(2**60)).split()


def test_a_part_splits_as_its_family_does_and_keeps_its_ids():
    for family in (mf.GoalGrid(4), mf.FrozenLakeMaps(3, frozen_probability=0.8)):
        expected = family.split(0.3)
        halves = mf.FamilyPart(family, (5, 205)).split(0.3)
        assert [half.family for half in halves] == list(expected)
        assert [half.ids for half in halves] == [(5, 205)] * 2
        drawn = [{task.tobytes() for task in half.sample(200, rng=0).transitions} for half in halves]
        assert drawn[0]
        assert drawn[1]
        assert not drawn[0] & drawn[1]
        inner, validation = halves[0].split(0.3)
        assert inner.family == expected[0].split(0.3)[0]
        assert validation.ids == (5, 205)
    # What refuses to be split refuses it in parts, too; a split of one's own may know no rng.
    for family in (mf.GoalGrid((1, 2)), mf.TaskDistribution(2, 2, mf.Garnet(1), mf.Fixed(0.0))):
        with pytest.raises(ValueError, match=r"this family has"):
            mf.FamilyPart(family, (0, 9)).split()
    assert mf.FamilyPart(DividedFew(3), (0, 9)).split() == (mf.FamilyPart(Few(1), (0, 9)),) * 2


@pytest.mark.parametrize(
    "family",
    [
        mf.TaskDistribution(3, 2),
        mf.GoalGrid(4),
        mf.FrozenLakeMaps(),
        Paying(),
        mf.FamilyPart(Paying(), (0, 9)),
    ],
)
@pytest.mark.parametrize("held_out", [0.0, 1.0])
def test_something_is_left_on_both_sides(family, held_out):
    with pytest.raises(ValueError, match=f"held_out is {held_out}, expected a (finite )?number above 0"):
        family.split(held_out)


def test_clusters_are_what_a_split_tells_apart():
    tasks = mf.TaskDistribution(3, 2).split()[1].sample(4, rng=0)
    assert mf.TaskDistribution(3, 2).clusters(tasks).tolist() == [0, 1, 2, 3]
    family = Few(3)
    values = family.sample(30, rng=0).rewards.ravel()
    labels = family.clusters(family.sample(30, rng=0))
    assert [labels[k] == labels[0] for k in range(30)] == [value == values[0] for value in values]
    assert len(np.unique(labels)) == 3
    lakes = mf.FrozenLakeMaps(3, frozen_probability=0.8)
    drawn = lakes.sample(60, rng=0)
    maps = [task.tobytes() for task in drawn.transitions]
    assert len(set(lakes.clusters(drawn).tolist())) == len(set(maps)) < 60


class Own(mf.Family):
    """Noise, start and terminal states of each task's own, as arrays or as outcome lists."""

    num_states, num_actions, horizon = 3, 2, 4

    def __init__(self, listed):
        self.listed = listed

    def task(self, rng):
        end = int(rng.integers(1, 3))
        more = {"terminal": np.arange(3) == end, "start": 3 - end, "reward_noise": rng.random()}
        rows = rng.dirichlet(np.ones(3), (3, 2))
        if not self.listed:
            return {"transitions": rows, "rewards": rng.random((3, 2)), **more}

        def outcomes(row):
            return [(p, k, 1.0, k == end) for k, p in enumerate(row)]

        return {"outcomes": {s: dict(enumerate(map(outcomes, rows[s]))) for s in range(3)}, **more}


@pytest.mark.parametrize("listed", [False, True])
def test_noise_starts_and_ends_are_each_tasks_own(listed):
    tasks = Own(listed).sample(40, rng=0)
    terminal, noise = tasks.terminal, tasks.materialise().reward_noise
    ends = terminal.argmax(axis=1)
    assert (terminal.sum(axis=1) == 1).all()
    assert set(ends) == {1, 2}
    assert (tasks.start.argmax(axis=1) == 3 - ends).all()
    assert len(np.unique(noise)) == 40
    assert (mf.value_iteration(tasks, 0.9).values[terminal] == 0).all()


@pytest.mark.parametrize("by_state", [False, True])
def test_rewards_by_state_are_those_of_one_task_each(by_state):
    class Square(mf.Family):
        num_states, num_actions = 3, 3

        def task(self, rng):
            rewards = rng.random(3)
            full = rewards if by_state else np.repeat(rewards[:, None], 3, axis=1)
            return {"transitions": rng.dirichlet(np.ones(3), (3, 3)), "rewards": full}

    drawn = Square().sample(3, rng=0).rewards
    assert (drawn == drawn[:, :, :1]).all()
    assert len(np.unique(drawn)) == 9


def test_a_horizon_belongs_to_the_family():
    class Odd(mf.Family):
        num_states, num_actions = 2, 1

        def task(self, rng):
            return {"transitions": np.full((2, 1, 2), 0.5), "rewards": np.zeros((2, 1)), "horizon": 9}

    with pytest.raises(ValueError, match="returned a horizon: it belongs to the family"):
        _ = Odd().sample(2, rng=0).rewards
