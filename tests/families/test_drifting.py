"""Tasks that move slowly from one draw of a family to the next."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from bits import assert_same_bits
from reference import key_of_part, time_of

FAMILY = mf.Drifting
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.3, start=None)
DENSE = mf.TaskDistribution(7, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
GOLDEN = {"drifting": mf.Drifting(GRID, 2, 3), "drifting_dense": mf.Drifting(DENSE, 1, 4)}
ARGUMENTS = {
    "family": GRID,
    "every": 2,
    "steps": 3,
    "segment": None,
    "reward_budget": 0.1,
    "transition_budget": 0.2,
    "along": "episodes",
}


def rows_of(model):
    """[S, A, S + 1]: where pairs lead, the end last."""
    s, a, k = model.probability.shape
    rows = np.zeros((s, a, s + 1))
    if model.next_state is None:
        rows[..., :s] = model.probability
        return rows
    for i, j, o in np.ndindex(s, a, k):
        rows[i, j, s if model.terminated[i, j, o] else model.next_state[i, j, o]] += model.probability[
            i, j, o
        ]
    return rows


def expected_rewards(model):
    if model.next_state is None:
        return model.reward
    total = np.zeros(model.probability.shape[:2])
    for o in range(model.probability.shape[2]):
        total += model.probability[..., o] * model.reward[..., o]
    return total


def within_budgets(family, key, task, draw, w):
    """Around the first draw, in plain Python; sums in another order than the core's, so nearly equal."""
    first, *others = (
        family_twins.part(family.family, key_of_part(key, d), task) for d in (0, draw, draw + 1)
    )
    dense = first.next_state is None
    no_end = np.zeros(len(first.start), bool)
    ends = [no_end if dense else family_twins.terminal(each) for each in (first, *others)]
    weights = []
    for other, terminal, time in zip(others, ends[1:], (1.0 - w, w), strict=True):
        knows = ~(ends[0] | terminal)[:, None]
        shares = []
        for budget, of in ((family.reward_budget, expected_rewards), (family.transition_budget, rows_of)):
            change = np.abs(of(other) - of(first))
            far = np.where(knows, change if change.ndim == 2 else change.sum(axis=-1), 0.0).max()
            allowed = np.inf if budget is None else 0.5 * family.steps * budget
            shares.append(time * (1.0 if far <= allowed else allowed / far))
        weights.append(shares if dense else [min(shares)] * 2)
    for_rewards, for_rows = zip(*weights, strict=True)
    parts = (first, *others)

    def mixed(values, shares):
        rest = max(0.0, 1.0 - shares[0] - shares[1])
        return rest * values[0] + shares[0] * values[1] + shares[1] * values[2]

    found = {
        "start": mixed([each.start for each in parts], for_rows),
        "reward_noise": mixed([each.reward_noise for each in parts], for_rewards),
    }
    if dense:
        found["probability"] = mixed([each.probability for each in parts], for_rows)
        found["reward"] = mixed([each.reward for each in parts], for_rewards)
        return dataclasses.replace(first, weights=None, **found)
    knows = [~(ends[0] | terminal)[:, None, None] for terminal in ends[1:]]
    each = [np.where(k, share, 0.0) for k, share in zip(knows, for_rows, strict=True)]
    rest = np.maximum(0.0, 1.0 - each[0] - each[1])
    stacked = zip((rest, *each), parts, strict=True)
    found["probability"] = np.concatenate([weight * part.probability for weight, part in stacked], axis=-1)
    for name in ("next_state", "reward", "terminated"):
        found[name] = np.concatenate([getattr(part, name) for part in parts], axis=-1)
    return dataclasses.replace(first, terminal=ends[0], **found)


def twin(family, key, task, segment=0):
    """A task of `Drifting`, in plain Python."""
    now, task = time_of(family, task, segment)
    draw, r = divmod(now, family.steps)
    if (family.reward_budget, family.transition_budget) != (None, None):
        return within_budgets(family, key, task, draw, r / family.steps)
    old, new = (family_twins.part(family.family, key_of_part(key, draw + k), task) for k in (0, 1))
    w = r / family.steps
    start = (1.0 - w) * old.start + w * new.start
    noise = (1.0 - w) * old.reward_noise + w * new.reward_noise
    if old.next_state is None:
        probability = (1.0 - w) * old.probability + w * new.probability
        reward = (1.0 - w) * old.reward + w * new.reward
        return dataclasses.replace(
            old, probability=probability, reward=reward, start=start, reward_noise=noise, weights=None
        )
    ends = [family_twins.terminal(old), family_twins.terminal(new)]
    weight = np.where(ends[1], 0.0, np.where(ends[0], 1.0, w))[:, None, None]
    both = {
        name: np.concatenate([getattr(old, name), getattr(new, name)], axis=-1)
        for name in ("next_state", "reward", "terminated")
    }
    probability = np.concatenate([(1.0 - weight) * old.probability, weight * new.probability], axis=-1)
    return dataclasses.replace(
        old,
        probability=probability,
        **both,
        start=start,
        reward_noise=noise,
        terminal=ends[0] & ends[1],
    )


