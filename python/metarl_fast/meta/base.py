"""What a meta-learner is: frozen settings, three functions of a state, and the one loop over them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from metarl_fast import checks
from metarl_fast.engine import HasLearner, Progress, as_learner
from metarl_fast.executors import Executor, checked_executor, using
from metarl_fast.files import Path
from metarl_fast.learners import Learner
from metarl_fast.meta.checkpoint import Checkpoint
from metarl_fast.meta.fitted import Fitted, State, outer_loss
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.seeding import Seed, child, make_key
from metarl_fast.settings import Settings
from metarl_fast.tasks import Task, Tasks, as_batch

if TYPE_CHECKING:
    from metarl_fast.families import Family

Callback: TypeAlias = Callable[[int, float, State], Any]
"""Told after each step: how many were taken, the outer loss of this one (NaN if there is none), the state."""


@dataclass(frozen=True, kw_only=True)
class Meta(Settings, ABC):
    """Base of meta-learners: what looks across tasks and turns a learner into one that adapts faster.

    `fit` is a loop over three functions, which serve as well where tasks arrive one by one::

        state = meta.init(learner)
        for tasks in arriving:
            state = meta.step(state, learner, tasks, rng, num_episodes)
        better = meta.apply(state, learner)

    Parameters
    ----------
    tasks_per_iteration
        Size of a meta-batch, the tasks of one step.
    """

    tasks_per_iteration: int = 1024

    recorded: ClassVar[tuple[str, ...]] = ("returns",)
    """Entries of the state that `fit` keeps for each step, in `Fitted.history`."""
    default_iterations: ClassVar[int | None] = None
    """Steps that `fit` takes if nothing is said; None: as many as there are meta-batches, so that each task
    is met once."""
    default_episodes: ClassVar[int] = 100
    """Of each task, if nothing is said."""
    default_tasks: ClassVar[int] = 1000
    """How many `fit` draws from a family, if nothing is said."""
    adapts: ClassVar[bool] = True
    """Whether what it makes goes on learning on a new task."""

    def __post_init__(self) -> None:
        checks.keep(self, "tasks_per_iteration", checks.integer, 1)

    @abstractmethod
    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen."""

    def step(
        self,
        state: State,
        learner: Learner,
        tasks: Tasks | Task,
        rng: Seed,
        num_episodes: int | None = None,
        num_steps: int | None = None,
        *,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> State:
        """Return the state after one meta-batch; the arguments are those of `train`.

        `num_episodes` are those that `fit` takes by default if nothing is said.
        """
        episodes = self.usual_amounts()[0] if num_episodes is None else num_episodes
        told = checks.callback(progress, "progress")
        batch = MetaBatch(as_batch(tasks), rng, episodes, num_steps, num_threads, told)
        return self.step_on(batch, state, learner)

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch: what `step` does with its arguments in one."""
        raise NotImplementedError(f"{type(self).__name__} has no method step")

    @abstractmethod
    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner as the state makes it."""

    def default_learner(self) -> Learner:
        """Return what `fit` makes better if no learner is named; where that must be named, TypeError."""
        raise TypeError(f"{type(self).__name__} needs a learner, such as QLearning()")

    def usual_amounts(self) -> tuple[int, int]:
        """Return how many episodes of each task, and how many tasks of a family, `fit` takes by default."""
        return self.default_episodes, self.default_tasks

    def cost(self, num_tasks: int, num_episodes: int, num_iterations: int | None = None) -> int:
        """Return how many episodes in training tasks `fit` takes; None: with each task once."""
        if num_iterations is None:
            return num_tasks * num_episodes
        return num_iterations * min(self.tasks_per_iteration, num_tasks) * num_episodes

    def fit(
        self,
        tasks: Family | Tasks | Task,
        learner: Learner | HasLearner | None = None,
        num_episodes: int | None = None,
        num_steps: int | None = None,
        *,
        num_iterations: int | None = None,
        num_tasks: int | None = None,
        rng: Seed = None,
        num_threads: int | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        callback: Callback | Sequence[Callback] | None = None,
        resume: Fitted | None = None,
        checkpoint: Path | None = None,
        every: int = 1,
    ) -> Fitted:
        """Meta-learn on training tasks, one meta-batch after the other, in turn.

        Parameters
        ----------
        tasks
            A family, of which `num_tasks` are drawn; or the tasks themselves.
        learner
            What is made better, and learns on the tasks. Those that make one kind of learner, such as
            `EmpiricalBayes` and `LearnedUpdate`, need none: theirs is `default_learner`, and of a learner of
            another kind they take the discount.
        num_episodes, num_steps
            As in `train`, on each task; default: the first of `usual_amounts`.
        num_iterations
            How many steps, each on the next `tasks_per_iteration` tasks, the first ones again after the
            last; default: `default_iterations`, else such that each task is met once.
        num_tasks
            How many tasks are drawn from a family; default: the second of `usual_amounts`.
        rng
            As in `train`.
        num_threads
            As in `train`.
        executor
            Who learns on the tasks of a meta-batch, as in `train`. One of 1,024 tasks is one shard, which
            nobody shares: give `tasks_per_iteration` many more.
        progress
            Called about twenty times a second with (tasks done, in all).
        callback
            Called after each step with (steps taken, outer loss, state), or several such functions. The loss
            is minus the mean return of the step's episodes; the state's arrays are read-only.
            `ProgressBar.step` shows the loss, `compat.tensorboard.TensorBoard` logs it.
        resume
            Go on from there, by further steps: the result is that of one longer `fit` on these tasks. There
            must be no `rng` then.
        checkpoint
            An .npz file for what is reached. If it is there, go on from it, up to `num_iterations` in all: to
            call `fit` again as before gives the bits of a `fit` that nothing stopped. Killed at any moment,
            it leaves the old file or the new one. `load` reads it: a `Fitted`.
        every
            After so many steps the checkpoint is written; and at the end, and at an error or Ctrl-C.

        Returns
        -------
        Fitted
            With the better learner as its `learner`.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As `train` does; for no tasks; for a `resume` or a `checkpoint` of other settings, a checkpoint of
            another seed, other tasks or more steps; and for a file that is no checkpoint.
        OSError
            If the checkpoint cannot be read or written.
        KeyboardInterrupt
            As `train` does. This and every other error on the way has what was reached as its `fitted`,
            from which `resume` goes on.
        """
        base = as_learner(self.default_learner() if learner is None else learner)
        usual_episodes, usual_tasks = self.usual_amounts()
        episodes = usual_episodes if num_episodes is None else num_episodes
        checks.callback(progress, "progress")
        where = checked_executor(executor)
        told = _callbacks(callback)
        file = None if checkpoint is None else Checkpoint(checkpoint, every)
        so_far = self._so_far(base, rng, resume, file)
        key, first = so_far.key, so_far.num_iterations
        count = checks.integer(usual_tasks if num_tasks is None else num_tasks, "num_tasks", 0)
        batch = tasks.sample(count, rng=child(key, 0)) if hasattr(tasks, "sample") else as_batch(tasks)
        if not len(batch):
            raise ValueError("there are no tasks to learn from")
        size = min(self.tasks_per_iteration, len(batch))
        last, end = self._end(first, num_iterations, size, len(batch), in_all=file is not None)
        if file is not None:
            file.begin(so_far, batch, episodes, num_steps)
        rows = {name: list(so_far.history.get(name, ())) for name in self.recorded}
        reached = so_far.state, first
        try:
            for k in range(first, last):
                with using(where):
                    state = self.step(
                        reached[0],
                        base,
                        _in_turn(batch, k * size, min((k + 1) * size, end)),
                        child(key, 1, k),
                        episodes,
                        num_steps,
                        num_threads=num_threads,
                        progress=_shifted(progress, (k - first) * size, end - first * size),
                    )
                for name, values in rows.items():
                    if values and values[0].shape != state[name].shape:
                        before, now = values[0].shape, state[name].shape
                        raise ValueError(f"{name} had shape {before}, now {now}: say num_episodes as before")
                    values.append(state[name])
                reached = state, k + 1
                if file is not None and file.is_due(k + 1, last):
                    file.write(self._fitted(base, *reached, rows, key))
                for tell in told:
                    tell(k + 1, self._loss(state), _looked_at(state))
        except BaseException as error:
            found = self._fitted(base, *reached, rows, key)
            error.fitted = found  # type: ignore[attr-defined]
            if file is not None:
                with suppress(OSError):  # the error is what is told
                    file.write(found)
            raise
        return self._fitted(base, *reached, rows, key)

    def _so_far(self, base: Learner, rng: Seed, resume: Fitted | None, file: Checkpoint | None) -> Fitted:
        """Return what to go on from: of a checkpoint, of an earlier result, or of no steps."""
        if file is None:
            return self._begun(base, rng) if resume is None else self._resumed(base, rng, resume)
        if resume is not None:
            raise ValueError(f"resume is {resume!r}, expected None: what is gone on from is the checkpoint")
        if file.found is None:
            return self._begun(base, rng)
        file.continues(self, base, None if rng is None else make_key(rng))
        return file.found

    def _loss(self, state: State) -> float:
        """Return the outer loss of a step; NaN if its state says none."""
        if "loss" in self.recorded:
            return float(state["loss"])
        return float(outer_loss(state["returns"])) if "returns" in self.recorded else math.nan

    def _end(
        self, first: int, num_iterations: int | None, size: int, num_tasks: int, *, in_all: bool
    ) -> tuple[int, int]:
        """Return before which iteration and before which place in the sequence of tasks to stop.

        `num_iterations` are those of this call, or in all.
        """
        chosen = self.default_iterations if num_iterations is None else num_iterations
        if chosen is None:  # each task once: the last meta-batch may be a smaller one
            return max(first, -(-num_tasks // size)), max(first * size, num_tasks)
        last = checks.integer(chosen, "num_iterations", 0) + (0 if in_all else first)
        if last < first:
            raise ValueError(f"num_iterations is {last}, but the checkpoint has {first} already")
        return last, last * size

    def _begun(self, base: Learner, rng: Seed) -> Fitted:
        """Return the result of no steps."""
        state = self.init(base)
        return Fitted(self, base, state, {}, 0, make_key(rng))

    def _resumed(self, base: Learner, rng: Seed, resume: Fitted) -> Fitted:
        """Return what to go on from."""
        if not isinstance(resume, Fitted):
            raise TypeError(f"resume is a {type(resume).__name__}, expected what fit returned")
        if rng is not None:
            raise ValueError(f"rng is {checks.shown(rng)}, expected None: resume has its own numbers")
        for name, own in (("meta", self), ("base", base)):
            if getattr(resume, name) != own:
                raise ValueError(f"resume is of {getattr(resume, name)}, expected one of {own}")
        return resume

    def _fitted(
        self, base: Learner, state: State, count: int, rows: dict[str, list[Any]], key: int
    ) -> Fitted:
        """Return the result of `count` steps."""
        history = {
            name: np.stack(values[:count]) if count else np.empty((0, *state[name].shape))
            for name, values in rows.items()
        }
        if "returns" in history:
            history.setdefault("loss", outer_loss(history["returns"]))
        return Fitted(self, base, state, history, count, key)


def _in_turn(tasks: Tasks, first: int, end: int) -> Tasks:
    """Return the tasks at places `first` to `end` of the sequence that begins anew after the last one."""
    start, count = first % len(tasks), end - first
    if start + count <= len(tasks):
        return tasks[start : start + count]
    checks.memory(8 * count, lambda: f"the places of {count} tasks")
    return tasks[(start + np.arange(count)) % len(tasks)]


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Return what tells `progress` of a part as of the whole."""
    return None if progress is None else lambda done, _: progress(before + done, total)


def _callbacks(given: Any) -> list[Callback]:
    """Return what is to be told of each step."""
    if isinstance(given, (list, tuple)):
        return [checks.callback(one, f"callback[{k}]") for k, one in enumerate(given) if one is not None]
    return [] if checks.callback(given, "callback") is None else [given]


def _looked_at(state: State) -> State:
    """Return a state whose arrays cannot be written to."""
    found = {name: values.view() for name, values in state.items()}
    for values in found.values():
        values.flags.writeable = False
    return found
