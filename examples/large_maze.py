"""A maze of a million cells
=========================

Mazes whose walls follow from their number and are never written out; a learner whose values are a few hundred
weights of features of a cell's coordinates. The walls of every maze are others, so what Reptile can learn is
where the way out lies: mazes are entered ever farther from it, in the end at the last cell, as new mazes are.
"""

import argparse
import resource
import time

import metarl_fast as mf

arguments = argparse.ArgumentParser()
arguments.add_argument("--side", type=int, default=1001, help="cells along a side, odd")
arguments.add_argument("--mazes", type=int, default=8, help="to learn from, and as many new ones")
arguments.add_argument("--seed", type=int, default=0, help="of the mazes and of what happens in them")
side, mazes, seed = vars(arguments.parse_args()).values()

features = mf.TileCoding((side, side), side // 2, 64)
# A softmax, because at a wall the better of two good actions is of no use for ever.
learner = mf.LinearQLearning(
    features=features, learning_rate=0.5, discount=1.0, temperature=0.5, initial_q=-2.0 * side
)


def entered(distance):
    """Return mazes whose way out is the first cell, entered so many cells right of it and below it."""
    way_out, horizon = mf.Cells(((0, 0),)), 30 * distance
    start = distance, distance
    return mf.Maze(
        side, "binary_tree", goals=way_out, start=start, goal_reward=0.0, step_reward=-1.0, horizon=horizon
    )


def returns_in_new_mazes(contender):
    new = entered(side - 1).split()[1].sample(mazes, rng=seed)
    return mf.train(contender, new, 5, rng=seed, q_table=False, policy=False, mean_returns=True).mean_returns


began, student, distance = time.perf_counter(), learner, 8
while distance < side - 1:
    distance = min(distance * 3 // 4 * 2, side - 1)  # half as far again, a room
    training = entered(distance).split()[0]
    fitted = mf.Reptile(step_size=0.3).fit(training, student, 10, num_tasks=mazes, num_iterations=4, rng=seed)
    student = fitted.learner
taken = time.perf_counter() - began

print(f"{side * side} cells, {features.num_features} features, {2 * (side - 1)} steps from end to end")
print(f"scratch  {returns_in_new_mazes(learner).round()}")
print(f"Reptile  {returns_in_new_mazes(student).round()}")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{taken:.0f} s of meta-training, {peak:.0f} MB at most, Python and NumPy included")
