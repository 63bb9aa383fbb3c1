"""What meta-learners share that learn a model common to all tasks, and choose settings on an inner split."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.engine import train
from metarl_fast.history import History
from metarl_fast.learners import Learner, QLearning
from metarl_fast.meta.base import Meta
from metarl_fast.meta.fitted import State, check_state
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.meta.task_models import (
    TaskModel,
    fingerprint_of,
    fingerprints,
    models,
    models_of,
    nothing,
    with_model,
)
from metarl_fast.replay import checked_steps
from metarl_fast.seeding import Seed, child, make_key

_LEAST_TASKS = 5
"""So many different tasks are needed to try settings on some of them."""
_HISTORIES_AT_ONCE = 256
_EXPLORER = QLearning(learning_rate=0.0, discount=0.0, epsilon=0.0, bonus=1.0)
"""In each state it takes the action that it took least often there."""
_CLEARLY = 2.5
"""Standard errors by which settings must be ahead of the first ones."""
_BEHIND = 1.5
"""Standard errors by which settings are behind the first ones that are then not tried again."""
_MOST_TRIED = 48
"""Settings are tried on so many different tasks at most, on more where some are not tried again."""
_GROWTH = 1.25
"""Settings are tried again when the tasks seen are so many times more."""


@dataclass(frozen=True, kw_only=True)
class ModelMeta(Meta):
    """Base of meta-learners that learn what the models of tasks have in common, and settings with it.

    How far to trust it is chosen on an inner split: a part of a meta-batch's different tasks is held back,
    what the others have in common is tried on them with a few settings, and those whose returns, in a sum
    with `weights`, are best so far are taken, if they are clearly better than the first ones, on the same
    tasks. That is done again with the meta-batches in which the number of tasks passes a further power of
    1.25; settings that are behind by then are not tried again, so that the others are tried on more tasks.

    Where models are not known, `experience` makes do without: a learner that does what it seldom did lives so
    many episodes in each training task, and frequencies of what it met stand for the models.

    Parameters
    ----------
    experience
        Episodes in each training task from which is learned; 0: from the tasks' exact models.
    inner_held_out
        Part of a meta-batch's different tasks that settings are tried on, 0 to below 1; 0: none, and the
        settings stay as they are.
    """

    experience: int = 0
    inner_held_out: float = 0.2

    default_episodes: ClassVar[int] = 20
    """For which settings are tried on tasks held back."""
    default_tasks: ClassVar[int] = 4000
    candidates: ClassVar[Sequence[Any]]
    """Settings to choose from; the first ones do well nearly everywhere."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "experience", checks.integer, 0, 2**31 - 2)
        checks.keep(self, "inner_held_out", checks.real, 0.0, 0.9)

    @abstractmethod
    def product(self, sums: State, chosen: Any, learner: Learner) -> Learner:
        """Return the learner that these sums and one of the candidates make."""

    @abstractmethod
    def default_learner(self) -> Learner:
        """Return a learner of the product's kind, which `fit` makes better if none is named."""

    def nothing(self) -> State:
        """Return the sums over no tasks."""
        return nothing()

    def with_model(self, sums: State, model: TaskModel, num_states: int, num_actions: int) -> State:
        """Return the sums after one more task of S states and A actions."""
        return with_model(sums, model, num_states, num_actions)

    def with_models(
        self, state: State, seen: Iterable[TaskModel], num_states: int, num_actions: int, rng: Seed
    ) -> State:
        """Return the state after further tasks of S states and A actions; `rng` is there for who needs it."""
        found = dict(state)
        for model in seen:
            found |= self.with_model(found, model, num_states, num_actions)
        return found

    def with_held_out(
        self, state: State, held: Iterable[TaskModel], num_states: int, num_actions: int
    ) -> State:
        """Return the state after a look at tasks held back, which it has not learned from yet."""
        return state

    def weights(self, num_episodes: int) -> NDArray[np.float64]:
        """Return what a return counts when settings are chosen, by episode: 1 / e, as early ones are few."""
        return 1.0 / np.arange(1, num_episodes + 1)

    def observe(self, state: State, history: History, num_states: int, num_actions: int) -> State:
        """Return the state after it has seen what happened in other tasks, such as were recorded elsewhere.

        Parameters
        ----------
        state
            As it was.
        history
            Of N tasks, as `train` records it: frequencies of its steps stand for the models of its tasks.
        num_states, num_actions
            Of the tasks.

        Raises
        ------
        ValueError, TypeError
            For steps that such tasks cannot have, and for other sizes than before.
        """
        check_state(state, self.init(self.default_learner()))
        s = checks.integer(num_states, "num_states", 1, 2**31 - 1)
        a = checks.integer(num_actions, "num_actions", 1, 2**31 - 1)
        steps = History(**checked_steps(history, "history", s, a))
        return self.with_models(state, models_of(steps, s, a), s, a, 0)

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen."""
        return {**self.nothing(), "gains": np.zeros((3, len(self.candidates))), "returns": np.empty(0)}

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch.

        `returns` are those of held-back tasks with the best settings; of a meta-batch that settings are not
        tried on, as where it has fewer than five different tasks, those of the learner before it saw them.
        """
        tasks, before = batch.tasks, self.apply(state, learner)
        before.check_sizes(tasks.num_states, tasks.num_actions)
        key = make_key(batch.rng)
        generator = np.random.default_rng(child(key, 0))
        models_at: Callable[[NDArray[np.int64]], Iterable[TaskModel]]
        reading, trying, silent = batch.part(0, 2), batch.part(1, 2), replace(batch, progress=None)
        if self.experience:
            lived = _explored(reading.part(0, 2), self.experience, child(key, 2))
            prints = np.array([fingerprint_of(model) for model in lived], np.uint64)
            models_at = lambda places: (lived[k] for k in places)  # noqa: E731
        else:
            prints = fingerprints(tasks)
            models_at = lambda places: models(tasks[places])  # noqa: E731
        firsts, of_task = _different(prints)
        due = _is_due(float(state["num_tasks"][0]), len(tasks))
        going = _still_tried(state["gains"])
        room = _MOST_TRIED * len(self.candidates) // len(going) if len(going) > 1 else _MOST_TRIED
        number = round(self.inner_held_out * len(firsts)) if due else 0
        held = np.sort(generator.permutation(len(firsts))[:number])
        if not number or len(firsts) < _LEAST_TASKS:
            tried, held = tasks, held[:0]
        else:
            tried = tasks[firsts[held[:room]]]
        inner = ~np.isin(of_task, held)

        def run(contender: Learner, place: int) -> NDArray[np.float64]:
            runs = -(-room // len(tried)) if held.size else 1
            kept: Any = {"q_table": False, "policy": False, "num_runs": runs}
            part = trying.part(place, len(going))
            found = part.train(contender, tasks=tried, rng=child(key, 1), **kept)
            return np.asarray(found.returns.mean(axis=1))

        gains = state["gains"].copy()
        sizes = tasks.num_states, tasks.num_actions
        seen = _reported(models_at(np.flatnonzero(inner)), reading.part(1, 2))
        sums = self.with_models(state, seen, *sizes, child(key, 3))
        if held.size:
            sums = self.with_held_out(sums, models_at(firsts[held]), *sizes)
            runs = [
                run(self.product(sums, self.candidates[one], learner), place)
                for place, one in enumerate(going)
            ]
            worth = np.array([(self.weights(batch.num_episodes) * found).sum(axis=1) for found in runs])
            more = worth - worth[0]
            times = np.full(len(more), float(len(tried)))
            gains[:, going] += np.stack([times, more.sum(axis=1), np.square(more).sum(axis=1)])
            returns = runs[going.index(_best(gains))].mean(axis=0)
        else:
            returns = run(before, 0).mean(axis=0)
        seen = _reported(models_at(np.flatnonzero(~inner)), silent)
        sums = self.with_models(sums, seen, *sizes, child(key, 4))
        batch.report()
        return {**sums, "gains": gains, "returns": returns}

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner with what was learned, and the best settings so far."""
        check_state(state, self.init(learner))
        if not state["num_tasks"].any():
            return learner
        return self.product(state, self.candidates[_best(state["gains"])], learner)

    def cost(self, num_tasks: int, num_episodes: int, num_iterations: int | None = None) -> int:
        """Return how many episodes in training tasks `fit` takes, if all of them are different.

        The first step's, on which settings are tried, and those of `experience`; to read a model takes none.
        """
        first = min(num_tasks, self.tasks_per_iteration)
        held = min(round(self.inner_held_out * first), _MOST_TRIED) if first >= _LEAST_TASKS else 0
        tried = len(self.candidates) * held * -(-_MOST_TRIED // held) if held else first
        return tried * num_episodes + super().cost(num_tasks, self.experience, num_iterations)


def _reported(seen: Iterable[TaskModel], batch: MetaBatch) -> Iterator[TaskModel]:
    """Yield models, of tasks of such a meta-batch, and tell when they are done with."""
    for number, model in enumerate(seen, start=1):
        yield model
        batch.report(number, len(batch.tasks))


def _best(gains: NDArray[np.float64]) -> int:
    """Return the candidate that earned most more than the first, if that is no accident: its place."""
    mean, error = _of_gains(gains)
    return int(np.where(mean > _CLEARLY * error, mean, 0.0).argmax())


def _still_tried(gains: NDArray[np.float64]) -> list[int]:
    """Return the places of candidates that are not behind the first one, and its own."""
    mean, error = _of_gains(gains)
    return [int(k) for k in np.flatnonzero((gains[0] < _MOST_TRIED) | (mean >= -_BEHIND * error))]


def _of_gains(gains: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by how much candidates earned more than the first, on the same tasks, and standard errors."""
    number, total, squares = gains
    mean = total / np.maximum(number, 1.0)
    variance = np.maximum(squares / np.maximum(number, 1.0) - mean * mean, 0.0)
    return mean, np.sqrt(variance / np.maximum(number - 1.0, 1.0))


def _is_due(before: float, number: int) -> bool:
    """Return whether so many further tasks bring the tasks seen to a power of `_GROWTH`."""
    goal = 1.0
    while goal <= before:
        goal *= _GROWTH
    return goal <= before + number


def _explored(batch: MetaBatch, num_episodes: int, rng: Seed) -> list[TaskModel]:
    """Return what a learner finds of each task that knows nothing and does what it seldom did."""
    key, tasks, found = make_key(rng), batch.tasks, list[TaskModel]()
    for first in range(0, len(tasks), _HISTORIES_AT_ONCE):
        part = tasks[first : first + _HISTORIES_AT_ONCE]
        run = train(
            _EXPLORER,
            part,
            num_episodes,
            batch.num_steps,
            rng=key,
            returns=False,
            q_table=False,
            policy=False,
            record=True,
            num_threads=batch.num_threads,
        )
        found += models_of(run.history, tasks.num_states, tasks.num_actions)
        batch.report(first + len(part), len(tasks))
    return found


def _different(prints: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the first of each kind of task, and of which kind each task is [N]."""
    _, firsts, of_task = np.unique(prints, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(firsts))  # numbered as they come
    return np.sort(firsts), order[of_task]
