"""Learning again from recorded steps, and exact gradients through it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits

GRID = mf.GoalGrid(3, slip=0.2)
RANDOM = mf.TaskDistribution(4, 3, horizon=6)
MASKED = mf.from_outcomes(
    [
        {
            0: {0: [(1.0, 1, 1.0, False)], 2: [(0.5, 0, 0.0, False), (0.5, 2, 2.0, False)]},
            1: {1: [(1.0, 2, -1.0, False)]},
            2: {0: [(0.3, 0, 0.5, True), (0.7, 1, 0.0, False)], 1: [(1.0, 0, 0.1, False)]},
        }
    ],
    horizon=5,
)
LEARNERS = {
    "q_learning": mf.QLearning(epsilon=0.3, learning_rate=0.4),
    "decaying": mf.QLearning(learning_rate=0.9, learning_rate_decay=0.6, initial_visits=0.5, bonus=1.0),
    "sees_reset": mf.QLearning(epsilon=0.5, sees_reset=True),
    "uniform": mf.ExpectedSarsa(epsilon=1.0),
    "greedy": mf.ExpectedSarsa(epsilon=0.5, epsilon_decay=0.8),
    "greedy_bonus": mf.ExpectedSarsa(epsilon=0.3, bonus=0.7, bonus_episodes=4),
    "softmax": mf.ExpectedSarsa(temperature=0.7, temperature_decay=0.9, learning_rate_decay=0.3),
    "softmax_bonus": mf.ExpectedSarsa(temperature=0.4, bonus=0.5),
    "sarsa": mf.Sarsa(epsilon=0.4, learning_rate=0.3, learning_rate_decay=0.2),
}
each = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)


def start_of(tasks, seed=0):
    return np.random.default_rng(seed).normal(size=(tasks.num_states, tasks.num_actions))


def lived(learner, tasks, theta, episodes=8, rng=1, **more):
    return mf.train(
        learner, tasks, episodes, rng=rng, initial_table=theta, record=True, dtype=np.float64, **more
    )


@each
@pytest.mark.parametrize("tasks", [GRID.sample(5, rng=0), RANDOM.sample(5, rng=0), MASKED])
def test_a_run_replayed_gives_its_tables_to_the_bit(learner, tasks):
    if learner.sees_reset and tasks is MASKED:
        pytest.skip("episodes begin anywhere")
    theta = start_of(tasks)
    run = lived(learner, tasks, theta, snapshot_episodes=[0])
    assert_same_bits(mf.replay(learner, run.history, run.snapshots[:, 0]), run.q_table)


def test_a_run_that_goes_on_past_its_time_limit_is_replayed():
    tasks = RANDOM.sample(3, rng=0)
    for name in ("greedy", "sarsa"):
        learner = LEARNERS[name]
        run = lived(learner, tasks, start_of(tasks), continuing=True)
        assert_same_bits(mf.replay(learner, run.history, start_of(tasks)), run.q_table)


def test_what_sarsa_chose_ahead_is_recorded_where_it_chooses_ahead():
    """It is what was taken next; and something else where the time limit cut the episode there."""
    tasks = GRID.sample(40, rng=0)
    steps = lived(mf.Sarsa(epsilon=0.5), tasks, start_of(tasks), num_steps=5).history
    following = steps.mask[:, 1:] & ~(steps.terminated | steps.truncated)[:, :-1]
    assert (steps.next_action[:, :-1] == steps.action[:, 1:])[following].all()
    assert (steps.next_action[steps.terminated] == 0).all()
    assert set(steps.next_action[steps.truncated]) == {0, 1, 2, 3}
    assert lived(mf.QLearning(), tasks, start_of(tasks)).history.next_action is None


def test_sarsa_learns_from_other_histories_that_are_recorded_until_they_terminate():
    two_steps = {
        0: {0: [(0.5, 1, 1.0, False), (0.5, 0, 0.0, True)], 1: [(1.0, 1, 0.5, False)]},
        1: {0: [(1.0, 0, 1.0, True)], 1: [(1.0, 0, 2.0, True)]},
    }
    learner, tasks = mf.Sarsa(epsilon=0.5), mf.from_outcomes([two_steps], horizon=5)
    run = lived(learner, tasks, start_of(tasks), 20)
    of_another = replace(run.history, next_action=None)
    assert_same_bits(mf.replay(learner, of_another, start_of(tasks)), run.q_table)
    tasks = RANDOM.sample(2, rng=0)
    run = lived(learner, tasks, start_of(tasks))
    message = "step 5 of the history of task 0 is the last one that was recorded of its episode"
    with pytest.raises(ValueError, match=message):
        mf.replay(learner, replace(run.history, next_action=None), start_of(tasks))
    wrong = replace(run.history, next_action=run.history.next_action + 2)
    with pytest.raises(ValueError, match=r"history\.next_action has 4, expected integers 0 to 2"):
        mf.replay(learner, wrong, start_of(tasks))


@each
def test_gradients_are_central_differences(learner):
    """Of all entries of the table and of the rates at once: along a direction, for each task."""
    tasks = RANDOM.sample(20, rng=0)
    theta, rates = start_of(tasks), np.full((4, 3), learner.learning_rate) * 0.9
    run = lived(learner, tasks, theta)
    fresh = lived(learner, tasks, run.q_table, 4, rng=2).history

    def loss(step, rate_step):
        found = mf.replay_gradient(
            learner, run.history, theta + step, fresh=fresh, learning_rates=rates + rate_step
        )
        return found.loss

    found = mf.replay_gradient(
        learner, run.history, theta, fresh=fresh, learning_rates=rates, of_learning_rates=True
    )
    way, small = start_of(tasks, 5), 1e-6
    along = (loss(small * way, 0.0) - loss(-small * way, 0.0)) / (2 * small)
    np.testing.assert_allclose((found.initial_table * way).sum(axis=(1, 2)), along, atol=3e-8)
    along = (loss(0.0, small * way) - loss(0.0, -small * way)) / (2 * small)
    np.testing.assert_allclose((found.learning_rates * way).sum(axis=(1, 2)), along, atol=3e-8)
    assert np.abs(found.initial_table).max() > 1e-3
    assert np.abs(found.learning_rates).max() > 1e-3
    assert_same_bits(found.q_table, mf.replay(learner, run.history, theta, learning_rates=rates))


def twin(learner, history, theta, fresh):
    """One task of Q-learning or SARSA, the adjoint of each update in plain Python."""
    alpha, gamma = learner.learning_rate, learner.discount

    def look(row, chosen):
        best = max(range(len(row)), key=lambda a: row[a]) if chosen is None else chosen
        return best, row[best]

    def steps(of):
        n = int(of.length[0])
        names = ("state", "action", "reward", "next_state", "terminated")
        chosen = [None] * n if of.next_action is None else of.next_action[0].tolist()
        return [(*(getattr(of, name)[0, k].item() for name in names), chosen[k]) for k in range(n)]

    q, tape = theta.tolist(), []
    for s, a, r, after, terminated, chosen in steps(history):
        best, ahead = look(q[after], chosen)
        target = r if terminated else r + gamma * ahead
        tape.append((s, a, after, best, terminated, target - q[s][a]))
        q[s][a] = (1.0 - alpha) * q[s][a] + alpha * target
    adjoint = [[0.0] * len(row) for row in q]
    of_rates = [[0.0] * len(row) for row in q]
    loss, share = 0.0, 1.0 / int(fresh.length[0])
    for s, a, r, after, terminated, chosen in steps(fresh):
        best, ahead = look(q[after], chosen)
        error = (r if terminated else r + gamma * ahead) - q[s][a]
        loss += 0.5 * share * error * error
        adjoint[s][a] -= share * error
        if not terminated:
            adjoint[after][best] += gamma * (share * error)
    for s, a, after, best, terminated, error in reversed(tape):
        moved = adjoint[s][a]
        of_rates[s][a] += moved * error
        adjoint[s][a] = (1.0 - alpha) * moved
        if not terminated:
            adjoint[after][best] += gamma * (alpha * moved)
    return loss, adjoint, of_rates


def only(history, n):
    """The steps of the n'th learner."""
    arrays = {name: array[n : n + 1] for name, array in history._steps()}
    return replace(history, **arrays, length=history.length[n : n + 1])


