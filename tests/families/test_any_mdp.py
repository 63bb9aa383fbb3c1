"""AnyMDP: banded dynamics, rewards of several parts, and that what is kept is worth learning."""

from __future__ import annotations

import functools
import math
import operator

import numpy as np
import pytest
from hypothesis import strategies as st

import metarl_fast as mf
from reference import (
    LAYOUT,
    Model,
    below,
    make_stream,
    normal_quantile,
    open_unit,
    portable_exp,
    portable_log,
    unit,
    unit_53,
)

FAMILY = mf.AnyMdp
GOLDEN_TASKS = {"any_mdp": mf.AnyMdp(12, 3)}
ARGUMENTS = {"num_states": 9, "num_actions": 2, "reward_noise": 0.1, "horizon": 20}


class Draws:
    """Numbers of a task, in the order in which the core draws them."""

    def __init__(self, stream):
        self.stream = stream

    def chance(self, p):
        return unit(self.stream.next()) < p

    def uniform(self, low, high):
        return low + (high - low) * unit_53(self.stream.next(), self.stream.companion)

    def normal(self):
        return normal_quantile(open_unit(self.stream.next()))

    def exponential(self, mean):
        return -mean * portable_log(open_unit(self.stream.next()))

    def between(self, low, high):
        return low + below(self.stream.next(), high - low)


def in_order(numbers):
    """Their sum, one after the other: Python's own compensates from 3.12 on."""
    return functools.reduce(operator.add, numbers, 0.0)


def starts_and_ends(draw, s):
    total = 0.0
    while total < 1e-10:
        weights = [max(draw.normal(), 0.0) for _ in range(3)]
        total = in_order(weights)
    start = [w / total for w in weights] + [0.0] * (s - 3)
    share = max(draw.uniform(-0.2, 0.4), 0.0)
    ends = [True] * s
    while sum(ends) >= share * s + 1.0:
        ends = [draw.chance(share) for _ in range(s)]
    ends = [end and not p for end, p in zip(ends, start, strict=True)]
    pits = [k for k in range(s - 1) if ends[k]]
    goal = draw.chance(0.3)
    return start, [*ends[:-1], goal], pits, goal


