"""UCB1: its twin, the paper's bound, an independent simulation, and what is no bandit."""

from __future__ import annotations

import math

import numpy as np
import pytest

import metarl_fast as mf
import reference
from bandits import BanditTwin, assert_equals_twin, bernoulli_bandits, gaussian_bandits, total_regrets

LEARNER = mf.UCB1


class Twin(BanditTwin):
    """mean + range sqrt(2 ln n / n_j); an arm that was never pulled comes first."""

    def index(self, arm, stream):
        if self.pulls[arm] == 0:
            return math.inf
        log_pulls = reference.portable_log(float(sum(self.pulls)))
        width = math.sqrt(2.0 * log_pulls / self.pulls[arm])
        return self.sums[arm] / self.pulls[arm] + self.learner.reward_range * width

    def expected(self, arm):
        return self.sums[arm] / self.pulls[arm] if self.pulls[arm] else 0.0


BANDITS = {
    "bernoulli": lambda: bernoulli_bandits(np.random.default_rng(0).random((3, 5))),
    "gaussian": lambda: gaussian_bandits(np.random.default_rng(1).normal(size=(3, 5)), 0.5),
    "missing": lambda: gaussian_bandits([[1.0, 0.5, 2.0]], 0.5, available=[True, True, False]),
    "one arm": lambda: bernoulli_bandits([[0.5]]),
}


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("tasks", BANDITS.values(), ids=BANDITS)
def test_the_core_is_the_twin(tasks, real):
    assert_equals_twin(mf.UCB1(reward_range=1.5), tasks(), real)


def test_its_regret_is_that_of_an_independent_simulation():
    means, runs, pulls = np.array([0.9, 0.8, 0.8]), 400, 2000
    found = total_regrets(mf.UCB1(), means.tolist(), runs, pulls)

    random = np.random.default_rng(0)
    counts, sums = np.zeros((runs, 3)), np.zeros((runs, 3))
    for n in range(pulls):
        width = np.sqrt(2.0 * np.log(max(n, 1)) / np.maximum(counts, 1))
        arm = np.where(counts == 0, np.inf, sums / np.maximum(counts, 1) + width).argmax(axis=1)
        counts[np.arange(runs), arm] += 1
        sums[np.arange(runs), arm] += random.random(runs) < means[arm]
    expected = pulls * means.max() - sums.sum(axis=1)
    assert abs(found.mean() - expected.mean()) < 4 * math.hypot(found.std(), expected.std()) / math.sqrt(runs)


def test_its_regret_keeps_the_papers_bound():
    # Auer et al. 2002, theorem 1: the sum of 8 ln n / gap, and (1 + pi^2/3) times the sum of gaps.
    means, pulls = np.array([0.9, 0.6, 0.6, 0.6]), 2000
    gaps = means.max() - means[1:]
    bound = (8 * math.log(pulls) / gaps).sum() + (1 + math.pi**2 / 3) * gaps.sum()
    regret = total_regrets(mf.UCB1(), means.tolist(), 300, pulls).mean()
    assert 0 < regret < bound
    assert regret < 0.5 * pulls * gaps.sum() / len(means)  # half of what pulling any arm costs


def test_each_arm_is_pulled_once_before_any_is_again():
    task = gaussian_bandits([[5.0, 1.0, 3.0]], 0.0)[0]
    simulator = mf.Simulator(task, rng=0)
    agent, state, pulled = mf.UCB1().agent(simulator), simulator.reset(), []
    for _ in range(6):
        pulled.append(agent.act(state))
        _, reward, _ = simulator.step(pulled[-1])
        agent.observe(0, pulled[-1], reward, 0)
    assert pulled[:4] == [0, 1, 2, 0]
    assert agent.q_table.tolist() == [[5.0, 1.0, 3.0]]
    assert agent.policy().tolist() == [[1.0, 0.0, 0.0]]


def test_threads_and_episodes_do_not_matter():
    tasks = bernoulli_bandits(np.random.default_rng(2).random((70, 4)))
    runs = [mf.train(mf.UCB1(), tasks, 1, 200, rng=1, num_threads=n) for n in (1, 3)]
    assert (runs[0].q_table == runs[1].q_table).all()
    assert (runs[0].policy == runs[1].policy).all()


def test_it_adapts_and_compares():
    tasks = bernoulli_bandits([[0.2, 0.8], [0.9, 0.1], [0.4, 0.7], [0.6, 0.1]])
    curve = mf.adapt(mf.UCB1(), tasks, (0, 50), num_steps=10, rng=0)
    np.testing.assert_allclose(curve.scores[:, -1], 1.0, rtol=1e-12)
    found = mf.compare({"UCB1": mf.UCB1(), "Q": mf.QLearning()}, tasks, (0, 50), num_steps=10, rng=0)
    assert "UCB1" in str(found.table())


def test_what_is_no_bandit_is_refused():
    tasks = mf.TaskDistribution(3, 2, horizon=5).sample(2, rng=0)
    with pytest.raises(ValueError, match="num_states is 3, expected 1: this learner is for bandits"):
        mf.train(mf.UCB1(), tasks, 2, rng=0)
    with pytest.raises(ValueError, match="num_states is 3, expected 1: this learner is for bandits"):
        mf.UCB1().agent(tasks[0], rng=0)


@pytest.mark.parametrize(("value", "error"), [(0.0, ValueError), (-1.0, ValueError), ("1", TypeError)])
def test_a_range_of_rewards_is_above_0(value, error):
    with pytest.raises(error, match="reward_range"):
        mf.UCB1(reward_range=value)