@pytest.mark.parametrize("learner", [LEARNERS["q_learning"], mf.Sarsa(epsilon=0.4, learning_rate=0.3)])
def test_the_way_back_is_that_of_the_twin_to_the_bit(learner):
    """Lifetimes of various lengths, more than go side by side."""
    for family in (GRID, RANDOM):
        tasks = family.sample(11, rng=3)
        run = lived(learner, tasks, start_of(tasks), 12)
        fresh = lived(learner, tasks, run.q_table, 5, rng=2).history
        found = mf.replay_gradient(learner, run.history, start_of(tasks), fresh=fresh, of_learning_rates=True)
        without = mf.replay_gradient(learner, run.history, start_of(tasks), fresh=fresh)
        assert_same_bits(found.initial_table, without.initial_table)
        for n in range(11):
            loss, *gradients = twin(learner, only(run.history, n), start_of(tasks), only(fresh, n))
            assert found.loss[n] == loss
            assert_same_bits(np.array([found.initial_table[n], found.learning_rates[n]]), np.array(gradients))


def test_rewards_of_any_size_lead_the_same_way_back():
    """Those near the largest numbers are learned from one task at a time."""
    learner, tasks = LEARNERS["q_learning"].replace(discount=0.5), RANDOM.sample(9, rng=0)
    run = lived(learner, tasks, start_of(tasks))
    back = np.random.default_rng(7).normal(size=run.q_table.shape)
    found, huge = (
        mf.replay_gradient(
            learner,
            replace(run.history, reward=run.history.reward * unit),
            start_of(tasks) * unit,
            cotangents=back,
        )
        for unit in (1.0, 2.0**1000)
    )
    assert_same_bits(huge.q_table, found.q_table * 2.0**1000)
    assert_same_bits(huge.initial_table, found.initial_table)
    for number in (np.nan, np.inf):
        rewards = run.history.reward.copy()
        rewards[4, 3] = number
        with pytest.raises(ValueError, match=r"the reward of step 3 of the history of task 4 is (nan|inf)"):
            mf.replay(learner, replace(run.history, reward=rewards), start_of(tasks))


