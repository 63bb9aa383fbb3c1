"""RiverSwim: the published task, tasks around it, and its optimum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import metarl_fast as mf
from reference import LAYOUT, Model, make_stream, unit_53

VARIED = mf.RiverSwim(
    5,
    forward=mf.Uniform(0.2, 0.5),
    back=mf.Uniform(0.0, 0.3),
    first_forward=mf.Uniform(0.3, 0.9),
    last_back=mf.Uniform(0.1, 0.5),
    left_reward=mf.Uniform(0.0, 0.01),
    right_reward=mf.Uniform(-1.0, 1.0),
)
FAMILY = mf.RiverSwim
GOLDEN = {"river_swim": mf.RiverSwim(), "varied_rivers": VARIED}
ARGUMENTS = {
    "num_states": 3,
    "forward": 0.3,
    "back": mf.Uniform(0.0, 0.5),
    "first_forward": 0.6,
    "last_back": 0.4,
    "left_reward": 0.005,
    "right_reward": mf.Uniform(1.0, 2.0),
    "horizon": 5,
}
LEFT, RIGHT = 0, 1


def twin(family, key, task, segment=0):
    """A task of `RiverSwim`, in plain Python."""
    stream = make_stream(key, task, LAYOUT)

    def draw(number):
        low, high = (number.low, number.high) if isinstance(number, mf.Uniform) else (number, number)
        return low + (high - low) * unit_53(stream.next(), stream.companion)

    on, off = draw(family.forward), draw(family.back)
    on_from_first, off_last = draw(family.first_forward), draw(family.last_back)
    small, large = draw(family.left_reward), draw(family.right_reward)
    s = family.num_states
    probability, next_state, reward = np.zeros((s, 2, 3)), np.zeros((s, 2, 3), int), np.zeros((s, 2, 3))

    def write(state, action, *outcomes):
        for k, outcome in enumerate(outcomes):
            place = state, action, k
            probability[place], next_state[place], reward[place] = outcome

    for state in range(s):
        write(state, LEFT, (1.0, max(state - 1, 0), small if state == 0 else 0.0))
    write(0, RIGHT, (on_from_first, 1, 0.0), (1.0 - on_from_first, 0, 0.0))
    for state in range(1, s - 1):
        stay = max(0.0, 1.0 - (on + off))
        write(state, RIGHT, (on, state + 1, 0.0), (stay, state, 0.0), (off, state - 1, 0.0))
    write(s - 1, RIGHT, (1.0 - off_last, s - 1, large), (off_last, s - 2, large))
    return Model(probability, next_state, reward, np.zeros((s, 2, 3), bool), np.eye(s)[0])


def families():
    chances = st.sampled_from([0.0, 0.3, 0.5, mf.Uniform(0.0, 0.5), mf.Uniform(0.1, 0.4)])
    rewards = st.sampled_from([0.0, -1.5, mf.Uniform(-2.0, 3.0)])
    names = {name: chances for name in ("forward", "back", "first_forward", "last_back")}
    return st.builds(mf.RiverSwim, st.integers(2, 9), **names, left_reward=rewards, right_reward=rewards)


def test_the_defaults_are_the_published_task():
    tasks = mf.RiverSwim().sample(3, rng=0)
    assert tasks.horizon == 20
    left, right = tasks.transitions[1, :, LEFT], tasks.transitions[1, :, RIGHT]
    assert (left == np.eye(6)[[0, 0, 1, 2, 3, 4]]).all()
    expected = np.zeros((6, 6))
    expected[0, :2] = 0.4, 0.6
    for state in range(1, 5):
        expected[state, state - 1 : state + 2] = 0.05, 0.6, 0.35
    expected[5, 4:] = 0.4, 0.6
    np.testing.assert_allclose(right, expected, rtol=0, atol=1e-15)
    rewards = np.zeros((6, 2))
    rewards[0, LEFT], rewards[5, RIGHT] = 0.005, 1.0
    assert (tasks.rewards == rewards).all()
    assert (tasks.start == np.eye(6)[0]).all()


def test_each_number_is_uniform_and_independent_of_the_others():
    outcomes = VARIED.sample(4000, rng=0).outcomes
    p, r = outcomes["probability"], outcomes["reward"]
    numbers = {
        "forward": p[:, 2, RIGHT, 0],
        "back": p[:, 2, RIGHT, 2],
        "first_forward": p[:, 0, RIGHT, 0],
        "last_back": p[:, 4, RIGHT, 1],
        "left_reward": r[:, 0, LEFT, 0],
        "right_reward": r[:, 4, RIGHT, 0],
    }
    for name, drawn in numbers.items():
        law = getattr(VARIED, name)
        assert stats.kstest(drawn, stats.uniform(law.low, law.high - law.low).cdf).pvalue > 1e-4, name
    correlations = np.corrcoef(list(numbers.values()))
    assert np.abs(correlations - np.eye(6)).max() < 5 / np.sqrt(4000)


def test_swimming_right_is_the_optimum_and_earns_what_detailed_balance_says():
    """Always right the river is a chain of neighbours: pi(s) p(s, s + 1) = pi(s + 1) p(s + 1, s)."""
    tasks = mf.RiverSwim().sample(1, rng=0)
    on, off = [0.6, *[0.35] * 4], [*[0.05] * 4, 0.4]
    weights = np.cumprod([1.0, *(a / b for a, b in zip(on, off, strict=True))])
    gain = weights[-1] / weights.sum()
    discount = 1 - 1e-7
    best = mf.policy_iteration(tasks, discount)
    assert best.policy[0].tolist() == [RIGHT] * 6
    assert best.returns[0] * (1 - discount) == pytest.approx(gain, rel=1e-5)
    assert gain == pytest.approx(0.4286, abs=1e-4)


def test_twenty_steps_by_hand():
    p, r = np.zeros((6, 2, 6)), np.zeros((6, 2))
    for state in range(6):
        p[state, LEFT, max(state - 1, 0)] = 1.0
        p[state, RIGHT, state] = 0.6 if state else 0.4
        p[state, RIGHT, min(state + 1, 5)] += 0.0 if state == 5 else 0.35 if state else 0.6
        p[state, RIGHT, max(state - 1, 0)] += 0.4 if state == 5 else 0.05 if state else 0.0
    r[0, LEFT], r[5, RIGHT] = 0.005, 1.0
    values = np.zeros(6)
    for _ in range(20):
        values = (r + p @ values).max(axis=1)
    found = mf.backward_induction(mf.RiverSwim().sample(1, rng=0))
    np.testing.assert_allclose(found.values[0], values, rtol=1e-13)


def test_halves_are_other_rivers_where_two_numbers_vary():
    training, held_out = VARIED.split()
    a, b = (half.sample(50, rng=0).outcomes["probability"][:, 2, RIGHT, 0] for half in (training, held_out))
    assert not set(a) & set(b)
    with pytest.raises(ValueError, match="1 of this family's numbers vary"):
        mf.RiverSwim(forward=mf.Uniform(0.2, 0.4)).split()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"num_states": 1}, "num_states is 1"),
        ({"forward": 1.5}, "forward is 1.5"),
        ({"forward": mf.Uniform(0.2, 1.5)}, "an end of forward is 1.5"),
        ({"forward": 0.7, "back": mf.Uniform(0.1, 0.4)}, r"forward \+ back is up to 1.1"),
        ({"right_reward": float("nan")}, "right_reward is nan"),
        ({"horizon": 0}, "horizon is 0"),
    ],
)
def test_wrong_numbers_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.RiverSwim(**arguments)
