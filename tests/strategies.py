"""Hypothesis strategies: learners, families, and tasks in memory beside the twin's view of them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

import metarl_fast as mf
from metarl_fast.config import LEARNERS
from metarl_fast.learners.traces import TraceLearner
from reference import Model

seeds = st.integers(0, 2**32)
fractions = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]) | st.floats(0.0, 1.0)
# Around the widths at which the kernel's rows change their form.
num_states = st.sampled_from([1, 2, 4, 5, 8, 9, 16, 17, 33]) | st.integers(1, 40)
small_states = st.integers(1, 9)
num_actions = st.sampled_from([1, 2, 4, 5, 8, 9, 17]) | st.integers(1, 11)
num_outcomes = st.sampled_from([1, 2, 4, 5, 8, 9, 16, 17]) | st.integers(1, 20)
# Around the number of tasks that run side by side.
num_tasks = st.sampled_from([1, 15, 16, 17, 31, 32, 33, 70])
few_tasks = st.sampled_from([1, 2, 17, 33])


def learners(s, a, kinds=LEARNERS):
    """Learners of all rules with all behaviours, or of some."""
    return st.sampled_from(kinds).flatmap(lambda kind: learners_of(kind, s, a))


def learners_of(kind, s, a):
    traces = {"trace_decay": fractions} if issubclass(kind, TraceLearner) else {}
    return st.builds(
        kind,
        st.just(s),
        st.just(a),
        learning_rate=fractions,
        discount=fractions,
        epsilon=fractions,
        epsilon_decay=fractions,
        epsilon_min=fractions,
        learning_rate_decay=st.sampled_from([0.0, 0.5, 1.0, 1.7]),
        initial_q=st.sampled_from([0.0, 1.0, -2.5]),
        bonus=st.sampled_from([0.0, 0.0, 0.5, 3.0]),
        temperature=st.none() | st.sampled_from([1e-30, 0.05, 0.3, 1.0, 50.0]),
        temperature_decay=st.sampled_from([1.0, 0.5, 1e-3]),
        temperature_min=st.sampled_from([0.0, 0.2, 2.0]),
        **traces,
    )


def random_mdps(states=num_states, actions=num_actions):
    reward_laws = st.sampled_from([mf.Uniform(), mf.Uniform(-3, 7), mf.Normal(1, 1), mf.Fixed(0.3)])

    def with_states(s):
        laws = st.one_of(
            st.just(mf.Uniform()),
            st.builds(mf.Dirichlet, st.sampled_from([0.01, 0.5, 1.0, 30.0])),
            st.builds(mf.Garnet, st.integers(1, s)),
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


@st.composite
def goal_grids(draw, max_side=6):
    height, width = draw(st.tuples(st.integers(1, max_side), st.integers(2, max_side)))
    cells = [(row, column) for row in range(height) for column in range(width)]
    start, *goals = draw(st.permutations(cells))
    weights = draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=len(goals), max_size=len(goals)))
    grid = mf.GoalGrid(
        (height, width),
        slip=draw(st.sampled_from([0.0, 0.2, 1.0])),
        goals=draw(st.just(mf.Anywhere()) | st.just(mf.Cells(tuple(goals), tuple(weights)))),
        start=draw(st.none() | st.just(start)),
        goal_reward=draw(st.sampled_from([1.0, -0.5])),
        step_reward=draw(st.sampled_from([0.0, -0.1])),
    )
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9]))
    try:
        return replace(grid, wall_density=density)
    except ValueError as refusal:  # no room for a way: as many walls as there may be
        return replace(grid, wall_density=float(re.search(r"at most (\S+):", str(refusal))[1]))


def distributions(random, shape):
    """Rows that sum to 1, with many zeros, at the ends too."""
    weights = random.standard_gamma(0.5, shape) * (random.random(shape) < 0.6)
    empty = weights.sum(axis=-1) == 0
    weights[empty, random.integers(shape[-1], size=empty.sum())] = 1.0
    return weights / weights.sum(axis=-1, keepdims=True)


def rounded_normals(draw, random, shape):
    """Rewards; rounded ones include 0 and -0."""
    return np.round(random.normal(0.0, 2.0, shape), draw(st.sampled_from([0, 20])))


@st.composite
def dense_tasks(draw, states=num_states, actions=num_actions, count=few_tasks, noise=True):
    """(tasks from arrays, their models)."""
    n, s, a, random = draw(count), draw(states), draw(actions), np.random.default_rng(draw(seeds))
    transitions = distributions(random, (n, s, a, s))
    rewards = rounded_normals(draw, random, (n, s, a))
    terminal = random.random((n, s)) < draw(st.sampled_from([0.0, 0.3]))
    start = distributions(random, (n, s))
    sigma = draw(st.sampled_from([0.0, 0.7])) if noise else 0.0
    tasks = mf.from_arrays(
        transitions, rewards[..., None], start=start, terminal=terminal, reward_noise=sigma
    )
    # As the tasks have them: nothing is done in terminal states.
    arrays = (tasks.transitions, [None] * n, tasks.rewards, tasks.terminal, tasks.start)
    models = [Model(*task, sigma) for task in zip(*arrays, strict=True)]
    return tasks, models


@st.composite
def outcome_tasks(
    draw, states=small_states, actions=num_actions, count=few_tasks, outcomes=num_outcomes, noise=True
):
    """(tasks from outcome lists, their models).

    Next states repeat, termination is on the edge, lists have unequal lengths.
    """
    n, s, a, k = draw(count), draw(states), draw(actions), draw(outcomes)
    random = np.random.default_rng(draw(seeds))
    probability = distributions(random, (n, s, a, k))
    next_state = random.integers(s, size=(n, s, a, k))
    reward = rounded_normals(draw, random, (n, s, a, k))
    terminated = random.random((n, s, a, k)) < draw(st.sampled_from([0.0, 0.2]))
    start = distributions(random, (n, s))
    sigma = draw(st.sampled_from([0.0, 0.7])) if noise else 0.0

    def listed(*where):
        used = np.flatnonzero(probability[where])[-1] + 1
        columns = (values[where][:used].tolist() for values in (probability, next_state, reward, terminated))
        return list(zip(*columns, strict=True))

    tables = [{i: {j: listed(task, i, j) for j in range(a)} for i in range(s)} for task in range(n)]
    tasks = mf.from_outcomes(tables, start=start, reward_noise=sigma)
    # As the tasks have them: nothing is done in terminal states.
    arrays = (*(tasks.outcomes[name] for name in tasks.outcomes), tasks.start)
    return tasks, [Model(*task, sigma) for task in zip(*arrays, strict=True)]
