"""Empirical Bayes: a prior over tasks, learned from training tasks, for a learner that plans by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.engine import HasLearner, Progress, train
from metarl_fast.executors import Executor
from metarl_fast.files import Path
from metarl_fast.learners import Learner, PosteriorPlanner, QLearning
from metarl_fast.meta.base import Callback, Meta
from metarl_fast.meta.fitted import Fitted, State, check_state
from metarl_fast.meta.prior_of_models import Goals, Smoothing, prior_of, reward_scale
from metarl_fast.meta.task_models import (
    TaskModel,
    fingerprint_of,
    fingerprints,
    models,
    models_of,
    nothing,
    with_model,
)
from metarl_fast.seeding import Seed, child, make_key
from metarl_fast.tasks import Task, Tasks, as_batch

if TYPE_CHECKING:
    from metarl_fast.families import Family

_LEAST_TASKS = 5
"""So many different tasks are needed to try settings on some of them."""
_HISTORIES_AT_ONCE = 256
_EXPLORER = QLearning(learning_rate=0.0, discount=0.0, epsilon=0.0, bonus=1.0)
"""In each state it takes the action that it took least often there."""
_CLEARLY = 2.5
"""Standard errors by which settings must be ahead of the first ones."""
_MOST_TRIED = 48
"""Settings are tried on so many different tasks at most."""
_GROWTH = 1.25
"""Settings are tried again when the tasks seen are so many times more."""


@dataclass(frozen=True)
class Candidate:
    """Settings to choose from: what of the prior to believe, and what the planner makes of it."""

    goals: Goals = "support"
    everywhere: float = 0.003
    bonus: float = 0.0005
    """In units of `reward_scale`."""
    bonus_decay: float = 0.5
    transition_strength: float = 0.01


CANDIDATES = (
    Candidate(),
    Candidate(goals="mean"),
    Candidate(everywhere=100.0),
    Candidate(bonus=0.02),
    Candidate(goals="mean", bonus=0.02),
    Candidate(transition_strength=1.0),
    Candidate(transition_strength=10.0),
    Candidate(transition_strength=10.0, bonus=0.1, bonus_decay=1.0),
    Candidate(transition_strength=10.0, bonus=0.5, bonus_decay=2.0),
    Candidate(transition_strength=10.0, bonus=1.0, bonus_decay=2.0),
    Candidate(transition_strength=3.0, bonus=2.0, bonus_decay=2.0),
)
"""The first one does well nearly everywhere, and is what is taken if there are too few tasks to choose."""


@dataclass(frozen=True, kw_only=True)
class EmpiricalBayes(Meta):
    """Learns what tasks have in common, as the prior of a `PosteriorPlanner`.

    From the exact models of the training tasks it takes which pairs (state, action) behave alike in all of
    them, where they lead on average, what rewards depend on and where they may lie, and how episodes end. The
    means are smoothed: what no training task rewarded may be the goal of a new one. (Robbins, "An empirical
    Bayes approach to statistics", 1956; of priors over MDPs Wilson et al., ICML 2007.)

    How far to trust it is chosen on an inner split: a part of a meta-batch's different tasks is held back,
    the prior of the others is tried on them with a few settings, and those whose returns, sum over e of
    return(e) / e, are best so far are taken, if they are clearly better than those that do well everywhere.
    That is done again with the meta-batches in which the number of tasks passes a further power of 1.25.

        fitted = EmpiricalBayes().fit(training, rng=0)
        compare({"scratch": QLearning(), "empirical Bayes": fitted}, held_out, (0, 1, 5), rng=1)

    Where models are not known, `experience` makes do without: a learner that does what it seldom did lives so
    many episodes in each training task, and frequencies of what it met stand for the models.

    Parameters
    ----------
    experience
        Episodes in each training task from which the prior is learned; 0: from the tasks' exact models.
    inner_held_out
        Part of a meta-batch's different tasks that settings are tried on, 0 to below 1; 0: none, and the
        settings stay as they are.
    neighbours
        Part of a state's reward that is believed of the states that lead there, 0 to 1.
    """

    experience: int = 0
    inner_held_out: float = 0.2
    neighbours: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "experience", checks.integer, 0, 2**31 - 2)
        checks.keep(self, "inner_held_out", checks.real, 0.0, 0.9)
        checks.keep(self, "neighbours", checks.real, 0.0, 1.0)

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen."""
        return {**nothing(), "gains": np.zeros((3, len(CANDIDATES))), "returns": np.empty(0)}

    def step(
        self,
        state: State,
        learner: Learner,
        tasks: Tasks | Task,
        rng: Seed,
        num_episodes: int = 20,
        num_steps: int | None = None,
        *,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> State:
        """Return the state after one meta-batch; the arguments are those of `train`.

        `returns` are those of held-back tasks with the best settings; of a meta-batch that settings are not
        tried on, as where it has fewer than five different tasks, those of the learner before it saw them.
        """
        batch = as_batch(tasks)
        before = self.apply(state, learner)
        before.check_sizes(batch.num_states, batch.num_actions)
        key = make_key(rng)
        generator = np.random.default_rng(child(key, 0))
        models_at: Callable[[NDArray[np.int64]], Iterable[TaskModel]]
        if self.experience:
            lived = _explored(batch, self.experience, num_steps, child(key, 2), num_threads)
            prints = np.array([fingerprint_of(model) for model in lived], np.uint64)
            models_at = lambda places: (lived[k] for k in places)  # noqa: E731
        else:
            prints = fingerprints(batch)
            models_at = lambda places: models(batch[places])  # noqa: E731
        firsts, of_task = _different(prints)
        due = _is_due(float(state["num_tasks"][0]), len(batch))
        number = round(self.inner_held_out * len(firsts)) if due else 0
        held = np.sort(generator.permutation(len(firsts))[:number])
        if not number or len(firsts) < _LEAST_TASKS:
            tried, held = batch, held[:0]
        else:
            tried = batch[firsts[held[:_MOST_TRIED]]]
        inner = ~np.isin(of_task, held)

        def run(contender: Learner) -> NDArray[np.float64]:
            found = train(
                contender,
                tried,
                num_episodes,
                num_steps,
                rng=child(key, 1),
                num_runs=-(-_MOST_TRIED // len(tried)) if held.size else 1,
                q_table=False,
                policy=False,
                num_threads=num_threads,
            )
            return np.asarray(found.returns.mean(axis=1))

        gains = state["gains"]
        sums = _with(state, models_at(np.flatnonzero(inner)), batch)
        if held.size:
            runs = [run(self._made(sums, one, learner)) for one in CANDIDATES]
            weight = 1.0 / np.arange(1, num_episodes + 1)
            worth = np.array([(weight * found).sum(axis=1) for found in runs])
            more = worth - worth[0]
            times = np.full(len(more), float(len(tried)))
            gains = gains + np.stack([times, more.sum(axis=1), np.square(more).sum(axis=1)])
            returns = runs[_best(gains)].mean(axis=0)
        else:
            returns = run(before).mean(axis=0)
        sums = _with(sums, models_at(np.flatnonzero(~inner)), batch)
        if progress is not None:
            progress(len(batch), len(batch))
        return {**sums, "gains": gains, "returns": returns}

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the planner with the prior that was learned, and the best settings so far."""
        check_state(state, self.init(learner))
        if not state["num_tasks"].any():
            return learner
        return self._made(state, CANDIDATES[_best(state["gains"])], learner)

    def fit(
        self,
        tasks: Family | Tasks | Task,
        learner: Learner | HasLearner | None = None,
        num_episodes: int = 20,
        num_steps: int | None = None,
        *,
        num_iterations: int | None = None,
        num_tasks: int = 4000,
        rng: Seed = None,
        num_threads: int | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        callback: Callback | Sequence[Callback] | None = None,
        resume: Fitted | None = None,
        checkpoint: Path | None = None,
        every: int = 1,
    ) -> Fitted:
        """Learn a prior from training tasks; arguments and result are those of `Meta.fit`.

        Parameters
        ----------
        learner
            A `PosteriorPlanner`, whose discount, `reward_strength` and `num_sweeps` are kept; in the place of
            any other learner comes one of its discount. Default: `PosteriorPlanner()`.
        num_episodes
            For which settings are tried on tasks held back.
        """
        return super().fit(
            tasks,
            PosteriorPlanner() if learner is None else learner,
            num_episodes,
            num_steps,
            num_iterations=num_iterations,
            num_tasks=num_tasks,
            rng=rng,
            num_threads=num_threads,
            executor=executor,
            progress=progress,
            callback=callback,
            resume=resume,
            checkpoint=checkpoint,
            every=every,
        )

    def cost(self, num_tasks: int, num_episodes: int, num_iterations: int | None = None) -> int:
        """Return how many episodes in training tasks `fit` takes, if all of them are different.

        The first step's, on which settings are tried, and those of `experience`; to read a model takes none.
        """
        first = min(num_tasks, self.tasks_per_iteration)
        held = min(round(self.inner_held_out * first), _MOST_TRIED) if first >= _LEAST_TASKS else 0
        tried = len(CANDIDATES) * held * -(-_MOST_TRIED // held) if held else first
        return tried * num_episodes + super().cost(num_tasks, self.experience, num_iterations)

    def _made(self, sums: State, chosen: Candidate, learner: Learner) -> PosteriorPlanner:
        """Return the planner with the prior of these sums and with these settings."""
        base = learner
        if not isinstance(base, PosteriorPlanner):
            base = PosteriorPlanner(learner.num_states, learner.num_actions, discount=learner.discount)
        bonus = chosen.bonus * reward_scale(sums)
        smoothing = Smoothing(chosen.goals, self.neighbours, chosen.everywhere)
        return base.replace(
            prior=prior_of(sums, smoothing, base.discount, bonus),
            bonus=bonus,
            bonus_decay=chosen.bonus_decay,
            transition_strength=chosen.transition_strength,
        )


def _best(gains: NDArray[np.float64]) -> int:
    """Return the candidate that earned most more than the first, if that is no accident: its place."""
    number, total, squares = gains
    mean = total / np.maximum(number, 1.0)
    variance = np.maximum(squares / np.maximum(number, 1.0) - mean * mean, 0.0)
    clear = mean > _CLEARLY * np.sqrt(variance / np.maximum(number - 1.0, 1.0))
    return int(np.where(clear, mean, 0.0).argmax())


def _is_due(before: float, number: int) -> bool:
    """Return whether so many further tasks bring the tasks seen to a power of `_GROWTH`."""
    goal = 1.0
    while goal <= before:
        goal *= _GROWTH
    return goal <= before + number


def _with(state: State, seen: Iterable[TaskModel], tasks: Tasks) -> State:
    """Return the state after these models, of such tasks."""
    found = dict(state)
    for model in seen:
        found |= with_model(found, model, tasks.num_states, tasks.num_actions)
    return found


def _explored(
    tasks: Tasks, num_episodes: int, num_steps: int | None, rng: Seed, num_threads: int | None
) -> list[TaskModel]:
    """Return what a learner finds of each task that knows nothing and does what it seldom did."""
    key, found = make_key(rng), list[TaskModel]()
    for first in range(0, len(tasks), _HISTORIES_AT_ONCE):
        run = train(
            _EXPLORER,
            tasks[first : first + _HISTORIES_AT_ONCE],
            num_episodes,
            num_steps,
            rng=key,
            returns=False,
            q_table=False,
            policy=False,
            record=True,
            num_threads=num_threads,
        )
        found += models_of(run.history, tasks.num_states, tasks.num_actions)
    return found


def _different(prints: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the first of each kind of task, and of which kind each task is [N]."""
    _, firsts, of_task = np.unique(prints, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(firsts))  # numbered as they come
    return np.sort(firsts), order[of_task]
