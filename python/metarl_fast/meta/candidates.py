"""What meta-learners share that try candidates: the same tasks and random numbers for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.engine import train
from metarl_fast.learners import Learner
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Tasks
from metarl_fast.train_result import TrainResult


def directions(generator: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    """Return numbers of mean 0 and standard deviation 1, evenly distributed: drawn without a logarithm."""
    return np.asarray(math.sqrt(3.0) * (2.0 * generator.random(shape) - 1.0))


def lives(
    candidates: Iterable[Learner],
    tasks: Tasks,
    num_episodes: int,
    num_steps: int | None,
    *,
    rng: Seed,
    mean_returns: bool = False,
    num_threads: int | None = None,
) -> Iterator[TrainResult]:
    """Yield what each candidate earned: returns of tasks, or their means alone."""
    drawn = _drawn_once(tasks)
    for candidate in candidates:
        yield train(
            candidate,
            drawn,
            num_episodes,
            num_steps,
            rng=rng,
            returns=not mean_returns,
            q_table=False,
            policy=False,
            mean_returns=mean_returns,
            num_threads=num_threads,
        )


def _drawn_once(tasks: Tasks) -> Tasks:
    """Return tasks that all candidates learn on: in memory, if they take little there and do not change."""
    numbers = len(tasks) * tasks.num_states * tasks.num_actions * tasks.core.num_outcomes
    small = tasks.recipe.at_once is None and 21 * numbers <= checks.ALWAYS_FITS
    return tasks.materialise() if small and not tasks.core.episodes_per_segment else tasks
