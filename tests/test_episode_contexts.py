"""Contexts of whole episodes, noise of the behaviour, states as factors, and query sets."""

import json
from dataclasses import fields

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

ROOM = mf.Darkroom(4, (1, 1), 6)
LAKE = mf.KeyToDoor(3, horizon=8)
PLANNER = mf.PosteriorPlanner()


def tokens_of(history, row, episodes, num_actions, label):
    """The tokens of some episodes of one lifetime, one by one."""
    ended = (history.terminated | history.truncated)[row, : history.length[row]]
    ends = [t + 1 for t in range(history.length[row]) if ended[t]]
    starts = [0, *ends[:-1]]
    for place, episode in enumerate(episodes):
        led, gave = num_actions, 0.0
        for step, t in enumerate(range(starts[episode], ends[episode])):
            state, action = history.state[row, t], history.action[row, t]
            yield state, led, gave, step == 0, step, episode, place, action, True, label[row, t]
            led, gave = action, history.reward[row, t]
        last = ends[episode] - 1
        steps = ends[episode] - starts[episode]
        yield (
            history.next_state[row, last],
            led,
            gave,
            False,
            steps,
            episode,
            place,
            0,
            False,
            0 * label[0, 0],
        )


@pytest.mark.parametrize("consecutive", [False, True])
@pytest.mark.parametrize("family", [ROOM, LAKE], ids=["of one length", "of several"])
def test_tokens_are_those_of_a_plain_loop(family, consecutive):
    tasks = family.sample(9, rng=0)
    made = mf.Histories(mf.QLearning(epsilon=0.5), tasks, 7, rng=1, teacher=PLANNER)
    history = made.history(slice(None))
    label = mf.relabel(history, None, tasks, PLANNER, rng=1)
    seen = []
    for found in made.episodes(4, 3, consecutive=consecutive, rng=2):
        for b, task in enumerate(found.task.tolist()):
            mask = found.mask[b]
            assert mask[: mask.sum()].all()
            episodes = found.episode[b][found.reset[b]]
            expected = list(zip(*tokens_of(history, task, episodes, tasks.num_actions, label), strict=True))
            names = [f.name for f in fields(found) if f.name not in ("mask", "task", "label")]
            for name, column in zip(names, expected, strict=False):
                assert getattr(found, name)[b][mask].tolist() == list(column), name
                assert not getattr(found, name)[b][~mask].any()
            assert_same_bits(found.label[b][mask], np.array(expected[-1]))
            steps = np.diff(episodes)
            assert (steps == 1).all() if consecutive else (steps > 0).all()
            seen.append(task)
        assert found.state.shape[1] == 3 * (int(tasks.horizon) + 1)
    assert sorted(seen) == sorted([*range(9)] * 3)  # ceil(7 / 3) contexts each


def test_subsamples_lie_anywhere_and_short_lifetimes_are_padded():
    tasks = ROOM.sample(400, rng=0)
    found = next(mf.Histories(mf.QLearning(), tasks, 50, rng=0).episodes(4000, 5))
    episodes = found.episode[found.reset].reshape(-1, 5)
    assert episodes.min() == 0
    assert episodes.max() == 49
    assert abs(episodes.mean() - 24.5) < 0.5
    short = next(mf.Histories(mf.QLearning(), tasks[:3], 2).episodes(3, 4))
    assert short.mask.sum(axis=1).tolist() == [14, 14, 14]
    every = next(mf.Histories(mf.QLearning(), tasks[:3], 9, every=4).episodes(3, 3, consecutive=True))
    assert every.episode[every.reset].tolist() == [0, 4, 8] * 3


def test_workers_share_lifetimes_and_order_is_a_function_of_the_seed():
    made = mf.Histories(mf.QLearning(), ROOM.sample(1500, rng=0), 2, rng=1)
    whole = [c.task for c in made.episodes(64, 2, rng=5)]
    shares = [c.task for k in (0, 1) for c in made.episodes(64, 2, rng=5, worker=(k, 2))]
    assert sorted(np.concatenate(whole)) == sorted(np.concatenate(shares)) == list(range(1500))
    assert_same_bits(whole[0], next(made.episodes(64, 2, rng=5, num_threads=1)).task)
    assert not (np.diff(whole[0].astype(int)) == 1).all()
    assert_same_bits(next(made.episodes(5, 2, shuffle=False)).task, np.arange(5, dtype=np.uint64))


