"""MAML: steps of Adam along the gradient through the updates."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.meta import maml
from metarl_fast.seeding import child, make_key

TASKS = mf.TaskDistribution(4, 3, horizon=6).sample(6, rng=0)
LEARNER = mf.QLearning(learning_rate=0.3, epsilon=0.3)


def loss_of(theta, key, fresh_episodes=5):
    """Mean over tasks of half the mean squared error on fresh steps, the steps held fixed; and a gradient."""
    more = {"dtype": np.float64, "record": True}
    run = mf.train(LEARNER, TASKS, 3, rng=child(key, 0), initial_table=theta, **more)
    judge = LEARNER.replace(learning_rate=0.0)
    fresh = mf.train(
        judge, TASKS, fresh_episodes, rng=child(key, 1), initial_table=run.q_table, **more
    ).history

    def loss(start):
        q = mf.replay(LEARNER, run.history, start)
        total = 0.0
        for n in range(len(TASKS)):
            s, a, r, after = (getattr(fresh, f)[n] for f in ("state", "action", "reward", "next_state"))
            errors = r + 0.95 * q[n][after].max(axis=1) - q[n][s, a]
            total += 0.5 * (errors**2).mean() / len(TASKS)
        return total

    small, slope = 1e-6, np.zeros_like(theta)
    for place in np.ndindex(theta.shape):
        step = np.zeros_like(theta)
        step[place] = small
        slope[place] = (loss(theta + step) - loss(theta - step)) / (2 * small)
    return loss(theta), slope


def test_a_step_goes_down_the_gradient_through_the_updates():
    theta = np.random.default_rng(0).normal(size=(4, 3))
    learner = LEARNER.replace(initial_q=mf.Table(theta))
    meta = mf.Maml(step_size=0.1)
    state = meta.step(meta.init(learner), learner, TASKS, 7, 3)
    loss, slope = loss_of(theta, make_key(7))
    np.testing.assert_allclose(state["loss"], loss, rtol=1e-12)
    np.testing.assert_allclose(state["mean"] / 0.1, slope, atol=1e-7)  # Adam's first average
    np.testing.assert_allclose(state["theta"], theta - 0.1 * np.sign(slope), atol=1e-4)
    again = meta.step(state, learner, TASKS, 8, 3)
    _, second = loss_of(state["theta"], make_key(8))
    mean = (0.09 * slope + 0.1 * second) / (1 - 0.9**2)
    square = (0.999e-3 * slope**2 + 1e-3 * second**2) / (1 - 0.999**2)
    np.testing.assert_allclose(again["theta"], state["theta"] - 0.1 * mean / np.sqrt(square), atol=1e-4)


def test_the_first_order_leaves_out_how_the_table_moves_with_the_start():
    """Which is by (1 - learning_rate)^N(s, a) where nothing is looked ahead at."""
    learner, task = LEARNER.replace(discount=0.0), TASKS[:1]
    steps = mf.train(learner, task, 3, rng=child(make_key(7), 0), dtype=np.float64, record=True).history
    visits = np.zeros((4, 3))
    np.add.at(visits, (steps.state[0], steps.action[0]), 1)
    first, exact = (
        meta.step(meta.init(learner), learner, task, 7, 3) for meta in (mf.Maml(first_order=True), mf.Maml())
    )
    assert_same_bits(first["loss"], exact["loss"])
    np.testing.assert_allclose(exact["mean"], first["mean"] * 0.7**visits, rtol=1e-12)


def test_the_loss_of_many_steps_is_the_mean_of_those_after_1_2_4_and_all_episodes():
    """In tasks that terminate anywhere: each is what a shorter run on the same seed has."""
    tasks = mf.GoalGrid(3, slip=0.2).sample(5, rng=0)
    learner = LEARNER.replace(learning_rate_decay=0.5)
    meta = mf.Maml(multi_step=True)
    found = meta.step(meta.init(learner.replace(num_states=9, num_actions=4)), learner, tasks, 7, 5)
    more = {"dtype": np.float64, "record": True}
    losses, gradients = [], []
    for place, episodes in enumerate((5, 4, 2, 1), start=1):
        run = mf.train(learner, tasks, episodes, rng=child(make_key(7), 0), **more)
        judge = learner.replace(learning_rate=0.0)
        fresh = mf.train(judge, tasks, 5, rng=child(make_key(7), place), initial_table=run.q_table, **more)
        one = mf.replay_gradient(learner, run.history, np.zeros((9, 4)), fresh=fresh.history)
        losses.append(one.loss.mean())
        gradients.append(one.initial_table.mean(axis=0))
    np.testing.assert_allclose(found["loss"], np.mean(losses), rtol=1e-12)
    np.testing.assert_allclose(found["mean"], 0.1 * np.mean(gradients, axis=0), rtol=1e-9, atol=1e-15)


def test_meta_batches_larger_than_memory_are_taken_in_pieces(monkeypatch):
    whole = mf.Maml().fit(TASKS, LEARNER, 3, num_iterations=3, rng=0)
    monkeypatch.setattr(maml, "_HISTORY", maml._BYTES_OF_STEP * 8 * 6 * 2.5)
    pieces = mf.Maml().fit(TASKS, LEARNER, 3, num_iterations=3, rng=0)
    for name, values in whole.state.items():
        assert_same_bits(pieces.state[name], values)


def test_actions_that_are_not_available_stay_so():
    table = {0: {0: [(1.0, 1, 1.0, False)], 1: [(1.0, 0, 0.0, False)]}, 1: {1: [(1.0, 0, 2.0, False)]}}
    tasks = mf.from_outcomes([table, table], horizon=5)
    learner = LEARNER.replace(initial_q=mf.Table([[0.0, 0.0], [-np.inf, 0.0]]))
    theta = mf.Maml().fit(tasks, learner, 3, num_iterations=3, rng=0).state["theta"]
    assert theta[1, 0] == -np.inf
    assert np.isfinite(theta).sum() == 3
    assert theta[1, 1] != 0.0


def test_the_figures_of_the_guide():
    learner = mf.QLearning(learning_rate=0.3, epsilon=0.1)

    def earned(family, *episodes):
        held_out = family.sample(2000, rng=1)
        found = [mf.Maml().fit(family, learner, number, rng=1) for number in episodes]
        runs = [mf.train(one, held_out, 10, rng=2, mean_returns=True) for one in (learner, *found)]
        return [round(run.mean_returns.mean(), 2) for run in runs]

    assert earned(mf.TaskDistribution(4, 3, horizon=6), None, 100) == [3.18, 3.50, 3.29]
    many = mf.Maml(multi_step=True).fit(mf.TaskDistribution(4, 3, horizon=6), learner, 100, rng=1)
    held_out = mf.TaskDistribution(4, 3, horizon=6).sample(2000, rng=1)
    assert round(mf.train(many, held_out, 10, rng=2, mean_returns=True).mean_returns.mean(), 2) == 3.48
    scratch, ten = earned(mf.GoalGrid(5), 10)
    assert ten < scratch


def test_of_no_tasks_there_is_nothing_to_learn():
    meta = mf.Maml()
    begun = meta.init(LEARNER)
    assert_same_bits(meta.step(begun, LEARNER, TASKS[:0], 0, 3)["theta"], np.zeros((4, 3)))


ON_FEATURES = mf.LinearSarsa(features=mf.TileCoding(4, 2, 2))


@pytest.mark.parametrize("learner", [mf.QLambda(), mf.DoubleQLearning(), mf.DynaQ(), ON_FEATURES])
def test_it_needs_a_learner_that_can_be_replayed(learner):
    with pytest.raises(ValueError, match=r"can(not)? be replayed"):
        mf.Maml().fit(TASKS, learner, 2, rng=0)


@pytest.mark.parametrize("base", [LEARNER, mf.Sarsa(learning_rate=0.3, epsilon=0.3)])
def test_the_loss_may_be_what_is_earned(base):
    """Minus the exact return of the softmax of the adapted table; the steps are held fixed."""
    theta = np.random.default_rng(0).normal(size=(4, 3))
    learner = base.replace(initial_q=mf.Table(theta))
    meta = mf.Maml(step_size=0.1, loss="return", temperature=0.5)
    state = meta.step(meta.init(learner), learner, TASKS, 7, 3)
    steps = mf.train(learner, TASKS, 3, rng=child(make_key(7), 0), dtype=np.float64, record=True).history

    def loss(start):
        policy = mf.softmax_policy(mf.replay(learner, steps, start) / 0.5)
        return -mf.policy_evaluation(TASKS, policy, 0.95, horizon=6).returns.mean()

    slope = np.zeros((4, 3))
    for place in np.ndindex(4, 3):
        nudge = np.zeros((4, 3))
        nudge[place] = 1e-6
        slope[place] = (loss(theta + nudge) - loss(theta - nudge)) / 2e-6
    np.testing.assert_allclose(state["loss"], loss(theta), rtol=1e-12)
    np.testing.assert_allclose(state["mean"], 0.1 * slope, atol=1e-8)
    with pytest.raises(ValueError, match="loss is 'x', expected 'td_error', 'return' or 'lifetime'"):
        mf.Maml(loss="x")
    with pytest.raises(ValueError, match="loss is an array of shape"):
        mf.Maml(loss=np.zeros(9))


def test_the_loss_may_be_that_of_the_whole_lifetime():
    """Each choice weighs what was earned from there on, less what was to be expected from its episode on."""
    learner = mf.QLearning(learning_rate=0.5, temperature=0.3)
    family = mf.GoalGrid(3, slip=0.2)
    tasks = family.sample(6, rng=0)
    meta = mf.Maml(loss="lifetime")
    before = meta.step(meta.init(learner), learner, tasks, 6, 4)
    found = meta.step(before, learner, tasks, 7, 4)
    student = meta.apply(before, learner)
    run = mf.train(student, tasks, 4, rng=child(make_key(7), 0), dtype=np.float64, record=True)
    h, worth = run.history, np.zeros(run.history.reward.shape)
    for n in range(6):
        episode = 0
        for k in range(int(h.length[n])):
            earned = h.reward[n, k : h.length[n]].sum()
            worth[n, k] = -(earned - before["returns"][episode:].sum()) / 4
            episode += bool(h.terminated[n, k] or h.truncated[n, k])
    expected = mf.replay_gradient(student, h, worth=worth).initial_table.mean(axis=0)
    np.testing.assert_allclose(found["mean"] - 0.9 * before["mean"], 0.1 * expected, atol=1e-14)
    np.testing.assert_allclose(found["loss"], -run.returns.mean(), rtol=1e-12)
    with pytest.raises(ValueError, match="act by softmax"):
        meta.fit(tasks, LEARNER, 2, rng=0)
    with pytest.raises(ValueError, match="loss is 'lifetime' and first_order True"):
        mf.Maml(loss="lifetime", first_order=True)


def test_a_lifetime_is_better_spent_where_the_other_losses_do_harm():
    """Goals anywhere on a grid, rare rewards: what matters is how the learner explores."""
    family, learner = mf.GoalGrid(5), mf.QLearning(learning_rate=0.3, temperature=0.1)
    fitted = mf.Maml(loss="lifetime").fit(family, learner, 5, num_iterations=60, rng=0)
    held_out = family.sample(500, rng=1)
    ahead, scratch = (mf.train(one, held_out, 5, rng=2).returns.mean() for one in (fitted, learner))
    assert ahead > 1.08 * scratch


def test_weights_of_features_are_a_start_too():
    """The gradient of all weights is that of central differences of the loss of replayed weights."""
    features = mf.ListedFeatures(
        np.array([[0, 2], [1, 2], [0, 1], [2, 0]]),
        np.array([[1.0, 0.5], [0.7, -0.3], [0.2, 1.0], [0.6, 0.4]]),
    )
    learner = mf.LinearQLearning(features=features, learning_rate=0.3, epsilon=0.3, num_actions=3)
    theta = np.random.default_rng(0).normal(size=(3, 3))
    more = {"dtype": np.float64, "record": True, "initial_table": theta}
    history = mf.train(learner, TASKS, 3, rng=1, **more).history
    run = mf.train(learner, TASKS, 3, rng=1, **more)
    assert_same_bits(mf.replay(learner, history, theta), run.q_table)
    fresh = mf.train(learner, TASKS, 2, rng=2, **more).history
    found = mf.replay_gradient(learner, history, theta, fresh=fresh)

    def losses(start):
        weights = mf.replay(learner, history, start)
        total = np.empty(len(TASKS))
        for n in range(len(TASKS)):
            q = learner.action_values(weights[n], 4)
            s, a, r, after = (getattr(fresh, f)[n] for f in ("state", "action", "reward", "next_state"))
            total[n] = 0.5 * ((r + 0.95 * q[after].max(axis=1) - q[s, a]) ** 2).mean()
        return total

    np.testing.assert_allclose(found.loss, losses(theta), rtol=1e-12)
    way = np.random.default_rng(1).normal(size=(3, 3))
    along = (losses(theta + 1e-6 * way) - losses(theta - 1e-6 * way)) / 2e-6
    np.testing.assert_allclose((found.initial_table * way).sum(axis=(1, 2)), along, atol=1e-7)
    whole = mf.replay_gradient(learner, history, theta, cotangents=np.ones((6, 3, 3)), num_threads=1)
    other = mf.replay_gradient(learner, history, theta, cotangents=np.ones((6, 3, 3)), num_threads=3)
    assert_same_bits(whole.initial_table, other.initial_table)


def test_on_one_feature_a_state_it_is_the_table():
    features = mf.ListedFeatures(np.arange(4)[:, None], np.ones((4, 1)))
    linear = mf.LinearQLearning(features=features, learning_rate=0.3, epsilon=0.3)
    of_weights, of_table = (
        mf.Maml().fit(TASKS, learner, 3, num_iterations=4, rng=0).state for learner in (linear, LEARNER)
    )
    np.testing.assert_allclose(of_weights["theta"], of_table["theta"], rtol=1e-9)
    with pytest.raises(ValueError, match="of learners on features expected 'td_error'"):
        mf.Maml(loss="return").fit(TASKS, linear, 2, rng=0)
    with pytest.raises(ValueError, match="the gradient is that of the start alone"):
        mf.MetaSgd().fit(TASKS, linear, 2, rng=0)
