"""Tasks by formula: learned in as those written out, to the last bit, with no memory for their states."""

from __future__ import annotations

import numpy as np
import pytest

import fresh_process
import metarl_fast as mf
from bits import assert_same_bits

WALLS = ("......", ".##...", "...#..", "......", ".#....", "......")
FAMILIES = {
    "grid": mf.GoalGrid(6, walls=WALLS, slip=0.2, step_reward=-0.1, start=(5, 0)),
    "maze": mf.Maze((7, 9), "binary_tree", slip=0.1, step_reward=-0.1, start=(6, 8)),
    "part of a maze": mf.Maze(9, "binary_tree", step_reward=-0.1, start=(8, 8)).split()[1],
    "garnet": mf.TaskDistribution.garnet(63, 4, 3, 0.5, start=7, horizon=20, by_pair=True),
    "fixed rewards": mf.TaskDistribution(
        36, 4, mf.Garnet(2, by_pair=True), mf.Fixed(np.arange(36.0 * 4).reshape(36, 4)), horizon=20
    ),
}
families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def linear(family):
    return mf.LinearQLearning(features=mf.RandomTiles(family.num_states, (2, 9), 3), epsilon=0.3)


@families
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_agents_learn_the_same_lazily_and_stored(family, real):
    tasks = family.sample(20, rng=0)
    for learner in (linear(family), mf.TiedQLearning(epsilon=0.3)):
        options = {"rng": 1, "dtype": real, "record": True}
        found, expected = (mf.train(learner, part, 6, 30, **options) for part in (tasks, tasks.materialise()))
        for name in ("q_table", "policy", "returns"):
            assert_same_bits(getattr(found, name), getattr(expected, name))
        for name in ("state", "reward", "next_state", "terminated"):
            assert_same_bits(getattr(found.history, name), getattr(expected.history, name))


@families
def test_step_by_step_too(family):
    tasks = family.sample(5, rng=0)
    lazy, stored = (mf.Simulator(part[3], rng=2) for part in (tasks, tasks.materialise()))
    actions = np.random.default_rng(0).integers(4, size=200)
    assert lazy.reset() == stored.reset()
    for action in actions.tolist():
        answer = lazy.step(action)
        assert answer == stored.step(action)
        if answer[2]:
            assert lazy.reset() == stored.reset()


def test_a_million_states_take_no_memory():
    """A maze, a grid and a Garnet; what the program has before and what the learning adds, in MB."""
    shown = fresh_process.run(
        """
        import resource
        import metarl_fast as mf

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

        far, garnet = mf.Cells(((1000, 1000),)), mf.TaskDistribution.garnet(10**6, 4, 3, by_pair=True)
        families = [mf.Maze(1001, "binary_tree", goals=far), mf.GoalGrid(1001, goals=far), garnet]
        tasks = [family.sample(4, rng=0) for family in families]
        for batch in tasks:
            batch.core
        before = peak()
        for batch in tasks:
            size = (1001, 1001) if batch.num_states > 10**6 else 10**6
            learner = mf.LinearQLearning(features=mf.TileCoding(size, 50, 2), epsilon=0.3)
            mf.train(learner, batch, 2, 500, rng=1, policy=False)
        print(peak() - before)
        """
    )
    assert float(shown) < 20.0
