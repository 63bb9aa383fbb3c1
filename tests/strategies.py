"""Hypothesis strategies: learners, families, and tasks in memory beside the twin's view of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

import metarl_fast as mf
from metarl_fast.learners import TD_LEARNERS
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


def learners(s, a, kinds=TD_LEARNERS):
    """Learners of all rules with all behaviours, or of some."""
    return st.sampled_from(kinds).flatmap(lambda kind: learners_of(kind, s, a))


trace_kinds = st.sampled_from(["replacing", "accumulating"])
temperatures = st.sampled_from([1e-30, 0.05, 0.3, 1.0, 50.0])


def scheduled(name, numbers, decays, lowest):
    """Arguments that say what `name` is in each episode, in all forms there are."""
    decaying = {name: numbers, f"{name}_decay": decays, f"{name}_min": lowest}
    linear = st.builds(mf.Linear, numbers, numbers, st.integers(1, 4))
    listed = st.lists(numbers, min_size=1, max_size=4)
    return st.fixed_dictionaries(decaying) | st.fixed_dictionaries({name: linear | listed})


def tables_of_fractions(s, a):
    """A number for each pair, some of them 0 and 1."""
    rounded = st.builds(lambda seed: np.random.default_rng(seed).random((s, a)).round(1), seeds)
    return rounded.map(mf.Table)


@st.composite
def learners_of(draw, kind, s, a):
    more = {"trace_decay": draw(fractions), "trace_kind": draw(trace_kinds)}
    softmax = st.none() | scheduled(
        "temperature", temperatures, st.sampled_from([1.0, 0.5, 1e-3]), st.sampled_from([0.0, 0.2, 2.0])
    )
    return kind(
        s,
        a,
        learning_rate=draw(fractions | tables_of_fractions(s, a)),
        discount=draw(fractions),
        learning_rate_decay=draw(st.sampled_from([0.0, 0.5, 1.0, 1.7])),
        initial_q=draw(st.sampled_from([0.0, 1.0, -2.5])),
        initial_visits=draw(st.sampled_from([0, 0, 1, 2.5])),
        bonus=draw(st.sampled_from([0.0, 0.0, 0.5, 3.0])),
        bonus_episodes=draw(st.none() | st.integers(1, 5)),
        **draw(scheduled("epsilon", fractions, fractions, fractions)),
        **(draw(softmax) or {}),
        **(more if issubclass(kind, TraceLearner) else {}),
    )


def distributions(random, shape):
    """Rows that sum to 1, with many zeros, at the ends too."""
    weights = random.standard_gamma(0.5, shape) * (random.random(shape) < 0.6)
    empty = weights.sum(axis=-1) == 0
    weights[empty, random.integers(shape[-1], size=empty.sum())] = 1.0
    return weights / weights.sum(axis=-1, keepdims=True)


def rounded_normals(draw, random, shape):
    """Rewards; rounded ones include 0 and -0."""
    return np.round(random.normal(0.0, 2.0, shape), draw(st.sampled_from([0, 20])))


def models(tasks):
    """The twin's view of tasks in memory."""
    stored, n = tasks.recipe, len(tasks)
    lists = stored.next_state is not None
    terminal = np.broadcast_to(stored.terminal, (n, tasks.num_states)).astype(bool)
    start = np.broadcast_to(stored.start, (n, tasks.num_states))
    noise = np.broadcast_to(stored.reward_noise, n).tolist()
    return [
        Model(
            stored.probability[i],
            stored.next_state[i] if lists else None,
            stored.reward[i],
            stored.terminated[i].astype(bool) if lists else terminal[i],
            start[i],
            noise[i],
            terminal=terminal[i],
        )
        for i in range(n)
    ]


@st.composite
def missing_actions(draw, tasks):
    """The same tasks, in which some actions are not available in some states."""
    random = np.random.default_rng(draw(seeds))
    missing = random.random((len(tasks), tasks.num_states, tasks.num_actions)) < draw(
        st.sampled_from([0.1, 0.6, 1.0])
    )
    available = (tasks.recipe.probability != 0.0).any(axis=-1)
    kept = (available * random.random(missing.shape)).argmax(axis=-1)
    np.put_along_axis(missing, kept[..., None], False, axis=-1)
    missing &= np.broadcast_to(tasks.recipe.terminal, missing.shape[:2])[..., None] == 0
    probability = np.where(missing[..., None], 0.0, tasks.recipe.probability)
    return mf.Tasks(replace(tasks.recipe, probability=probability, masked=True))


@st.composite
def noise_of(draw, tasks):
    """The same tasks, with noise in some of them."""
    random = np.random.default_rng(draw(seeds))
    return mf.Tasks(replace(tasks.recipe, reward_noise=random.choice([0.0, 0.3, 2.0], len(tasks))))


@st.composite
def terminal_starts(draw, tasks):
    """The same tasks, in which episodes may start in a terminal state, or always do."""
    random = np.random.default_rng(draw(seeds))
    terminal = random.random((len(tasks), tasks.num_states)) < draw(st.sampled_from([0.3, 0.8]))
    start = distributions(random, terminal.shape)
    return mf.Tasks(replace(tasks.recipe, terminal=terminal.astype(np.uint8), start=start))


def varied(tasks):
    """The same tasks, or with other noise, without some actions, or with other starts."""
    return st.just(tasks) | noise_of(tasks) | missing_actions(tasks) | terminal_starts(tasks)


any_tasks = st.deferred(
    lambda: (dense_tasks() | outcome_tasks()).map(lambda found: found[0]).flatmap(varied).flatmap(varied)
)


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
    return tasks, models(tasks)


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
    return tasks, models(tasks)
