"""learn2learn's MAML on our tasks
===============================

It adapts a torch policy on this package's tasks, all copies of a task stepped in the core.
Needs learn2learn and torch. For each task a copy of the policy takes one gradient step (REINFORCE) on its own
episodes, and is judged by what it earns then; the initial policy follows the gradient of that. In forty
seconds of one core what the adapted policy earns grows from 13.4 to 15.8; policies that do not adapt earn
about 10.
"""

import sys

import numpy as np

import metarl_fast as mf
from metarl_fast.compat.learn2learn import VectorMetaEnv

try:
    import learn2learn
    import torch
except ImportError as error:
    sys.exit(f"this example needs learn2learn and torch: {error}")

COPIES, STEPS, TASKS, ITERATIONS = 40, 10, 10, 100

torch.manual_seed(0)
env = VectorMetaEnv(mf.TaskDistribution.rl2(), COPIES, rng=0)
policy = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.Tanh(), torch.nn.Linear(32, 5))
maml = learn2learn.algorithms.MAML(policy, lr=10.0)  # the one step has to do it all
optimiser = torch.optim.Adam(maml.parameters(), 1e-2)


def episodes(actor):
    """One episode in every copy: its loss, and what it earned."""
    seen, chosen, earned = env.reset(), [], []
    for _ in range(STEPS):
        actions = torch.distributions.Categorical(logits=actor(torch.from_numpy(seen)))
        action = actions.sample()
        chosen.append(actions.log_prob(action))
        seen, rewards, _, _ = env.step(action.numpy())
        earned.append(rewards)
    to_come = np.cumsum(np.array(earned)[::-1], axis=0)[::-1]
    advantage = (to_come - to_come.mean(axis=1, keepdims=True)) / to_come.std()
    loss = -(torch.stack(chosen) * torch.from_numpy(advantage.astype(np.float32))).sum(dim=0).mean()
    return loss, np.sum(earned) / COPIES


before, after = [], []
for iteration in range(ITERATIONS):
    total = 0.0
    for task in env.sample_tasks(TASKS):
        env.set_task(task)
        actor = maml.clone()
        loss, earned = episodes(actor)
        actor.adapt(loss)
        before.append(earned)
        loss, earned = episodes(actor)
        after.append(earned)
        total = total + loss / TASKS
    optimiser.zero_grad()
    total.backward()
    optimiser.step()
    if iteration % 10 == 9:
        print(f"iteration {iteration + 1}: return {np.mean(before):.2f}, adapted {np.mean(after):.2f}")
        before, after = [], []
