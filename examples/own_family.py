"""A family of one's own
=====================

Describe one task; train, meta-learn and adapt on as many as you like.
"""

import numpy as np

import metarl_fast as mf


class Corridor(mf.Family):
    """Twelve cells in a row, slippery, a start at the left end and a treasure somewhere in the right half."""

    num_states, num_actions, horizon = 12, 2, 40

    def __init__(self, treasures=(6, 7, 8, 9, 10, 11)):
        self.treasures = treasures

    def task(self, rng):
        transitions = np.zeros((12, 2, 12))
        for cell in range(12):
            left, right = max(cell - 1, 0), min(cell + 1, 11)
            transitions[cell, 0, left] += 0.8
            transitions[cell, 0, right] += 0.2
            transitions[cell, 1, right] += 0.8
            transitions[cell, 1, left] += 0.2
        treasure = rng.choice(self.treasures)
        is_treasure = np.arange(12) == treasure
        return {"transitions": transitions, "rewards": transitions @ is_treasure, "terminal": is_treasure}

    def split(self, held_out=0.2):
        """Divide the treasures: the same few tasks would else be drawn on both sides."""
        return Corridor((6, 8, 9, 11)), Corridor((7, 10))


training, held_out = Corridor().split()
learner = mf.QLearning(12, 2, learning_rate=0.2, discount=0.95, epsilon=0.1)

# One call runs the learner on all tasks.
tasks = training.sample(1000, rng=0)
run = mf.train(learner, tasks, num_episodes=50, rng=1)
print(
    f"return of the first episode {run.returns[:, 0].mean():.2f}, of the last {run.returns[:, -1].mean():.2f}"
)

# A meta-learner makes a start out of what was learned, for tasks that nobody has seen.
meta = mf.AverageQ().fit(training, learner, 50, num_tasks=1000, rng=2)
new_tasks = held_out.sample(500, rng=3)
print("score after 0, 1, 2, 5, 10 and 20 episodes on a new task (0: random, 1: optimal)")
for name, contender in (("from scratch", learner), ("meta-learned", meta)):
    curve = mf.adapt(contender, new_tasks, [0, 1, 2, 5, 10, 20], rng=4)
    print(name, curve.interval().mean.round(2))
