"""What meta-learners share that try candidates: the same tasks and random numbers for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Tasks
from metarl_fast.train_result import TrainResult

Float = NDArray[np.float64]


def directions(generator: np.random.Generator, *shape: int) -> Float:
    """Return numbers of mean 0 and standard deviation 1, evenly distributed: drawn without a logarithm."""
    return np.asarray(math.sqrt(3.0) * (2.0 * generator.random(shape) - 1.0))


def lives(
    candidates: Iterable[Learner], number: int, batch: MetaBatch, *, rng: Seed
) -> Iterator[TrainResult]:
    """Yield what each of so many candidates earned in each task."""
    drawn = _drawn_once(batch.tasks)
    for k, candidate in enumerate(candidates):
        yield batch.part(k, number).train(candidate, tasks=drawn, rng=rng, q_table=False, policy=False)


def mean_returns(candidates: Iterable[Learner], number: int, batch: MetaBatch, *, rng: Seed) -> list[Float]:
    """Return what each of so many candidates earned in each episode [E], means over tasks."""
    drawn = _drawn_once(batch.tasks)
    return [
        batch.part(k, number).mean_returns(candidate, tasks=drawn, rng=rng)
        for k, candidate in enumerate(candidates)
    ]


def _drawn_once(tasks: Tasks) -> Tasks:
    """Return tasks that all candidates learn on: in memory, if they take little there and do not change."""
    numbers = len(tasks) * tasks.num_states * tasks.num_actions * tasks.core.num_outcomes
    small = tasks.recipe.at_once is None and 21 * numbers <= checks.ALWAYS_FITS
    return tasks.materialise() if small and not tasks.core.episodes_per_segment else tasks
