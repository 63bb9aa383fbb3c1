"""ES-MAML: a start by evolution strategies, for any learner with a table, by what it earns in its life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.candidates import directions, mean_returns
from metarl_fast.meta.fitted import State
from metarl_fast.meta.gradient import GradientMeta
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.meta.tables import starting_from
from metarl_fast.seeding import child, make_key


@dataclass(frozen=True, kw_only=True)
class EsMaml(GradientMeta):
    """theta <- theta + step_size times the slope of what learners earn that start about theta, by Adam.

    The slope is the mean over pairs of (J(theta + spread z) - J(theta - spread z)) / (2 spread) z, with J the
    mean return of learners that live `num_episodes` on the tasks of a meta-batch, exploration and all: the
    same tasks and random numbers for all of them, so that what they differ by is their start. Nothing is
    differentiated: any learner with a table to start from will do, of values or of preferences, and that
    another start leads to other steps is seen, of which the exact gradient of `Maml` knows nothing.

    Song, Gao, Yang, Choromanski, Pacchiano and Tang, "ES-MAML: simple Hessian-free meta learning", ICLR 2020;
    mirrored samples after Brockhoff et al., PPSN 2010.

    Parameters
    ----------
    spread
        Standard deviation of the entries of the candidates about theta, above 0.
    num_pairs
        Pairs of candidates of a step.
    judged_by
        "lifetime", the mean over all episodes, or "last", the last one's return.
    """

    spread: float = 0.3
    num_pairs: int = 8
    judged_by: Literal["lifetime", "last"] = "lifetime"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "spread", checks.real, 0.0, open_low=True)
        checks.keep(self, "num_pairs", checks.integer, 1)
        if not isinstance(self.judged_by, str) or self.judged_by not in ("lifetime", "last"):
            raise ValueError(f"judged_by is {checks.shown(self.judged_by)}, expected 'lifetime' or 'last'")

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch.

        `returns` are the mean of those of all candidates.
        """
        sizes = batch.tasks.num_states, batch.tasks.num_actions
        self.apply(state, learner).check_sizes(*sizes)
        shape = learner.table_shape(*sizes)
        key, theta = make_key(batch.rng), np.broadcast_to(state["theta"], shape)
        tried = directions(np.random.default_rng(child(key, 0)), self.num_pairs, *shape)
        starts = (theta + side * self.spread * z for z in tried for side in (1.0, -1.0))
        candidates = (starting_from(start, learner) for start in starts)
        number = 2 * self.num_pairs
        returns = np.stack(mean_returns(candidates, number, batch, rng=child(key, 1)))  # [2 pairs, E]
        judged = returns[:, -1:] if self.judged_by == "last" else returns
        earned = judged.mean(axis=1) if judged.shape[1] else np.zeros(len(judged))
        gains = (earned[0::2] - earned[1::2]) / (2.0 * self.spread)
        slope = (gains[:, None, None] * tried).mean(axis=0)
        mean = returns.mean(axis=0)
        loss = -float(earned.mean())
        return {**self.moved(state, -slope), "returns": mean, "loss": np.asarray(loss)}

    def cost(self, num_tasks: int, num_episodes: int, num_iterations: int | None = None) -> int:
        """Return how many episodes in training tasks `fit` takes, those of all candidates."""
        return 2 * self.num_pairs * super().cost(num_tasks, num_episodes, num_iterations)
