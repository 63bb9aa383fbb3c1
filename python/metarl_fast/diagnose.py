"""Does a problem suit meta-learning? What a meta-learned start gains, by training tasks and by samples."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from metarl_fast import checks
from metarl_fast.compare import compare
from metarl_fast.compat.gymnasium import from_gymnasium
from metarl_fast.contenders import Budget, Contender
from metarl_fast.describe import describe
from metarl_fast.diagnosis import FEW, Diagnosis, judged
from metarl_fast.engine import HasLearner, Progress, as_learner, check_learner, episode_steps
from metarl_fast.evaluate import learning_bounds
from metarl_fast.families import Family
from metarl_fast.joining import concatenate
from metarl_fast.learners import Learner, QLambda, TdLearner
from metarl_fast.progress_bar import ProgressBar
from metarl_fast.recipes import explicit_ids
from metarl_fast.seeding import Seed, child, make_key
from metarl_fast.splits import Split, halves_of
from metarl_fast.statistics import Interval
from metarl_fast.tasks import Task, Tasks
from metarl_fast.tuning import SPACE

METAS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "table": {"type": "AverageQ"},
        "exploration": {"type": "PolicyPrior"},
        "scalars": {
            "type": "Tuned",
            "tuned": False,
            "tasks_per_iteration": 16,
            "num_random": 24,
            "num_pairs": 4,
            "num_episodes": 10,
            "num_iterations": 4,
        },
        "prior": {"type": "EmpiricalBayes", "num_episodes": 10},
    }
)
"""Of each kind of meta-learner the one that is tried, as a table of a file of settings."""

_SCRATCH, _UNTUNED = "tuned scratch", "scratch"
_CANDIDATES, _TASKS_OF_RUNG = 16, 8
"""Hyper-parameters that are tried for each contender, and on how many tasks."""
_FEWEST = 2
"""Tasks: one to learn from, and one that is held out."""

Divided: TypeAlias = "tuple[Tasks, Tasks, int]"
"""Training tasks, held-out tasks and the key of all random numbers of one split."""


def diagnose(
    problem: Family | Tasks | Task | Sequence[Any],
    learner: Learner | HasLearner | None = None,
    *,
    num_tasks: Sequence[int] = (1, 4, 16, 64),
    episodes: Sequence[int] = (0, 1, 2, 5, 10, 20, 50),
    num_splits: int = 5,
    held_out: float = 0.25,
    num_held_out: int = 64,
    training_episodes: int = 100,
    num_steps: int | None = None,
    rng: Seed = 0,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Say whether a problem suits meta-learning: many related tasks, and few samples in each.

    On several splits into training and held-out tasks, meta-learners of four kinds learn on more and more
    of the training tasks, and their starts compete with the learner that starts from nothing, whose
    hyper-parameters were tuned on all of them. What differs between splits is which tasks are held out,
    meta-training and tuning; intervals are over splits.

    Parameters
    ----------
    problem
        A family; or tasks, of `from_arrays` say; or a list of tasks or of Gymnasium environments that
        publish their model. Of what is no family a part is held out in each split.
    learner
        What is to be made better; default: `QLambda(learning_rate=0.5)`.
    num_tasks
        Increasing numbers of training tasks; those that are too many here are left out.
    episodes
        Increasing numbers of episodes on a new task after which scores are taken; one of them from 1 to 5.
    num_splits
        At least 2.
    held_out, num_held_out
        Part of the tasks that is held out, and how many of these are used at most.
    training_episodes
        Of a meta-learner in each training task.
    num_steps
        Time limit of an episode; default the tasks' own.
    rng
        Decides everything.
    num_threads
        As in `train`.
    progress
        Called now and then with (parts of the work done, in all); default: a bar if tqdm is installed and
        standard error is a terminal.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError, TypeError
        For too few tasks, tasks on which nothing can be learned, and as `train` does.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> grids = mf.GoalGrid(5, goals=mf.Region((2, 5), (2, 5)))
    >>> mf.diagnose(grids, num_tasks=(1, 16), episodes=(0, 2, 5), num_splits=3).suits
    True
    """
    own = QLambda(learning_rate=0.5) if learner is None else as_learner(learner)
    if not isinstance(own, TdLearner):
        raise TypeError(f"learner is a {type(own).__name__}, expected one that learns a table")
    scored_at = tuple(checks.increasing(episodes, "episodes"))
    if not any(1 <= e <= FEW for e in scored_at):
        raise ValueError(f"episodes are {list(scored_at)}, expected one of them to be from 1 to {FEW}")
    counts = tuple(checks.increasing(num_tasks, "num_tasks"))
    if counts[0] < 1:
        raise ValueError(f"num_tasks is {list(counts)}, expected numbers of at least 1")
    count = checks.integer(num_splits, "num_splits", 2)
    share = checks.real(held_out, "held_out", 0.0, 1.0, open_low=True)
    lives = checks.integer(training_episodes, "training_episodes", 1)
    most = checks.integer(num_held_out, "num_held_out", 1)
    report = _bar() if progress is None else checks.callback(progress, "progress")
    key = make_key(rng)
    source = problem if isinstance(problem, Family) else _tasks_of(problem)
    splits = [_split(source, share, counts[-1], most, make_key(child(key, k))) for k in range(count)]
    available = min(len(training) for training, _, _ in splits)
    counts = tuple(sorted({min(number, available) for number in counts}))
    splits = [(training[: counts[-1]], tested, seed) for training, tested, seed in splits]
    for training, tested, _ in splits:
        check_learner(own, training)
        episode_steps(training, num_steps)
        learning_bounds(tested, own.discount, num_steps, num_threads=num_threads)
    budget = Budget(
        num_tasks=1,
        meta_learning=lives,
        tuning=_TASKS_OF_RUNG * _CANDIDATES * 2 * max(1, scored_at[-1]),
        num_steps=num_steps,
        space=_space(own),
        most_candidates=_CANDIDATES,
        tasks_of_rung=_TASKS_OF_RUNG,
        scored_at=scored_at,
        num_threads=num_threads,
        scaled=True,
    )
    prepared = _prepared(own, splits, counts, budget, report)
    found = compare(
        prepared,
        [tested for _, tested, _ in splits],
        scored_at,
        num_steps=num_steps,
        rng=child(key, count),
        discount=own.discount,
        num_threads=num_threads,
    )
    gain = {kind: _stacked([found.difference(_name(kind, m), _SCRATCH) for m in counts]) for kind in METAS}
    card = describe(
        source,
        horizon=num_steps,
        precision=0.05,
        most_tasks=128,
        rng=child(key, count + 1),
        num_threads=num_threads,
    )
    return judged(
        found, gain, counts, scratch=found.interval(_SCRATCH), untuned=found.interval(_UNTUNED), card=card
    )


