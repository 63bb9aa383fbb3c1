"""`read_mdp`: each form of the format against arrays worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf

HEAD = "discount: 0.9\nvalues: reward\nstates: a b c\nactions: go stay\n"
STAY = "T: stay identity\n"
GO = "T: go\n0 1 0\n0 0 1\n1 0 0\n"


@pytest.fixture
def read(tmp_path):
    """A function that writes a file and reads it."""

    def read_text(text, **options):
        path = tmp_path / "model.mdp"
        path.write_text(text)
        return mf.read_mdp(path, **options)

    return read_text


def test_a_machine_that_is_repaired(tmp_path):
    """Howard's question in the format; its answer by hand.

    Good: running pays 10 and breaks it with 0.2. Broken: repairing costs 5 and makes it good. With discount
    0.5 v(good) = 10 + 0.5 (0.8 v(good) + 0.2 v(broken)), v(broken) = -5 + 0.5 v(good): v(good) = 9.5 / 0.55.
    """
    path = tmp_path / "machine.mdp"
    path.write_text(
        """# A machine
        discount : 0.5
        values:reward
        actions: run repair   # in any order
        states: good broken
        start: good

        T: run
        0.8 0.2
        0 1
        T: repair : * : good 1
        R:run:good:* 10
        R: run : broken : * 0
        R: repair : * : * -5.0e0
        """
    )
    tasks, discount, states, actions = mf.read_mdp(path, horizon=20)
    assert (discount, states, actions, tasks.horizon) == (0.5, ("good", "broken"), ("run", "repair"), 20)
    np.testing.assert_array_equal(tasks.transitions[0], [[[0.8, 0.2], [1, 0]], [[0, 1], [1, 0]]])
    np.testing.assert_array_equal(tasks.rewards[0], [[10, -5], [0, -5]])
    np.testing.assert_array_equal(tasks.start[0], [1, 0])
    solution = mf.value_iteration(tasks, discount)
    good = 9.5 / 0.55
    np.testing.assert_allclose(solution.values[0], [good, -5 + 0.5 * good], rtol=1e-9)
    np.testing.assert_array_equal(solution.policy[0], [0, 1])


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("T: go\n0 1 0\n0 0 1\n1 0 0", [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        ("T: go : a : b 1\nT: go : b : c 1.0\nT: go : c : a 1e0", [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        ("T: 0 : 0 : 1 1\nT: 0 : 1 : 2 1.\nT: 0 : 2 : 0 +1", [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        ("T: go : a\n.5 .5 0\nT: go : b uniform\nT: go : c\n0 0\n1", [[0.5, 0.5, 0], [1 / 3] * 3, [0, 0, 1]]),
        ("T: go uniform", [[1 / 3] * 3] * 3),
        ("T: go identity", np.eye(3)),
        ("T: go : * : b 1", [[0, 1, 0]] * 3),
        ("T: go : * 0.25 0.5 0.25", [[0.25, 0.5, 0.25]] * 3),
        ("T: * uniform", [[1 / 3] * 3] * 3),
        ("T: go identity\nT: go : b : * 0\nT: go : b : a 1", [[1, 0, 0], [1, 0, 0], [0, 0, 1]]),
        ("T: go : * reset", [[0, 0.5, 0.5]] * 3),
        ("T: go : a : b 1 T: go : b : c 1 T: go : c : a 1", [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    ],
)
def test_every_form_of_transitions(read, text, rows):
    found = read(f"{HEAD}start exclude: a\n{STAY}{text}\n")
    np.testing.assert_allclose(found.tasks.transitions[0][:, 0], rows, rtol=1e-15)
    if "*:" not in text and "T: *" not in text:
        np.testing.assert_array_equal(found.tasks.transitions[0][:, 1], np.eye(3))


@pytest.mark.parametrize(
    ("text", "rewards"),
    [
        ("", np.zeros((3, 2))),
        ("R: * : * : * 2", np.full((3, 2), 2.0)),
        ("R: go : * : c 3", [[0, 0], [3, 0], [0, 0]]),  # go leads to c from b alone
        ("R: * : b : * -1\nR: stay : b : * 4", [[0, 0], [-1, 4], [0, 0]]),
        ("R: stay : c\n1 2 3", [[0, 0], [0, 0], [0, 3]]),
        ("R: go\n1 2 3\n4 5 6\n7 8 9", [[2, 0], [6, 0], [7, 0]]),
        ("R: go : a : b : * 5", [[5, 0], [0, 0], [0, 0]]),
    ],
)
@pytest.mark.parametrize("values", ["reward", "cost"])
def test_every_form_of_rewards(read, text, rewards, values):
    found = read(f"{HEAD.replace('reward', values)}{GO}{STAY}{text}\n")
    expected = np.array(rewards, float) * (1.0 if values == "reward" else -1.0)
    np.testing.assert_array_equal(found.tasks.rewards[0], expected)


def test_rewards_of_one_pair_differ_by_next_state(read):
    found = read(HEAD + STAY + "T: go uniform\nR: go : * : b 6\nR: go : * : c 3")
    np.testing.assert_allclose(found.tasks.rewards[0][:, 0], 3.0)
    outcomes = found.tasks.outcomes
    assert set(outcomes["reward"][0, 0, 0].tolist()) == {0.0, 6.0, 3.0}


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", [1 / 3] * 3),
        ("start: uniform", [1 / 3] * 3),
        ("start: b", [0, 1, 0]),
        ("start: 2", [0, 0, 1]),
        ("start: 0.25 0.25 0.5", [0.25, 0.25, 0.5]),
        ("start: 0 1 0", [0, 1, 0]),
        ("start include: a c", [0.5, 0, 0.5]),
        ("start include : 1", [0, 1, 0]),
        ("start exclude: b", [0.5, 0, 0.5]),
    ],
)
def test_every_form_of_the_start(read, text, start):
    np.testing.assert_allclose(read(f"{HEAD}{text}\n{GO}{STAY}").tasks.start[0], start, rtol=1e-15)


def test_numbers_stand_for_names_that_are_not_given(read):
    head = "states: 2\nactions: 1\ndiscount: 1\nvalues: cost\n"
    found = read(head + "T: 0 : 0 : 1 1\nT: 0 : 1 : 1 1\nR: 0 : 0 : 1 2")
    assert (found.states, found.actions, found.discount) == (("0", "1"), ("0",), 1.0)
    np.testing.assert_array_equal(found.tasks.rewards[0], [[-2], [0]])
    assert read("states: 1 actions: 1 discount: 0 start: 1.0 T: * identity").tasks.num_states == 1


def test_names_may_look_like_sections(read):
    found = read("discount: .5 states: T R actions: start T\nT: start uniform\nT: T identity\nR: T : R : * 2")
    np.testing.assert_array_equal(found.tasks.rewards[0], [[0, 0], [0, 2]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected discount: before"),
        ("# nothing\n", "line 1: expected discount: before"),
        ("discount: 0.9\nstates: 2\n", "line 2: expected actions: before"),
        ("discount: 1.5\n", "line 1: the number is 1.5, expected a number from 0 to 1"),
        ("discount: x\n", "line 1: found 'x', expected a number"),
        ("discount: nan\n", "line 1: found 'nan', expected a number"),
        ("discount 0.9\n", "line 1: expected discount: before"),
        ("discount: 0.9\nvalues: money\n", "line 2: values is 'money', expected reward or cost"),
        ("states: 0\n", "line 1: states is 0, expected at least 1"),
        ("states: -1\n", "line 1: found '-1', expected a name of states"),
        ("states: a a\n", "line 1: states has a name twice"),
        ("states:\nactions: 2", "line 1: states is empty"),
        ("states: a 2\n", "line 1: found '2', expected a name of states"),
        ("states: 2\nstates: 3\n", "line 2: states is given twice"),
        (HEAD + "observations: 2\n", "line 5: observations belongs to a POMDP"),
        (HEAD + GO + "O: go uniform\n", "line 9: O belongs to a POMDP"),
        (HEAD + GO + "discount: 0.5\n", "line 9: discount stands after what refers to it"),
        (HEAD + GO + "start: a\n", "line 9: start stands after T or R"),
        (HEAD + "start: d\n", "line 5: found 'd', expected one of the states ('a', 'b', 'c')"),
        (HEAD + "start: *\n", "line 5: found '*', expected one of the states"),
        (HEAD + "start: 0.5 0.5\n", "line 5: start has 2 numbers here, expected 3"),
        (HEAD + "start: 0.5 0.2 0.2\n", "line 5: start sums to 0.9, expected 1"),
        (HEAD + "start include:\n", "line 5: start include leaves no state"),
        (HEAD + "start exclude: a b c\n", "line 5: start exclude leaves no state"),
        (HEAD + "T: run identity\n", "line 5: found 'run', expected one of the actions ('go', 'stay')"),
        (HEAD + "T: go : d : a 1\n", "line 5: found 'd', expected one of the states"),
        (HEAD + "T: go : a : b 1.5\n", "line 5: the number is 1.5, expected a number from 0 to 1"),
        (HEAD + "T: go : a : b\n", "line 5: T has 0 numbers here, expected 1"),
        (HEAD + "T: go : a : b 1 0\n", "line 5: T has 2 numbers here, expected 1"),
        (HEAD + "T: go\n0 1 0\n0 0 1\n", "line 7: T has 6 numbers here, expected 9"),
        (HEAD + "T: go : a identity\n", "line 5: found 'identity', expected a number"),
        (HEAD + "T: go : : b 1\n", "line 5: found ':', expected a name of states"),
        (HEAD + "T: go : a :", "line 5: found the end, expected a name of states"),
        (HEAD + STAY + "T go identity", "line 6: found 'T', expected a section"),
        (HEAD + GO, "T: stay : a sums to 0, expected probabilities that sum to 1"),
        (HEAD + GO + STAY + "T: go : b : b 0.5", "T: go : b sums to 1.5"),
        (HEAD + GO + STAY + "R: go : a : b 1e999", "line 10: the number is inf, expected a finite number"),
        (HEAD + GO + STAY + "R: go : a : b ten", "line 10: found 'ten', expected a number"),
    ],
)
def test_what_the_format_does_not_have_is_refused_with_the_line(read, text, message, tmp_path):
    with pytest.raises(ValueError, match=r"model\.mdp") as refused:
        read(text)
    assert message in str(refused.value)
    assert len(str(refused.value)) < 300


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        mf.read_mdp(tmp_path / "nowhere.mdp")
    with pytest.raises(IsADirectoryError):
        mf.read_mdp(tmp_path)
    (tmp_path / "binary.mdp").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is no text"):
        mf.read_mdp(tmp_path / "binary.mdp")


def test_more_than_there_is_memory_is_refused(read, monkeypatch):
    monkeypatch.setattr("metarl_fast.checks._system_memory", lambda: 2**30)
    with pytest.raises(MemoryError, match="an MDP of 100000 states"):
        read("discount: 1 states: 100000 actions: 2 T: * identity")
