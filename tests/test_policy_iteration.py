"""Policy iteration by direct solves: against exact fractions, NumPy and itself on other processors."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import fresh_process
import metarl_fast as mf
from bits import assert_same_bits, digest

discounts = pytest.mark.parametrize("discount", [0.0, 0.5, 0.9, 0.9999, 1 - 1e-9])
# Those of up to 32 states are solved side by side, others in panels of 8 rows: sizes around both.
sizes = pytest.mark.parametrize(
    ("states", "actions"),
    [(1, 1), (1, 3), (2, 2), (7, 3), (8, 2), (9, 5), (32, 2), (33, 2), (41, 4), (64, 3)],
)


def exact_values(p, rewards, discount):
    """Solve (I - discount P) v = r in fractions, rows first made to sum to exactly 1."""
    n, discount = len(rewards), Fraction(discount)
    rows = []
    for s in range(n):
        row = [Fraction(x) for x in p[s]]
        row = [x / sum(row) for x in row]
        rows.append([Fraction(int(s == j)) - discount * row[j] for j in range(n)] + [Fraction(rewards[s])])
    for k in range(n):
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def of_policy(task, policy):
    """(P [S, S], r [S]) of a deterministic policy."""
    s = np.arange(len(policy))
    return task.transitions[s, policy], task.rewards[s, policy]


@sizes
@discounts
def test_values_are_those_of_the_policy_and_no_action_is_better(states, actions, discount):
    tasks = mf.TaskDistribution(states, actions).sample(10, rng=states)
    best = mf.policy_iteration(tasks, discount)
    for i, task in enumerate(tasks):
        p, r = of_policy(task, best.policy[i])
        v = np.linalg.solve(np.eye(states) - discount * p, r)
        error = 1e-13 / (1.0 - discount)  # NumPy's own
        np.testing.assert_allclose(best.values[i], v, rtol=min(error, 1e-2))
        q = task.rewards + discount * (task.transitions @ best.values[i])
        np.testing.assert_allclose(best.q_values[i], q, rtol=1e-11)
        np.testing.assert_allclose(best.values[i], q.max(axis=1), rtol=1e-11)
        np.testing.assert_allclose(best.returns[i], task.start @ best.values[i], rtol=1e-12)
    assert_same_bits(best.values, best.q_values.max(axis=2))
    assert_same_bits(best.policy, best.q_values.argmax(axis=2).astype(np.int32))


@discounts
@pytest.mark.parametrize("states", [2, 5, 11])
def test_every_component_has_a_relative_error_of_a_few_units(states, discount):
    """Rewards of one sign: NumPy's solve is off by 1e-2 at the last of these discounts."""
    tasks = mf.TaskDistribution(states, 2).sample(2, rng=7)
    best = mf.policy_iteration(tasks, discount)
    for i, task in enumerate(tasks):
        exact = exact_values(*of_policy(task, best.policy[i]), discount)
        for found, right in zip(best.values[i], exact, strict=True):
            error = abs(Fraction(float(found)) - right)
            assert error <= min(Fraction(3e-15) * abs(right), Fraction(float(best.info.bound[i])))


@sizes
@discounts
def test_evaluation_is_the_linear_solve(states, actions, discount):
    tasks = mf.TaskDistribution(states, actions).sample(9, rng=states)
    policies = np.random.default_rng(0).random((9, 3, states, actions))
    policies /= policies.sum(axis=-1, keepdims=True)
    found = mf.policy_evaluation(tasks, policies, discount)
    for i, task in enumerate(tasks):
        for k in range(3):
            p = np.einsum("sa,sat->st", policies[i, k], task.transitions)
            v = np.linalg.solve(np.eye(states) - discount * p, (policies[i, k] * task.rewards).sum(axis=1))
            np.testing.assert_allclose(found.values[i, k], v, rtol=min(1e-13 / (1.0 - discount), 1e-2))


def checksum():
    """Of solutions and evaluations of every size."""
    found = []
    for states, actions in [(1, 3), (2, 2), (7, 3), (10, 5), (32, 2), (33, 3), (70, 2)]:
        tasks = mf.TaskDistribution(states, actions).sample(11, rng=1)
        for discount in (0.5, 0.999):
            best = mf.policy_iteration(tasks, discount)
            random = mf.policy_evaluation(tasks, np.full((states, actions), 1.0 / actions), discount)
            found += [best.values, best.q_values, best.policy, best.returns, random.values]
    return digest(*found)


