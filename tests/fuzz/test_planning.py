"""Random small tasks of every form against exact rational arithmetic: planning, evaluation, scores."""

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import metarl_fast as mf
from fuzz.campaign import examples

DISCOUNTS = st.sampled_from([0.0, 0.3, 0.5, 0.9, 0.99, 0.9999, 1.0 - 1e-6, 1.0 - 1e-9])
UNITS = st.sampled_from([1.0, 1e-9, 1e-100, 3e7, 1e100])


@st.composite
def tables(draw):
    """Outcome lists of one task, some with missing actions, and the task."""
    s, a = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    ends, missing = draw(st.sampled_from([0.0, 0.3])), draw(st.sampled_from([0.0, 0.4]))
    unit, integers = draw(UNITS), draw(st.booleans())
    table = {}
    for state in range(s):
        table[state] = {}
        kept = random.integers(a)
        for action in range(a):
            table[state][action] = []
            if action != kept and random.random() < missing:
                continue
            k = random.integers(1, 4)
            weights = np.diff(np.sort(np.r_[0, random.integers(0, 65, k - 1), 64])) / 64.0
            for p in weights:
                reward = float(random.integers(-2, 3)) if integers else random.normal()
                ended = bool(random.random() < ends)
                table[state][action].append((float(p), int(random.integers(s)), unit * reward, ended))
    return table, task_of(table)


def task_of(table):
    """The task of a table, started everywhere; no state is terminal only because nothing else enters it."""
    s = len(table)
    return mf.from_outcomes(table, start=np.full(s, 1 / s), terminal=np.zeros(s, bool))


def exact_values(table, policy, discount, magnitude=False):
    """v of a deterministic policy, v_s - discount sum_j p_sj v_j = r_s, by elimination in fractions."""
    s, gamma = len(table), Fraction(discount)
    rows = []
    for state in range(s):
        outcomes = table[state][policy[state]]
        row, right = [Fraction(0)] * s, Fraction(0)
        for p, following, reward, ended in outcomes:
            right += Fraction(p) * abs(Fraction(reward)) if magnitude else Fraction(p) * Fraction(reward)
            if not ended:
                row[following] -= gamma * Fraction(p)
        row[state] += 1
        rows.append([*row, right])
    for k in range(s):
        pivot = next(i for i in range(k, s) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(s):
            if i != k and rows[i][k]:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def policies(table):
    choices = [[a for a, outcomes in actions.items() if outcomes] for actions in table.values()]
    return [dict(enumerate(chosen)) for chosen in itertools.product(*choices)]


def close(found, right, scale):
    """Within some rounding errors of sums of this size."""
    return abs(Fraction(float(found)) - right) <= Fraction(1e-13) * scale + Fraction(2.0**-1070)


@examples(60)
@given(given_task=tables(), discount=DISCOUNTS)
def test_planners_and_evaluation_are_exact(given_task, discount):
    table, tasks = given_task
    found = mf.policy_iteration(tasks, discount)
    all_values = {tuple(p.values()): exact_values(table, p, discount) for p in policies(table)}
    sizes = {tuple(p.values()): exact_values(table, p, discount, magnitude=True) for p in policies(table)}
    for state in range(len(table)):
        best = max(values[state] for values in all_values.values())
        scale = max(size[state] for size in sizes.values())
        assert close(found.values[0, state], best, scale)
    chosen = tuple(int(a) for a in found.policy[0])
    evaluated = mf.policy_evaluation(tasks, found.policy, discount)
    for state in range(len(table)):
        assert close(evaluated.values[0, state], all_values[chosen][state], sizes[chosen][state])
        for action, outcomes in table[state].items():
            assert bool(outcomes) == bool(np.isfinite(found.q_values[0, state, action]))


@examples(60)
@given(given_task=tables(), discount=DISCOUNTS)
def test_scores_lie_between_random_and_optimal_whatever_the_unit(given_task, discount):
    table, tasks = given_task
    limits = mf.bounds(tasks, discount)
    best = mf.policy_iteration(tasks, discount)
    score = mf.score(tasks, best.policy, limits)
    assume(limits.learnable[0])
    assert score[0] == 1.0
    scaled = {
        s: {a: [(p, t, 2.0**-40 * r, e) for p, t, r, e in outcomes] for a, outcomes in actions.items()}
        for s, actions in table.items()
    }
    same = task_of(scaled)
    for policy in policies(table):
        chosen = np.array(list(policy.values()))
        here = mf.score(tasks, chosen, limits)
        there = mf.score(same, chosen, mf.bounds(same, discount))
        np.testing.assert_array_equal(here, there)
        assert here[0] <= 1.0
