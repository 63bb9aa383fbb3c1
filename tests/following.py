"""A step-by-step learner that follows the twin: the twin acts, the object is told every transition."""

from __future__ import annotations

import numpy as np

import family_twins
import metarl_fast as mf
import reference
from learner_twins import Life

# Noise makes every reward another one; slipping on a grid ends episodes at other times.
FAMILIES = {
    "noisy": mf.TaskDistribution(5, 3, rewards=mf.Normal(0, 1), reward_noise=1.0),
    "grid": mf.GoalGrid(3, slip=0.3, step_reward=-0.1, start=None),
}

# What `update` of some learners wants beside a transition.
MORE = {
    mf.Sarsa: {"next_action": 0},
    mf.SarsaLambda: {"next_action": 0},
    mf.DoubleQLearning: {"second": False},
}


def following(learner, family, *, num_episodes=15, num_steps=12):
    """Yield the twin after each step that both have learned from."""
    table = np.full((learner.num_states, learner.num_actions), learner.initial_q)
    stream = reference.make_stream(0, 0, reference.LEARNING)
    life = Life(family_twins.generate(family, 0, 0), stream, learner, num_episodes, table, float)
    twin = life.twin
    for episode in range(num_episodes):
        life.begin_episode(episode)
        for _ in range(num_steps):
            state = life.state
            reward, terminated = life.step()
            more = {"next_action": twin.next_action} if twin.on_policy else {}
            if twin.num_tables == 2:
                more["second"] = twin.second
            learner.update(state, life.action, reward, life.state, terminated=terminated, **more)
            yield twin
            if terminated:
                break
        life.end_episode()
        if hasattr(learner, "end_episode"):
            learner.end_episode()
