"""Figures of Sutton and Barto
===========================

Those of "Reinforcement Learning" (second edition, 2018), in numbers.

`python examples/sutton_barto.py figures.png` also draws them, which needs the extra `plot`.
"""

from __future__ import annotations

import sys

import numpy as np

import metarl_fast as mf


def testbed():
    """Figure 2.2: reward and share of best pulls on 2000 ten-armed bandits, by step."""
    tasks = mf.GaussianBandit.testbed().sample(2000, rng=0)
    best = tasks.rewards[:, 0].argmax(axis=1)
    rewards, shares = {}, {}
    for epsilon in (0.0, 0.01, 0.1):
        averages = mf.QLearning(learning_rate=1.0, learning_rate_decay=1.0, discount=0.0, epsilon=epsilon)
        history = mf.train(averages, tasks, 1, 1000, rng=1, record=True).history
        rewards[f"epsilon {epsilon:g}"] = history.reward.mean(axis=0)
        shares[f"epsilon {epsilon:g}"] = (history.action == best[:, None]).mean(axis=0)
    return rewards, shares


def random_walk():
    """Example 6.2: error of TD(0) on five states, by episode; with one action it is Q-learning."""
    tasks = mf.RandomWalk().sample(100, rng=0)
    errors = {}
    for rate in (0.05, 0.1, 0.15):
        learner = mf.QLearning(learning_rate=rate, discount=1.0, initial_q=0.5)
        run = mf.train(learner, tasks, 100, 1000, rng=1, snapshot_episodes=range(101), dtype=float)
        off = run.snapshots[..., 0] - np.arange(1, 6) / 6
        errors[f"alpha {rate:g}"] = np.sqrt((off**2).mean(axis=-1)).mean(axis=0)
    return errors


def cliff():
    """Example 6.6 and figure 6.3: sums of rewards on the cliff, by episode and by step size."""
    tasks = mf.CliffWalking().sample(50, rng=0)
    rules = {"Sarsa": mf.Sarsa, "Q-learning": mf.QLearning, "expected Sarsa": mf.ExpectedSarsa}
    rates = np.round(np.arange(0.1, 1.01, 0.1), 1)
    by_episode, interim, asymptotic = {}, {}, {}
    for name, rule in rules.items():
        runs = {
            rate: mf.train(
                rule(learning_rate=rate, discount=1.0, epsilon=0.1), tasks, 600, rng=1, mean_returns=True
            ).mean_returns
            for rate in rates.tolist()
        }
        by_episode[name] = runs[0.5]
        interim[name] = np.array([returns[:100].mean() for returns in runs.values()])
        asymptotic[name] = np.array([returns[-300:].mean() for returns in runs.values()])
    return rates, by_episode, interim, asymptotic


def bias():
    """Figure 6.5: how often the first choice is left, by episode."""
    tasks = mf.MaximizationBias().sample(5000, rng=0)
    lefts = {}
    for name, rule in {"Q-learning": mf.QLearning, "double Q-learning": mf.DoubleQLearning}.items():
        learner = rule(learning_rate=0.1, discount=1.0, epsilon=0.1)
        tables = mf.train(learner, tasks, 300, rng=1, snapshot_episodes=range(301)).snapshots
        a = tables[:, :, 0, :2]
        # Of equal values either is as good; greedy but for a choice at random in ten.
        left = np.where(a[..., 0] == a[..., 1], 0.5, a[..., 0] > a[..., 1])
        lefts[name] = 0.9 * left.mean(axis=0) + 0.05
    return lefts


def maze():
    """Figure 8.2: steps of an episode in the maze, by episode and planning steps."""
    tasks = mf.DynaMaze().sample(100, rng=0)
    steps = {}
    for n in (0, 5, 50):
        history = mf.train(mf.DynaQ(planning_steps=n), tasks, 50, 8000, rng=1, record=True).history
        ends = [np.flatnonzero(row) for row in history.terminated | history.truncated]
        steps[f"{n} planning steps"] = np.diff(ends, prepend=-1).mean(axis=0)
    return steps


rewards, shares = testbed()
print("Figure 2.2, the ten-armed testbed, step 1000: reward, share of best pulls")
for name, curve in rewards.items():
    print(f"  {name:13} {curve[-50:].mean():5.2f} {shares[name][-50:].mean():8.0%}")

