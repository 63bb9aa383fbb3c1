"""Exact policy gradients: linear algebra by NumPy, differences of exact values, cases by hand."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

RANDOM = np.random.default_rng(0)


def softmax(h):
    weights = np.exp(h - h.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def oracle(task, h, discount):
    """(J, dJ / dh) by dense solves, from Sutton and others' theorem."""
    pi, going = softmax(h), ~task.terminal
    rows = np.einsum("sa,sax->sx", pi, task.transitions) * going[:, None] * going
    system = np.eye(len(h)) - discount * rows
    values = np.linalg.solve(system, (pi * task.rewards).sum(axis=1) * going)
    visits = np.linalg.solve(system.T, task.start * going)
    q = task.rewards + discount * task.transitions @ (values * going)
    return task.start @ values, visits[:, None] * pi * (q - values[:, None]) * going[:, None]


def random_tasks(n, s, a, *, masked=False):
    rows = RANDOM.dirichlet(np.full(s, 0.5), (n, s, a))
    terminal = np.arange(s) == s - 1
    if masked:
        rows[:, 1:, 0] = 0.0
    return mf.from_arrays(
        rows, RANDOM.normal(size=(n, s, a)), terminal=terminal, start=RANDOM.dirichlet(np.ones(s))
    )


@pytest.mark.parametrize("discount", [0.0, 0.9, 0.999, 1.0])
def test_it_is_the_policy_gradient_theorem(discount):
    tasks = random_tasks(20, 7, 3)
    h = RANDOM.normal(size=(20, 7, 3))
    found = mf.policy_gradient(tasks, h, discount, horizon=np.inf)
    exact = [oracle(task, own, discount) for task, own in zip(tasks, h, strict=True)]
    np.testing.assert_allclose(found.returns, [j for j, _ in exact], rtol=1e-10)
    scale = max(np.abs(g).max() for _, g in exact)
    np.testing.assert_allclose(found.gradient, [g for _, g in exact], rtol=1e-9, atol=1e-12 * scale)
    assert (found.gradient.sum(axis=2) < 1e-11 * scale).all()  # a constant in a row moves nothing
    assert found.product is None


