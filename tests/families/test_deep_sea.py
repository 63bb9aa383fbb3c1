"""DeepSea: bsuite's numbers, and its cells' own names of actions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from reference import LAYOUT, Model, below, make_stream

FAMILY = mf.DeepSea
GOLDEN_TASKS = {"deep_sea": mf.DeepSea(4, stochastic=True)}
ARGUMENTS = {"size": 3, "stochastic": True, "mapped": True, "move_cost": 0.01}


def twin(family, key, task, segment=0):
    """A task of `DeepSea`, in plain Python."""
    n = family.size
    stream = make_stream(key, task, LAYOUT)
    shape = (n * n, 2, 2)
    probability, next_state, reward = np.zeros(shape), np.zeros(shape, int), np.zeros(shape)
    for row, column in np.ndindex(n, n):
        cell = row * n + column
        right = below(stream.next(), 2) if family.mapped else 1
        for action in range(2):
            goes_right, place = action == right, (cell, action)
            paid = float(goes_right and column == n - 1) - (family.move_cost / n if goes_right else 0.0)
            to = min(column + 1, n - 1) if goes_right else max(column - 1, 0)
            if row == n - 1:
                noise = float(family.stochastic and column in (0, n - 1))
                probability[place], next_state[place] = [0.5, 0.5], cell
                reward[place] = paid + noise, paid - noise
                continue
            fails = 1.0 / n if goes_right and family.stochastic else 0.0
            probability[place], reward[place] = [1.0 - fails, fails], paid
            next_state[place] = (row + 1) * n + to, (row + 1) * n + column
    terminated = np.zeros((n, n, 2, 2), bool)
    terminated[-1] = True
    return Model(probability, next_state, reward, terminated.reshape(shape), np.eye(n * n)[0])


def families():
    return st.builds(
        mf.DeepSea, st.integers(1, 6), st.booleans(), st.booleans(), st.sampled_from([0.01, -1.0])
    )


def test_the_optimum_is_bsuites():
    best = mf.backward_induction(mf.DeepSea(10).sample(20, rng=0))
    np.testing.assert_allclose(best.returns, 0.99, rtol=1e-12)
    # Where right may fail: (1 - 1/N)^(N - 1) - 0.01 of going right whatever happens; who gives up after a
    # failure saves what is left of the cost.
    found = mf.backward_induction(mf.DeepSea(10, stochastic=True).sample(3, rng=0)).returns
    always = 0.9**9 - 0.01
    assert (found > always).all()
    assert (found < always + 0.01).all()


def test_acting_at_random_finds_the_treasure_once_in_two_to_the_n():
    tasks = mf.DeepSea(8).sample(5, rng=0)
    uniform = np.full((64, 2), 0.5)
    random = mf.policy_evaluation(tasks, uniform, 1.0, horizon=8).returns
    np.testing.assert_allclose(random, 2.0**-8 - 0.005, rtol=1e-12)


def test_every_cell_has_its_own_names():
    policy = mf.backward_induction(mf.DeepSea(10).sample(2000, rng=0)).policy
    right = np.stack([policy[:, t, t * 10 + t] for t in range(10)])
    assert stats.chisquare(right.sum(axis=1), axis=None).pvalue > 1e-4
    correlation = np.corrcoef(right)
    assert np.abs(correlation - np.eye(10)).max() < 5 / np.sqrt(2000)
    plain = mf.backward_induction(mf.DeepSea(10, mapped=False).sample(1)).policy[0]
    assert [plain[t, t * 11] for t in range(10)] == [1] * 10


def test_halves_need_enough_cells():
    training, held_out = mf.DeepSea(8).split()
    a, b = (half.sample(30, rng=0).rewards.reshape(30, -1) for half in (training, held_out))
    assert not set(map(tuple, a)) & set(map(tuple, b))
    for few in (mf.DeepSea(5), mf.DeepSea(10, mapped=False)):
        with pytest.raises(ValueError, match="different tasks, so few"):
            few.split()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"size": 0}, ValueError, "size is 0"),
        ({"stochastic": 1}, TypeError, "stochastic is 1"),
        ({"move_cost": float("nan")}, ValueError, "move_cost is nan"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        mf.DeepSea(**arguments)
