"""Reptile on action values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.engine import Progress, train
from metarl_fast.learners import Learner
from metarl_fast.meta.start import StartLearner, mean_of_available
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Task, Tasks

if TYPE_CHECKING:
    from metarl_fast.families import Family


class Reptile(StartLearner):
    """theta <- theta + step_size * mean_T(U_T(theta) - theta).

    U_T(theta) is the table learned on task T from theta; the mean is over the tasks T in which the action is
    available.
    Nichol, Achiam and Schulman, "On first-order meta-learning algorithms", 2018 (arXiv 1803.02999), with
    a tabular learner inside, such as Q-learning.

    Parameters
    ----------
    num_states, num_actions
        S and A.
    step_size
        Above 0, at most 1.
    tasks_per_iteration
        Size of a meta-batch.

    Attributes
    ----------
    theta : ndarray of float64, shape (S, A)
        The table, zero at first.
    """

    def __init__(
        self, num_states: int, num_actions: int, step_size: float = 0.2, tasks_per_iteration: int = 64
    ) -> None:
        super().__init__(num_states, num_actions)
        self.step_size = checks.real(step_size, "step_size", 0.0, 1.0, open_low=True)
        self.tasks_per_iteration = checks.integer(tasks_per_iteration, "tasks_per_iteration", 1)
        self.theta = np.zeros((num_states, num_actions))

    @property
    def initial_table(self) -> NDArray[np.float64]:
        """Theta [S, A]."""
        return np.array(self.theta)

    def fit(
        self,
        tasks: Family | Tasks | Task,
        learner: Learner,
        num_episodes: int,
        num_steps: int | None = None,
        *,
        num_iterations: int = 100,
        num_tasks: int = 1000,
        rng: Seed = None,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> Reptile:
        """Take `num_iterations` steps, each on the next `tasks_per_iteration` of the training tasks, in turn.

        `progress` is called with (iterations done, num_iterations). When it fails or is interrupted, nothing
        has changed: theta is replaced at the end.
        """
        iterations = checks.integer(num_iterations, "num_iterations", 0)
        checks.callback(progress, "progress")
        generator = np.random.default_rng(make_key(rng))
        batch = self._training_tasks(tasks, num_tasks, generator)
        if not len(batch):
            raise ValueError("there are no tasks to learn from")
        size = min(self.tasks_per_iteration, len(batch))
        theta = self.theta
        for k in range(iterations):
            chosen = (k * size + np.arange(size)) % len(batch)
            run = train(
                learner,
                batch[chosen],
                num_episodes,
                num_steps,
                rng=generator,
                initial_table=theta,
                returns=False,
                policy=False,
                num_threads=num_threads,
            )
            mean, _ = mean_of_available(run.q_table.astype(np.float64), theta)
            theta = theta + self.step_size * (mean - theta)
            if progress is not None:
                progress(k + 1, iterations)
        self.theta = theta
        return self

    def _settings(self) -> dict[str, float]:
        return {"step_size": self.step_size, "tasks_per_iteration": self.tasks_per_iteration}

    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        return {"theta": self.theta}
