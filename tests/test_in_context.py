"""Learning in context, measured: what a policy is shown, what comes of its actions, and how it is judged."""

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.episode_contexts import Episodes

ROOM = mf.Darkroom(3, (1, 1), 4)
DOOR = mf.KeyToDoor(3, horizon=7)  # episodes end at the door


class Wanderer:
    """A policy that keeps what it is shown, and acts by a rule of its own."""

    def __init__(self):
        self.shown = []

    def __call__(self, seen):
        self.shown.append(seen)
        last = seen.mask.sum(axis=1) - 1
        rows = np.arange(len(last))
        return (3 * seen.state[rows, last] + 7 * seen.step[rows, last] + seen.episode[rows, last] + rows) % 5


@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("family", [ROOM, DOOR], ids=["of one length", "of several"])
def test_a_policy_is_shown_what_the_tasks_history_says(family, window):
    tasks = family.sample(5, rng=0)
    policy = Wanderer()
    found = mf.act_in_context(policy, tasks, 4, window=window, rng=1)
    history = found.history
    episodes = Episodes(history, tasks.num_actions)
    assert episodes.count.tolist() == [4] * 5
    ended = history.terminated | history.truncated
    for row in range(5):
        for t in range(history.length[row]):
            e = int(ended[row, :t].sum())
            oldest = 0 if window is None else max(0, e - window + 1)
            first = 0 if e == 0 else int(np.flatnonzero(ended[row])[e - 1]) + 1
            seen = policy.shown[t]
            chosen = np.arange(oldest, e + 1)[None]
            whole = episodes.contexts(np.array([row]), chosen, tasks.ids[row : row + 1], 200)
            number = int(whole.mask.sum()) - (episodes._size[episodes._offset[row] + e] - (t - first))
            assert seen.mask[row].sum() == number
            for name in ("state", "previous_action", "previous_reward", "reset", "step", "episode", "place"):
                expected = getattr(whole, name)[0, :number]
                assert_same_bits(
                    getattr(seen, name)[row][:number], expected.astype(getattr(seen, name).dtype)
                )
            assert not seen.decides[row, number - 1]
            assert history.action[row, t] == policy(seen)[row]


def test_answers_are_the_tasks_own():
    tasks = ROOM.sample(6, rng=0)
    history = mf.act_in_context(Wanderer(), tasks, 3, rng=1).history
    stored = tasks.materialise()
    moves = mf.train(mf.QLearning(epsilon=1.0), stored, 40, record=True, rng=0).history
    for row in range(6):
        answers = {
            (s, a): (n, r)
            for s, a, n, r in zip(
                *(getattr(moves, f)[row].tolist() for f in ("state", "action", "next_state", "reward")),
                strict=True,
            )
        }
        for t in range(history.length[row]):
            pair = (int(history.state[row, t]), int(history.action[row, t]))
            if pair in answers:
                assert answers[pair] == (history.next_state[row, t], history.reward[row, t])
    assert history.truncated.sum(axis=1).tolist() == [3] * 6


def test_the_optimum_the_random_policy_and_what_lies_between():
    tasks = ROOM.sample(60, rng=0)
    q = mf.policy_iteration(tasks, 0.99).q_values
    rows = np.arange(60)
    knows = mf.act_in_context(lambda seen: q[rows, seen.state[:, -1]].argmax(axis=1), tasks, 3, rng=0)
    np.testing.assert_allclose(knows.returns, np.repeat(knows.optimal[:, None], 3, axis=1))
    assert knows.discovered.max() == 0
    assert knows.discovered_by.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(knows.exploited, 1.0)
    guesses = mf.act_in_context(lambda seen: np.ones((60, 5)), tasks, 60, rng=0)
    assert guesses.mean_returns.mean() == pytest.approx(guesses.random.mean(), rel=0.1)
    half = mf.act_in_context(lambda seen: np.eye(5)[q[rows, seen.state[:, -1]].argmax(1)], tasks, 2, rng=0)
    assert_same_bits(half.returns, knows.returns[:, :2])


def test_discovery_and_the_worst_task():
    tasks = ROOM.sample(40, rng=0)
    q = mf.policy_iteration(tasks, 0.99).q_values
    rows = np.arange(40)

    def waits(seen):
        """Stays at the start until the third episode; the last task's never leaves."""
        best = q[rows, seen.state[:, -1]].argmax(axis=1)
        return np.where((seen.episode[:, -1] < 2) | (rows == 39), 0, best)

    found = mf.act_in_context(waits, tasks, 5, rng=0)
    centre = mf.policy_iteration(tasks, 0.0).q_values[:, 4, 0] == 1.0  # rewarded for staying
    assert found.discovered.tolist() == np.where(centre, 0, np.where(rows == 39, 5, 2)).tolist()
    assert found.discovered_by[1] == centre.mean()
    assert np.isnan(found.exploited[39]) == (not centre[39])
    assert found.worst() == (39, 0.0)
    assert found.worst(slice(0, 2))[1] == 0.0
    joined = mf.shards.join([found, found])
    assert joined.returns.shape == (80, 5)


def test_learners_are_judged_alike():
    training, held_out = ROOM.split(0.3, rng=0)
    fitted, tasks = mf.EmpiricalBayes().fit(training, num_tasks=40, rng=0), held_out.sample(20, rng=1)
    found = mf.act_in_context(fitted, tasks, 6, rng=2)
    np.testing.assert_allclose(found.returns, mf.train(fitted, tasks, 6, rng=2).returns)
    assert found.discovered_by[-1] == 1.0


def test_a_learners_episodes_without_steps_keep_their_places():
    """Half of the episodes begin where they end; the others give 1 for going on."""
    ahead = np.zeros((30, 2, 1, 2))
    ahead[..., 1] = 1.0
    ends = np.tile([False, True], (30, 1))
    tasks = mf.from_arrays(ahead, np.ones((30, 2, 1)), start=np.full((30, 2), 0.5), terminal=ends, horizon=3)
    found, learned = (do(mf.QLearning(), tasks, 6, rng=0) for do in (mf.act_in_context, mf.train))
    np.testing.assert_array_equal(found.returns, learned.returns)
    assert set(found.returns.ravel()) == {0.0, 1.0}


def test_what_is_refused():
    tasks = ROOM.sample(3, rng=0)
    for returned, error, text in (
        ([0, 1, 5], ValueError, "expected actions below 5"),
        ([0, 1], ValueError, r"what the policy returned has shape \(2,\), expected \(3,\)"),
        (np.zeros((3, 5)), ValueError, "expected probabilities"),
        (np.full((3, 5), -1.0), ValueError, "expected probabilities"),
        ("left", TypeError, "what the policy returned"),
    ):
        with pytest.raises(error, match=text):
            mf.act_in_context(lambda seen, r=returned: r, tasks, 2)
    with pytest.raises(TypeError, match="learner is a str"):
        mf.act_in_context("network", tasks, 2)
