"""The posterior planner: its twin, posteriors and plans by hand, and what is no prior."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import assert_core_is_twin
from reference import inverse_power
from td_twin import bounded, greedy_action

LEARNER = mf.PosteriorPlanner


class Twin:
    """The model of one task, and all of it swept over after every step."""

    def __init__(self, learner, setting):
        s, a = len(setting.table), len(setting.table[0])
        self.learner, self.table_ = learner, setting.table
        prior = learner.prior or blank(s, a)
        self.classes = [
            [int(c) if there > -math.inf else None for c, there in zip(row, values, strict=True)]
            for row, values in zip(prior.classes, setting.table, strict=True)
        ]
        count, self.places = prior.next_states.shape
        self.kind = prior.rewards
        # next state -> [p0, n], in the order of the places
        self.places_of = [
            {
                int(t): [float(p), 0.0]
                for t, p in zip(prior.next_states[c], prior.probabilities[c], strict=True)
                if t >= 0
            }
            for c in range(count)
        ]
        self.visits = [0.0] * count
        self.strengths = [learner.transition_strength] * count
        if prior.transition_strengths is not None:
            self.strengths = prior.transition_strengths.tolist()
        self.reward = {}  # key -> [prior mean, sum, number, strength]
        strong = np.full(prior.reward_means.shape, learner.reward_strength)
        strong = (strong if prior.reward_strengths is None else prior.reward_strengths).tolist()
        if self.kind == "transition":
            self.of_places = prior.reward_means.tolist()
            for c, places in enumerate(self.places_of):
                cells = zip(places, self.of_places[c], strong[c], strict=False)
                self.reward |= {(c, t): [mean, 0.0, 0.0, k] for t, mean, k in cells}
            self.strong = strong
        else:
            cells = zip(prior.reward_means.tolist(), strong, strict=True)
            self.reward = {key: [mean, 0.0, 0.0, k] for key, (mean, k) in enumerate(cells)}
        cells = [[float(tau), 0.0, 0.0, learner.reward_strength] for tau in prior.terminations]
        alike = range(s) if prior.end_alike is None else prior.end_alike.tolist()
        self.end = [cells[t] for t in alike]  # states that end alike share a cell
        self.at_end = [0.0] * s if prior.end_rewards is None else prior.end_rewards.tolist()
        self.value = [float(v) for v in prior.values]
        self.upset = set(range(count))
        self.worth = [0.0] * count
        self.plan()

    def begin_episode(self, episode):
        pass

    def end_episode(self):
        pass

    def mean(self, cell):
        prior, total, number, k = cell
        return (k * prior + total) / (k + number)

    def key(self, c, t):
        return {"next_state": t, "transition": (c, t), "pair": c}[self.kind]

    def p(self, c, t):
        k, (prior, seen) = self.strengths[c], self.places_of[c][t]
        return (k * prior + seen) / (k + self.visits[c])

    def look_ahead(self, c):
        of, worth = self.learner, 0.0
        if of.bonus > 0.0:
            worth = of.bonus * inverse_power(1.0 + self.visits[c], of.bonus_decay)
        for t in self.places_of[c]:
            at_end = self.mean(self.end[t]) * self.at_end[t]
            worth += self.p(c, t) * (self.mean(self.reward[self.key(c, t)]) + at_end)
        for t in self.places_of[c]:
            worth += of.discount * self.p(c, t) * (1.0 - self.mean(self.end[t])) * self.value[t]
        return worth

    def plan(self):
        for _ in range(self.learner.num_sweeps):
            if not self.upset:
                return
            for c in self.upset:
                self.worth[c] = self.look_ahead(c)
            self.upset, found = set(), [bounded(max(row)) for row in self.table()]
            for s, value in enumerate(found):
                if abs(value - self.value[s]) > (1.0 - self.learner.discount) / 32.0 * abs(value):
                    self.value[s] = value
                    self.upset |= {c for c, places in enumerate(self.places_of) if s in places}

    def act(self, state, stream):
        stream.next()
        return greedy_action(self.table()[state], stream.companion)

    def observe(self, state, action, reward, next_state, terminated, stream):
        self.learn(state, action, reward, next_state, terminated)
        self.plan()

    def learn(self, state, action, reward, next_state, terminated):
        c = self.classes[state][action]
        places = self.places_of[c]
        if next_state not in places:
            free, taken = len(places) < self.places, len(places)
            if not free:
                likely = [self.p(c, t) for t in places]
                taken = likely.index(min(likely))
                least = list(places)[taken]
                self.visits[c] -= places[least][1]
                renamed = {next_state if t == least else t: cell for t, cell in places.items()}
                places.clear()
                places.update(renamed)
            if self.kind == "transition":
                mean = self.of_places[c][taken] if free else 0.0
                self.reward[c, next_state] = [mean, 0.0, 0.0, self.strong[c][taken]]
            places[next_state] = [0.0, 0.0]
        places[next_state][1] += 1.0
        self.visits[c] += 1.0
        beside = float(reward) - self.at_end[next_state] if terminated else float(reward)
        seen = (self.reward[self.key(c, next_state)], beside), (self.end[next_state], terminated)
        for cell, x in seen:
            cell[1] += float(x)
            cell[2] += 1.0
        alike = {t for t, cell in enumerate(self.end) if cell is self.end[next_state]}
        self.upset |= {c} | {k for k, places in enumerate(self.places_of) if alike & set(places)}

    def table(self):
        return [[-math.inf if c is None else self.worth[c] for c in row] for row in self.classes]

    def policy(self):
        return [row.index(max(row)) for row in self.table()]


def blank(s, a):
    """What is believed if nothing is."""
    k = min(s, 16)
    return mf.TaskPrior(
        np.arange(s * a).reshape(s, a),
        np.full((s * a, k), -1),
        np.zeros((s * a, k)),
        "pair",
        np.zeros(s * a),
        np.zeros(s),
        np.zeros(s),
    )


def random_prior(s, a, rewards, classes=5, places=3, seed=0):
    """One of no meaning, with a free place in every other class."""
    random = np.random.default_rng(seed)
    next_states = np.array([random.permutation(s)[:places] for _ in range(classes)])
    p = random.dirichlet(np.ones(places), classes)
    next_states[::2, -1], p[::2, -1] = -1, 0.0
    size = {"next_state": s, "transition": (classes, places), "pair": classes}[rewards]
    return mf.TaskPrior(
        random.integers(0, classes, (s, a)),
        next_states,
        p,
        rewards,
        random.normal(size=size),
        random.random(s),
        random.normal(size=s),
    )


def small_tasks(masked=False):
    """Noisy dense tasks of 5 states and 3 actions, and one terminal state."""
    random = np.random.default_rng(3)
    rows = random.dirichlet(np.ones(5), (2, 5, 3))
    if masked:
        rows[:, :, 1] = 0.0
    rewards, last = random.normal(size=(2, 5, 3)), np.arange(5) == 4
    return mf.from_arrays(rows, rewards, terminal=last, reward_noise=0.3, start=0)


LEARNERS = {
    "nothing known": mf.PosteriorPlanner(bonus=1.0, bonus_decay=2.0),
    "by state": mf.PosteriorPlanner(prior=random_prior(5, 3, "next_state"), transition_strength=0.7),
    "by transition": mf.PosteriorPlanner(prior=random_prior(5, 3, "transition"), num_sweeps=2),
    "by pair": mf.PosteriorPlanner(prior=random_prior(5, 3, "pair", 9), bonus=0.0, discount=0.9),
    "ends give something": mf.PosteriorPlanner(
        prior=random_prior(5, 3, "pair").replace(
            end_rewards=np.arange(5.0) - 1.5, end_alike=[0, 1, 0, 3, 1], terminations=np.full(5, 0.2)
        )
    ),
    "strengths of its own": mf.PosteriorPlanner(
        prior=random_prior(5, 3, "transition").replace(
            transition_strengths=np.arange(1.0, 6.0), reward_strengths=np.arange(1.0, 16.0).reshape(5, 3) / 4
        )
    ),
}


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_the_core_is_the_twin(learner, masked, real):
    tasks = small_tasks(masked)
    assert_core_is_twin(learner, tasks, 5, 12, rng=4, dtype=real)


def test_one_step_of_the_posterior_by_hand():
    # Two states, one class for both: it led to 1 once, for a reward of 2.
    prior = mf.TaskPrior([[0], [0]], [[0, 1]], [[0.5, 0.5]], "next_state", [0.0, 1.0], [0.0, 0.0], [0.0, 0.0])
    learner = mf.PosteriorPlanner(
        prior=prior, discount=0.0, transition_strength=2.0, reward_strength=4.0, bonus=0.25, bonus_decay=1.0
    )
    task = mf.from_arrays(np.full((1, 2, 1, 2), 0.5), np.zeros((1, 2, 1)))[0]
    agent = learner.agent(task, rng=0, dtype=np.float64)
    assert agent.q_table.tolist() == [[0.25 + 0.5], [0.25 + 0.5]]
    agent.observe(0, 0, 2.0, 1)
    p1, r1 = (2.0 * 0.5 + 1.0) / 3.0, (4.0 * 1.0 + 2.0) / 5.0
    np.testing.assert_allclose(agent.q_table, 0.25 / 2.0 + p1 * r1, rtol=1e-15)


def test_it_plans_as_value_iteration_does_on_what_it_believes():
    tasks = mf.TaskDistribution(6, 3).sample(1, rng=1)
    truth = tasks[0]
    prior = mf.TaskPrior(
        np.arange(18).reshape(6, 3),
        np.tile(np.arange(6), (18, 1)),
        truth.transitions.reshape(18, 6),
        "pair",
        truth.rewards.ravel(),
        np.zeros(6),
        np.zeros(6),
    )
    learner = mf.PosteriorPlanner(prior=prior, discount=0.9, bonus=0.0, num_sweeps=500)
    found = learner.agent(truth, rng=0).q_table.max(axis=1)
    np.testing.assert_allclose(found, mf.policy_iteration(tasks, 0.9).values[0], rtol=0.04)


def test_actions_that_look_alike_are_taken_alike_often():
    prior = mf.TaskPrior([[0, 1, 2, 3]], np.zeros((4, 1)), np.ones((4, 1)), "pair", [1, 0, 1, 1], [0], [0])
    task = mf.from_arrays(np.ones((1, 1, 4, 1)), np.zeros((1, 1, 4)))[0]
    agent = mf.PosteriorPlanner(prior=prior, discount=0.5).agent(task, rng=0)
    taken = np.bincount([agent.act(0) for _ in range(6000)], minlength=4)
    assert taken[1] == 0
    assert (abs(taken[[0, 2, 3]] / 6000 - 1 / 3) < 4 * math.sqrt(2 / 9 / 6000)).all()


def test_with_nothing_known_it_still_learns():
    tasks = mf.TaskDistribution(10, 5, horizon=10).sample(64, rng=0)
    planner = mf.PosteriorPlanner(bonus=1.0, bonus_decay=2.0, transition_strength=10.0)
    runs = [mf.train(learner, tasks, 50, rng=1).returns for learner in (planner, mf.QLearning())]
    assert runs[0][:, 10:].mean() > runs[1][:, 10:].mean() + 1.0
    threads = [mf.train(planner, tasks, 5, rng=1, num_threads=n) for n in (1, 3)]
    assert_same_bits(threads[0].q_table, threads[1].q_table)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": [[0, 9]]}, r"classes\[0, 1\] is 9, expected 0 to 1"),
        ({"classes": [0, 1]}, r"classes has shape \(2,\), expected \(S, A\)"),
        ({"next_states": [[-1, 0], [0, -1]]}, "a state behind a free place"),
        ({"next_states": [[0, 1], [0, -1]]}, r"next_states\[0, 1\] is 1, expected -1 to 0"),
        ({"probabilities": [[1.0, 0.1], [1.0, 0.0]]}, "is not 0 in a free place"),
        ({"probabilities": [[1.5, 0.0], [1.0, 0.0]]}, r"probabilities\[0, 0\] is 1.5, expected 0 to 1"),
        ({"reward_means": [0.0]}, r"reward_means has shape \(1,\), expected \(2,\)"),
        ({"terminations": [math.nan]}, r"terminations\[0\] is nan"),
        ({"values": [0.0, 1.0]}, r"values has shape \(2,\), expected \(1,\)"),
        ({"transition_strengths": [1.0]}, r"transition_strengths has shape \(1,\), expected \(2,\)"),
        ({"transition_strengths": [1.0, 0.0]}, "transition_strengths has 0.0, expected numbers above 0"),
        ({"reward_strengths": [1.0, math.inf]}, "reward_strengths"),
        ({"end_rewards": [math.inf]}, r"end_rewards\[0\] is inf"),
        ({"end_rewards": [0.0, 1.0]}, r"end_rewards has shape \(2,\), expected \(1,\)"),
        ({"end_alike": [1]}, r"end_alike\[0\] is 1, expected 0 to 0"),
        ({"rewards": "state"}, "rewards is 'state', expected one of 'next_state'"),
    ],
)
def test_what_is_no_prior_is_refused(changes, message):
    fitting = {
        "classes": [[0, 1]],
        "next_states": [[0, -1], [0, -1]],
        "probabilities": [[1.0, 0.0], [1.0, 0.0]],
        "rewards": "pair",
        "reward_means": [0.0, 1.0],
        "terminations": [0.0],
        "values": [0.0],
    }
    prior = mf.TaskPrior(**fitting)
    assert prior == mf.TaskPrior(**fitting) == copy.deepcopy(prior) == pickle.loads(pickle.dumps(prior))
    assert hash(prior) == hash(mf.TaskPrior(**fitting))
    assert prior != prior.replace(values=[1.0])
    strong = prior.replace(transition_strengths=[1.0, 2.0])
    assert strong == pickle.loads(pickle.dumps(strong)) != prior
    with pytest.raises(ValueError, match="read-only"):
        prior.values[0] = 1.0
    with pytest.raises(ValueError, match=message):
        mf.TaskPrior(**{**fitting, **changes})


def test_states_that_end_in_a_circle_are_refused():
    with pytest.raises(ValueError, match="a state that is not the first of those alike"):
        random_prior(5, 3, "pair").replace(end_alike=[1, 2, 2, 3, 4])


def test_what_an_end_gives_by_hand():
    # From either state to 1; 0 and 1 end alike. An end gives 5, whatever the pair gives.
    prior = mf.TaskPrior([[0], [1]], [[1], [1]], [[1.0], [1.0]], "pair", [0, 0], [0.25, 0.25], [0, 0])
    prior = prior.replace(end_rewards=[5.0, 5.0], end_alike=[0, 0])
    learner = mf.PosteriorPlanner(prior=prior, discount=0.0, bonus=0.0, reward_strength=1.0)
    agent = learner.agent(mf.from_arrays(np.full((1, 2, 1, 2), 0.5), np.zeros((1, 2, 1)))[0], dtype=float)
    np.testing.assert_allclose(agent.q_table, 0.25 * 5.0)
    agent.observe(0, 0, 6.0, 1, terminated=True)  # 5 of which is the end's
    np.testing.assert_allclose(agent.q_table.ravel(), [1.0 / 2 + 1.25 / 2 * 5.0, 1.25 / 2 * 5.0])


def test_a_prior_of_other_sizes_is_refused(tmp_path):
    learner = LEARNERS["strengths of its own"]
    tasks = mf.TaskDistribution(3, 2, horizon=5).sample(2, rng=0)
    with pytest.raises(ValueError, match="prior has 5 states and 3 actions, the tasks 3 and 2"):
        mf.train(learner, tasks, 2, rng=0)
    mf.save(tmp_path / "learner.npz", learner)
    assert mf.load(tmp_path / "learner.npz") == learner