def families():
    parts = [GRID, DENSE, mf.RiverSwim(4, forward=mf.Uniform(0.1, 0.5)), DENSE.split()[1]]
    parts += [mf.Permuted(DENSE), mf.TaskDistribution(66, 2), mf.TaskDistribution(6, 2, mf.Garnet(3))]
    steps, segments = st.integers(1, 4), st.none() | st.integers(0, 9)
    along = st.sampled_from(["episodes", "tasks"])
    return st.builds(mf.Drifting, st.sampled_from(parts), st.integers(1, 3), steps, segments, along=along)


@pytest.mark.parametrize("family", [DENSE, GRID, mf.RiverSwim(4, forward=mf.Uniform(0.1, 0.5))])
def test_what_changes_stays_within_the_budgets_and_is_the_twin(family):
    for budgets in ((0.05, None), (None, 0.1), (0.02, 0.3), (0.0, 0.2), (0.3, 0.0)):
        drifting = mf.Drifting(family, 1, 5, None, *budgets)
        tasks = drifting.sample(6, rng=0)
        lives = [tasks.segment(k) for k in range(14)]
        changed = []
        for before, after in itertools.pairwise(lives):
            moved = [np.abs(getattr(after, n) - getattr(before, n)) for n in ("rewards", "transitions")]
            changed.append([moved[0].max(axis=(1, 2)), moved[1].sum(axis=-1).max(axis=(1, 2))])
        most = np.max(changed, axis=0)
        for found, budget in zip(most, budgets, strict=True):
            assert budget is None or (found <= budget + 1e-14).all()
        used = [most[k].max() / budgets[k] for k in (0, 1) if budgets[k]]
        assert family is not DENSE or max(used) > 0.4  # not by standing still
        for k, i in ((0, 1), (7, 2), (13, 5)):
            slow = twin(drifting, tasks.recipe.key, i, k)
            fast = lives[k][i : i + 1]
            if slow.next_state is None:
                np.testing.assert_allclose(fast.transitions[0], slow.probability, atol=1e-14)
                np.testing.assert_allclose(fast.rewards[0], slow.reward, atol=1e-14)
            else:
                np.testing.assert_allclose(fast.outcomes["probability"][0], slow.probability, atol=1e-14)
                assert (fast.outcomes["next_state"][0] == slow.next_state).all()
                assert_same_bits(fast.terminal[0], slow.terminal)
            np.testing.assert_allclose(fast.start[0], slow.start, atol=1e-14)


def test_without_room_tasks_stand_still():
    tasks = mf.Drifting(DENSE, 1, 4, None, 0.0, 0.0).sample(3, rng=0)
    for name in ("transitions", "rewards"):
        np.testing.assert_allclose(getattr(tasks.segment(9), name), getattr(tasks, name), rtol=1e-14)
    with pytest.raises(ValueError, match="reward_budget is -1"):
        mf.Drifting(DENSE, reward_budget=-1.0)


def test_rows_rewards_and_starts_move_on_straight_lines():
    family = mf.Drifting(DENSE, steps=4)
    tasks = family.sample(5, rng=0)
    draws = [mf.Tasks(DENSE._recipe(key_of_part(tasks.recipe.key, k), range(5))) for k in range(3)]
    for segment in range(9):
        now, (j, r) = tasks.segment(segment), divmod(segment, 4)
        for name in ("transitions", "rewards", "start"):
            ends = [getattr(draws[min(j + k, 2)], name) for k in (0, 1)]
            expected = ends[0] + r / 4 * (ends[1] - ends[0])
            np.testing.assert_allclose(getattr(now, name), expected, atol=1e-15)


def test_a_grid_walks_from_one_goal_to_the_next():
    family = mf.Drifting(mf.GoalGrid(3), steps=2)
    tasks = family.sample(20, rng=0)
    draws = [mf.Tasks(mf.GoalGrid(3)._recipe(key_of_part(tasks.recipe.key, k), range(20))) for k in (0, 1)]
    for k, plain in enumerate(draws):
        values = [mf.policy_iteration(batch, 0.9).returns for batch in (tasks.segment(2 * k), plain)]
        np.testing.assert_allclose(*values, rtol=1e-12)
    halfway = tasks.segment(1)
    np.testing.assert_allclose(halfway.transitions.sum(axis=-1), 1.0, atol=1e-15)
    old, new = (plain.terminal for plain in draws)
    assert (halfway.terminal == (old & new)).all()
    moved = (old & ~new).any(axis=1)
    assert moved.any()
    assert not halfway.terminal[moved].any()


def test_learning_follows_the_drift():
    tasks = mf.Drifting(DENSE, every=5, steps=3).sample(64, rng=0)
    learner = mf.QLearning(epsilon=0.2)
    run, alone = (mf.train(learner, tasks, 40, 10, rng=1, num_threads=n) for n in (2, 1))
    assert_same_bits(run.q_table, alone.q_table)
    first = mf.train(learner, tasks.segment(0), 5, 10, rng=1)
    assert_same_bits(run.returns[:, :5], first.returns)


def test_steps_are_checked_and_one_step_is_a_switch():
    with pytest.raises(ValueError, match="steps is 0"):
        mf.Drifting(GRID, steps=0)
    drifting = mf.Drifting(DENSE, steps=1).sample(9, rng=0)
    switched = mf.Switching(DENSE, every=1).sample(9, rng=0)
    np.testing.assert_array_equal(drifting.segment(3).transitions, switched.segment(3).transitions)
