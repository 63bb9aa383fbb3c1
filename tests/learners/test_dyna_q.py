"""Dyna-Q: its twin, figure 8.2, and that without planning it is Q-learning."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from learner_twins import train
from reference import LEARNING, below, make_key, make_stream
from strategies import models
from td_twin import available_actions, bounded, greedy_action, uniform_action

LEARNER = mf.DynaQ


class Twin:
    """Q-learning, and n steps that are remembered after each; numbers are doubles whatever the tables are."""

    def __init__(self, learner, setting):
        self.learner = learner
        self.q = [[float(value) for value in row] for row in setting.table]
        self.memory = {}  # state -> action -> (reward, next state, terminated)

    def begin_episode(self, episode):
        pass

    def end_episode(self):
        pass

    def act(self, state, stream):
        x, y = stream.next(), stream.companion
        if x >> 1 < int(self.learner.epsilon * 2.0**31 + 0.5):
            return uniform_action(available_actions(self.q[state]), y)
        return greedy_action(self.q[state], y)

    def learn(self, state, action, reward, next_state, terminated):
        target = reward if terminated else reward + self.learner.discount * max(self.q[next_state])
        rate = self.learner.learning_rate
        self.q[state][action] = bounded((1.0 - rate) * self.q[state][action] + rate * bounded(target))

    def observe(self, state, action, reward, next_state, terminated, stream):
        outcome = float(reward), next_state, terminated
        self.learn(state, action, *outcome)
        self.memory.setdefault(state, {})[action] = outcome
        for _ in range(self.learner.planning_steps):
            x = stream.next()
            seen = list(self.memory)[below(x, len(self.memory))]
            taken = self.memory[seen]
            of = list(taken)[below(stream.companion, len(taken))]
            self.learn(seen, of, *taken[of])

    def table(self):
        return [list(row) for row in self.q]

    def policy(self):
        return [row.index(max(row)) for row in self.q]


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("family", [mf.DynaMaze(50), mf.TaskDistribution.rl2(), mf.RiverSwim()])
def test_the_core_is_the_twin(family, real):
    learner = mf.DynaQ(epsilon=0.2, planning_steps=3, initial_q=0.1)
    tasks = family.sample(2, rng=0)
    run = mf.train(learner, tasks, 6, 30, rng=1, snapshot_episodes=[2], dtype=real)
    for k, model in enumerate(models(tasks.materialise())):
        stream = make_stream(make_key(1), k, LEARNING)
        table = np.full((family.num_states, family.num_actions), 0.1)
        q, policy, returns, _ = train(model, stream, learner, 6, 30, table, False, [2], real)
        assert_same_bits(run.q_table[k], q)
        assert_same_bits(run.policy[k], policy)
        assert_same_bits(run.returns[k], returns)


def test_the_maze_takes_the_episodes_of_figure_8_2():
    """The book: without planning it takes 25 episodes to go nearly straight, with n = 5 five, 50 three."""
    tasks = mf.DynaMaze().sample(100, rng=0)
    for n, episodes in ((0, 25), (5, 5), (50, 3)):
        run = mf.train(mf.DynaQ(planning_steps=n), tasks, 40, 8000, rng=1, record=True)
        ends = [np.flatnonzero(row) for row in run.history.terminated | run.history.truncated]
        steps = np.diff(ends, prepend=-1)
        # Nothing is known in the first episode: a random walk, which takes 868.7 steps.
        assert abs(steps[:, 0].mean() - 868.7) < 4 * steps[:, 0].std() / 10
        assert (steps[:, episodes + 1 :].mean(axis=0) < 26).all()
        assert steps[:, max(1, episodes // 2)].mean() > 26


def test_without_planning_it_is_q_learning():
    tasks = mf.GoalGrid(5, slip=0.1).sample(30, rng=0)
    dyna = mf.train(mf.DynaQ(planning_steps=0), tasks, 40, rng=1, dtype=float)
    q_learning = mf.train(mf.QLearning(), tasks, 40, rng=1, dtype=float)
    assert_same_bits(dyna.q_table, q_learning.q_table)
    assert_same_bits(dyna.returns, q_learning.returns)


def test_a_learned_table_is_where_it_begins():
    tasks = mf.DynaMaze().sample(1, rng=0)
    best = mf.policy_iteration(tasks, 0.95).q_values[0]
    learner = mf.DynaQ(initial_q=mf.Table(best), epsilon=0.0)
    assert mf.train(learner, tasks, 3, rng=0, record=True).history.length.tolist() == [3 * 14]
    with pytest.raises(ValueError, match="planning_steps is -1"):
        mf.DynaQ(planning_steps=-1)
