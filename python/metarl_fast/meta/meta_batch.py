"""A meta-batch: the tasks of one step of a meta-learner, and how its learners live on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.engine import Progress, train
from metarl_fast.learners import Learner
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Tasks
from metarl_fast.train_result import TrainResult


@dataclass(frozen=True)
class MetaBatch:
    """Tasks, and the arguments of `train` that come with them."""

    tasks: Tasks
    rng: Seed
    num_episodes: int
    num_steps: int | None
    num_threads: int | None
    progress: Progress | None

    def train(self, learner: Learner, *, rng: Seed, tasks: Tasks | None = None, **kept: Any) -> TrainResult:
        """Have a learner live on the tasks, or on some of them; `kept` says what `train` is to keep."""
        return train(
            learner,
            self.tasks if tasks is None else tasks,
            self.num_episodes,
            self.num_steps,
            rng=rng,
            num_threads=self.num_threads,
            **kept,
        )

    def mean_returns(self, learner: Learner, *, rng: Seed, tasks: Tasks | None = None) -> NDArray[np.float64]:
        """Return what a learner earns in each episode [E], the mean over tasks, and keep nothing else."""
        kept = {"returns": False, "q_table": False, "policy": False, "mean_returns": True}
        return np.asarray(self.train(learner, rng=rng, tasks=tasks, **kept).mean_returns)

    def report(self, done: int | None = None) -> None:
        """Tell `progress` that so many tasks are done, or all."""
        if self.progress is not None:
            self.progress(len(self.tasks) if done is None else done, len(self.tasks))
