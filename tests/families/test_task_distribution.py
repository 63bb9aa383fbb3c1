"""Independent random MDPs: the laws of rows, rewards and starts."""

from __future__ import annotations

import dataclasses
import math
from bisect import insort
from itertools import combinations

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import fresh_process
import metarl_fast as mf
import strategies
from bits import assert_same_bits
from reference import (
    REWARDS,
    TRANSITIONS,
    Model,
    Stream,
    below,
    indexed,
    make_index_key,
    make_key,
    make_stream,
    normal_quantile,
    open_unit,
    portable_exp,
    portable_log,
    unit,
)

FAMILY = mf.TaskDistribution
ARGUMENTS = {
    "num_states": 3,
    "num_actions": 2,
    "transitions": mf.Dirichlet(0.5),
    "rewards": mf.Normal(),
    "start": 0,
    "reward_noise": 0.1,
    "horizon": 3,
}
GOLDEN = {
    "uniform": mf.TaskDistribution(10, 5),
    "dirichlet": mf.TaskDistribution(
        7, 3, mf.Dirichlet(0.4), mf.Normal(1, 1), start=mf.Uniform(), reward_noise=1.0
    ),
    "garnet": mf.TaskDistribution(30, 4, mf.Garnet(6), mf.Uniform(-1, 1)),
    "long_rows": mf.TaskDistribution(270, 2),
    "many_actions": mf.TaskDistribution(5, 19, transitions=mf.Dirichlet(2.0)),
}
GOLDEN_TASKS = {
    "garnet_by_pair": mf.TaskDistribution(30, 4, mf.Garnet(6, by_pair=True), mf.Uniform(-1, 1)),
}
LAWS = [
    mf.Uniform(),
    mf.Dirichlet(1.0),
    mf.Dirichlet(1e-3),
    mf.Dirichlet(1e9),
    mf.Garnet(1),
    mf.Garnet(4),
    mf.Garnet(9),
    mf.Garnet(4, by_pair=True),
]


# --- the twin ----------------------------------------------------------------------------------------------


def log_gamma_variate(stream, shape):
    log_boost = 0.0
    if shape < 1.0:
        log_boost = portable_log(open_unit(stream.next())) / shape
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal_quantile(open_unit(stream.next()))
        u = open_unit(stream.next())
        root = 1.0 + c * x
        if root <= 0.0:
            continue
        v = root * root * root
        log_v = portable_log(v)
        if portable_log(u) < 0.5 * x * x + d - d * v + d * log_v:
            return portable_log(d) + log_v + log_boost


LONGEST_UNIFORM_ROW = 64


def uniform_weights(key, pair, states):
    return [indexed(key, pair, k) >> 8 for k in range(states)]


def normalised(weights):
    """Integer weights as probabilities; without any, the first state is certain."""
    if not any(weights):
        weights = [1, *weights[1:]]
    scale = 1.0 / sum(weights)
    return [w * scale for w in weights]


def dirichlet_row(stream, states, alpha):
    logs = [log_gamma_variate(stream, alpha) for _ in range(states)]
    weights = [portable_exp(x - max(logs)) for x in logs]
    total = 0.0
    for w in weights:
        total += w
    return [w / total for w in weights]


def garnet_row(stream, states, branching):
    """(probabilities, next states)."""
    chosen = []
    for limit in range(states - branching, states):
        candidate = below(stream.next(), limit + 1)
        insort(chosen, limit if candidate in chosen else candidate)
    cuts = sorted(unit(stream.next()) for _ in range(branching - 1))
    return [high - low for low, high in zip([0.0, *cuts], [*cuts, 1.0], strict=True)], chosen


def stream_of_pair(key, pair):
    words = [indexed(key, pair, k) for k in range(4)]
    return Stream([words[0] | 1, *words[1:]])


def draw_reward(key, law, state, action, actions):
    x = indexed(key, 0, state * actions + action)
    if hasattr(law, "std"):
        return law.mean + law.std * normal_quantile(open_unit(x))
    if hasattr(law, "low"):
        return law.low + (law.high - law.low) * unit(x)
    return law.values if np.ndim(law.values) == 0 else law.values[state][action]


