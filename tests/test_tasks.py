"""Batches of tasks: indexing, views of the data, and the forms in which data is accepted."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

S, A = 4, 3

# Parts and joins of batches repeat tasks here, and have to learn the same.
pytestmark = pytest.mark.filterwarnings("ignore:task .* occurs:UserWarning")


def random_arrays(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(S), size=(n, S, A)), rng.normal(size=(n, S, A))


def stored(n=6):
    transitions, rewards = random_arrays(n)
    return mf.from_arrays(transitions, rewards, start=np.arange(n) % S, terminal=np.eye(n, S) > 0, horizon=9)


def listed(n=6):
    rng = np.random.default_rng(1)

    def outcomes():
        count = rng.integers(1, 4)
        probabilities = rng.dirichlet(np.ones(count))
        return [(p, int(rng.integers(S)), float(rng.normal()), bool(rng.integers(2))) for p in probabilities]

    tables = [{s: {a: outcomes() for a in range(A)} for s in range(S)} for _ in range(n)]
    return mf.from_outcomes(tables, start=1, horizon=9)


class Own(mf.Family):
    num_states, num_actions, horizon = S, A, 9

    def task(self, rng):
        return {"transitions": rng.dirichlet(np.ones(S), size=(S, A)), "rewards": rng.normal(size=(S, A))}


class NeverDrawn(mf.Family):
    num_states, num_actions, horizon = S, A, 9

    def task(self, rng):
        raise AssertionError("drawn")


BATCHES = {
    "dense": stored,
    "outcomes": listed,
    "lazy": lambda n=6: mf.TaskDistribution(S, A, horizon=9).sample(n, rng=0),
    "lazy outcomes": lambda n=6: mf.TaskDistribution(S, A, transitions=mf.Garnet(2), horizon=9).sample(
        n, rng=0
    ),
    "held out": lambda n=6: mf.TaskDistribution(S, A, horizon=9).split()[1].sample(n, rng=0),
    "Python family": lambda n=6: Own().sample(n, rng=0),
}


@pytest.fixture(params=BATCHES)
def make(request):
    return BATCHES[request.param]


LEARNER = mf.QLearning(S, A, epsilon=0.3)


def learned(tasks):
    return mf.train(LEARNER, tasks, 5, rng=3).q_table


def assert_same_tasks(found, expected):
    assert_same_bits(found.ids, expected.ids)
    assert_same_bits(found.transitions, expected.transitions)
    assert_same_bits(found.rewards, expected.rewards)
    assert_same_bits(found.start, expected.start)
    assert_same_bits(learned(found), learned(expected))
    assert found.horizon == expected.horizon


INDEXES = [
    slice(None),
    slice(2, 5),
    slice(None, None, 2),
    slice(None, None, -1),
    slice(-2, None),
    slice(4, 2),
    slice(1, 100),
    [3, 0, 3],
    [-1, 2],
    [],
    (1, 2),
    np.array([5, 1], np.uint8),
    np.array([True, False, True, False, False, True]),
    np.zeros(6, bool),
    [True] * 6,
]


@pytest.mark.parametrize("index", INDEXES, ids=repr)
def test_a_part_of_a_batch_is_that_part_of_its_data_and_learns_the_same(make, index):
    tasks = make()
    as_numpy = index if isinstance(index, slice) else np.asarray(index, dtype=None if len(index) else int)
    chosen = np.arange(6)[as_numpy]
    part = tasks[index]
    assert len(part) == part.num_tasks == len(chosen)
    assert_same_bits(part.ids, tasks.ids[chosen])
    assert_same_bits(part.transitions, tasks.transitions[chosen])
    assert_same_bits(part.rewards, tasks.rewards[chosen])
    assert_same_bits(part.start, tasks.start[chosen])
    assert_same_bits(learned(part), learned(tasks)[chosen])
    assert (part.num_states, part.num_actions, part.horizon) == (S, A, 9)


def test_parts_of_parts(make):
    tasks = make()
    assert_same_tasks(tasks[1:][::2][[2, 0]], tasks[[5, 1]])
    assert_same_tasks(tasks[::-1][::-1], tasks)
    assert_same_tasks(tasks[[5, 1, 3]][1:], tasks[[1, 3]])


@pytest.mark.parametrize("index", [0, 5, -1, -6, np.int64(2), np.uint8(4)])
def test_one_task(make, index):
    tasks = make()
    task = tasks[index]
    assert isinstance(task, mf.Task)
    assert task.id == tasks.ids[index]
    assert_same_bits(task.transitions, tasks.transitions[index])
    assert_same_bits(task.rewards, tasks.rewards[index])
    assert_same_bits(task.start, tasks.start[index])
    assert_same_bits(learned(task), learned(tasks)[[index]])


def test_iteration_gives_the_tasks_in_order(make):
    tasks = make()
    assert [task.id for task in tasks] == tasks.ids.tolist()
    assert len(list(tasks)) == len(tasks)


def test_a_batch_in_memory_is_the_same_batch(make):
    tasks = make()
    assert_same_tasks(tasks.materialise(), tasks)
    assert_same_tasks(tasks[::2].materialise(), tasks[::2])
    assert tasks.materialise().reward_noise == tasks.reward_noise


def test_ids_cannot_be_changed_from_outside(make):
    tasks = make()[[3, 1]]
    with pytest.raises(ValueError, match="read-only"):
        tasks.ids[:] = 0
    assert tasks.ids.tolist() != [0, 0]


def test_views_agree_with_the_outcomes(make):
    tasks = make()
    outcomes = tasks.outcomes
    n, s, a, k = outcomes["probability"].shape
    assert (n, s, a) == (6, S, A)
    assert {values.shape for values in outcomes.values()} == {(n, s, a, k)}
    types = {"probability": np.float64, "next_state": np.int32, "reward": np.float64, "terminated": np.bool_}
    assert {name: values.dtype for name, values in outcomes.items()} == types
    transitions = np.zeros((n, S, A, S))
    for index in np.ndindex(n, S, A, k):
        transitions[(*index[:3], outcomes["next_state"][index])] += outcomes["probability"][index]
    np.testing.assert_allclose(tasks.transitions, transitions, rtol=0, atol=1e-15)
    rewards = (outcomes["probability"] * outcomes["reward"]).sum(axis=-1)
    np.testing.assert_allclose(tasks.rewards, rewards, rtol=0, atol=1e-14)
    np.testing.assert_allclose(tasks.start.sum(axis=1), 1.0)


def test_lazy_tasks_cost_nothing_until_looked_at():
    tasks = mf.TaskDistribution(S, A).sample(10**12, rng=0)
    assert len(tasks) == 10**12
    assert tasks[10**12 - 1].id == 10**12 - 1
    assert tasks[5 * 10**11 :][3].id == 5 * 10**11 + 3
    assert_same_bits(tasks[7].transitions, mf.TaskDistribution(S, A).sample(8, rng=0)[7].transitions)


def test_repr_tells_lazy_from_stored():
    lazy = mf.TaskDistribution(S, A).sample(2, rng=0)
    assert repr(lazy) == "Tasks(num_tasks=2, num_states=4, num_actions=3, horizon=None, lazy)"
    assert repr(lazy.materialise()) == "Tasks(num_tasks=2, num_states=4, num_actions=3, horizon=None)"
    assert repr(lazy[1]) == "Task(id=1, num_states=4, num_actions=3)"


# --- no tasks ---


def test_no_tasks_work_everywhere(make, tmp_path):
    tasks = make()[:0]
    assert len(tasks) == 0
    assert not list(tasks)
    assert (tasks.num_states, tasks.num_actions) == (S, A)
    assert tasks.transitions.shape == (0, S, A, S)
    assert tasks.rewards.shape == (0, S, A)
    assert tasks.start.shape == (0, S)
    assert len(tasks.materialise()) == len(tasks[:]) == len(tasks[[]]) == 0
    run = mf.train(LEARNER, tasks, 3, rng=0, snapshot_episodes=[0, 2])
    assert (run.q_table.shape, run.returns.shape) == ((0, S, A), (0, 3))
    assert (run.policy.shape, run.snapshots.shape) == ((0, S), (0, 2, S, A))
    assert mf.value_iteration(tasks).values.shape == (0, S)
    assert mf.backward_induction(tasks, 2).policy.shape == (0, 2, S)
    uniform = np.full((S, A), 1 / A)
    assert mf.policy_evaluation(tasks, uniform).values.shape == (0, S)
    assert mf.policy_evaluation(tasks, np.zeros((0, S), int)).returns.shape == (0,)
    assert mf.score(tasks, uniform, mf.bounds(tasks)).shape == (0,)
    assert mf.adapt(LEARNER, tasks, [0, 1], rng=0).scores.shape == (0, 2)


def test_a_sample_of_no_tasks():
    for family in (mf.TaskDistribution(S, A), mf.GoalGrid(3), mf.FrozenLakeMaps(), Own()):
        tasks = family.sample(0, rng=0)
        assert tasks.transitions.shape == (0, family.num_states, family.num_actions, family.num_states)


# --- batches put together ---


def test_parts_put_together_are_the_whole(make):
    tasks = make()
    whole = mf.concatenate([tasks[:2], tasks[2:2], tasks[2], tasks[3:]])
    assert_same_tasks(whole, tasks)
    assert repr(whole) == repr(tasks)  # lazy ones stay lazy
    assert_same_tasks(mf.concatenate([tasks[[4, 1]], tasks[:3]]), tasks[[4, 1, 0, 1, 2]])
    assert_same_tasks(mf.concatenate(tasks), tasks)
    assert_same_tasks(mf.concatenate([tasks]), tasks)


@pytest.mark.parametrize("first", BATCHES)
@pytest.mark.parametrize("second", BATCHES)
def test_batches_in_memory_go_together_in_every_form(first, second):
    """Every task learns to the same bits as in its own batch; planning sums lists in another order."""
    parts = [BATCHES[first]().materialise(), BATCHES[second](3).materialise()]
    whole = mf.concatenate(parts)
    assert (len(whole), whole.horizon) == (9, 9)
    for place, part in ((slice(0, 6), parts[0]), (slice(6, 9), parts[1])):
        assert_same_bits(whole.ids[place], part.ids)
        assert_same_bits(whole.start[place], part.start)
        assert_same_bits(whole.transitions[place], part.transitions)
        np.testing.assert_allclose(whole.rewards[place], part.rewards, rtol=1e-15)
        assert_same_bits(learned(whole)[place], learned(part))
        found, expected = (mf.value_iteration(tasks, 0.9).q_values for tasks in (whole, part))
        np.testing.assert_allclose(found[place], expected, rtol=0, atol=1e-12)


def test_what_batches_share_is_written_out_for_each():
    transitions, rewards = random_arrays(4)
    ends = np.array([False, True, False, False])
    first = mf.from_arrays(transitions[:3], rewards[:3], start=2, terminal=ends, horizon=9)
    second = mf.from_arrays(transitions[3:], rewards[3:], start=[1], horizon=9)
    whole = mf.concatenate([first, second])
    assert whole.start.argmax(axis=1).tolist() == [2, 2, 2, 1]
    assert (whole.outcomes["terminated"][:, 0, 0] == [ends, ends, ends, np.zeros(S, bool)]).all()


def test_lazy_halves_of_a_split_go_together_lazily():
    family = mf.TaskDistribution(S, A)
    training, held_out = (part.sample(3, rng=0) for part in family.split())
    whole = mf.concatenate([training, held_out])
    assert "lazy" in repr(whole)
    assert_same_bits(whole.transitions, np.concatenate([training.transitions, held_out.transitions]))


def test_batches_drawn_by_rejection_go_together_with_their_like():
    family = mf.TaskDistribution(65, 2, horizon=9)
    first, second = family.sample(2, rng=0).materialise(), family.sample(3, rng=1).materialise()
    whole = mf.concatenate([first, second])
    assert whole.core.by_rejection
    learner = mf.QLearning(65, 2)
    found, *parts = (mf.train(learner, tasks, 5, rng=3).q_table for tasks in (whole, first, second))
    assert_same_bits(found, np.concatenate(parts))
    written = mf.from_arrays(second.transitions, second.rewards, horizon=9)
    with pytest.raises(ValueError, match="batches 0 and 1 draws next states by rejection"):
        mf.concatenate([first, written])


def test_batches_with_other_time_limits_keep_them():
    first, second = stored(), mf.from_arrays(*random_arrays(2), horizon=5)
    whole = mf.concatenate([first, second])
    assert whole.horizon.tolist() == [9] * 6 + [5] * 2
    assert (whole[:6].horizon, whole[6:].horizon, whole[7].horizon) == (9, 5, 5)
    assert mf.concatenate([first, second], horizon=7).horizon == 7
    assert mf.concatenate([first, second[:0]]).horizon == 9
    assert mf.concatenate([first, mf.from_arrays(*random_arrays(2))]).horizon is None


# --- from_arrays ---


def test_from_arrays_keeps_the_numbers():
    transitions, rewards = random_arrays(5)
    tasks = mf.from_arrays(transitions, rewards, horizon=7, reward_noise=0.5)
    assert_same_bits(tasks.transitions, transitions)
    assert_same_bits(tasks.rewards, rewards)
    assert_same_bits(tasks.start, np.tile(np.eye(S)[0], (5, 1)))
    assert_same_bits(tasks.ids, np.arange(5, dtype=np.uint64))
    assert not tasks.outcomes["terminated"].any()
    assert (tasks.horizon, tasks.reward_noise) == (7, 0.5)


def test_one_task_needs_no_task_axis():
    transitions, rewards = random_arrays(1)
    assert_same_tasks(
        mf.from_arrays(transitions[0], rewards[0], horizon=9), mf.from_arrays(transitions, rewards, horizon=9)
    )


def test_a_task_is_an_array_of_transitions():
    task = mf.TaskDistribution(S, A).sample(rng=0)
    copied = mf.from_arrays(task, task.rewards, horizon=9)
    assert_same_bits(copied[0].transitions, task.transitions)


def test_rewards_of_all_tasks_alike():
    transitions, rewards = random_arrays(5)
    tasks = mf.from_arrays(transitions, rewards[0])
    assert_same_bits(tasks.rewards, np.tile(rewards[0], (5, 1, 1)))


@pytest.mark.parametrize("shared", [False, True])
def test_rewards_by_transition(shared):
    transitions, _ = random_arrays(5)
    rewards = np.random.default_rng(2).normal(size=(S, A, S) if shared else (5, S, A, S))
    ends = np.array([False, True, False, False])
    tasks = mf.from_arrays(transitions, rewards, terminal=ends)
    outcomes = tasks.outcomes
    expected = np.broadcast_to(rewards, (5, S, A, S)).copy()
    assert_same_bits(outcomes["reward"][:, ~ends], expected[:, ~ends])
    assert_same_bits(outcomes["probability"][:, ~ends], transitions[:, ~ends])
    assert (outcomes["next_state"][:, ~ends] == np.arange(S)).all()
    assert (outcomes["terminated"][:, ~ends] == ends).all()
    expected = (transitions * rewards).sum(axis=-1) * ~ends[:, None]
    np.testing.assert_allclose(tasks.rewards, expected, atol=1e-14)


def test_rewards_of_one_length_on_every_axis_say_what_they_mean():
    rng = np.random.default_rng(3)
    transitions, rewards = rng.dirichlet(np.ones(3), size=(3, 3, 3)), rng.normal(size=(3, 3, 3))
    with pytest.raises(ValueError, match=r"rewards has shape \(3, 3, 3\), which is \[N, S, A\] as well as"):
        mf.from_arrays(transitions, rewards)
    by_pair = mf.from_arrays(transitions, rewards[..., None])
    assert by_pair.core.dense
    assert_same_bits(by_pair.rewards, rewards)
    by_transition = mf.from_arrays(transitions, rewards[None])
    assert_same_bits(by_transition.outcomes["reward"], np.broadcast_to(rewards, (3, 3, 3, 3)).copy())
    np.testing.assert_allclose(by_transition.rewards, (transitions * rewards).sum(axis=-1), atol=1e-14)
    # One task, or two axes, leave no doubt.
    assert_same_bits(mf.from_arrays(transitions[:1], rewards[:1]).rewards, rewards[:1])
    assert_same_bits(mf.from_arrays(transitions, rewards[0]).rewards, np.tile(rewards[0], (3, 1, 1)))


@pytest.mark.parametrize("n", [1, 3, 5])
def test_rewards_with_a_last_or_first_axis_of_one_mean_the_same(n):
    transitions, rewards = random_arrays(n)
    given, expected = mf.from_arrays(transitions, rewards[..., None]), mf.from_arrays(transitions, rewards)
    assert_same_bits(given.rewards, expected.rewards)
    shared = np.random.default_rng(2).normal(size=(S, A, S))
    given, expected = mf.from_arrays(transitions, shared[None]), mf.from_arrays(transitions, shared)
    assert_same_bits(given.outcomes["reward"], expected.outcomes["reward"])


def test_integers_of_a_start_are_states_also_where_there_are_as_many_tasks():
    transitions, rewards = random_arrays(S)
    assert_same_bits(mf.from_arrays(transitions, rewards, start=[1, 0, 0, 0]).start, np.eye(S)[[1, 0, 0, 0]])
    by_weight = mf.from_arrays(transitions, rewards, start=[1.0, 0.0, 0.0, 0.0])
    assert_same_bits(by_weight.start, np.tile(np.eye(S)[0], (S, 1)))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (None, np.tile(np.eye(S)[0], (5, 1))),
        (2, np.tile(np.eye(S)[2], (5, 1))),
        (np.int8(2), np.tile(np.eye(S)[2], (5, 1))),
        ([0, 1, 2, 3, 0], np.eye(S)[[0, 1, 2, 3, 0]]),
        ([0.5, 0.0, 0.5, 0.0], np.tile([0.5, 0.0, 0.5, 0.0], (5, 1))),
        (np.eye(5, S)[:, ::-1] * [1, 1, 1, 1] + np.outer([0, 0, 0, 0, 1], np.eye(S)[1]), None),
    ],
)
def test_forms_of_start(start, expected):
    transitions, rewards = random_arrays(5)
    tasks = mf.from_arrays(transitions, rewards, start=start)
    assert_same_bits(tasks.start, np.asarray(start) if expected is None else expected)


@pytest.mark.parametrize(
    "terminal",
    [[False, True, False, True], [0, 1, 0, 1], [0.0, 1.0, 0.0, 1.0], np.arange(20).reshape(5, 4) % 3 == 0],
)
def test_forms_of_terminal(terminal):
    transitions, rewards = random_arrays(5)
    found = mf.from_arrays(transitions, rewards, terminal=terminal).outcomes["terminated"]
    assert (found == np.broadcast_to(np.asarray(terminal, bool), (5, S))[:, None, None, :]).all()


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def unaligned(values):
    room = np.zeros(values.nbytes + 1, np.uint8)
    moved = room[1:].view(values.dtype).reshape(values.shape)
    moved[...] = values
    return moved


FORMS = {
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "strided": lambda values: np.repeat(values, 2, axis=-1)[..., ::2],
    "reversed": lambda values: values[::-1].copy()[::-1],
    "big-endian": lambda values: values.astype(">f8"),
    "unaligned": unaligned,
    "long double": lambda values: values.astype(np.longdouble),
    "lists": lambda values: values.tolist(),
    "broadcast": lambda values: np.broadcast_to(values[None], (1, *values.shape))[0],
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_arrays(form):
    change = FORMS[form]
    transitions, rewards = random_arrays(5)
    start = np.random.default_rng(4).dirichlet(np.ones(S), size=5)
    expected = mf.from_arrays(transitions, rewards, start=start, horizon=9)
    found = mf.from_arrays(change(transitions), change(rewards), start=change(start), horizon=9)
    assert_same_tasks(found, expected)
    table = np.random.default_rng(5).normal(size=(5, S, A))
    by_form = mf.train(LEARNER, found, 5, rng=3, initial_table=change(table))
    assert_same_bits(by_form.q_table, mf.train(LEARNER, expected, 5, rng=3, initial_table=table).q_table)
    policy = np.random.default_rng(6).dirichlet(np.ones(A), size=(5, S))
    by_form = mf.policy_evaluation(found, change(policy))
    assert_same_bits(by_form.values, mf.policy_evaluation(expected, policy).values)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.uint8, bool, ">f4", ">i2"])
def test_types_of_arrays(dtype):
    """Deterministic rows, which every type can hold."""
    following = np.random.default_rng(7).integers(S, size=(5, S, A))
    rows = np.eye(S)[following]
    rewards = np.random.default_rng(8).integers(2, size=(5, S, A))
    expected = mf.from_arrays(rows, rewards.astype(float), horizon=9)
    assert_same_tasks(mf.from_arrays(rows.astype(dtype), rewards.astype(dtype), horizon=9), expected)


def test_rows_in_single_precision_are_close_enough():
    transitions, rewards = random_arrays(5)
    tasks = mf.from_arrays(transitions.astype(np.float32), rewards.astype(np.float32))
    np.testing.assert_allclose(tasks.transitions, transitions, atol=1e-6)


# --- from_outcomes ---

TABLE = {
    0: {0: [(0.25, 1, -1.0, False), (0.75, 1, 2.0, True)], 1: [(1.0, 0, 0.5, False)]},
    1: {0: [(1.0, 1, 0.0, True)], 1: [(0.5, 0, 1.0, False), (0.25, 1, 0.0, True), (0.25, 1, 0.0, False)]},
}


def test_short_lists_are_padded_with_probability_zero():
    outcomes = mf.from_outcomes(TABLE, start=1, horizon=3).outcomes
    assert outcomes["probability"].tolist() == [
        [[[0.25, 0.75, 0.0], [1.0, 0.0, 0.0]], [[1.0, 0.0, 0.0], [0.5, 0.25, 0.25]]]
    ]
    used = outcomes["probability"] > 0
    assert outcomes["next_state"][used].tolist() == [1, 1, 0, 1, 0, 1, 1]
    assert outcomes["reward"][used].tolist() == [-1.0, 2.0, 0.5, 0.0, 1.0, 0.0, 0.0]
    assert outcomes["terminated"][used].tolist() == [False, True, False, True, False, True, False]


def test_repeated_next_states_add_up():
    tasks = mf.from_outcomes(TABLE)
    assert tasks.transitions.tolist() == [[[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.5, 0.5]]]]
    assert tasks.rewards.tolist() == [[[1.25, 0.5], [0.0, 0.5]]]


def test_outcomes_go_round(make):
    """Outcome lists written out and read back are the same tasks."""
    tasks = make()
    outcomes = tasks.outcomes
    tables = [
        {
            s: {a: list(zip(*(outcomes[name][n, s, a] for name in outcomes), strict=True)) for a in range(A)}
            for s in range(S)
        }
        for n in range(len(tasks))
    ]
    back = mf.from_outcomes(tables, start=tasks.start, horizon=9)[:]
    np.testing.assert_allclose(back.transitions, tasks.transitions, rtol=0, atol=1e-15)
    expected = mf.value_iteration(tasks, 0.9)
    np.testing.assert_allclose(mf.value_iteration(back, 0.9).q_values, expected.q_values, atol=1e-7)
    dense = mf.backward_induction(tasks, 4).q_values
    np.testing.assert_allclose(mf.backward_induction(back, 4).q_values, dense, atol=1e-12)


SIZES = {
    "a family": lambda n: NeverDrawn().sample(n, rng=0),
    "a part of one": lambda n: mf.FamilyPart(NeverDrawn(), (5, 2**55)).sample(n, rng=0),
    "a family of the core": lambda n: mf.TaskDistribution(S, A, horizon=9).sample(n, rng=0),
}


@pytest.mark.parametrize("sample", SIZES.values(), ids=SIZES)
def test_nothing_is_drawn_until_somebody_looks(sample):
    tasks = sample(2**40)
    assert repr(tasks) == f"Tasks(num_tasks={2**40}, num_states=4, num_actions=3, horizon=9, lazy)"
    assert (len(tasks), tasks.num_tasks, tasks.num_states, tasks.num_actions) == (2**40, 2**40, S, A)
    assert tasks.horizon == 9
    part = tasks[3:7]
    assert [task.id for task in part] == part.ids.tolist()
    for batch in (part, tasks[[5, 2]], pickle.loads(pickle.dumps(part)), copy.deepcopy(part)):
        assert (batch.num_states, batch.num_actions, batch.horizon) == (S, A, 9)
    assert len(mf.concatenate([tasks[:3], tasks[3:]])) == 2**40
    assert len(mf.concatenate([tasks[2], tasks[4:6]])) == 3
    task = tasks[2**40 - 1]
    assert (task.shape, len(task), task.ndim, task.horizon) == ((S, A, S), S, 3, 9)
    assert repr(task) == f"Task(id={task.id}, num_states=4, num_actions=3)"


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "Sized.num_states is None, expected an integer"),
        ({"num_states": 2.0}, "Sized.num_states is 2.0, expected an integer"),
        ({"num_states": 2}, "Sized.num_actions is None, expected an integer"),
        ({"num_states": 2, "num_actions": 0}, "Sized.num_actions is 0, expected at least 1"),
    ],
)
def test_sizes_that_a_family_forgot_or_got_wrong_are_named(sizes, message):
    family = type("Sized", (mf.Family,), sizes)()
    with pytest.raises((TypeError, ValueError), match=message):
        _ = (family.sample(3, rng=0).num_states, family.sample(3, rng=0).num_actions)
    with pytest.raises((TypeError, ValueError), match=message):
        repr(family.sample(3, rng=0))
