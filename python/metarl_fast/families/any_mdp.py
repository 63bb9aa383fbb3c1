"""AnyMDP: procedural tasks of banded dynamics and rewards of many parts, of which the worthwhile are kept."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Chain


@dataclass(frozen=True)
class AnyMdp(Chain, CoreFamily):
    """States in a row, from which actions lead a few back or on; pits, perhaps a goal, many small rewards.

    Episodes begin in one of the first three states. An action of a state spreads over a band of states around
    it; what it leads to overlaps with what its neighbours do. Up to four states in ten are pits, and in three
    tasks of ten the last state is a goal: they end the episode. A reward is the sum of a potential that is
    lost (in one task of four), of what the state entered pays, the more the farther it is on the row, of what
    some pairs of state and action pay or cost, and of a small number for every step.

    What ends pay is settled by exact planning, and a task is kept if the optimum is worth more than acting
    well once and at random from then on, by 2 in max(4 S, 100) steps, and if in the long run the optimal
    policy is in many states: Gini's impurity is above 0.7, entropy above half of the largest. Of few states
    with many actions most tasks are dropped: one of 8 and 256 takes some tenths of a second, of 16 and 5 a
    thousandth (`bench/anymdp.py`).

    Parameters
    ----------
    num_states
        S, from 8 to 256.
    num_actions
        A, from 2 to 256.
    reward_noise
        Standard deviation of Gaussian noise on each sampled reward.
    horizon
        Steps of an episode; None for max(4 S, 100).

    Notes
    -----
    AnyMDP of Xenoverse (Wang et al., "Towards large-scale in-context reinforcement learning by
    meta-training in randomized worlds", 2025, arXiv 2502.02869), the law of `AnyMDPTaskSampler` as of
    FutureAGI/Xenoverse 72e782d. There states are renamed in each task, which is `Permuted(AnyMdp(S, A),
    actions=False)`; here they stand in a row, so that a learned table can help. Other choices: planning is
    exact, where sweeps stop early there; noise has the same standard deviation everywhere, where each reward
    has its own there; all tasks have the least number of steps, where a task draws up to 500 there; all
    states are used. `from_task_dicts` reads the tasks that the original draws.
    """

    group = "Random MDPs"

    num_states: int = 16
    num_actions: int = 5
    reward_noise: float = 0.0
    horizon: int | None = None

    def __post_init__(self) -> None:
        checks.keep(self, "num_states", checks.integer, 8, 256)
        checks.keep(self, "num_actions", checks.integer, 2, 256)
        checks.keep(self, "reward_noise", checks.real, 0.0, 1e300)
        if self.horizon is None:
            object.__setattr__(self, "horizon", max(4 * self.num_states, 100))
        checks.keep(self, "horizon", checks.integer, 1)

    def _core_family(self) -> _core.Family:
        return _core.AnyMdp(
            num_states=self.num_states, num_actions=self.num_actions, reward_noise=self.reward_noise
        )