@pytest.mark.parametrize("name", ["q_learning", "softmax"])
def test_long_histories_are_gone_back_through_piece_by_piece(name):
    """As one: through three histories, one after the other, by the chain rule."""
    learner = LEARNERS[name].replace(temperature_decay=1.0, learning_rate_decay=0.0, learning_rate=0.02)
    tasks = RANDOM.sample(2, rng=0)
    run = lived(learner, tasks, start_of(tasks), 1200, snapshot_episodes=[0, 400, 800])
    assert run.history.state.shape[1] == 7200
    back = np.stack([start_of(tasks, 5), start_of(tasks, 6)])
    whole = mf.replay_gradient(learner, run.history, start_of(tasks), cotangents=back, of_learning_rates=True)
    assert_same_bits(whole.q_table, run.q_table)
    of_rates = np.zeros((2, 4, 3))
    for first, last in reversed(list(pairwise((0, 2400, 4800, 7200)))):
        steps = {name: array[:, first:last] for name, array in run.history._steps()}
        piece = replace(run.history, **steps, length=np.full(2, last - first))
        found = mf.replay_gradient(
            learner, piece, run.snapshots[:, first // 2400], cotangents=back, of_learning_rates=True
        )
        back = found.initial_table
        of_rates += found.learning_rates
    assert_same_bits(whole.initial_table, back)
    np.testing.assert_allclose(whole.learning_rates, of_rates, rtol=1e-12)


def test_threads_change_nothing_and_no_steps_change_nothing():
    tasks = RANDOM.sample(70, rng=0)
    learner = LEARNERS["greedy"]
    run = lived(learner, tasks, start_of(tasks))
    one, three = (
        mf.replay_gradient(learner, run.history, start_of(tasks), fresh=run.history, num_threads=threads)
        for threads in (1, 3)
    )
    assert_same_bits(one.initial_table, three.initial_table)
    nothing = lived(learner, tasks, start_of(tasks), 0).history
    found = mf.replay_gradient(learner, nothing, start_of(tasks), cotangents=one.initial_table)
    assert_same_bits(found.initial_table, one.initial_table)
    assert mf.replay_gradient(learner, nothing, start_of(tasks), fresh=nothing).loss.tolist() == [0.0] * 70


def test_rates_of_the_learner_are_those_of_its_table():
    """Whoever runs it: lanes, one task at a time, step by step; and `replay` takes them for its own."""
    rates = np.random.default_rng(1).random((4, 3))
    tasks = RANDOM.sample(40, rng=0)
    for kind in (mf.QLearning, mf.Sarsa, mf.ExpectedSarsa, mf.DoubleQLearning, mf.QLambda):
        same, single = (
            lived(kind(learning_rate=of, epsilon=0.3), tasks, start_of(tasks)).q_table
            for of in (mf.Table(np.full((4, 3), 0.3)), 0.3)
        )
        assert_same_bits(same, single)
    learner = mf.QLearning(learning_rate=mf.Table(rates), epsilon=0.3)
    run = lived(learner, tasks, start_of(tasks))
    assert_same_bits(mf.replay(learner, run.history, start_of(tasks)), run.q_table)
    plain = learner.replace(learning_rate=0.5)
    assert_same_bits(mf.replay(plain, run.history, start_of(tasks), learning_rates=rates), run.q_table)
    by_hand = learner.replace(num_states=4, num_actions=3, initial_q=mf.Table(start_of(tasks)))
    steps = run.history
    for k in range(int(steps.length[0])):
        state, action, after = (int(of[0, k]) for of in (steps.state, steps.action, steps.next_state))
        by_hand.update(state, action, float(steps.reward[0, k]), after)
    np.testing.assert_allclose(by_hand.q_table, run.q_table[0], rtol=1e-12)


def test_rates_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"a number of learning_rate is 1\.5, expected a number from 0"):
        mf.QLearning(learning_rate=mf.Table([[0.1, 1.5]]))
    with pytest.raises(ValueError, match=r"learning_rate has the shape \(2, 4, 3\), expected one table"):
        mf.QLearning(learning_rate=mf.Table(np.zeros((2, 4, 3))))
    with pytest.raises(ValueError, match="num_states is 3, but learning_rate has the shape"):
        mf.QLearning(3, 3, learning_rate=mf.Table(np.zeros((4, 3))))
    with pytest.raises(ValueError, match="the learner's learning_rate has 3 states and 4 actions, the"):
        mf.train(mf.QLearning(learning_rate=mf.Table(np.zeros((3, 4)))), RANDOM.sample(2, rng=0), 2, rng=0)