CASES = {
    "for ever": (lambda: random_tasks(6, 6, 3), {"discount": 0.95, "horizon": np.inf}),
    "until it ends": (lambda: random_tasks(6, 6, 3), {"discount": 1.0, "horizon": np.inf}),
    "missing": (lambda: random_tasks(6, 6, 3, masked=True), {"discount": 0.9, "horizon": np.inf}),
    "missing, steps": (lambda: random_tasks(6, 6, 3, masked=True), {"discount": 0.9, "horizon": 5}),
    "steps": (lambda: random_tasks(6, 6, 3), {"horizon": [1, 2, 3, 5, 8, 13]}),
    "grid": (lambda: mf.GoalGrid(4, slip=0.2, start=None).sample(3, rng=0), {"discount": 0.95}),
    "grid, steps": (lambda: mf.GoalGrid(4, slip=0.2).sample(3, rng=0), {"horizon": 12}),
    "huge rewards": (
        lambda: mf.from_arrays(np.full((2, 4, 2, 4), 0.25), 1e300 * RANDOM.normal(size=(2, 4, 2))),
        {"discount": 0.9},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_how_exact_returns_move(case):
    """J is what `policy_evaluation` says; gradient and Hessian product are its differences along lines."""
    make, criterion = CASES[case]
    tasks = make()
    size = len(tasks), tasks.num_states, tasks.num_actions
    h, u, w = (RANDOM.normal(size=size) for _ in range(3))
    found = mf.policy_gradient(tasks, h, direction=u, **criterion)
    there = tasks.available

    def policy(shift):
        return softmax(np.where(there, h + shift, -np.inf))

    def returns(shift):
        return mf.policy_evaluation(tasks, policy(shift), **criterion).returns

    def gradient(shift):
        return mf.policy_gradient(tasks, h + shift, **criterion).gradient

    np.testing.assert_allclose(found.returns, returns(0.0), rtol=1e-12)
    assert (found.gradient[~there] == 0.0).all()
    assert (found.product[~there] == 0.0).all()
    scale = np.abs(found.returns).max() + np.abs(found.product).max()
    slope = (returns(1e-5 * w) - returns(-1e-5 * w)) / 2e-5
    np.testing.assert_allclose((found.gradient * w).sum(axis=(1, 2)), slope, rtol=1e-7, atol=1e-9 * scale)
    turn = (gradient(1e-5 * u) - gradient(-1e-5 * u)) / 2e-5
    np.testing.assert_allclose(found.product, turn, rtol=1e-6, atol=1e-8 * scale)
    # The Hessian is symmetric.
    other = mf.policy_gradient(tasks, h, direction=w, **criterion).product
    both = (found.product * w).sum(axis=(1, 2)), (other * u).sum(axis=(1, 2))
    np.testing.assert_allclose(*both, rtol=1e-9, atol=1e-11 * scale)


def test_a_bandit_by_hand():
    """J = sum_a pi(a) r(a), dJ / dh(a) = pi(a) (r(a) - J)."""
    task = mf.from_arrays(np.ones((1, 3, 1)), [[1.0, 2.0, 4.0]])
    found = mf.policy_gradient(task, np.log([[0.5, 0.25, 0.25]]), horizon=1)
    np.testing.assert_allclose(found.returns, 2.0, rtol=1e-14)
    np.testing.assert_allclose(found.gradient, [[[-0.5, 0.0, 0.5]]], atol=1e-15)


def test_one_table_is_for_all_tasks_and_threads_do_not_matter():
    tasks = mf.GoalGrid(4).sample(40, rng=0)
    h, u = RANDOM.normal(size=(16, 4)), RANDOM.normal(size=(16, 4))
    one = mf.policy_gradient(tasks, mf.Table(h), direction=u, num_threads=1)
    for horizon in (None, 6):
        one = mf.policy_gradient(tasks, mf.Table(h), direction=u, horizon=horizon, num_threads=1)
        same = mf.policy_gradient(
            tasks.materialise(), np.tile(h, (40, 1, 1)), direction=u, horizon=horizon, num_threads=3
        )
        for name in ("returns", "gradient", "product"):
            assert_same_bits(getattr(one, name), getattr(same, name))


def test_climbing_it_finds_the_optimum():
    tasks = mf.GoalGrid(3).sample(5, rng=0)
    h = np.zeros((5, 9, 4))
    for _ in range(300):
        h += 20.0 * mf.policy_gradient(tasks, h, 0.9).gradient
    best = mf.policy_iteration(tasks, 0.9)
    assert (mf.policy_gradient(tasks, h, 0.9).returns > 0.98 * best.returns).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"discount": 1.0, "horizon": np.inf}, ValueError, r"task 0 may go on for ever in state \d: give"),
        ({"preferences": np.zeros((3, 2))}, ValueError, r"preferences has shape \(3, 2\)"),
        ({"direction": np.zeros((2, 2, 2))}, ValueError, r"direction has shape \(2, 2, 2\)"),
        ({"direction": np.full((2, 2), np.nan)}, ValueError, r"direction\[0, 0\] is nan"),
        ({"preferences": np.full((2, 2), -np.inf)}, ValueError, "preferences.* is -inf"),
    ],
)
def test_what_is_wrong_is_named(arguments, error, message):
    tasks = mf.TaskDistribution(2, 2).sample(3, rng=0)
    with pytest.raises(error, match=message):
        mf.policy_gradient(**{"tasks": tasks, "preferences": np.zeros((2, 2)), **arguments})


def test_a_state_without_an_action_that_is_taken_is_refused():
    tasks = random_tasks(1, 3, 2, masked=True)
    with pytest.raises(ValueError, match="task 0 has state 1, in which the preference of every available"):
        mf.policy_gradient(tasks, np.array([[0.0, 0.0], [0.0, -np.inf], [0.0, 0.0]]))


def test_a_softmax_of_preferences_as_far_apart_as_doubles_go_is_quiet():
    found = mf.softmax_policy([[1e308, -1e308], [0.0, -np.inf], [1e308, 1e308]])
    np.testing.assert_array_equal(found, [[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
