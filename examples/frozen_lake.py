"""Random frozen lakes
===================

Learn Gymnasium's FrozenLake on random maps, and compare with the exact optimum. Needs the extra `gym`.
"""

import metarl_fast as mf

tasks = mf.FrozenLakeMaps(side=4).sample(64, rng=0)
optimum = mf.value_iteration(tasks, discount=0.95)

# Optimism makes the learner look everywhere; the step size falls with the visits of each pair.
learner = mf.QLearning(
    16, 4, learning_rate=1.0, learning_rate_decay=0.65, discount=0.95, epsilon=0.5, initial_q=1.0
)
print("episodes  of the optimum (mean, worst map)")
episodes = [0, 10, 100, 1_000, 10_000]
run = mf.train(learner, tasks, episodes[-1], rng=1, snapshot_episodes=episodes, returns=False)
for k, count in enumerate(episodes):
    policy = mf.greedy_policy(run.snapshots[:, k])
    share = mf.policy_evaluation(tasks, policy, discount=0.95).returns / optimum.returns
    print(f"{count:8d}  {share.mean():.3f}  {share.min():.3f}")