def twin(family, key, task, segment=0):
    """A task of `TaskDistribution`, in plain Python."""
    s, a = family.num_states, family.num_actions
    law = family.transitions
    stream = make_stream(key, task, TRANSITIONS)
    reward_key = make_index_key(key, task, REWARDS)
    reward = np.array(
        [[draw_reward(reward_key, family.rewards, i, j, a) for j in range(a)] for i in range(s)], float
    )
    start = family.start
    if hasattr(start, "low"):
        start = np.full(s, 1.0 / s)
    elif np.ndim(start) == 0:
        start = np.eye(s)[start]
    if hasattr(law, "branching"):
        of_pairs = make_index_key(key, task, TRANSITIONS)
        streams = [stream_of_pair(of_pairs, pair) if law.by_pair else stream for pair in range(s * a)]
        rows = [garnet_row(of_pair, s, law.branching) for of_pair in streams]
        shape = (s, a, law.branching)
        probability, next_state = (np.reshape(column, shape) for column in zip(*rows, strict=True))
        reward = np.repeat(reward[..., None], law.branching, axis=-1)
        return Model(probability, next_state, reward, np.zeros(shape, bool), start, family.reward_noise)
    terminated = np.zeros(s, bool)
    if hasattr(law, "alpha"):
        rows = [dirichlet_row(stream, s, law.alpha) for _ in range(s * a)]
        return Model(np.reshape(rows, (s, a, s)), None, reward, terminated, start, family.reward_noise)
    weight_key = make_index_key(key, task, TRANSITIONS)
    weights = [[uniform_weights(weight_key, i * a + j, s) for j in range(a)] for i in range(s)]
    probability = np.array([[normalised(row) for row in rows] for rows in weights])
    by_rejection = weights if s > LONGEST_UNIFORM_ROW else None
    return Model(probability, None, reward, terminated, start, family.reward_noise, by_rejection)


def families(states=strategies.num_states, actions=strategies.num_actions):
    reward_laws = st.sampled_from([mf.Uniform(), mf.Uniform(-3, 7), mf.Normal(1, 1), mf.Fixed(0.3)])

    def with_states(s):
        laws = st.one_of(
            st.just(mf.Uniform()),
            st.builds(mf.Dirichlet, st.sampled_from([0.01, 0.5, 1.0, 30.0])),
            st.builds(mf.Garnet, st.integers(1, s), st.booleans()),
        )
        return st.builds(
            mf.TaskDistribution,
            st.just(s),
            actions,
            transitions=laws,
            rewards=reward_laws,
            start=st.just(mf.Uniform()) | st.integers(0, s - 1),
            reward_noise=st.sampled_from([0.0, 0.0, 0.7]),
        )

    return states.flatmap(with_states)


# --- the law -----------------------------------------------------------------------------------------------


def first_rows(family, num_tasks=4000, rng=0):
    """One row a task, so that all are independent."""
    return family.sample(num_tasks, rng=rng).outcomes["probability"][:, 0, 0]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_rows_are_distributions(law):
    rows = mf.TaskDistribution(9, 5, transitions=law).sample(50, rng=0).transitions
    assert (rows >= 0).all()
    np.testing.assert_allclose(rows.sum(axis=-1), 1.0, atol=1e-14)


@pytest.mark.parametrize("law", [mf.Uniform(), mf.Dirichlet(1.0), mf.Garnet(1000)], ids=str)
def test_long_rows_are_distributions(law):
    rows = mf.TaskDistribution(1000, 1, transitions=law).sample(1, rng=0).outcomes["probability"]
    np.testing.assert_allclose(rows.sum(axis=-1), 1.0, atol=1e-12)


def test_uniform_rows_are_normalised_uniform_weights():
    weights = np.random.default_rng(0).random((20_000, 5))
    expected = weights / weights.sum(axis=1, keepdims=True)
    rows = first_rows(mf.TaskDistribution(5, 2), 20_000)
    for k in range(5):
        assert stats.ks_2samp(rows[:, k], expected[:, k]).pvalue > 1e-4


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0, 20.0])
def test_dirichlet_rows_have_beta_marginals(alpha):
    rows = first_rows(mf.TaskDistribution(4, 2, transitions=mf.Dirichlet(alpha)))
    for k in range(4):
        assert stats.kstest(rows[:, k], stats.beta(alpha, 3 * alpha).cdf).pvalue > 1e-4
    # Sums of entries have Beta marginals too, which no other dependence between them gives for every alpha.
    assert stats.kstest(rows[:, 0] + rows[:, 2], stats.beta(2 * alpha, 2 * alpha).cdf).pvalue > 1e-4


def test_a_tiny_dirichlet_parameter_gives_almost_deterministic_rows():
    rows = first_rows(mf.TaskDistribution(4, 2, transitions=mf.Dirichlet(1e-3)))
    assert (rows.max(axis=1) > 0.999).mean() > 0.97
    assert stats.chisquare(np.bincount(rows.argmax(axis=1), minlength=4)).pvalue > 1e-4


