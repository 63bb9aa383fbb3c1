"""A meta-batch: the tasks of one step of a meta-learner, and how its learners live on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.engine import Progress, part_of, train
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
        """Have a learner live on the tasks, or on some of them; `kept` says what `train` is to keep.

        `progress` is told of it as of all there is to do: where that is more, each is done by a `part`.
        """
        return train(
            learner,
            self.tasks if tasks is None else tasks,
            self.num_episodes,
            self.num_steps,
            rng=rng,
            num_threads=self.num_threads,
            progress=None if self.progress is None else self.report,
            **kept,
        )

    def mean_returns(self, learner: Learner, *, rng: Seed, tasks: Tasks | None = None) -> NDArray[np.float64]:
        """Return what a learner earns in each episode [E], the mean over tasks, and keep nothing else."""
        kept = {"returns": False, "q_table": False, "policy": False, "mean_returns": True}
        return np.asarray(self.train(learner, rng=rng, tasks=tasks, **kept).mean_returns)

    def part(self, place: int, number: int) -> MetaBatch:
        """Return the meta-batch as one of so many equal parts of the work: what is done of it counts so."""
        return replace(self, progress=part_of(self.progress, place, number, len(self.tasks)))

    def report(self, done: int = 1, total: int = 1) -> None:
        """Tell `progress` that so much of the work is done, in tasks; by default all of it."""
        if self.progress is not None:
            self.progress(len(self.tasks) * done // max(1, total), len(self.tasks))