def test_noise_differs_from_task_to_task():
    tasks = mf.RiverSwim(4).sample(4000, rng=0)  # right is best everywhere
    optimal = mf.QLearning(learning_rate=0.0, discount=0.99, epsilon=0.0)
    noise = mf.Noise(clean=0.25, most=0.8)
    made = mf.Histories(optimal, tasks, 10, 20, rng=1, begins="optimal", noise=noise)
    history = made.history(slice(None))
    wrong = 2 * (history.action == 0).mean(axis=1)  # half of the random actions are right
    assert (wrong == 0.0).mean() == pytest.approx(0.25, abs=0.1)
    noises = 0.8 * np.square((np.arange(3000) + 0.5) / 3000)
    for part in (0.5, 0.8, 0.95):
        assert np.quantile(wrong, 0.25 + 0.75 * part) == pytest.approx(np.quantile(noises, part), abs=0.04)
    assert_same_bits(history.action, made.history(slice(None), num_threads=2).action)


def test_labels_stay_clean_under_noise():
    tasks = ROOM.sample(300, rng=0)
    for noise, low, high in ((mf.Noise(0.0, 0.9), 0.7, 0.95), (mf.Noise(clean=1.0), 1.0, 1.0)):
        (found,) = mf.Histories(PLANNER, tasks, 3, rng=1, noise=noise, teacher=PLANNER).episodes(300, 3)
        taken = np.take_along_axis(found.label, found.action[..., None].astype(int), axis=-1)[..., 0]
        assert low <= (taken > 0)[found.decides].mean() <= high


def test_noise_takes_actions_that_are_there():
    tasks = mf.GamblersProblem().sample(20, rng=0)
    made = mf.Histories(mf.QLearning(), tasks, 3, 20, noise=mf.Noise(clean=0.0, most=1.0))
    (found,) = made.episodes(60, 3)
    there = tasks[0].available[found.state, found.action]
    assert there[found.decides].all()


def test_recipes_name_noise_and_teacher():
    tasks = ROOM.sample(3, rng=0)
    made = mf.Histories(
        mf.QLearning(), tasks, 2, noise=mf.Noise(0.1), teacher=mf.QLearning(learning_rate=0.3)
    )
    text = json.dumps(made.recipe)
    again = mf.Histories.from_recipe(text)
    assert again.hash == made.hash
    assert (again.noise, again.teacher) == (made.noise, made.teacher)
    plain = mf.Histories(mf.QLearning(), tasks, 2)
    assert set(plain.recipe) == {"learner", "tasks", "num_episodes", "num_steps", "rng", "every", "begins"}
    with pytest.raises(TypeError, match=r"noise is 0\.3"):
        mf.Histories(mf.QLearning(), tasks, 2, noise=0.3)
    with pytest.raises(ValueError, match="teacher is 'good'"):
        mf.Histories(mf.QLearning(), tasks, 2, teacher="good")


def test_states_have_factors():
    for family in (ROOM, LAKE, mf.GoalGrid(3), mf.FourRooms(), mf.TwoStep()):
        found = mf.factors(family)
        assert found.shape[0] == family.num_states
        assert len(np.unique(found, axis=0)) == family.num_states
        assert found.min() == 0
    assert mf.factors(ROOM.sample(2, rng=0)).tolist() == [[k // 4, k % 4] for k in range(16)]
    assert mf.factors(LAKE).max(axis=0).tolist() == [2, 2, 1]
    assert mf.factors(mf.TaskDistribution(3, 2)).tolist() == [[0], [1], [2]]


def test_queries():
    tasks = LAKE.sample(40, rng=0)
    made = mf.Histories(mf.QLearning(epsilon=1.0), tasks, 4, rng=1)
    found = list(made.queries(16, 10, rng=2))
    q, terminal = mf.policy_iteration(tasks, 0.99).q_values, tasks.terminal
    history = made.history(slice(None))
    for batch in found:
        task, state = batch.task.astype(int), batch.query_state
        assert not terminal[task, state].any()
        best = q[task, state].max(axis=-1)
        assert (q[task, state, batch.optimal_action] >= best - 1e-9).all()
        assert ((batch.label > 0) == (q[task, state] >= best[:, None] - 1e-9)).all()
        for name, of in (("context_states", "state"), ("context_rewards", "reward")):
            assert not getattr(batch, name)[~batch.mask].any(), of
    steps = sorted(
        (int(t), *row)
        for batch in found
        for t, s, a, r, n, m in zip(
            batch.task, batch.context_states, batch.context_actions, batch.context_rewards,
            batch.context_next_states, batch.mask, strict=True,
        )
        for row in zip(s[m].tolist(), a[m].tolist(), r[m].tolist(), n[m].tolist(), strict=True)
    )  # fmt: skip
    expected = sorted(
        (i, *(getattr(history, name)[i, t].item() for name in ("state", "action", "reward", "next_state")))
        for i in range(40)
        for t in range(history.length[i])
    )
    assert steps == expected
    assert len(np.unique(np.concatenate([b.query_state for b in found]))) > 12