def test_garnet_next_states_are_distinct_and_in_order():
    outcomes = mf.TaskDistribution(12, 3, transitions=mf.Garnet(5)).sample(200, rng=0).outcomes
    assert (np.diff(outcomes["next_state"], axis=-1) > 0).all()
    assert outcomes["next_state"].min() == 0
    assert outcomes["next_state"].max() == 11
    assert (np.ptp(outcomes["reward"], axis=-1) == 0).all()


def test_garnet_subsets_are_equally_likely():
    next_states = (
        mf.TaskDistribution(6, 1, transitions=mf.Garnet(3)).sample(5000, rng=0).outcomes["next_state"]
    )
    subsets, counts = np.unique(next_states.reshape(-1, 3), axis=0, return_counts=True)
    assert [tuple(subset) for subset in subsets] == list(combinations(range(6), 3))
    assert stats.chisquare(counts).pvalue > 1e-4


def test_garnet_probabilities_are_gaps_between_uniform_cuts():
    rows = first_rows(mf.TaskDistribution(9, 1, transitions=mf.Garnet(4)))
    for k in range(4):
        assert stats.kstest(rows[:, k], stats.beta(1, 3).cdf).pvalue > 1e-4


def test_garnet_with_one_branch_is_deterministic_and_with_all_is_full():
    assert (first_rows(mf.TaskDistribution(9, 1, transitions=mf.Garnet(1)), 100) == 1.0).all()
    full = mf.TaskDistribution(9, 1, transitions=mf.Garnet(9)).sample(100, rng=0).outcomes["next_state"]
    assert (full == np.arange(9)).all()


@pytest.mark.parametrize(
    ("law", "cdf"),
    [
        (mf.Uniform(), stats.uniform(0, 1).cdf),
        (mf.Uniform(-3, 7), stats.uniform(-3, 10).cdf),
        (mf.Normal(1, 1), stats.norm(1, 1).cdf),
        (mf.Normal(-2, 0.1), stats.norm(-2, 0.1).cdf),
    ],
    ids=["uniform", "wide", "normal", "narrow"],
)
def test_rewards_follow_their_law(law, cdf):
    rewards = mf.TaskDistribution(5, 4, rewards=law).sample(1000, rng=0).rewards
    assert stats.kstest(rewards.ravel(), cdf).pvalue > 1e-4


def test_fixed_rewards_are_the_same_in_every_task():
    table = np.arange(6.0).reshape(3, 2)
    assert (mf.TaskDistribution(3, 2, rewards=mf.Fixed(table)).sample(4, rng=0).rewards == table).all()
    assert (mf.TaskDistribution(3, 2, rewards=mf.Fixed(2.5)).sample(4, rng=0).rewards == 2.5).all()


def test_rewards_do_not_depend_on_the_transition_law():
    # They have a stream of their own.
    first, *others = (mf.TaskDistribution(9, 2, transitions=law).sample(3, rng=0).rewards for law in LAWS)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-14)  # garnet: a mean over its outcomes


@pytest.mark.parametrize(
    ("start", "expected"),
    [(0, [1, 0, 0, 0]), (2, [0, 0, 1, 0]), (mf.Uniform(), [0.25] * 4), ([0.5, 0, 0, 0.5], [0.5, 0, 0, 0.5])],
)
def test_start(start, expected):
    tasks = mf.TaskDistribution(4, 2, start=start).sample(3, rng=0)
    assert tasks.start.tolist() == [expected] * 3


def test_starts_are_drawn_from_the_start_distribution():
    # Each state pays its own power of ten, and an episode is one step: returns tell where it began.
    p = [0.1, 0.0, 0.6, 0.3]
    rewards = mf.Fixed(10.0 ** np.arange(4)[:, None])
    tasks = mf.TaskDistribution(4, 1, rewards=rewards, start=p).sample(1, rng=0)
    returns = mf.train(mf.QLearning(4, 1), tasks, 10_000, 1, rng=0).returns[0]
    counts = [int((returns == 10.0**k).sum()) for k in range(4)]
    assert counts[1] == 0
    assert stats.chisquare(counts[:1] + counts[2:], 10_000 * np.array(p)[[0, 2, 3]]).pvalue > 1e-4


def test_horizon_and_noise_reach_the_tasks():
    tasks = mf.TaskDistribution(4, 2, reward_noise=0.3, horizon=17).sample(2, rng=0)
    assert (tasks.horizon, tasks.reward_noise) == (17, 0.3)
    assert mf.train(mf.QLearning(4, 2, learning_rate=0), tasks, 3, rng=0).returns.shape == (2, 3)


