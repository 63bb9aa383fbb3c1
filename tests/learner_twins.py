"""One task and what lives in it, in plain Python: the loop that all twins of learners share.

The test file of a learner says `LEARNER`, the class, and `Twin`, what a learner of that class does in one
task; here they are found by the class. A `Twin` is made of (learner, `Setting`) and has

    begin_episode(episode)                                      what differs between episodes takes hold
    act(state, stream)                                          the action to take
    observe(state, action, reward, next_state, terminated, stream)
    end_episode()                                               the path ends
    table(), policy()                                           [S][A] and [S], what is reported

All numbers are of type `real`, `np.float32` or `float`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from reference import (
    LEARNING,
    make_key,
    make_stream,
    normal_quantile,
    open_unit,
    sample,
    sample_by_rejection,
    thresholds,
    unit,
)
from strategies import models


@cache
def twins():
    """The twins by the class of their learner."""
    found = {}
    for path in sorted((Path(__file__).parent / "learners").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "\nclass Twin(" in text or "\nclass Twin:" in text:
            with suppress(pytest.skip.Exception):
                module = import_module(f"learners.{path.stem}")
                found[module.LEARNER] = module.Twin
    return found


@dataclass
class Setting:
    """What a twin knows before it acts."""

    table: list  # [S][A], -infinity where an action is not available
    num_episodes: int
    real: type


class Life:
    """A learner in one task, step by step."""

    def __init__(self, model, stream, learner, num_episodes, table, real):
        self.stream, self.real, self.learner = stream, real, learner
        self.change_task(model)
        values = np.where(model.available(), table, -np.inf).tolist()
        setting = Setting([[real(value) for value in row] for row in values], num_episodes, real)
        self.twin = twins()[type(learner)](learner, setting)
        self.state = self.action = None

    def change_task(self, model):
        """From now on it is another one; what was learned stays."""
        self.model = model
        self.rows = [[thresholds(row, self.real) for row in rows] for rows in model.probability.tolist()]
        self.starts = thresholds(model.start.tolist(), self.real)

    def begin_episode(self, episode):
        """Whether there is anything to do: in an episode that starts in a terminal state there is not."""
        self.twin.begin_episode(episode)
        if self.state is None:
            start = sample(self.starts, unit(self.stream.next(), self.real))
            if self.model.is_terminal(start):
                return False
            self.state = start
        return True

    def step(self, *, cut=False):
        """(reward, terminated); the time limit may cut the episode here."""
        state = self.state
        self.action = self.twin.act(state, self.stream)
        self.state, reward, terminated = self.answer(state, self.action)
        resets = cut and not terminated and getattr(self.learner, "sees_reset", False)
        shown = self.model.start.tolist().index(1.0) if resets else self.state
        self.twin.observe(state, self.action, reward, shown, terminated, self.stream)
        return reward, terminated

    def end_episode(self):
        self.state = None
        self.twin.end_episode()

    def answer(self, state, action):
        """The task's (next state, reward, terminated)."""
        if self.model.weights is not None:
            outcome = sample_by_rejection(self.model.weights[state][action], self.stream)
        else:
            outcome = sample(self.rows[state][action], unit(self.stream.next(), self.real))
        next_state, expected, terminated = self.model.outcome(state, action, outcome)
        reward = self.real(expected) + self.real(0)  # makes -0 the usual 0
        if self.model.reward_noise:
            noise = self.real(normal_quantile(open_unit(self.stream.next())))
            reward += self.real(self.model.reward_noise) * noise
        return next_state, reward, terminated


def train(
    model,
    stream,
    learner,
    num_episodes,
    num_steps,
    table,
    continuing,
    snapshots_at,
    real,
    changes=None,
    past=None,
):
    """A learner on one task: (q_table, policy, returns, snapshots), the numbers of type `real`.

    From the episodes in `changes` on the task is another one. Steps (state, action, reward, next_state,
    terminated, truncated) are put into the list `past`.
    """
    life = Life(model, stream, learner, num_episodes, table, real)
    returns, snapshots = [], []
    for episode in range(num_episodes):
        if episode in snapshots_at:
            snapshots.append(life.twin.table())
        if changes and episode in changes:
            life.change_task(changes[episode])
        terminated = not life.begin_episode(episode)
        earned, steps = 0.0, 0
        while steps < num_steps and not terminated:
            state = life.state
            reward, terminated = life.step(cut=steps + 1 == num_steps and not continuing)
            earned += float(reward)
            steps += 1
            if past is not None:
                truncated = steps == num_steps and not terminated
                past.append((state, life.action, reward, life.state, terminated, truncated))
        returns.append(earned)
        if terminated or not continuing:
            life.end_episode()
    if num_episodes in snapshots_at:
        snapshots.append(life.twin.table())
    learned = np.array(life.twin.table(), real)
    shape = (len(snapshots), *learned.shape)
    return (
        learned,
        np.array(life.twin.policy(), np.int32),
        np.array(returns, float),
        np.array(snapshots, real).reshape(shape),
    )


def assert_core_is_twin(learner, tasks, num_episodes, num_steps, *, rng, dtype, snapshot_episodes=(2,)):
    """Train in the core, and by the twin in each task; return the core's run."""
    at = list(snapshot_episodes)
    run = mf.train(learner, tasks, num_episodes, num_steps, rng=rng, dtype=dtype, snapshot_episodes=at)
    kept = ("q_table", "policy", "returns") + ("snapshots",) * bool(at)
    sizes = tasks.num_states, tasks.num_actions
    number = np.float32 if dtype is np.float32 else float
    for index, model in enumerate(models(tasks)):
        stream = make_stream(make_key(rng), int(tasks.ids[index]), LEARNING)
        table = np.full(sizes, getattr(learner, "initial_q", 0.0), dtype)
        found = train(model, stream, learner, num_episodes, num_steps, table, False, at, number)
        for name, expected in zip(kept, found, strict=False):
            assert_same_bits(getattr(run, name)[index], expected)
    return run
