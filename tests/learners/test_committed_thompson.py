"""Committed posterior sampling: its twin, posteriors by hand, and what commitment is good for."""

from __future__ import annotations

import math

import numpy as np
import pytest

import metarl_fast as mf
from learner_twins import assert_core_is_twin
from reference import portable_exp
from td_twin import greedy_action

LEARNER = mf.CommittedThompson


class Twin:
    """The posterior as a list, and which task is drawn."""

    def __init__(self, learner, setting):
        self.learner, self.known, self.table_ = learner, learner.library, setting.table
        self.posterior = [] if self.known is None else self.known.weights.tolist()
        self.drawn, self.when_drawn = None, 0.0

    def begin_episode(self, episode):
        pass

    def end_episode(self):
        pass

    def draw(self, stream):
        if not self.posterior:
            return
        x = stream.next()
        left = (float(x) + float(stream.companion >> 11) * 2.0**-21) * 2.0**-32
        for k, weight in enumerate(self.posterior):
            if weight > 0.0:
                self.drawn = k
                if left < weight:
                    break
                left -= weight
        self.when_drawn = self.posterior[self.drawn]

    def likelihood(self, k, state, action, reward, next_state, terminated):
        lists = (
            self.known.probabilities,
            self.known.next_states,
            self.known.rewards,
            self.known.terminations,
        )
        noise, found = float(self.known.reward_noise[k]), 0.0
        for p, t, r, ends in zip(*(values[k, state, action].tolist() for values in lists), strict=True):
            if t != next_state or bool(ends) != terminated:
                continue
            if noise > 0.0:
                z = (float(reward) - r) / noise
                found += p * (portable_exp(-0.5 * (z * z)) / noise)
            elif np.float32(reward) == np.float32(r):
                found += p
        return found

    def act(self, state, stream):
        if self.drawn is None:
            self.draw(stream)
        stream.next()
        return greedy_action(self.table()[state], stream.companion)

    def observe(self, state, action, reward, next_state, terminated, stream):
        if not self.posterior:
            return
        step = state, action, reward, next_state, terminated
        raw = [w * self.likelihood(k, *step) if w > 0.0 else 0.0 for k, w in enumerate(self.posterior)]
        total = 0.0
        for weight in raw:
            total += weight
        if total > 0.0:
            self.posterior = [weight / total for weight in raw]
        else:
            self.posterior, self.drawn = self.known.weights.tolist(), None
        if self.drawn is None or self.posterior[self.drawn] <= self.learner.doubt * self.when_drawn:
            self.draw(stream)

    def worth(self, s, a):
        if self.table_[s][a] == -math.inf:
            return -math.inf
        if self.drawn is not None:
            return float(self.known.values[self.drawn, s, a])
        found = 0.0
        for k, weight in enumerate(self.posterior):
            found += weight * float(self.known.values[k, s, a])
        return found

    def table(self):
        return [[self.worth(s, a) for a in range(len(row))] for s, row in enumerate(self.table_)]

    def policy(self):
        return [row.index(max(row)) for row in self.table()]


def dense(count, noise, seed=0, mask=False):
    random = np.random.default_rng(seed)
    rows = random.dirichlet(np.ones(4), (count, 4, 3))
    if mask:
        rows[:, :, 1] = 0.0
    rewards = random.normal(size=(count, 4, 3))
    return mf.from_arrays(rows, rewards, terminal=np.arange(4) == 3, reward_noise=noise, start=0)


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("case", ["nothing known", "noisy", "others", "masked", "goals"])
def test_the_core_is_the_twin(case, real):
    tasks, learner = dense(2, 0.4, mask=case == "masked"), mf.CommittedThompson()
    if case in ("noisy", "masked"):
        library = mf.known_tasks(dense(5, 0.4))
        learner = mf.CommittedThompson(library=library, doubt=0.9 if case == "noisy" else 0.2)
    elif case == "others":  # not one of its own: nothing explains what happens
        learner = mf.CommittedThompson(library=mf.known_tasks(dense(5, 0.0, seed=1)), doubt=1.0)
    elif case == "goals":
        family = mf.GoalGrid(2, slip=0.2, horizon=6)
        tasks, learner = (
            family.sample(2, rng=1).materialise(),
            mf.CommittedThompson(library=mf.known_tasks(family.sample(20, rng=0))),
        )
    assert_core_is_twin(learner, tasks, 4, 8, rng=4, dtype=real)


