"""Tasks that are drawn anew every so many episodes."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from bits import assert_same_bits
from reference import key_of_part, make_stream, time_of

FAMILY = mf.Switching
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.3, start=None)
DENSE = mf.TaskDistribution(7, 3, mf.Dirichlet(0.4), reward_noise=0.3, start=mf.Uniform())
MIXED = mf.Mixture((mf.TaskDistribution(5, 2, reward_noise=0.5), mf.RiverSwim(5)))
GOLDEN = {"switching": mf.Switching(GRID, 2), "switching_dense": mf.Switching(DENSE, 3)}
GOLDEN_TASKS = {"switching_garnet": mf.TaskDistribution.garnet(8, 3, 2, 0.1, 0.2, every=2, horizon=5)}
ARGUMENTS = {
    "family": GRID,
    "every": 2,
    "segment": None,
    "probability": 0.5,
    "modes": 2,
    "along": "episodes",
    "by": "task",
}


def draws(family, key, task, now, parts):
    """Which draw each part of a task is in, by looking back."""
    if family.probability == 1.0 and family.modes is None:
        return [now] * parts
    found = [None] * parts
    while None in found:
        stream = make_stream(key_of_part(key, 2**64 - 1 - now), task, 5)
        for part in range(parts):
            anew, mode = stream.next() / 2**32 < family.probability or now == 0, stream.next()
            if anew and found[part] is None:
                found[part] = now if family.modes is None else mode * family.modes >> 32
        now -= 1
    return found


def twin(family, key, task, segment=0):
    """A task of `Switching`, in plain Python."""
    now, task = time_of(family, task, segment)
    if family.by == "task":
        return family_twins.part(family.family, key_of_part(key, draws(family, key, task, now, 1)[0]), task)
    of_states = draws(family, key, task, now, family.num_states)
    whole = {draw: family_twins.part(family.family, key_of_part(key, draw), task) for draw in {0, *of_states}}

    def of_its_draw(field):
        return np.array([field(whole[draw])[s] for s, draw in enumerate(of_states)])

    rows = {
        name: of_its_draw(lambda model, name=name: getattr(model, name))
        for name in ("probability", "next_state", "reward", "terminated", "terminal")
        if getattr(whole[0], name) is not None
    }
    if whole[0].weights is not None:
        rows["weights"] = of_its_draw(lambda model: model.weights).tolist()
    if whole[0].next_state is not None:
        rows["terminated"] = rows["terminated"] | of_its_draw(family_twins.terminal)[rows["next_state"]]
    return dataclasses.replace(whole[0], **rows)


def families():
    parts = [GRID, DENSE, MIXED, DENSE.split()[1], mf.Permuted(GRID), mf.TaskDistribution(66, 2)]
    return st.builds(
        mf.Switching,
        st.sampled_from(parts),
        st.integers(1, 4),
        st.none() | st.integers(0, 3),
        st.sampled_from([1.0, 0.3]),
        st.none() | st.integers(1, 3),
        st.sampled_from(["episodes", "tasks"]),
        st.sampled_from(["task", "state"]),
    )


def test_modes_are_a_markov_chain_that_stays():
    tasks = mf.Switching(DENSE, every=5, probability=0.3, modes=4).sample(300, rng=0)
    modes = [mf.Tasks(DENSE._recipe(key_of_part(tasks.recipe.key, k), range(300))).rewards for k in range(4)]
    found = np.array([tasks.segment(k).rewards for k in range(12)])
    same = np.array([(found == mode).all(axis=(2, 3)) for mode in modes])
    assert (same.sum(axis=0) == 1).all()
    lived = same.argmax(axis=0)
    np.testing.assert_allclose(np.bincount(lived.ravel()) / lived.size, 0.25, atol=0.03)
    stays = (lived[1:] == lived[:-1]).mean()
    assert stays == pytest.approx(1.0 - 0.3 * (1.0 - 1.0 / 4), abs=0.02)


def test_without_modes_each_draw_is_a_new_one():
    tasks = mf.Switching(DENSE, probability=0.2).sample(200, rng=0)
    found = np.array([tasks.segment(k).rewards[:, 0, 0] for k in range(30)])
    assert (found[1:] != found[:-1]).mean() == pytest.approx(0.2, abs=0.02)
    for life in found.T:
        assert len(np.unique(life)) == 1 + (life[1:] != life[:-1]).sum()


@pytest.mark.parametrize("kind", [mf.Switching, mf.Drifting, mf.Seasonal])
def test_along_the_tasks_a_batch_is_the_time_of_its_first_task(kind):
    lives = kind(DENSE, every=3).sample(1, rng=0)
    batch = kind(DENSE, every=3, along="tasks").sample(12, rng=0)
    for place in range(12):
        assert_same_bits(batch[place].transitions, lives.segment(place // 3).transitions[0])
        assert_same_bits(batch[place].rewards, lives.segment(place // 3).rewards[0])
    assert_same_bits(batch.segment(7).rewards, batch.rewards)
    assert_same_bits(batch[4:7].rewards, batch.rewards[4:7])
    assert len(set(kind(DENSE, every=3, along="tasks").clusters(batch))) == len(
        np.unique(batch.rewards[:, 0, 0])
    )
    with pytest.raises(ValueError, match="along is 'time', expected 'episodes' or 'tasks'"):
        kind(DENSE, along="time")


def test_each_segment_is_another_draw_of_the_family():
    tasks = mf.Switching(GRID, every=5).sample(30, rng=0)
    found = [tasks.segment(k).outcomes["next_state"] for k in range(4)]
    for k, next_state in enumerate(found):
        plain = mf.Tasks(GRID._recipe(key_of_part(tasks.recipe.key, k), range(30)))
        assert_same_bits(next_state, plain.outcomes["next_state"])
    assert_same_bits(tasks.outcomes["next_state"], found[0])
    assert not (found[0] == found[1]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("family", [GRID, DENSE, MIXED], ids=["grid", "dense", "mixed"])
def test_a_run_is_runs_on_the_segments_one_after_the_other(family, dtype):
    """Continued by hand: Q-learning with constant numbers needs nothing but its table."""
    tasks = mf.Switching(family, every=3).sample(70, rng=0)
    learner = mf.QLearning(epsilon=0.3)
    whole = mf.train(learner, tasks, 9, 15, rng=1, snapshot_episodes=[3, 6], dtype=dtype)
    first = mf.train(learner, tasks.segment(0), 3, 15, rng=1, dtype=dtype)
    assert_same_bits(whole.returns[:, :3], first.returns)
    assert_same_bits(whole.snapshots[:, 0], first.q_table)
    still = mf.train(learner, tasks.segment(0), 9, 15, rng=1, dtype=dtype)
    assert not (whole.returns[:, 3:] == still.returns[:, 3:]).all()


@pytest.mark.parametrize("continuing", [False, True])
def test_threads_and_batches_do_not_matter(continuing):
    tasks = mf.Switching(GRID, every=2).sample(100, rng=0)
    learner = mf.SarsaLambda(epsilon=0.2, learning_rate_decay=0.5)
    options = {"rng": 3, "continuing": continuing}
    whole = mf.train(learner, tasks, 7, 12, num_threads=1, **options)
    assert_same_bits(whole.q_table, mf.train(learner, tasks, 7, 12, num_threads=2, **options).q_table)
    parts = [mf.train(learner, tasks[k : k + 10], 7, 12, **options).q_table for k in range(0, 100, 10)]
    assert_same_bits(whole.q_table, np.concatenate(parts))
    runs = mf.train(learner, tasks, 7, 12, num_runs=2, **options)
    assert_same_bits(runs.q_table[:, 0], whole.q_table)


def test_what_was_learned_is_right_for_the_segment_that_was_lived_in_last():
    tasks = mf.Switching(mf.GoalGrid(3), every=300).sample(40, rng=0)
    run = mf.train(mf.QLearning(learning_rate=0.5, epsilon=0.5), tasks, 600, rng=1)
    scores = [mf.score(tasks.segment(k), run.policy, mf.bounds(tasks.segment(k))).mean() for k in range(2)]
    assert scores[1] > 0.95
    assert scores[0] < 0.6


def test_segments_of_combinations_are_combinations_of_segments():
    changing = mf.Permuted(mf.Mixture((mf.Switching(GRID, 2), mf.Switching(mf.GoalGrid(3), 2))))
    tasks = changing.sample(40, rng=0)
    assert tasks.core.episodes_per_segment == 2
    assert tasks.segment(3).core.episodes_per_segment == 0
    later = tasks.segment(3)
    assert_same_bits(later.segment(7).transitions, later.transitions)
    assert not (later.transitions == tasks.transitions).all()
    assert_same_bits(pickle.loads(pickle.dumps(later)).transitions, later.transitions)
    assert_same_bits(tasks[5].segment(3).transitions, later.transitions[5])
    stored = GRID.sample(3, rng=0).materialise()
    assert_same_bits(stored.segment(4).transitions, stored.transitions)
    part = mf.FamilyPart(mf.Switching(DENSE, 2), (5, 20)).sample(3, rng=0)
    assert not (part.segment(1).transitions == part.transitions).all()


def test_splits_clusters_and_horizon_are_the_familys():
    family = mf.Switching(mf.GoalGrid(4), every=7)
    training, held_out = family.split(0.25)
    assert training == mf.Switching(mf.GoalGrid(4).split(0.25)[0], 7)
    assert held_out.family == mf.GoalGrid(4).split(0.25)[1]
    tasks = family.sample(50, rng=0)
    assert (family.clusters(tasks) == mf.GoalGrid(4).clusters(tasks.segment(0))).all()
    assert tasks.horizon == 32


class Coin(mf.Family):
    """Written in Python."""

    num_states, num_actions = 1, 2

    def task(self, rng):
        return {"transitions": np.ones((1, 2, 1)), "rewards": rng.random((1, 2))}


@pytest.mark.parametrize("kind", [mf.Switching, mf.Drifting])
@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"family": 5}, TypeError, "family is 5"),
        ({"family": Coin()}, TypeError, "whose tasks Python draws"),
        ({"family": mf.Mixture((Coin(), Coin()))}, TypeError, "whose tasks Python draws"),
        ({"family": mf.Switching(GRID)}, ValueError, "whose tasks change themselves"),
        ({"family": GRID, "every": 0}, ValueError, "every is 0"),
        ({"family": GRID, "segment": -1}, ValueError, "segment is -1"),
    ],
)
def test_wrong_arguments_are_refused(kind, arguments, error, text):
    with pytest.raises(error, match=text):
        kind(**arguments)


def test_what_stays_in_memory_cannot_change():
    tasks = mf.Switching(GRID, every=7).sample(3, rng=0)
    with pytest.raises(ValueError, match=r"change every 7 episodes.*segment\(0\)"):
        tasks.materialise()
    with pytest.raises(ValueError, match=r"families\[1\] changes at other times"):
        mf.Mixture((mf.Switching(GRID, 2), GRID))
    with pytest.raises(ValueError, match="segment is -1"):
        tasks.segment(-1)


def test_rewards_too_large_for_a_table_are_refused_in_later_segments_too():
    rare = mf.Mixture((mf.RiverSwim(3), mf.RiverSwim(3, right_reward=1e200)), (100.0, 1.0))
    tasks = mf.Switching(rare, every=1).sample(40, rng=0)
    with pytest.raises(ValueError, match="cannot hold"):
        mf.train(mf.QLearning(), tasks, 100, 5, rng=0)


@pytest.mark.parametrize("runs", [None, 3])
def test_scores_are_those_of_the_task_that_comes_next(runs):
    tasks = mf.Switching(mf.GoalGrid(3, horizon=12), every=4).sample(30, rng=0)
    learner, episodes = mf.QLearning(epsilon=0.3, initial_q=0.5), (0, 3, 4, 6, 8)
    found = mf.adapt(learner, tasks, episodes, rng=1, num_runs=runs)
    tables = mf.train(learner, tasks, 8, rng=1, num_runs=runs, snapshot_episodes=episodes).snapshots
    for k, segment in enumerate([0, 0, 1, 1, 2]):
        still = tasks.segment(segment)
        policies = mf.greedy_policy(tables[..., k, :, :]).reshape(30, -1, 9, 4)
        expected = mf.score(still, policies, mf.bounds(still, learner.discount))
        assert_same_bits(found.scores[..., k].reshape(30, -1), expected)
    # Right after a switch the old goal's policy meets another one.
    mean = found.scores.reshape(-1, 5).mean(axis=0)
    assert mean[2] < mean[1]
    compared = mf.compare({"scratch": learner}, tasks, episodes, rng=1, num_runs=runs)
    assert_same_bits(compared.curves["scratch"][0].scores, found.scores)


def test_limits_of_one_segment_do_not_scale_another():
    tasks = mf.Switching(mf.GoalGrid(3, horizon=12), every=4).sample(5, rng=0)
    limits = mf.bounds(tasks.segment(0), 0.95)
    assert mf.adapt(mf.QLearning(), tasks, (0, 3), limits=limits).scores.shape == (5, 2)
    with pytest.raises(ValueError, match=r"limits are of the segments \[0\], but after \[0, 4\] episodes"):
        mf.adapt(mf.QLearning(), tasks, (0, 4), limits=limits)
    with pytest.raises(ValueError, match=r"limits are of the segments \[\]"):
        mf.adapt(mf.QLearning(), tasks, (0,), limits={})
    both = {0: limits, 1: mf.bounds(tasks.segment(1), 0.95)}
    expected = mf.adapt(mf.QLearning(), tasks, (0, 4), rng=0).scores
    assert_same_bits(mf.adapt(mf.QLearning(), tasks, (0, 4), rng=0, limits=both).scores, expected)


def test_garnets_fifth_number_is_how_often_a_state_is_drawn_anew():
    still = mf.TaskDistribution.garnet(9, 2, 3, 0.5, horizon=4)
    assert mf.TaskDistribution.garnet(9, 2, 3, 0.5, 0, horizon=4) == still
    family = mf.TaskDistribution.garnet(9, 2, 3, 0.5, 0.3, every=2, horizon=4)
    assert family == mf.Switching(still, 2, probability=0.3, by="state")
    assert (family.horizon, family.sample(2, rng=0).core.reward_noise) == (4, 0.5)
    tasks = family.sample(150, rng=0)
    found = [tasks.segment(k) for k in range(6)]
    rewards = np.array([segment.rewards for segment in found])
    rows = np.array([segment.transitions for segment in found])
    changed = (rewards[1:] != rewards[:-1]).all(axis=-1)
    assert ((rewards[1:] != rewards[:-1]).any(axis=-1) == changed).all()  # all of a state, or nothing
    assert not (rows[1:] != rows[:-1])[~changed].any()
    assert (rows[1:] != rows[:-1]).any(axis=(-1, -2))[changed].mean() > 0.99
    assert changed.mean() == pytest.approx(0.3, abs=0.02)
    # States are drawn anew independently of each other.
    assert changed.sum(axis=-1).var() == pytest.approx(9 * 0.3 * 0.7, rel=0.2)
    with pytest.raises(ValueError, match=r"tau is 1\.5, expected a number from 0 to 1"):
        mf.TaskDistribution.garnet(9, 2, 3, 0.5, 1.5)
    with pytest.raises(ValueError, match="by is 'action', expected 'task' or 'state'"):
        mf.Switching(still, by="action")


def test_time_steps_are_segments_where_runs_go_on():
    """As in the papers: no episodes, and a task that changes at every step."""
    tasks = mf.TaskDistribution.garnet(4, 2, 2, 0.0, 0.5, horizon=1).sample(3, rng=0)
    run = mf.train(mf.QLearning(epsilon=1.0), tasks, 40, continuing=True, rng=1, record=True)
    seen = run.history
    for k in range(40):
        now = tasks.segment(k)
        for place in range(3):
            s, a, after = (int(getattr(seen, name)[place, k]) for name in ("state", "action", "next_state"))
            assert now.transitions[place, s, a, after] > 0.0
            assert seen.reward[place, k] == pytest.approx(now.rewards[place, s, a])
            assert k == 39 or seen.state[place, k + 1] == after


def test_states_that_draw_in_one_segment_draw_the_same():
    by_task, by_state = (mf.Switching(GRID, by=by).sample(20, rng=0).segment(3) for by in ("task", "state"))
    assert_same_bits(by_state.transitions, by_task.transitions)
    assert_same_bits(by_state.terminal, by_task.terminal)


def test_goals_by_state_end_episodes_wherever_they_are():
    tasks = mf.Switching(GRID, probability=0.5, by="state").sample(40, rng=0).segment(3)
    found = tasks.outcomes
    entered = np.take_along_axis(tasks.terminal, found["next_state"].reshape(40, -1), axis=1)
    possible = found["probability"].reshape(40, -1) > 0.0
    assert found["terminated"].reshape(40, -1)[possible & entered].all()
    assert (tasks.terminal.sum(axis=1) != 1).any()
    assert_same_bits(tasks.materialise().transitions, tasks.transitions)