def test_next_states_are_drawn_as_often_as_the_row_says():
    # From one state; the state entered pays on the second step.
    row = np.array([0.05, 0.2, 0.0, 0.45, 0.3])
    transitions = np.tile(row, (5, 1, 1))
    tasks = mf.from_arrays(transitions, 10.0 ** np.arange(5)[:, None])
    returns = mf.train(mf.QLearning(5, 1), tasks, 20_000, 2, rng=0, dtype=np.float64).returns[0] - 1.0
    counts = np.array([(returns == 10.0**k).sum() for k in range(5)])
    assert counts[2] == 0
    assert stats.chisquare(counts[row > 0], 20_000 * row[row > 0]).pvalue > 1e-4


@pytest.mark.parametrize("form", [list, np.array], ids=["lists", "arrays"])
def test_values_may_be_given_as_lists_and_arrays(form):
    rewards, start = ((1.0, 2.0), (3.0, 4.0)), (0.25, 0.75)
    given = mf.TaskDistribution(2, 2, rewards=mf.Fixed(form(rewards)), start=form(start))
    expected = mf.TaskDistribution(2, 2, rewards=mf.Fixed(rewards), start=start)
    assert given == expected
    assert hash(given) == hash(expected)
    assert given != mf.TaskDistribution(2, 2, rewards=mf.Fixed(form(rewards)[::-1]), start=form(start))