@pytest.mark.parametrize("isa", mf.build_info()["available_isas"])
def test_every_instruction_set_gives_the_same_bits(isa):
    program = f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        import test_policy_iteration; print(test_policy_iteration.checksum())
    """
    assert fresh_process.run(program, METARL_FAST_ISA=isa).strip() == checksum()


def test_neither_threads_nor_grouping_nor_storage_matter():
    for states in (6, 40):
        tasks = mf.TaskDistribution(states, 3).sample(37, rng=2)
        whole = mf.policy_iteration(tasks, 0.99, num_threads=1)
        for other in (
            mf.policy_iteration(tasks, 0.99, num_threads=2),
            mf.policy_iteration(tasks.materialise(), 0.99),
        ):
            assert_same_bits(other.values, whole.values)
            assert_same_bits(other.q_values, whole.q_values)
            assert_same_bits(other.policy, whole.policy)
        part = mf.policy_iteration(tasks[5:18], 0.99)
        assert_same_bits(part.values, whole.values[5:18])
        assert_same_bits(mf.policy_iteration(tasks[20], 0.99).q_values[0], whole.q_values[20])


@pytest.mark.parametrize("states", [4, 9, 40])
@pytest.mark.parametrize("discount", [0.5, 0.99, 1 - 1e-9, 1 - 1e-12])
def test_actions_alike_but_for_rounding_are_ties(states, discount):
    """Duplicated and reversed actions, integer rewards: no cycle, and the first of those alike."""
    rng = np.random.default_rng(states)
    p = rng.dirichlet(np.ones(states), size=(20, states, 3))
    r = rng.integers(-2, 3, size=(20, states, 3)).astype(float)
    twice = mf.from_arrays(
        np.concatenate([p, p[:, :, ::-1]], axis=2), np.concatenate([r, r[:, :, ::-1]], axis=2)
    )
    once = mf.policy_iteration(mf.from_arrays(p, r), discount)
    best = mf.policy_iteration(twice, discount)
    assert_same_bits(best.policy, once.policy)
    assert best.policy.max() < 3
    assert_same_bits(best.q_values[:, :, :3], best.q_values[:, :, :2:-1])


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
@pytest.mark.parametrize("states", [5, 40])
def test_the_unit_of_reward_does_not_matter(states, scale):
    tasks = mf.TaskDistribution(states, 3).sample(8, rng=3).materialise()
    plain = mf.policy_iteration(tasks, 0.99)
    scaled = mf.policy_iteration(mf.from_arrays(tasks.transitions, tasks.rewards * scale), 0.99)
    np.testing.assert_allclose(scaled.values / scale, plain.values, rtol=1e-12)
    assert_same_bits(scaled.policy, plain.policy)


def test_discounts_out_of_range_are_refused():
    tasks = mf.TaskDistribution(3, 2).sample(2, rng=0)
    with pytest.raises(ValueError, match="discount"):
        mf.policy_iteration(tasks, 1.5)


@pytest.mark.parametrize("states", [5, 40])
def test_actions_that_are_not_available_are_never_chosen(states):
    rng = np.random.default_rng(states)
    p = rng.dirichlet(np.ones(states), size=(9, states, 3))
    r = rng.normal(size=(9, states, 3))
    there = mf.from_arrays(p[:, :, :2], r[:, :, :2])
    gone_p, gone_r = p.copy(), r.copy()
    gone_p[:, :, 2], gone_r[:, :, 2] = 0.0, 99.0
    try:
        tasks = mf.from_arrays(gone_p, gone_r)
    except ValueError:
        pytest.skip("rows of zeros are not accepted yet")
    best, right = mf.policy_iteration(tasks, 0.9), mf.policy_iteration(there, 0.9)
    assert_same_bits(best.policy, right.policy)
    np.testing.assert_allclose(best.values, right.values, rtol=1e-14)
    assert np.isneginf(best.q_values[:, :, 2]).all()


@pytest.mark.parametrize("states", [7, 33])
def test_relabelled_states_have_the_same_policy(states):
    tasks = mf.TaskDistribution(states, 3).sample(12, rng=4).materialise()
    p, r = np.asarray(tasks.transitions), np.asarray(tasks.rewards)
    order = np.random.default_rng(1).permutation(states)
    other = mf.from_arrays(p[:, order][:, :, :, order], r[:, order])
    for discount in (0.9, 1 - 1e-6):
        best, renamed = mf.policy_iteration(tasks, discount), mf.policy_iteration(other, discount)
        assert_same_bits(renamed.policy, best.policy[:, order])
        np.testing.assert_allclose(renamed.values, best.values[:, order], rtol=1e-12)


@pytest.mark.parametrize("states", [6, 40])
def test_quantecon_finds_the_same(states):
    markov = pytest.importorskip("quantecon.markov")
    tasks = mf.TaskDistribution(states, 4).sample(3, rng=5)
    best = mf.policy_iteration(tasks, 0.99)
    for i, task in enumerate(tasks):
        peer = markov.DiscreteDP(task.rewards, task.transitions, 0.99).solve(method="policy_iteration")
        np.testing.assert_allclose(best.values[i], peer.v, rtol=1e-10)
        assert (best.policy[i] == peer.sigma).all()


def test_every_planner_is_within_its_tolerance_of_quantecon_on_200_tasks():
    """Half of them dense, half with two next states a pair, which quantecon gets as sparse rows."""
    markov, sparse = pytest.importorskip("quantecon.markov"), pytest.importorskip("scipy.sparse")
    s, a, discount, tolerance = 12, 3, 0.95, 1e-9
    dense = mf.TaskDistribution(s, a).sample(100, rng=0)
    few = mf.TaskDistribution(s, a, mf.Garnet(2)).sample(100, rng=1)
    pairs = np.repeat(np.arange(s), a), np.tile(np.arange(a), s)
    for tasks in (dense, few):
        exact = np.empty((100, s))
        for i, (p, r) in enumerate(
            zip(np.asarray(tasks.transitions), np.asarray(tasks.rewards), strict=True)
        ):
            given = (r, p) if tasks is dense else (r.ravel(), sparse.csr_matrix(p.reshape(s * a, s)))
            model = markov.DiscreteDP(*given, discount, *(() if tasks is dense else pairs))
            exact[i] = model.solve(method="policy_iteration").v
        for found in (
            mf.policy_iteration(tasks, discount),
            mf.value_iteration(tasks, discount, tolerance=tolerance),
            mf.modified_policy_iteration(tasks, discount, tolerance=tolerance),
        ):
            error = np.abs(found.values - exact).max(axis=1)
            assert (error <= found.error_bound + 1e-12).all()
            assert (found.error_bound <= tolerance).all()


def test_progress_is_told_and_can_stop_the_work():
    told = []
    mf.policy_iteration(mf.TaskDistribution(10, 3).sample(500, rng=0), progress=lambda *n: told.append(n))
    assert told[-1] == (500, 500)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mf.policy_iteration(mf.TaskDistribution(700, 2).sample(1, rng=0), progress=stop)


@pytest.mark.parametrize("discount", [1 - 1e-7, 1 - 1e-9, 1 - 1e-10, 1 - 1e-12])
def test_gains_within_rounding_do_not_undo_others(discount):
    # Actions that tie but for the values' rounding, beside gains of 1: taken together they went in a circle.
    transitions = np.array(
        [
            [[0.5, 0.25, 0.25], [1, 0, 0], [1, 0, 0]],
            [[0, 0, 1], [0, 0.5, 0.5], [1, 0, 0]],
            [[0, 0, 1], [0, 0, 1], [0, 1, 0]],
        ]
    )
    rewards = np.array([[1, 0.5, 0.5], [0.5, 0, 0.5], [-0.5, 0.5, -0.5]])
    dense = mf.from_arrays(transitions, rewards, layout="sas")
    for tasks in (dense, mf.from_outcomes(dense.outcomes)):
        found = mf.policy_iteration(tasks, discount)
        np.testing.assert_array_equal(found.policy[0], [0, 2, 2])
        # The stationary shares of the states are 4, 2 and 1 of 7: rewards of 9 / 14 a step.
        np.testing.assert_allclose(found.values[0] * (1 - discount), 9 / 14, rtol=3e-7)