def band(draw, state, s, ends):
    back, leap = max(5, s // 2 + 1), max(3, s // 4 + 1)
    least, end = max(0, state - back), min(s, state + leap)
    first = draw.between(least, max(state - 4, least + 1))
    to = draw.between(min(s - 1, state + 2, end - 1), end)
    while to < s and sum(not ends[k] for k in range(state + 1, to)) < 2:
        to += 1
    return first, to


def rows_of(draw, state, s, a, first, to):
    """P[a, S] of a state: the base's share of each action."""
    base = [min(max(draw.normal(), 0.1), 1.0) for _ in range(first, to)]
    if first <= state < to:
        base[state - first] *= 0.0 if state == s - 1 else 0.5
    total = in_order(base)
    base = [w / total for w in base]
    centres = [draw.uniform(first - 1, to) for _ in range(a)]
    width = min(max(draw.exponential(1.0), 0.2), 1.6)
    rows, totals = np.zeros((a, s)), [0.0] * a
    for k in range(first, to):
        distances = [(c - k) * (c - k) for c in centres]
        weights = [portable_exp(-d / (width * width)) for d in distances]
        every = in_order(weights)
        if every < 1e-10:
            nearest = distances.index(min(distances))
            every += 1.0 - weights[nearest]
            weights[nearest] = 1.0
        for i in range(a):
            rows[i, k] = weights[i] / every * base[k - first]
            totals[i] += rows[i, k]
    return rows / np.array(totals)[:, None]


def small_turn(angle):
    sine = cosine = 1.0
    for n in range(16, 0, -2):
        sine = 1.0 - sine * (angle * angle) / (n * (n + 1))
        cosine = 1.0 - cosine * (angle * angle) / (n * (n - 1))
    return angle * sine, cosine


def potential_of(draw, s):
    potential = [0.0] * s
    if draw.chance(0.75):
        return potential
    height = draw.uniform(0.0, min(max(draw.exponential(1.0), 0.2), 5.0))
    waves = draw.between(1, 4)
    mean = height / math.sqrt(waves)
    for n in range(waves + 1):
        order = draw.between(1, 6) + draw.normal() if n else 0.0
        a = draw.normal() * draw.exponential(mean)
        b = draw.normal() * draw.exponential(mean)
        turn, at = small_turn(order / (2.0 * s)), (0.0, 1.0)
        for k in range(s):
            potential[k] += a * at[0] + b * at[1]
            at = at[0] * turn[1] + at[1] * turn[0], at[1] * turn[1] - at[0] * turn[0]
    return potential


def place_of(draw, s, ends):
    growth, grown, place = draw.exponential(0.2), 0.0, []
    for k in range(s):
        grown += (max(draw.normal(), 0.0) + (0.2 if k == s - 1 else 0.0)) * growth
        place.append(grown)
    crossed = draw.uniform(0.1 * grown, 0.9 * grown)
    return [0.0 if end else paid - crossed for end, paid in zip(ends, place, strict=True)]


def pairs_of(draw, s, a):
    spread = min(draw.exponential(0.05), 0.1)
    pays = np.zeros((s, a))
    for pair in np.ndindex(s, a):
        counts, z = draw.chance(0.3), draw.normal()
        pays[pair] = spread * z if counts else 0.0
    return pays


def candidate(draw, s, a):
    """A task that may be kept: (its rewards for given places, the parts)."""
    start, ends, pits, goal = starts_and_ends(draw, s)
    probability = np.zeros((s, a, s))
    for state in range(s):
        probability[state] = np.eye(s)[state]
        if not ends[state]:
            probability[state] = rows_of(draw, state, s, a, *band(draw, state, s, ends))
    potential, place, pairs = potential_of(draw, s), place_of(draw, s, ends), pairs_of(draw, s, a)
    z = 0.01 * draw.normal()
    step = min(z, 0.0) if goal else max(z, 0.0) if pits else 0.0
    phi, possible = np.array(potential), (probability > 0.0) & ~np.array(ends)[:, None, None]

    def written(place):
        reward = (phi[:, None] - phi)[:, None] + np.array(place) + pairs[:, :, None] + step
        next_state = np.broadcast_to(np.arange(s), (s, a, s))
        terminated = np.broadcast_to(np.array(ends), (s, a, s))
        reward = np.where(possible, reward, 0.0)
        return Model(probability, next_state, reward, terminated, np.array(start), terminal=np.array(ends))

    return written, place, pits, goal


def as_tasks(model):
    table = dict(
        probability=model.probability,
        next_state=model.next_state,
        reward=model.reward,
        terminated=model.terminated,
    )
    return mf.from_outcomes(table, start=model.start, terminal=model.terminal)


def settled(draw, written, place, pits, goal):
    """The task whose ends pay what they should, or None."""
    last, pit = len(place) - 1, 0.0
    place[last] += 1.0
    for _ in range(5):
        model = written(place)
        values = mf.policy_iteration(as_tasks(model), 0.99).values[0]
        above = pit - values[~model.terminal].min() + 1.0
        ahead = values[model.start > 0].max() - values[last - 1 if goal else last] + draw.uniform(2.0, 5.0)
        if above <= 0.0 and ahead <= 0.0:
            return model
        if above > 0.0 and pits:
            deeper = above + draw.uniform(1.0, 10.0)
            pit -= deeper
            for k in pits:
                place[k] -= deeper
        if ahead > 0.0:
            more = max(2.0 * ahead, draw.uniform(1.0, 10.0))
            place[last] += more if goal else (1.0 - 0.99) * more
    return None


def worth_learning(model):
    """The conditions under which a task is kept: (gains [starts], impurity [starts], entropy [starts])."""
    s, a = model.probability.shape[:2]
    tasks, discount, steps = as_tasks(model), 0.5 ** (1.0 / s), max(4 * s, 100)
    best = mf.policy_iteration(tasks, discount)
    random = mf.policy_evaluation(tasks, np.full((s, a), 1.0 / a), discount).values[0]
    later = np.where(model.terminated, 0.0, random)
    once = (model.probability * (model.reward + discount * later)).sum(axis=-1).max(axis=-1)
    starts = np.flatnonzero(model.start)
    gains = (best.values[0] - once)[starts] * (1.0 - discount) * steps
    chain = model.probability[np.arange(s), best.policy[0]]
    chain[model.terminal] = model.start
    p = np.linalg.matrix_power(chain, 2 ** (int(math.log2(steps)) + 1))[starts] + 1e-12
    return gains, 1.0 - (p * p).sum(axis=1), -(p * np.log(p)).sum(axis=1) / math.log(s)


def is_kept(model):
    gains, impurity, entropy = worth_learning(model)
    return (gains >= 2.0).all() and (impurity > 0.7).all() and (entropy > 0.5).all()


def twin(family, key, task, segment=0):
    """A task of `AnyMdp`, in plain Python but for planning, which has oracles of its own."""
    draw, model = Draws(make_stream(key, task, LAYOUT)), None
    while model is None or not is_kept(model):
        model = settled(draw, *candidate(draw, family.num_states, family.num_actions))
    model.reward_noise = family.reward_noise
    return model


def families():
    return st.builds(mf.AnyMdp, st.integers(10, 13), st.integers(2, 3))


def models(tasks):
    o = tasks.outcomes
    for k in range(len(tasks)):
        model = Model(
            *(o[n][k] for n in ("probability", "next_state", "reward", "terminated")), tasks.start[k]
        )
        model.terminal = tasks.terminal[k]
        yield model


def test_every_task_is_worth_learning():
    for model in models(mf.AnyMdp(16, 4).sample(25, rng=0)):
        assert is_kept(model)
        values = mf.policy_iteration(as_tasks(model), 0.99).values[0]
        goal = model.terminal[15]
        assert values[model.start > 0].max() + 2.0 <= values[14 if goal else 15]
        pits = np.flatnonzero(model.terminal[:15])
        if pits.size:
            left = ~model.terminal
            paid = model.reward[left][..., pits][model.probability[left][..., pits] > 0]
            assert np.median(paid) < values[left].min()


def test_dynamics_are_banded_and_ends_are_as_frequent_as_the_law_says():
    s = 24
    tasks = mf.AnyMdp(s, 3).sample(100, rng=1)
    o = tasks.outcomes
    assert (o["next_state"] == np.arange(s)).all()
    possible = (o["probability"] > 0).any(axis=2) & ~tasks.terminal[:, :, None]
    states = np.arange(s)
    back = states[:, None] - states
    assert not possible[:, back > s // 2 + 1].any()
    # A leap of S/4 states, and more only over pits.
    far = possible & (back < -(s // 4))
    assert far.mean() < 0.02
    np.testing.assert_allclose(o["probability"].sum(axis=-1), 1.0, atol=1e-12)
    assert not (tasks.terminal & (tasks.start > 0)).any()
    assert not tasks.start[:, 3:].any()
    assert 0.1 < tasks.terminal[:, -1].mean() < 0.6
    assert tasks.terminal[:, :-1].mean() < 0.2
    # Rewards are a sum of functions of (s, s') and (s, a).
    reward = np.ma.array(o["reward"], mask=o["probability"] == 0)
    moved = reward[:, :, 0] - reward[:, :, 1]
    assert (moved.max(axis=-1) - moved.min(axis=-1)).max() < 1e-9


def test_the_row_helps_and_renaming_takes_that_away():
    """The share of the variance of q* that tasks have in common, each task's values centred."""
    family = mf.AnyMdp(12, 3)
    shares = []
    for tasks in (family.sample(400, rng=0), mf.Permuted(family, actions=False).sample(400, rng=0)):
        q = mf.policy_iteration(tasks, 0.95).q_values.reshape(400, -1)
        q = q - q.mean(axis=1, keepdims=True)
        shares.append(q.mean(axis=0).var() / q.var())
    assert shares[0] > 0.05
    assert shares[1] < 0.01


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"num_states": 7}, "num_states is 7, expected at least 8"),
        ({"num_actions": 1}, "num_actions is 1"),
        ({"reward_noise": -1.0}, "reward_noise is -1"),
        ({"horizon": 0}, "horizon is 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        mf.AnyMdp(**arguments)
    assert mf.AnyMdp().horizon == 100
    assert mf.AnyMdp(64).horizon == 256
