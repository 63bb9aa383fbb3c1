"""What users bring: copied, brought into one form, or refused by name."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metarl_fast as mf
from bits import assert_same_bits
from strategies import distributions, seeds

sparse = pytest.importorskip("scipy.sparse")

INF, NAN = np.inf, np.nan
# Puterman's two states, as quantecon's documentation gives them: action 1 of state 1 is not there.
Q = np.array([[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [0.5, 0.5]]])
R = np.array([[5.0, 10.0], [-1.0, -INF]])


def rows(*shape, seed=0):
    """Distributions of full support."""
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), size=shape[:-1])


def outcomes_of(tasks):
    return {name: values.copy() for name, values in tasks.outcomes.items()}


def assert_same_data(found, expected):
    for name, values in expected.outcomes.items():
        assert_same_bits(found.outcomes[name], values)
    for name in ("start", "terminal", "available"):
        assert_same_bits(getattr(found, name), getattr(expected, name))


# --- memory ---


def test_what_is_given_is_copied():
    transitions, rewards, start = rows(2, 5, 2, 5), np.ones((2, 5, 2)), np.full(5, 0.2)
    ends, noise, horizon = np.zeros(5, bool), np.ones(2), np.array([3, 4])
    given_arrays = (transitions, rewards, start, ends, noise, horizon)
    tasks = mf.from_arrays(
        transitions, rewards, start=start, terminal=ends, reward_noise=noise, horizon=horizon
    )
    before = pickle.dumps(tasks)
    for array in given_arrays:
        array.fill(0)
    assert pickle.dumps(tasks) == before
    assert mf.train(mf.QLearning(5, 2), tasks, 3, 3, rng=0).q_table.any()


def test_a_loop_that_refills_its_array_makes_different_bandits():
    reward = np.zeros((1, 3))
    bandits = []
    for k in range(3):
        reward[:] = k
        bandits.append(mf.from_arrays(np.ones((1, 3, 1)), reward))
    assert mf.concatenate(bandits).rewards[:, 0, 0].tolist() == [0.0, 1.0, 2.0]


def test_arrays_of_outcomes_are_copied():
    outcomes = outcomes_of(mf.TaskDistribution(4, 2, transitions=mf.Garnet(2)).sample(3, rng=0))
    tasks = mf.from_outcomes(outcomes)
    before = pickle.dumps(tasks)
    for array in outcomes.values():
        array.fill(0)
    assert pickle.dumps(tasks) == before


@pytest.mark.parametrize(
    "tasks",
    [
        mf.from_arrays(rows(3, 2, 3), np.zeros((3, 2)), layout="sas"),
        mf.from_outcomes({0: {0: [(0.5, 0, 1.0, True), (0.5, 0, 0.0, False)]}}),
        mf.TaskDistribution(3, 2).sample(2, rng=0),
        mf.TaskDistribution(3, 2, transitions=mf.Garnet(2)).sample(2, rng=0),
        mf.from_arrays(rows(2, 3, 2, 3), np.zeros((3, 2)), horizon=[1, 2], reward_noise=[0, 1]),
    ],
    ids=repr,
)
def test_arrays_handed_out_are_read_only(tasks):
    handed_out = {name: getattr(tasks, name) for name in ("transitions", "rewards", "start", "ids")}
    handed_out |= {
        name: getattr(tasks, name) for name in ("available", "terminal", "horizon", "reward_noise")
    }
    handed_out |= {f"outcomes {name}": array for name, array in tasks.outcomes.items()}
    for name in ("transitions", "rewards", "start", "available", "terminal"):
        handed_out[f"Task.{name}"] = getattr(tasks[0], name)
    for name, array in handed_out.items():
        if isinstance(array, np.ndarray):
            assert not array.flags.writeable, name
    with pytest.raises(ValueError, match="read-only"):
        tasks[0].rewards[0] = 1
    copied = np.array(tasks[0])
    copied[0] = 0.0  # the user's own


def test_unpickled_arrays_are_read_only_too():
    tasks = pickle.loads(pickle.dumps(mf.from_arrays(Q, np.ones((2, 2)), start=[0.5, 0.5])))
    assert not any(a.flags.writeable for a in vars(tasks.recipe).values() if isinstance(a, np.ndarray))


# --- rows ---


def test_rows_are_normalised_once():
    tasks = mf.from_arrays(np.full((1, 1, 1), 1 + 9e-6), np.ones((1, 1)))
    assert tasks.transitions.item() == 1.0
    assert mf.value_iteration(tasks, 0.9999).values.item() == pytest.approx(10_000, rel=1e-9)
    tasks = mf.from_arrays(
        np.full((1, 1, 2, 2, 2), 0.5)[0] * (1 - 9e-6), np.ones((2, 2)), start=[0.5, 0.500001]
    )
    assert (tasks.transitions == 0.5).all()
    assert abs(tasks.start.sum() - 1.0) < 1e-15
    listed = mf.from_outcomes({0: {0: [(0.500004, 0, 1.0, False), (0.500004, 0, 1.0, False)]}})
    assert listed.outcomes["probability"].ravel().tolist() == [0.5, 0.5]


def test_rows_that_sum_to_one_up_to_rounding_keep_their_bits():
    tenths = np.full((10, 10), 0.1)
    assert sum(tenths[0]) != 1.0
    assert_same_bits(mf.from_arrays(tenths[:, None], np.zeros((10, 1))).transitions[0, :, 0], tenths)
    for family in (
        mf.TaskDistribution(64, 3),
        mf.TaskDistribution(33, 3, transitions=mf.Dirichlet(0.1)),
        mf.TaskDistribution(40, 3, transitions=mf.Garnet(17)),
    ):
        tasks = family.sample(50, rng=0)
        assert_same_bits(
            mf.from_outcomes(tasks.outcomes).outcomes["probability"], tasks.outcomes["probability"]
        )


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(1, 70))
def test_normalising_twice_changes_nothing(seed, s):
    random = np.random.default_rng(seed)
    given_rows = distributions(random, (5, s, 2, s)) * (1 + random.uniform(-9e-6, 9e-6, (5, s, 2, 1)))
    once = mf.from_arrays(given_rows, np.zeros((s, 2)))
    np.testing.assert_allclose(once.transitions.sum(axis=-1), 1.0, rtol=0, atol=s * 2.0**-52)
    assert_same_bits(mf.from_arrays(once.transitions, np.zeros((s, 2))).transitions, once.transitions)


# --- terminal states ---


def test_what_is_written_of_a_terminal_state_does_not_matter():
    clean = np.zeros((3, 2, 3))
    clean[:, :, 2] = 1.0
    rewards = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]])
    expected = mf.from_arrays(clean, rewards, terminal=[False, False, True], start=[0.5, 0.0, 0.5])
    assert expected.transitions[0, 2].tolist() == [[0.0, 0.0, 1.0]] * 2
    assert expected.terminal.tolist() == [[False, False, True]]
    for row in (0.0, NAN, 7.0, -1.0, INF):
        for reward in (NAN, INF, -INF, 5.0):
            spoiled, paid = clean.copy(), rewards.copy()
            spoiled[2], paid[2] = row, reward
            found = mf.from_arrays(spoiled, paid, terminal=[False, False, True], start=[0.5, 0.0, 0.5])
            assert_same_data(found, expected)
            by_transition = np.repeat(paid[:, :, None], 3, axis=2)
            found = mf.from_arrays(spoiled, by_transition, terminal=[False, False, True], start=[0.5, 0, 0.5])
            assert found.rewards.tolist() == [rewards.tolist()]
            assert found.outcomes["terminated"][0, 2].any(axis=-1).all()


def test_a_terminal_state_has_value_0():
    transitions = np.zeros((2, 1, 2))
    transitions[:, 0, 1] = 1
    tasks = mf.from_arrays(transitions, np.full((2, 1), -1.0), terminal=[False, True], start=[0.5, 0.5])
    plan = mf.backward_induction(tasks, 10)
    assert plan.values.tolist() == [[-1.0, 0.0]]
    assert plan.returns.tolist() == [-0.5]


CORRIDOR = {0: {0: [(1.0, 1, 1.0, True)]}}


@pytest.mark.parametrize(
    ("last", "start", "terminal"),
    [
        ({}, 0, True),
        ({0: []}, 0, True),
        ({0: [(1.0, 1, 0.0, True)]}, 0, True),
        ({0: [(1.0, 1, 5.0, True)]}, 0, True),
        ({0: [(1.0, 1, 0.0, False)]}, 0, True),
        ({0: [(1.0, 0, -1.0, False)]}, 0, True),  # as in CliffWalking: nobody acts there
        ({0: [(1.0, 0, -1.0, False)]}, [0.5, 0.5], False),  # episodes begin there, and go on
        ({0: [(1.0, 1, 1.0, False)]}, [0.5, 0.5], False),
        ({0: [(1.0, 1, 0.0, False)]}, [0.5, 0.5], True),
        ({0: [(1.0, 1, 3.0, True)]}, [0.5, 0.5], True),
    ],
)
def test_terminal_states_of_lists_are_found(last, start, terminal):
    tasks = mf.from_outcomes({**CORRIDOR, 1: last}, start=start)
    assert tasks.terminal.tolist() == [[False, terminal]]
    if terminal:
        assert tasks.rewards.tolist() == [[[1.0], [0.0]]]
        assert tasks.transitions[0, 1].tolist() == [[0.0, 1.0]]


def test_a_state_also_entered_without_an_end_is_not_terminal():
    both_ways = {0: {0: [(1.0, 1, 1.0, True)], 1: [(1.0, 1, 0.0, False)]}, 1: {0: [(1.0, 0, -1.0, False)]}}
    assert not mf.from_outcomes(both_ways).terminal.any()
    found = mf.from_outcomes(both_ways, terminal=[False, True])
    assert found.terminal.tolist() == [[False, True]]
    assert found.outcomes["terminated"][0, 0, :, 0].all()  # entering it ends the episode, whatever is said
    assert not mf.from_outcomes({0: {0: [(1.0, 0, 1.0, True)]}}).terminal.any()  # a bandit
    spoiled = {**both_ways, 1: {0: [(NAN, 99, NAN, "?")]}}
    assert mf.from_outcomes(spoiled, terminal=[False, True]).terminal.tolist() == [[False, True]]


# --- actions that are not available ---


def test_all_ways_of_saying_that_an_action_is_not_there():
    by_reward = mf.from_arrays(Q, R)
    assert by_reward.available.tolist() == [[[True, True], [True, False]]]
    assert by_reward[0].available.tolist() == [[True, True], [True, False]]
    without_row = Q.copy()
    without_row[1, 1] = 0.0
    finite = np.where(np.isfinite(R), R, NAN)
    for found in (
        mf.from_arrays(without_row, np.where(np.isfinite(R), R, 77.0), layout="sas"),
        mf.from_arrays(without_row, finite, layout="sas"),
        mf.from_arrays(without_row.swapaxes(0, 1), R, layout="ass"),
    ):
        assert_same_data(found, by_reward)
    there = {0: [(0.5, 0, 5.0, False), (0.5, 1, 5.0, False)], 1: [(1.0, 1, 10.0, False)]}
    for second in (
        {0: [(1.0, 1, -1.0, False)]},
        {0: [(1.0, 1, -1.0, False)], 1: []},
        {0: [(1.0, 1, -1.0, False)], 1: [(0.0, 0, 0.0, False)]},
        {0: [(1.0, 1, -1.0, False)], 1: [(1.0, 0, -INF, False)]},
        {0: [(1.0, 1, -1.0, False)], 1: [(0.5, 0, -INF, False), (0.5, 1, -INF, False)]},
    ):
        found = mf.from_outcomes({0: there, 1: second})
        assert_same_bits(found.available, by_reward.available)
        assert_same_bits(found.transitions, by_reward.transitions)
        assert_same_bits(found.rewards, by_reward.rewards)
    by_transition = mf.from_arrays(Q, np.where(np.isfinite(R), R, -INF)[..., None].repeat(2, axis=-1))
    assert_same_bits(by_transition.available, by_reward.available)


def test_minus_infinity_where_nothing_leads_does_not_matter():
    rewards = np.zeros((2, 2, 2))
    rewards[0, 1, 0] = -INF  # probability 0
    assert mf.from_arrays(Q, rewards).available.all()
    rewards[0, 0, 0] = -INF  # probability 0.5, and the other outcome is paid
    with pytest.raises(ValueError, match=r"rewards\[task=0, state=0, action=0\] is -inf"):
        mf.from_arrays(Q, rewards)


@pytest.mark.parametrize("terminal", [None, [True, False]])
def test_a_state_without_actions_is_terminal_or_refused(terminal):
    with pytest.raises(ValueError, match="no action is available in state 1 of task 0"):
        mf.from_arrays(Q, [[1.0, 1.0], [-INF, -INF]], terminal=terminal)
    assert mf.from_arrays(Q, [[1.0, 1.0], [-INF, -INF]], terminal=[False, True]).available.all()
    transitions = rows(3, 4, 2, 4)
    transitions[2, 1] = 0.0
    with pytest.raises(ValueError, match="no action is available in state 1 of task 2"):
        mf.from_arrays(transitions, np.zeros((4, 2)))


def test_missing_actions_stay_missing_in_parts_and_in_memory():
    masked = mf.from_arrays(Q, R)
    plain = mf.from_arrays(Q, np.ones((2, 2)))
    whole = mf.concatenate(
        [plain, masked, mf.from_outcomes({0: {0: [(1.0, 1, 0.0, False)]}, 1: {1: [(1.0, 0, 0.0, False)]}})]
    )
    assert whole.available[:, 1].tolist() == [[True, True], [True, False], [False, True]]
    assert_same_bits(whole[[1, 0]].available, whole.available[[1, 0]])
    assert_same_bits(pickle.loads(pickle.dumps(whole)).available, whole.available)


# --- the order of axes, and the forms of rewards ---


def test_layouts_say_the_same():
    transitions, rewards = rows(5, 4, 3, 4), np.random.default_rng(1).normal(size=(5, 4, 3, 4))
    expected = mf.from_arrays(transitions, rewards)
    for layout in ("ass", None):
        found = mf.from_arrays(transitions.swapaxes(1, 2), rewards.swapaxes(1, 2), layout=layout)
        assert_same_data(found, expected)
        one = mf.from_arrays(transitions[0].swapaxes(0, 1), rewards[0].swapaxes(0, 1), layout=layout)
        assert_same_data(one, expected[:1])
        by_pair = mf.from_arrays(transitions.swapaxes(1, 2), rewards[..., 0], layout=layout)
        assert_same_data(by_pair, mf.from_arrays(transitions, rewards[..., 0]))


def test_a_square_array_says_which_layout_it_has():
    transitions = rows(3, 3, 3)
    with pytest.raises(ValueError, match=r"which is \[S, A, S'\] as well as .* layout='sas' or layout='ass'"):
        mf.from_arrays(transitions, np.zeros((3, 3)))
    assert_same_bits(mf.from_arrays(transitions, np.zeros((3, 3)), layout="sas").transitions[0], transitions)
    swapped = mf.from_arrays(transitions, np.zeros((3, 3)), layout="ass").transitions[0]
    assert_same_bits(swapped, transitions.swapaxes(0, 1).copy())
    alike = np.full((2, 2, 2), 0.5)
    assert_same_bits(mf.from_arrays(alike, np.zeros((2, 2))).transitions[0], alike)
    task = mf.TaskDistribution(3, 3).sample(rng=0)
    assert_same_bits(mf.from_arrays(task, task.rewards).transitions[0], task.transitions)
    with pytest.raises(ValueError, match=r"layout is 'sss', expected 'sas', 'ass' or None"):
        mf.from_arrays(transitions, np.zeros((3, 3)), layout="sss")
    with pytest.raises(ValueError, match=r"expected \(N, A, S, S\) or \(A, S, S\)"):
        mf.from_arrays(rows(4, 2, 4), np.zeros((4, 2)), layout="ass")


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((4,), (1, 4, 1, 1)),
        ((4, 3), (1, 4, 3, 1)),
        ((4, 3, 4), (1, 4, 3, 4)),
        ((5, 4), (5, 4, 1, 1)),
        ((5, 4, 1), (5, 4, 1, 1)),
        ((5, 4, 3), (5, 4, 3, 1)),
        ((1, 4, 3), (1, 4, 3, 1)),
        ((5, 4, 3, 1), (5, 4, 3, 1)),
        ((5, 4, 3, 4), (5, 4, 3, 4)),
        ((1, 4, 3, 4), (1, 4, 3, 4)),
    ],
)
def test_forms_of_rewards(shape, axes):
    transitions, rewards = rows(5, 4, 3, 4), np.random.default_rng(1).normal(size=shape)
    full = np.broadcast_to(rewards.reshape(axes), (5, 4, 3, 4))
    tasks = mf.from_arrays(transitions, rewards)
    assert_same_bits(tasks.outcomes["reward"], full.copy())
    assert tasks.core.dense == (axes[-1] == 1)


def test_forms_of_rewards_where_all_axes_are_alike():
    transitions, rewards = rows(3, 3, 3, 3), np.random.default_rng(1).normal(size=(3, 3, 3))
    with pytest.raises(ValueError, match=r"\[N, S, A\] as well as \[S, A, S\]"):
        mf.from_arrays(transitions, rewards)
    with pytest.raises(ValueError, match=r"\[N, S, A\] as well as \[A, S, S\]"):
        mf.from_arrays(transitions, rewards, layout="ass")
    by_state = mf.from_arrays(transitions, rewards[:, :, :1])
    assert_same_bits(by_state.rewards, rewards[:, :, :1].repeat(3, axis=2))
    assert_same_bits(mf.from_arrays(transitions, rewards[0]).rewards, np.tile(rewards[0], (3, 1, 1)))
    after = mf.from_arrays(transitions, rewards[None], layout="ass").outcomes["reward"]
    assert_same_bits(after, np.tile(rewards.swapaxes(0, 1), (3, 1, 1, 1)))


# --- sparse matrices ---


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok"])
def test_sparse_matrices_say_what_arrays_say(form):
    random = np.random.default_rng(0)
    transitions = distributions(random, (2, 6, 3, 6))
    rewards = np.round(random.normal(size=(6, 3)), 2)
    expected = mf.from_arrays(transitions, rewards, terminal=np.arange(6) == 5)

    def matrix(values):
        return sparse.csr_matrix(values).asformat(form)

    by_action = [[matrix(task[:, action]) for action in range(3)] for task in transitions]
    by_pair = [matrix(task.reshape(18, 6)) for task in transitions]
    action_first = [matrix(task.swapaxes(0, 1).reshape(18, 6)) for task in transitions]
    for given_rows, layout in ((by_action, None), (by_pair, None), (action_first, "ass")):
        found = mf.from_arrays(given_rows, rewards, layout=layout, terminal=np.arange(6) == 5)
        assert not found.core.dense
        assert found.core.num_outcomes < 6
        assert_same_bits(found.transitions, expected.transitions)
        np.testing.assert_allclose(found.rewards, expected.rewards, rtol=1e-15)
        one = mf.from_arrays(given_rows[1], rewards, layout=layout, terminal=np.arange(6) == 5)
        assert_same_bits(one.transitions, expected.transitions[1:])


def test_sparse_rewards_by_transition():
    random = np.random.default_rng(0)
    transitions, rewards = distributions(random, (6, 3, 6)), np.round(random.normal(size=(6, 3, 6)))
    expected = mf.from_arrays(transitions, rewards).rewards
    by_action = [sparse.csr_matrix(transitions[:, action]) for action in range(3)]
    paid = [sparse.csc_matrix(rewards[:, action]) for action in range(3)]
    pairs, paid_pairs = (
        sparse.csr_matrix(transitions.reshape(18, 6)),
        sparse.csr_matrix(rewards.reshape(18, 6)),
    )
    for given_rows in (by_action, pairs, transitions):
        for given_rewards in (paid, paid_pairs, rewards):
            found = mf.from_arrays(given_rows, given_rewards)
            np.testing.assert_allclose(found.rewards, expected, rtol=1e-15, atol=1e-15)
    swapped = mf.from_arrays(by_action, rewards.swapaxes(0, 1), layout="ass")
    np.testing.assert_allclose(swapped.rewards, expected, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("actions", [1, 2, 4])
def test_sparse_rewards_by_pair(actions):
    generator = np.random.default_rng(5)
    transitions = generator.dirichlet(np.ones(4), size=(4, actions))
    rewards = generator.normal(size=(4, actions)) * generator.integers(2, size=(4, actions))
    by_action = [sparse.csr_matrix(transitions[:, action]) for action in range(actions)]
    for rows in (transitions, by_action, [by_action] * 3):
        tasks = mf.from_arrays(rows, sparse.coo_matrix(rewards), layout="sas")
        np.testing.assert_allclose(tasks.rewards, np.broadcast_to(rewards, tasks.rewards.shape), rtol=1e-15)


def test_sparse_matrices_that_do_not_fit_are_refused():
    eye = sparse.identity(4, format="csr")
    for wrong in ([eye, sparse.identity(3, format="csr")], sparse.csr_matrix((7, 4)), [[eye, eye], [eye]]):
        with pytest.raises(ValueError, match=r"sparse transitions of task \d have the shapes"):
            mf.from_arrays(wrong, np.zeros(4))
    with pytest.raises(TypeError, match="holds a ndarray beside sparse matrices"):
        mf.from_arrays([eye, np.eye(4)], np.zeros(4))
    with pytest.raises(ValueError, match="sums to 2"):
        mf.from_arrays([eye, eye * 2], np.zeros(4))
    with pytest.raises(ValueError, match="no action is available in state 0"):
        mf.from_arrays([eye * 0, eye * 0], np.zeros(4))


# --- outcome arrays ---


@pytest.mark.parametrize(
    "tasks",
    [
        mf.TaskDistribution(5, 2).sample(4, rng=0),
        mf.TaskDistribution(5, 2, transitions=mf.Garnet(3)).sample(4, rng=0),
        mf.GoalGrid(3, slip=0.1, wall_density=0.2).sample(4, rng=0),
        mf.from_arrays(Q, R),
        mf.from_arrays(rows(4, 3, 2, 3), np.ones((4, 3, 2)), terminal=[False, False, True]),
    ],
    ids=repr,
)
def test_outcomes_feed_back_in(tasks):
    found = mf.from_outcomes(tasks.outcomes)
    for name, values in tasks.outcomes.items():
        assert_same_bits(found.outcomes[name], values)
    told = {"start": tasks.start, "terminal": tasks.terminal}  # such as walls, which nothing enters
    assert_same_data(mf.from_outcomes(**tasks.outcomes, **told), tasks)
    one = {name: values[0] for name, values in tasks.outcomes.items()}
    assert_same_data(mf.from_outcomes(one, start=tasks.start[0], terminal=tasks.terminal[0]), tasks[:1])


def test_arrays_of_outcomes_are_checked():
    good = outcomes_of(mf.from_outcomes({0: {0: [(0.5, 0, 1.0, True), (0.5, 0, 0.0, False)]}}))

    def refused(error, text, **changes):
        with pytest.raises(error, match=text):
            mf.from_outcomes(**{**good, **changes})

    refused(ValueError, "terminated has the value 2", terminated=good["terminated"] * 2)
    refused(TypeError, "terminated has dtype <U5", terminated=np.full((1, 1, 1, 2), "False"))
    refused(ValueError, r"next_state\[task=0, state=0, action=0\] is 1", next_state=good["next_state"] + 1)
    refused(ValueError, r"reward has shape \(1, 1, 2\)", reward=good["reward"][0])
    refused(TypeError, "reward is missing", reward=None)
    refused(TypeError, "probability is given beside tables", tables={0: {0: []}})
    refused(
        ValueError,
        r"probability\[task=0, state=0, action=0\] sums to 1.5",
        probability=good["probability"] * 1.5,
    )
    with pytest.raises(ValueError, match="tables has the arrays"):
        mf.from_outcomes({"probability": good["probability"]})
    with pytest.raises(TypeError, match=r"a termination of .* is 'False'"):
        mf.from_outcomes({0: {0: [(1.0, 0, 1.0, "False")]}})
    padded = {**good, "probability": [[[[1.0, 0.0]]]], "next_state": [[[[0, -1]]]]}
    assert mf.from_outcomes(padded).transitions.item() == 1.0  # what is not used may hold anything


# --- horizons and noise of each task ---


def test_each_task_has_its_horizon_and_noise():
    tasks = mf.from_arrays(
        np.ones((3, 1, 1, 1)), np.zeros((1, 1)), horizon=[5, 10, 5], reward_noise=[0, 1, 0]
    )
    assert tasks.horizon.tolist() == [5, 10, 5]
    assert tasks.reward_noise.tolist() == [0.0, 1.0, 0.0]
    assert repr(tasks) == "Tasks(num_tasks=3, num_states=1, num_actions=1, horizon=5..10)"
    assert (tasks[1].horizon, tasks[1].reward_noise) == (10, 1.0)
    assert (tasks[::2].horizon, tasks[::2].reward_noise) == (5, 0.0)
    assert tasks[[1, 0]].horizon.tolist() == [10, 5]
    again = pickle.loads(pickle.dumps(tasks))
    assert again.horizon.tolist() == [5, 10, 5]
    assert not again.horizon.flags.writeable
    assert tasks.materialise().horizon.tolist() == [5, 10, 5]
    joined = mf.concatenate([tasks[:1], tasks[1:]])
    assert (joined.horizon.tolist(), joined.reward_noise.tolist()) == ([5, 10, 5], [0.0, 1.0, 0.0])
    assert mf.from_arrays(np.ones((2, 1, 1, 1)), np.zeros((1, 1)), horizon=[4, 4]).horizon == 4


@pytest.mark.parametrize(
    ("argument", "value", "error", "text"),
    [
        ("horizon", [5], ValueError, r"horizon has shape \(1,\), expected \(2,\)"),
        ("horizon", [5, 0], ValueError, "horizon.1. is 0"),
        ("horizon", [5, 1.5], ValueError, "horizon has the value 1.5"),
        ("horizon", [True, False], TypeError, "horizon has dtype bool"),
        ("horizon", ["5", "6"], TypeError, "horizon has dtype <U1"),
        ("reward_noise", [0.5], ValueError, r"reward_noise has shape \(1,\), expected \(2,\)"),
        ("reward_noise", [0.5, -1.0], ValueError, "reward_noise is -1"),
        ("reward_noise", [0.5, NAN], ValueError, "reward_noise is nan"),
        ("reward_noise", [0.5, INF], ValueError, "reward_noise is inf"),
    ],
)
def test_horizons_and_noise_are_checked(argument, value, error, text):
    with pytest.raises(error, match=text):
        mf.from_arrays(np.ones((2, 1, 1, 1)), np.zeros((1, 1)), **{argument: value})


# --- runs of one task ---

LEARNER = mf.QLearning(4, 3, epsilon=0.3)


@pytest.mark.parametrize(
    "make", [lambda tasks: tasks, lambda tasks: tasks.materialise()], ids=["lazy", "stored"]
)
def test_runs_of_a_task_are_independent_and_the_first_is_that_of_a_single_one(make):
    tasks = make(mf.TaskDistribution(4, 3, horizon=9).sample(40, rng=0))
    alone = mf.train(LEARNER, tasks, 5, rng=3, snapshot_episodes=[2])
    run = mf.train(LEARNER, tasks, 5, rng=3, snapshot_episodes=[2], num_runs=3, mean_returns=True)
    assert (run.q_table.shape, run.policy.shape) == ((40, 3, 4, 3), (40, 3, 4))
    assert (run.returns.shape, run.snapshots.shape) == ((40, 3, 5), (40, 3, 1, 4, 3))
    for name in ("q_table", "policy", "returns", "snapshots"):
        assert_same_bits(getattr(run, name)[:, 0], getattr(alone, name))
    assert (run.returns[:, 0] != run.returns[:, 1]).any(axis=-1).all()
    assert (run.returns[:, 2] != run.returns[:, 1]).any(axis=-1).all()
    np.testing.assert_allclose(run.mean_returns, run.returns.mean(axis=(0, 1)), rtol=1e-6)
    more = mf.train(LEARNER, tasks[7:9], 5, rng=3, num_runs=5, num_threads=2)
    assert_same_bits(more.returns[:, :3], run.returns[7:9])
    assert_same_bits(mf.train(LEARNER, tasks, 5, rng=3, num_runs=1).q_table[:, 0], alone.q_table)


def test_runs_begin_from_the_table_of_their_task():
    tasks = mf.TaskDistribution(4, 3, horizon=9).sample(5, rng=0)
    tables = np.random.default_rng(0).normal(size=(5, 4, 3))
    alone = mf.train(LEARNER, tasks, 2, rng=3, initial_table=tables).q_table
    run = mf.train(LEARNER, tasks, 2, rng=3, initial_table=tables, num_runs=2, snapshot_episodes=[0])
    assert_same_bits(run.q_table[:, 0], alone)
    assert_same_bits(run.snapshots[:, 1, 0], tables.astype(np.float32))


def test_every_run_has_the_horizon_of_its_task():
    tasks = mf.from_arrays(np.ones((2, 1, 1, 1)), np.ones((1, 1)), horizon=[3, 5])
    run = mf.train(mf.QLearning(1, 1), tasks, 1, rng=0, num_runs=2)
    assert run.returns[..., 0].tolist() == [[3.0, 3.0], [5.0, 5.0]]


def test_returns_of_runs_are_not_correlated():
    tasks = mf.from_arrays(np.ones((1, 1, 1)), np.zeros((1, 1)), reward_noise=1.0)
    returns = mf.train(mf.QLearning(1, 1), tasks, 2, 1, rng=0, num_runs=20_000).returns[0]
    assert abs(np.corrcoef(returns[:-1, 0], returns[1:, 0])[0, 1]) < 0.03
    assert abs(np.corrcoef(returns[:, 0], returns[:, 1])[0, 1]) < 0.03


@pytest.mark.parametrize(
    "repeated", [lambda one: one.batch[[0] * 10], lambda one: mf.concatenate([one] * 10)]
)
def test_a_repeated_task_learns_the_same_and_warns(repeated):
    tasks = repeated(mf.TaskDistribution(4, 3, horizon=9).sample(rng=0))
    with pytest.warns(UserWarning, match="task 0 occurs 10 times: .* num_runs="):
        run = mf.train(LEARNER, tasks, 2, rng=3)
    assert (run.q_table == run.q_table[0]).all()
    # Tables of one's own, compared under the same random numbers, are no mistake.
    mf.train(LEARNER, tasks, 2, rng=3, initial_table=np.zeros((10, 4, 3)))


def test_the_warning_of_repeated_tasks_names_who_repeats_them():
    tasks = mf.TaskDistribution(4, 3, horizon=9).sample(3, rng=0)[[0, 0]]
    for use in (mf.train, lambda *args, **kw: mf.adapt(args[0], args[1], (0, args[2]), **kw)):
        with pytest.warns(UserWarning, match="task 0 occurs 2 times") as found:
            use(LEARNER, tasks, 2, rng=3)
        assert found[0].filename == __file__


@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_num_runs_is_checked(value, error):
    with pytest.raises(error, match=f"num_runs is {value}"):
        mf.train(LEARNER, mf.TaskDistribution(4, 3, horizon=9).sample(2, rng=0), 1, rng=0, num_runs=value)
