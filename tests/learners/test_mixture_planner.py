"""The planner of several kinds: its twin, the posterior of kinds by scipy's laws, and what it finds out."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import multivariate_normal

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import assert_core_is_twin
from learners.test_posterior_planner import Twin as KindTwin
from learners.test_posterior_planner import random_prior, small_tasks
from reference import portable_exp, portable_log
from td_twin import greedy_action

LEARNER = mf.MixturePlanner


class Twin:
    """A twin of each kind, and the logarithms of how likely the kinds are."""

    def __init__(self, learner, setting):
        self.learner, self.num_states = learner, len(setting.table)
        self.kinds = [KindTwin(planner, setting) for planner in learner.planners]
        self.logs = [portable_log(weight) for weight in learner.weights or [1.0] * len(self.kinds)]
        self.judge()

    def begin_episode(self, episode):
        pass

    def end_episode(self):
        pass

    def judge(self):
        largest = max(self.logs)
        self.logs = [value - largest for value in self.logs]
        found = [portable_exp(value) for value in self.logs]
        found = [0.0 if p < 1e-6 else p for p in found]
        total = 0.0
        for p in found:
            total += p
        self.p = [p / total for p in found]

    def evidence(self, kind, state, action, reward, next_state, terminated):
        of, c = self.learner, kind.classes[state][action]
        prior, seen = kind.places_of[c].get(next_state, (0.0, 0.0))
        k, known = kind.strengths[c], 1.0 - of.surprise
        led = (k * (known * prior + of.surprise / self.num_states) + seen) / (k + kind.visits[c])
        tau, ends, number, k = kind.end[next_state]
        ended = (k * (known * tau + 0.5 * of.surprise) + ends) / (k + number)
        found = portable_log(led) + portable_log(ended if terminated else 1.0 - ended)
        if kind.kind != "transition" or next_state in kind.places_of[c]:
            mean, total, number, _ = kind.reward[kind.key(c, next_state)]
            variance = of.reward_noise * of.reward_noise
            k = variance / (of.reward_deviation * of.reward_deviation)
            beside = float(reward) - kind.at_end[next_state] if terminated else float(reward)
            off = beside - (k * mean + total) / (k + number)
            spread = variance * (1.0 + 1.0 / (k + number))
            found += -0.5 * (portable_log(spread) + off * off / spread)
        return found

    def act(self, state, stream):
        stream.next()
        return greedy_action(self.table()[state], stream.companion)

    def observe(self, *step):
        *step, _ = step
        for k, kind in enumerate(self.kinds):
            self.logs[k] += self.evidence(kind, *step)
            kind.learn(*step)
        self.judge()
        for kind, p in zip(self.kinds, self.p, strict=True):
            if p > 0.0:
                kind.plan()

    def table(self):
        tables = [kind.table() for kind in self.kinds]
        found = [[0.0] * len(row) for row in tables[0]]
        for p, table in zip(self.p, tables, strict=True):
            for sums, row in zip(found, table, strict=True):
                for a, worth in enumerate(row):
                    sums[a] += p * worth if p > 0.0 else 0.0
        return found

    def policy(self):
        return [row.index(max(row)) for row in self.table()]


def kinds(*planners, **more):
    return mf.MixturePlanner(planners=planners, **more)


LEARNERS = {
    "nothing known": mf.MixturePlanner(),
    "three kinds": kinds(
        mf.PosteriorPlanner(prior=random_prior(5, 3, "next_state"), transition_strength=0.7),
        mf.PosteriorPlanner(prior=random_prior(5, 3, "transition"), num_sweeps=2, transition_strength=2.0),
        mf.PosteriorPlanner(prior=random_prior(5, 3, "pair", 9), bonus=0.1, transition_strength=9.0),
        weights=(1.0, 2.0, 0.5),
        reward_noise=2.0,
    ),
}


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_the_core_is_the_twin(learner, masked, real):
    tasks = small_tasks(masked)
    assert_core_is_twin(learner, tasks, 5, 12, rng=4, dtype=real)


def prior_of_kind(p, mean, tau, worth):
    """Of pair (0, 0) something is believed, and pair (1, 0), never tried, says which kind it is."""
    rows, ends = [list(p), [1.0, 0.0, 0.0]], [tau, tau, tau]
    return mf.TaskPrior([[0], [1], [1]], [[0, 1, 2]] * 2, rows, "pair", [mean, worth], ends, [0, 0, 0])


def test_the_posterior_of_kinds_is_that_of_dirichlet_normal_and_beta_laws():
    believed = [((0.5, 0.3, 0.2), 0.1, 0.3), ((0.2, 0.2, 0.6), 0.4, 0.1)]
    strengths, k_r, noise, deviation, surprise = (3.0, 5.0), 2.0, 0.7, 0.5, 0.05
    planners = [
        mf.PosteriorPlanner(
            prior=prior_of_kind(p, mean, tau, float(k)),
            discount=0.0,
            bonus=0.0,
            transition_strength=strengths[k],
            reward_strength=k_r,
        )
        for k, (p, mean, tau) in enumerate(believed)
    ]
    learner = kinds(
        *planners, weights=(2.0, 1.0), surprise=surprise, reward_noise=noise, reward_deviation=deviation
    )
    steps = [(0.3, 1, False), (1.1, 2, True), (-0.4, 2, False), (0.8, 0, False), (0.2, 2, True)]
    agent = learner.agent(mf.from_arrays(np.full((1, 3, 1, 3), 1 / 3), np.zeros((1, 3, 1)))[0], dtype=float)
    assert agent.q_table[1, 0] == pytest.approx(1 / 3, rel=1e-12)
    for reward, entered, ends in steps:
        agent.observe(0, 0, reward, entered, ends)
    logs = np.log([2.0, 1.0])
    rewards, led, ended = (np.array(column) for column in zip(*steps, strict=True))
    for k, (p, mean, tau) in enumerate(believed):
        alpha = strengths[k] * ((1 - surprise) * np.array(p) + surprise / 3)
        counts = np.bincount(led, minlength=3)
        logs[k] += (
            gammaln(alpha.sum()) - gammaln(alpha.sum() + 5) + (gammaln(alpha + counts) - gammaln(alpha)).sum()
        )
        even = (1 - surprise) * tau + surprise / 2
        for state in range(3):
            yes, no = ((ended == said) & (led == state) for said in (True, False))
            seen, beta = np.array([yes.sum(), no.sum()]), k_r * np.array([even, 1 - even])
            logs[k] += (gammaln(beta + seen) - gammaln(beta)).sum()
            logs[k] += gammaln(k_r) - gammaln(k_r + seen.sum())
        logs[k] += multivariate_normal.logpdf(rewards, np.full(5, mean), noise**2 * np.eye(5) + deviation**2)
    odds = np.exp(logs[1] - logs[0])
    assert agent.q_table[1, 0] == pytest.approx(odds / (1 + odds), rel=1e-10)


def test_a_reward_out_of_all_bounds_leaves_numbers():
    learner = kinds(*(mf.PosteriorPlanner(discount=d) for d in (0.5, 0.9)), reward_noise=1e-200)
    agent = learner.agent(mf.TaskDistribution(3, 2).sample(1, rng=0)[0], dtype=float)
    for reward in (1e300, -1e300, 0.0):
        agent.observe(0, 1, reward, 2)
    assert np.isfinite(agent.q_table).all()


def test_one_kind_is_the_planner_of_that_kind(tmp_path):
    tasks, planner = small_tasks(), mf.PosteriorPlanner(prior=random_prior(5, 3, "next_state"))
    learner = kinds(planner)
    runs = [mf.train(one, tasks, 5, 12, rng=4, num_threads=n) for one, n in ((learner, 2), (planner, 1))]
    assert_same_bits(runs[0].q_table, runs[1].q_table)
    mf.save(tmp_path / "learner.npz", learner)
    assert mf.load(tmp_path / "learner.npz") == learner == pickle.loads(pickle.dumps(learner))
    with pytest.raises(ValueError, match="prior has 5 states and 3 actions, the tasks 3 and 2"):
        mf.train(learner, mf.TaskDistribution(3, 2, horizon=5).sample(2, rng=0), 2, rng=0)