def test_a_family_does_not_follow_later_changes_of_its_arrays():
    rewards, start = np.ones((2, 2)), np.array([0.5, 0.5])
    tasks = mf.TaskDistribution(2, 2, rewards=mf.Fixed(rewards), start=start).sample(3, rng=0)
    rewards[:], start[:] = 5.0, [1.0, 0.0]
    assert (tasks.rewards == 1.0).all()
    assert (tasks.start == 0.5).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mf.Normal(1e308, 1e308), r"abs\(mean\) \+ 7 \* std is inf"),
        (
            lambda: mf.TaskDistribution(2, 2, rewards=mf.Uniform(0.0, 1e308), reward_noise=1e308),
            "reward with 7 \\* reward_noise is inf",
        ),
        (lambda: mf.TaskDistribution(2, 2, rewards=mf.Fixed(1e308), reward_noise=1e308), "inf"),
        (lambda: mf.TaskDistribution(2, 2, reward_noise=1.7e308), "inf"),
        (lambda: mf.GoalGrid(3, goal_reward=1e308, step_reward=1e308), r"goal_reward \+ step_reward is inf"),
    ],
)
def test_rewards_that_may_overflow_are_refused_where_they_enter(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    largest = mf.TaskDistribution(50, 4, rewards=mf.Normal(0.0, 2.5e307)).sample(100, rng=0).rewards
    assert np.isfinite(largest).all()


@pytest.mark.parametrize("number", [np.uint8, np.int8, np.float32, np.float64])
def test_small_numbers_of_numpy_do_not_wrap(number):
    side = number(11) if np.issubdtype(number, np.integer) else 11
    assert mf.FrozenLakeMaps(side).horizon == 275
    assert mf.GoalGrid(side).horizon == 88
    assert mf.GoalGrid((side, side)).num_states == 121
    assert mf.TaskDistribution(side, side).num_states * side == 121
    laws = [
        mf.Uniform(number(-0), number(100)),
        mf.Normal(number(100), number(100)),
        mf.Dirichlet(number(100)),
    ]
    for law in laws:
        assert {type(value) for value in vars(law).values()} == {float}
    grid = mf.GoalGrid(5, goal_reward=number(100), step_reward=number(100), slip=number(1))
    assert grid.sample(1, rng=0).outcomes["reward"].max() == 200.0


def test_starts_are_normalised_once():
    family = mf.TaskDistribution(2, 2, start=(0.5, 0.500009))
    assert sum(family.start) == pytest.approx(1.0, abs=1e-15)
    assert dataclasses.replace(family) == family
    assert mf.TaskDistribution(3, 2, start=(0.1, 0.2, 0.7)).start == (0.1, 0.2, 0.7)


ENDLESS_AND_FEW = [
    (mf.TaskDistribution(4, 2), None),
    (mf.TaskDistribution(1, 3), None),
    (mf.TaskDistribution(1, 1), 2**32),
    (mf.TaskDistribution(1, 500, rewards=mf.Fixed(1.0)), 1),
    (mf.TaskDistribution(2, 2, mf.Garnet(1), mf.Fixed(0.0)), 16),
    (mf.TaskDistribution(2, 2, mf.Garnet(1), mf.Normal(1.0, 0.0)), 16),
    (mf.TaskDistribution(2, 2, mf.Garnet(1), mf.Uniform(1.0, 1.0)), 16),
    (mf.TaskDistribution(2, 2, mf.Garnet(1)), None),
    (mf.TaskDistribution(2, 2, mf.Garnet(2), mf.Fixed(0.0)), None),
    (mf.TaskDistribution(10, 5, mf.Garnet(1), mf.Fixed(0.0)), None),
    (mf.TaskDistribution(3, 2, mf.Dirichlet(0.01), mf.Fixed(0.0)), 3**6),
    (mf.TaskDistribution(3, 2, mf.Dirichlet(1.0), mf.Fixed(0.0)), None),
]


@pytest.mark.parametrize(("family", "different"), ENDLESS_AND_FEW, ids=repr)
def test_a_split_is_refused_where_its_parts_would_draw_the_same_tasks(family, different):
    if different is not None:
        with pytest.raises(ValueError, match=f"this family has about {different} different tasks"):
            family.split()
        return
    drawn = [part.sample(300, rng=0).outcomes for part in family.split()]
    tasks = {
        tuple(o[name][k].tobytes() for name in ("probability", "next_state", "reward"))
        for o in drawn
        for k in range(300)
    }
    assert len(tasks) == 600


# --- long rows, drawn from by rejection --------------------------------------------------------------------


def test_long_rows_equal_the_twin_in_memory_too():
    for states in (64, 65, 131):
        family = mf.TaskDistribution(states, 2, rewards=mf.Normal(1, 2))
        tasks = family.sample(3, rng=4)
        model = twin(family, make_key(4), 2)
        assert (model.weights is not None) == (states > 64) == tasks.core.by_rejection
        assert_same_bits(tasks.transitions[2], model.probability)
        stored = tasks.materialise()
        assert stored.core.by_rejection == tasks.core.by_rejection
        assert_same_bits(stored.transitions, tasks.transitions)
        assert_same_bits(stored[1:].transitions, tasks[1:].transitions)


def test_proposed_next_states_are_accepted_as_often_as_the_row_says():
    # From state 0 by its only action; the state entered pays its number on the second step.
    states = 80
    family = mf.TaskDistribution(states, 1, rewards=mf.Fixed(np.arange(states, dtype=float)[:, None]))
    tasks = family.sample(1, rng=0)
    returns = mf.train(mf.QLearning(states, 1), tasks, 200_000, 2, rng=0).returns[0]
    counts = np.bincount(returns.astype(int), minlength=states)
    assert stats.chisquare(counts, 200_000 * tasks.transitions[0, 0, 0]).pvalue > 1e-4


def test_a_million_states_learn_in_little_memory():
    printed = fresh_process.run(
        """
        import resource
        import metarl_fast as mf

        tasks = mf.TaskDistribution(1_000_000, 10).sample(1, rng=0)
        run = mf.train(mf.QLearning(1_000_000, 10), tasks, 100, 1000, rng=1, returns=False)
        print(int((run.q_table != 0).sum()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        """
    )
    visited, kilobytes = map(int, printed.split())
    # Most steps meet a new pair; a step back to the same state with the same action is rare.
    assert 60_000 < visited <= 100_000
    assert kilobytes < 1_000_000
    tasks = mf.TaskDistribution(1_000_000, 10).sample(1, rng=0)
    with pytest.raises(MemoryError, match="writing out probability"):
        _ = tasks.transitions
    with pytest.raises(MemoryError, match="1000000 states"):
        mf.value_iteration(tasks, 0.9)
    assert tasks.rewards.shape == (1, 1_000_000, 10)


# --- presets -----------------------------------------------------------------------------------------------


def test_presets_are_the_papers():
    rl2, rl3 = mf.TaskDistribution.rl2(), mf.TaskDistribution.rl3()
    assert rl2 == mf.TaskDistribution(
        10, 5, mf.Dirichlet(1), mf.Normal(1, 1), start=0, reward_noise=1, horizon=10
    )
    assert rl3 == dataclasses.replace(rl2, transitions=mf.Dirichlet(0.25))
    # The optimum of an episode of RL²'s is 21.8 on average.
    returns = mf.backward_induction(rl2.sample(1000, rng=0)).returns
    assert returns.mean() == pytest.approx(21.81, abs=0.2)
    garnet = mf.TaskDistribution.garnet(30, 4, 2, 0.1, horizon=30)
    assert (garnet.transitions, garnet.rewards, garnet.reward_noise) == (mf.Garnet(2), mf.Normal(0, 1), 0.1)
    assert (garnet.num_states, garnet.num_actions, garnet.horizon) == (30, 4, 30)