# --- choices ---

ARMS = mf.from_arrays(np.ones((1, 2, 1)), np.array([[1.0, 0.2]]))


def lives_of(learner, num_pulls):
    """All that may happen in so many pulls of two arms, as a history of 2^n learners."""
    chosen = np.array(list(np.ndindex(*[2] * num_pulls)))
    n = len(chosen)
    pays = np.where(chosen == 0, 1.0, 0.2)
    places = np.zeros((n, num_pulls), np.uint8)
    ends = np.ones((n, num_pulls), bool)
    steps = {"state": places, "next_state": places, "action": chosen.astype(np.uint8), "reward": pays}
    like = mf.train(learner, ARMS, num_pulls, 1, rng=0, record=True, dtype=float).history
    return replace(like, **steps, terminated=~ends, truncated=ends, length=np.full(n, num_pulls))


@pytest.mark.parametrize(
    "learner",
    [
        mf.QLearning(learning_rate=0.6, temperature=0.5, discount=0.3),
        mf.ExpectedSarsa(learning_rate=0.6, temperature=0.5, temperature_decay=0.7, bonus=0.4),
    ],
)
def test_scored_choices_give_the_gradient_of_the_expected_lifetime(learner):
    """Of all lifetimes of six pulls, each with its probability; against central differences of their mean."""
    start, pulls = np.array([[0.1, -0.3]]), 6
    history = lives_of(learner, pulls)

    def probabilities(theta):
        """Of each of the histories, by hand."""
        found = np.ones(2**pulls)
        for n in range(2**pulls):
            q, visits = theta[0].copy(), np.zeros(2)
            for k in range(pulls):
                h = (q + learner.bonus / np.sqrt(visits + 1.0)) / learner.temperatures(pulls)[k]
                weight = np.exp(h - h.max())
                pi = weight / weight.sum()
                a = int(history.action[n, k])
                found[n] *= pi[a]
                visits[a] += 1.0
                if isinstance(learner, mf.QLearning):
                    ahead = q.max()
                else:
                    h = (q + learner.bonus / np.sqrt(visits + 1.0)) / learner.temperatures(pulls)[k]
                    weight = np.exp(h - h.max())
                    ahead = (weight * q).sum() / weight.sum()
                q[a] += learner.learning_rate * (history.reward[n, k] + learner.discount * ahead - q[a])
        return found

    earned = history.reward.sum(axis=1)
    slope = np.zeros((1, 2))
    for a in range(2):
        nudge = np.zeros((1, 2))
        nudge[0, a] = 1e-6
        ahead, behind = ((probabilities(start + side * nudge) * earned).sum() for side in (1, -1))
        slope[0, a] = (ahead - behind) / 2e-6
    still_to_come = history.reward[:, ::-1].cumsum(axis=1)[:, ::-1]
    for worth in (still_to_come, np.broadcast_to(earned[:, None], still_to_come.shape)):
        found = mf.replay_gradient(learner, history, start, worth=worth).initial_table
        mean = (probabilities(start)[:, None, None] * found).sum(axis=0)
        np.testing.assert_allclose(mean, slope, atol=1e-8)
    assert np.abs(slope).max() > 0.1
    back = np.random.default_rng(0).normal(size=(2**pulls, 1, 2))
    both = mf.replay_gradient(learner, history, start, worth=still_to_come, cotangents=back)
    apart = [
        mf.replay_gradient(learner, history, start, **one).initial_table
        for one in ({"worth": still_to_come}, {"cotangents": back})
    ]
    np.testing.assert_allclose(both.initial_table, apart[0] + apart[1], atol=1e-12)


def test_choices_that_cannot_be_scored_are_refused():
    run = lived(LEARNERS["greedy"], RANDOM.sample(2, rng=0), start_of(RANDOM))
    for learner, message in (
        (mf.QLearning(), "of learners that act by softmax"),
        (mf.Sarsa(temperature=1.0), "choices, made a step ahead, cannot be scored"),
    ):
        with pytest.raises(ValueError, match=message):
            mf.replay_gradient(
                learner, run.history, start_of(RANDOM), worth=np.zeros(run.history.state.shape)
            )
    with pytest.raises(ValueError, match=r"worth has shape \(2, 3\)"):
        mf.replay_gradient(mf.QLearning(), run.history, start_of(RANDOM), worth=np.zeros((2, 3)))