cars = mf.policy_iteration(mf.JacksCarRental().sample(1), 0.9).policy.reshape(21, 21) - 5
print("\nFigure 4.2, Jack's car rental: cars moved, by cars at the first (upwards) and second place")
for row in cars[::-4]:
    print("  " + "".join(f"{move:4d}" for move in row[::4]))

game = mf.policy_iteration(mf.GamblersProblem().sample(1), 1 - 1e-9)
print("\nFigure 4.3, the gambler's problem: probability to win from 25, 50 and 75")
print("  " + "".join(f"{value:6.2f}" for value in game.values[0, [25, 50, 75]]))

hand = mf.backward_induction(mf.Blackjack().sample(1))
hits = hand.policy[0, 0, :200].reshape(2, 10, 10)
print("\nFigure 5.2, blackjack: the least sum to stick on, against an ace, 2, ..., 10")
for name, usable in (("usable ace", 1), ("no usable ace", 0)):
    print(f"  {name:14}" + "".join(f"{22 - (hits[usable, card] == 0).sum():4d}" for card in range(10)))
print(f"  worth {hand.returns[0]:.4f} a hand")

errors = random_walk()
print("\nExample 6.2, the random walk: error of TD(0) after 0, 10, 100 episodes")
for name, curve in errors.items():
    print(f"  {name:13}" + "".join(f"{curve[episode]:7.3f}" for episode in (0, 10, 100)))

rates, by_episode, interim, asymptotic = cliff()
print("\nExample 6.6 and figure 6.3, the cliff: sum of rewards, at a step size of 0.5 and the best of any")
for name, curve in by_episode.items():
    best = f"{interim[name].max():6.0f} in 100 episodes {asymptotic[name].max():6.0f} in the end"
    print(f"  {name:15} {curve[-200:].mean():6.0f}   {best}")

lefts = bias()
print("\nFigure 6.5, maximization bias: first choices to the left in episodes 1, 20, 300")
for name, curve in lefts.items():
    print(f"  {name:18}" + "".join(f"{curve[episode]:6.0%}" for episode in (0, 20, 300)))

shortest = mf.policy_iteration(mf.DynaMaze().sample(1), 0.95)
steps = 1 + np.log(shortest.returns[0]) / np.log(0.95)
print(f"\nExample 8.1, the maze: {steps:.0f} steps from start to goal")

planned = maze()
print("\nFigure 8.2, Dyna-Q in the maze: steps of episodes 2, 3, 5, 10, 25, 50")
for name, curve in planned.items():
    print(f"  {name:18}" + "".join(f"{curve[episode - 1]:7.0f}" for episode in (2, 3, 5, 10, 25, 50)))

if len(sys.argv) > 1:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 13), layout="constrained")
    grid = figure.subplots(4, 3)
    curves = {
        "2.2: reward": rewards,
        "2.2: best pulls": shares,
        "6.2: error of TD(0)": errors,
        "6.6: sum of rewards": by_episode,
        "6.5: left": lefts,
    }
    for axes, (title, lines) in zip(grid.flat, curves.items(), strict=False):
        for name, curve in lines.items():
            axes.plot(curve, label=name)
        axes.set_title(title)
        axes.legend()
    grid[1, 0].set_ylim(-100, 0)
    for name in interim:
        (line,) = grid[1, 2].plot(rates, interim[name], "--", label=name)
        grid[1, 2].plot(rates, asymptotic[name], color=line.get_color())
    grid[1, 2].set(title="6.3: interim (dashed), asymptotic", ylim=(-150, 0), xlabel="alpha")
    grid[1, 2].legend()
    grid[2, 0].contour(cars, levels=np.arange(-4.5, 5.5))
    grid[2, 0].set_title("4.2: cars moved")
    grid[2, 1].plot(np.arange(1, 100), game.values[0, 1:100])
    grid[2, 1].set_title("4.3: value of a capital")
    grid[2, 2].imshow(np.concatenate([hits[1].T, hits[0].T]), origin="lower", aspect="auto")
    grid[2, 2].set_title("5.2: hit (bright), usable ace below")
    for name, curve in planned.items():
        grid[3, 0].plot(np.arange(2, 51), curve[1:], label=name)
    grid[3, 0].set(title="8.2: steps of an episode", ylim=(0, 800))
    grid[3, 0].legend()
    for axes in grid[3, 1:]:
        axes.set_axis_off()
    figure.savefig(sys.argv[1])
