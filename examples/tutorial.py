"""The tutorial's program
======================

Three names are imported instead of defined, the loop is unchanged.

It draws random tasks, learns each by Q-learning, one step at a time, and shows the meta-learner what was
learned. `own_family.py` does the same thing fast.
"""

import numpy as np

from metarl_fast import MetaLearner, QLearning, TaskDistribution

num_states = 10
num_actions = 5
num_meta_iterations = 20
num_episodes = 10
num_steps = 100

np.random.seed(0)
task_distribution = TaskDistribution(num_states, num_actions)
meta_learner = MetaLearner(num_states, num_actions)

for meta_iteration in range(num_meta_iterations):
    task = task_distribution.sample(rng=meta_iteration)  # the same tasks each time
    q_learning = QLearning(num_states, num_actions)

    for episode in range(num_episodes):
        state = np.random.randint(num_states)

        for step in range(num_steps):
            action = np.random.choice(num_actions)
            next_state = np.random.choice(num_states, p=task[state, action])
            reward = 1.0 if next_state == num_states - 1 else 0.0
            q_learning.update(state, action, reward, next_state)
            state = next_state

    policy = q_learning.get_policy()
    meta_learner.update(task, policy)

print("policy learned on the last task:", policy)
print("policy prior of the first state:", meta_learner.policy[0].round(3))