def _tasks_of(problem: Any) -> Tasks:
    """Return the tasks of a batch, of a list of them, or of environments."""
    if isinstance(problem, Tasks | Task):
        return problem if isinstance(problem, Tasks) else problem.batch
    if isinstance(problem, (list, tuple)) and problem and isinstance(problem[0], Tasks | Task):
        return _batch_of(problem)
    if not isinstance(problem, (list, tuple)) and not hasattr(problem, "unwrapped"):
        raise TypeError(
            f"problem is {checks.shown(problem)}, expected a family, tasks, or a list of tasks or gym envs"
        )
    return from_gymnasium(problem)  # which refuses what is no environment


def _batch_of(parts: Sequence[Tasks | Task]) -> Tasks:
    """Return tasks as one batch, numbered anew where two of one id would meet the same random numbers."""
    ids = np.concatenate(
        [explicit_ids((part.batch if isinstance(part, Task) else part).ids) for part in parts]
    )
    if len(np.unique(ids)) == len(ids):
        return concatenate(parts)
    found = concatenate([part.materialise() for part in parts])
    return Tasks(found.recipe.stored().named(range(len(found))), found.horizon)


def _split(source: Family | Tasks, share: float, most_training: int, most_held_out: int, key: int) -> Divided:
    """Return training and held-out tasks that are disjoint."""
    if isinstance(source, Family):
        learned, judging = halves_of(source, share, key)
        return (
            learned.sample(most_training, rng=child(key, 3)),
            judging.sample(most_held_out, rng=child(key, 2)),
            key,
        )
    number = len(source)
    if number < _FEWEST:
        raise ValueError(f"there are {number} tasks, expected at least {_FEWEST}: some are held out")
    held = min(max(1, round(share * number)), number - 1)
    order = np.random.default_rng(child(key, 1)).permutation(number)
    tested, training = np.sort(order[:held]), order[held:]
    return source[training], source[tested[:most_held_out]], key


def _prepared(
    learner: Learner,
    splits: Sequence[Divided],
    counts: Sequence[int],
    budget: Budget,
    progress: Progress | None,
) -> dict[str, list[Learner]]:
    """Return what is compared: of each name the learner of each split."""
    tuned = len(budget.space) > 1
    scratch = Contender.from_table(_SCRATCH, {"type": "Scratch", "tuned": tuned}, learner)
    kinds = {kind: {"tuned": tuned, **table} for kind, table in METAS.items()}
    metas = {kind: Contender.from_table(kind, table, learner) for kind, table in kinds.items()}
    found: dict[str, list[Learner]] = {_UNTUNED: [learner] * len(splits)}
    done, total = 0, len(splits) * (1 + len(metas) * len(counts))
    for training, tested, key in splits:
        jobs = [(_SCRATCH, scratch, len(training))]
        jobs += [(_name(kind, m), meta, m) for kind, meta in metas.items() for m in counts]
        for name, contender, number in jobs:
            share = replace(budget, num_tasks=number, meta_learning=number * budget.meta_learning)
            part = Split.of_tasks(training[:number], tested, key)
            found.setdefault(name, []).append(contender.prepare(part, share).learner)
            done += 1
            if progress is not None:
                progress(done, total)
    if isinstance(progress, ProgressBar):
        progress.close()
    return found


def _bar() -> ProgressBar | None:
    """Return a bar, where a terminal shows it."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    try:
        return ProgressBar("diagnosing")
    except ImportError:
        return None


def _space(learner: Learner) -> dict[str, Sequence[Any]]:
    """Return what the hyper-parameters of such a learner are drawn from."""
    own = {f.name for f in fields(learner) if f.init}
    return {"type": (type(learner),), **{name: values for name, values in SPACE.items() if name in own}}


def _name(kind: str, number: int) -> str:
    return f"{kind} of {number}"


def _stacked(parts: Sequence[Interval]) -> Interval:
    """Return intervals one above the other."""
    return Interval(*(np.stack([getattr(part, end) for part in parts]) for end in ("mean", "low", "high")))
