"""Measure cards: against published shares, plain NumPy, and families of which the answer is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import metarl_fast as mf

NORMAL = {"rewards": mf.Normal(1, 1), "horizon": 10, "start": 0}


@pytest.mark.parametrize(
    ("transitions", "published"),
    [(mf.Uniform(), 0.007), (mf.Dirichlet(1.0), 0.018), (mf.Garnet(2), 0.128), (mf.Garnet(1), 0.207)],
    ids=str,
)
def test_the_planning_content_of_random_mdps_is_the_one_measured_elsewhere(transitions, published):
    """1,500 tasks a cell there: a percent or so either way."""
    card = mf.describe(mf.TaskDistribution(10, 5, transitions, **NORMAL))
    assert card.planning_content.value == pytest.approx(published, abs=0.015)
    assert card.planning_content.half_width <= 0.01
    # No table says anything of a further task where states and actions might as well be renamed.
    assert card.relatedness.value < 0.005
    assert card.policy_relatedness.value < 0.005


def plain(tasks, discount):
    """Relatedness of values and policies of tasks without terminal states, by plain NumPy."""
    q = mf.policy_iteration(tasks, discount).q_values
    n, _, a = q.shape
    values = q - q.mean(axis=(1, 2), keepdims=True)
    policies = (q == q.max(axis=2, keepdims=True)).astype(float)
    policies = policies / policies.sum(axis=2, keepdims=True) - 1 / a
    shares = []
    for table in (values, policies):
        total = (table**2).sum(axis=(1, 2)).mean()
        within = table.var(axis=0, ddof=1).sum()
        shares.append(((table.mean(axis=0) ** 2).sum() - within / n) / total)
    return shares


def test_relatedness_is_the_share_of_variance_in_common():
    base = mf.TaskDistribution(6, 3, mf.Dirichlet(0.5)).sample(1, rng=0)
    rng = np.random.default_rng(1)
    noise = 0.5 * rng.normal(size=(400, 6, 3))
    tasks = mf.from_arrays(np.repeat(base.transitions, 400, axis=0), base.rewards + noise)
    card = mf.describe(tasks)
    assert (card.relatedness.value, card.policy_relatedness.value) == pytest.approx(plain(tasks, 0.95))
    assert 0.1 < card.relatedness.value < 0.9


def test_tasks_that_are_all_one_have_everything_in_common():
    card = mf.describe(mf.RiverSwim(6))
    assert card.relatedness.value == pytest.approx(1.0)
    assert card.policy_relatedness.value == pytest.approx(1.0)
    assert card.optimal.half_width == pytest.approx(0.0, abs=1e-9)
    assert card.planning_content.value > 0.9
    assert mf.describe(mf.RiverSwim(6).sample(rng=0)).num_tasks == 1


def test_returns_are_those_of_the_policies():
    tasks = mf.GoalGrid(4, slip=0.1).sample(60, rng=0)
    card = mf.describe(tasks, discount=0.9)
    limits = mf.bounds(tasks, 0.9)
    first = np.where(tasks.rewards == tasks.rewards.max(axis=2, keepdims=True), 1.0, 0.0)
    myopic = mf.policy_evaluation(tasks, first / first.sum(axis=2, keepdims=True), 0.9).returns
    assert card.optimal.value == pytest.approx(limits.optimal.mean())
    assert card.random.value == pytest.approx(limits.random.mean())
    assert card.myopic.value == pytest.approx(myopic.mean())
    gain = limits.optimal.mean() - limits.random.mean()
    assert card.planning_content.value == pytest.approx((limits.optimal.mean() - myopic.mean()) / gain)


@pytest.mark.parametrize("num_tasks", [3, 12, 19])
def test_few_tasks_have_students_interval(num_tasks):
    tasks = mf.TaskDistribution(4, 2, horizon=6).sample(num_tasks, rng=3)
    optimal = mf.bounds(tasks, 1.0).optimal
    error = optimal.std(ddof=1) / math.sqrt(num_tasks)
    reach = {3: 4.302653, 12: 2.200985, 19: 2.100922}[num_tasks]  # a table of Student's t, 0.975
    card = mf.describe(tasks)
    assert card.optimal.half_width == pytest.approx(reach * error, rel=1e-6)
    assert 0.0 < card.relatedness.half_width < math.inf


def test_of_two_tasks_nothing_is_known_of_what_they_share():
    two = mf.TaskDistribution(4, 2, horizon=6).sample(2, rng=3)
    assert mf.describe(two).relatedness.half_width == math.inf


def corridor(length):
    """Walking right for `length` steps pays 1; a step to the left pays 0.01 at once."""
    s = length + 1
    transitions, rewards = np.zeros((s, 2, s)), np.zeros((s, 2))
    for state in range(s):
        transitions[state, 0, max(state - 1, 0)] = transitions[state, 1, min(state + 1, length)] = 1.0
    rewards[:, 0] = 0.01
    rewards[length - 1, 1] = 1.0
    terminal = np.arange(s) == length
    return mf.from_arrays(transitions, rewards, terminal=terminal, start=0, horizon=length, layout="sas")


@pytest.mark.parametrize("length", [1, 2, 5, 9])
def test_one_must_look_as_far_ahead_as_the_corridor_is_long(length):
    assert mf.describe(corridor(length)).effective_horizon == length


def test_the_diameter_is_the_longest_of_the_shortest_ways():
    ring = np.zeros((1, 5, 1, 5))
    ring[0, np.arange(5), 0, (np.arange(5) + 1) % 5] = 0.5
    ring[0, np.arange(5), 0, np.arange(5)] = 0.5
    rewards = np.zeros((1, 5, 1))
    rewards[0, 2] = 1.0
    with pytest.raises(ValueError, match="the random policy is optimal on all 1 tasks"):
        mf.describe(mf.from_arrays(ring, rewards))
    two = np.concatenate([ring, np.roll(ring, -1, axis=3)], axis=2)
    task = mf.from_arrays(two, np.random.default_rng(0).random((1, 5, 2)))
    shortest = np.full((5, 5), np.inf)
    for aim in range(5):  # value iteration, slow and plain
        steps = np.zeros(5)
        for _ in range(3000):
            steps = 1.0 + (two[0] @ steps).min(axis=1)
            steps[aim] = 0.0
        shortest[:, aim] = steps
    assert mf.describe(task).diameter == pytest.approx(shortest.max())


def test_a_diameter_may_be_infinite_or_too_much_work():
    assert mf.describe(mf.GoalGrid(3)).diameter == math.inf
    assert mf.describe(mf.Darkroom(9)).diameter is None


def test_cards_can_be_read_and_written():
    seen = []
    card = mf.describe(
        mf.GoalGrid(4), precision=0.02, most_tasks=600, progress=lambda *done: seen.append(done)
    )
    assert seen[-1] == (card.num_tasks, 600)
    assert 256 < card.num_tasks <= 600  # no more than it takes: 256 are too few, twice as many too many
    assert json.loads(json.dumps(card.to_json()))["planning_content"]["value"] == card.planning_content.value
    assert "planning content" in str(card)
    assert "\n" not in repr(card)


def test_the_same_seed_gives_the_same_card_on_any_threads():
    found = {str(mf.describe(mf.GoalGrid(4), rng=3, num_threads=n)) for n in (1, 2)}
    assert len(found) == 1


def test_tasks_that_change_are_described_as_they_begin():
    changing = mf.Switching(mf.GoalGrid(3), every=3)
    still = mf.describe(changing.sample(200, rng=0).segment(0))
    assert str(mf.describe(changing.sample(200, rng=0))) == str(still)