def test_a_posterior_by_hand():
    """Two coins of chances 0.9 and 0.2 at even odds: after a head it is 9 to 2, and the first is best."""
    tasks = mf.from_outcomes(
        probability=[[[[p, 1 - p]]] for p in (0.9, 0.2)],
        next_state=np.zeros((2, 1, 1, 2), int),
        reward=[[[[1.0, 0.0]]]] * 2,
        terminated=np.zeros((2, 1, 1, 2), bool),
    )
    library = mf.known_tasks(tasks, 0.5)
    np.testing.assert_allclose(library.values[:, 0, 0], [1.8, 0.4])
    means = [0, 0]
    for seed in range(1000):
        agent = mf.CommittedThompson(library=library, doubt=1.0).agent(tasks[0], rng=seed, dtype=float)
        assert agent.q_table[0, 0] == pytest.approx(1.1)  # the mean, as nothing is drawn
        agent.observe(0, 0, 1.0, 0)
        means[0] += agent.q_table[0, 0] > 1.0
    assert abs(means[0] / 1000 - 9 / 11) < 4 * math.sqrt(18 / 121 / 1000)


def test_tasks_that_are_the_same_are_one():
    family = mf.Darkroom(3, horizon=5)
    tasks = family.sample(200, rng=0)
    library = mf.known_tasks(tasks)
    goals = tasks.rewards.reshape(200, -1)
    assert len(library) == len(np.unique(goals, axis=0)) == 9
    assert library.weights.sum() == pytest.approx(1.0)
    assert library != library.replace(discount=0.5)
    assert library == mf.known_tasks(tasks)
    assert hash(library) == hash(mf.known_tasks(tasks))


def test_it_finds_every_goal_and_teaches():
    """On AD's Darkroom it is at the optimum by episode 20, which a prototype reached with it."""
    tasks = mf.Darkroom.ad().sample(300, rng=1)
    library = mf.known_tasks(mf.Darkroom.ad().sample(2000, rng=0))
    assert len(library) == 81
    found = mf.train(mf.CommittedThompson(library=library), tasks, 20, rng=2).returns[:, -5:].mean()
    assert found > 0.97 * mf.bounds(tasks, 1.0).optimal.mean()
    run = mf.act_in_context(mf.CommittedThompson(library=library), tasks[:20], 12, rng=3)
    label = mf.relabel(run.history, None, tasks[:20], mf.CommittedThompson(library=library), rng=3)
    taken = np.take_along_axis(label, run.history.action[..., None].astype(int), axis=-1)[..., 0]
    assert (taken[:, -40:] > 0).mean() > 0.9  # both know the goal by then


def test_what_is_no_library_is_refused():
    tasks = mf.TaskDistribution(3, 2, horizon=5).sample(2, rng=0)
    with pytest.raises(ValueError, match="library has 4 states and 3 actions, the tasks 3 and 2"):
        mf.train(mf.CommittedThompson(library=mf.known_tasks(dense(2, 0.0))), tasks, 1, rng=0)
    with pytest.raises(TypeError, match="library is 5"):
        mf.CommittedThompson(library=5)
    with pytest.raises(TypeError, match="tasks is"):
        mf.known_tasks(5)
    with pytest.raises(ValueError, match="in all of them, or in none"):
        mf.known_tasks(dense(2, [0.0, 0.3]))
    known = mf.known_tasks(dense(2, 0.0))
    for name, value, match in (
        ("weights", [1.0, 0.0], "weights has 0.0, expected numbers above 0"),
        ("values", np.zeros((2, 4, 2)), r"values has shape \(2, 4, 2\), expected \(2, 4, 3\)"),
        ("next_states", known.next_states + 4, r"next_states\[0, 0, 0, 0\] is 4"),
        ("probabilities", [1.0], r"probabilities has shape \(1,\), expected \(L, S, A, K\)"),
    ):
        with pytest.raises(ValueError, match=match):
            known.replace(**{name: value})
