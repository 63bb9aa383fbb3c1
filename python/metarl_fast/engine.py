"""Running a learner on many tasks at once."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.executors import Executor, checked_executor
from metarl_fast.files import Path
from metarl_fast.history import History
from metarl_fast.learners import Learner
from metarl_fast.learners.initial_values import initial_values
from metarl_fast.part_files import check_repeatable
from metarl_fast.recipes import StoredRecipe
from metarl_fast.result_rooms import Rooms
from metarl_fast.run_state import RunState, room_to_carry
from metarl_fast.runtime import thread_count
from metarl_fast.scratch import check_threads
from metarl_fast.seeding import Key, Seed, make_key
from metarl_fast.shards import parts, shard_count, shards_of
from metarl_fast.tasks import Task, Tasks, as_batch
from metarl_fast.train_result import TrainResult
from metarl_fast.training_jobs import TrainingJobs

Progress: TypeAlias = Callable[[int, int], Any]
"""Called now and then with (tasks done, tasks in all)."""


class HasLearner(Protocol):
    """What goes where a learner goes: what a meta-learner's `fit` returns."""

    @property
    def learner(self) -> Learner:
        """The learner."""


def as_learner(learner: Learner | HasLearner) -> Learner:
    """Return a learner, or the one that something has."""
    found = learner if isinstance(learner, Learner) else getattr(learner, "learner", learner)
    if not isinstance(found, Learner):
        raise TypeError(
            f"learner is a {type(learner).__name__}, expected one such as QLearning, or what the fit of a "
            "meta-learner returned"
        )
    return found


def check_learner(learner: Learner | HasLearner, tasks: Tasks) -> None:
    """Refuse what is not a learner for tasks of this size."""
    as_learner(learner).check_sizes(tasks.num_states, tasks.num_actions)


_MOST_STEPS = 2**31 - 2


def episode_steps(tasks: Tasks, num_steps: int | ArrayLike | None) -> int | NDArray[np.int64]:
    """Return the time limit of an episode, of all tasks or of each [N]: `num_steps`, else their horizon."""
    value = tasks.horizon if num_steps is None else num_steps
    if value is None:
        raise ValueError("these tasks have no horizon: give num_steps, the number of steps of an episode")
    if checks.single(value):
        return checks.integer(value, "num_steps", 1, _MOST_STEPS)
    steps = checks.shape(checks.array(value, "num_steps", np.int64), "num_steps", (len(tasks),))
    for extreme in (steps.min(initial=1), steps.max(initial=1)):
        checks.integer(extreme, "num_steps", 1, _MOST_STEPS)
    return steps


def _check_rewards(tasks: Tasks, dtype: np.dtype[Any]) -> None:
    """Refuse stored rewards that tables cannot hold before any task learns; drawn ones the core sees."""
    if isinstance(tasks.recipe, StoredRecipe):
        largest, place = tasks.recipe.largest_reward
        if largest > float(np.finfo(dtype).max):
            raise ValueError(
                f"a reward of task {tasks.ids[place]} is {largest:g}, sign aside, which a table of "
                f"{8 * dtype.itemsize}-bit numbers cannot hold"
            )


def train(
    learner: Learner | HasLearner,
    tasks: Tasks | Task,
    num_episodes: int,
    num_steps: int | ArrayLike | None = None,
    *,
    rng: Seed = None,
    initial_table: ArrayLike | None = None,
    num_runs: int | None = None,
    continuing: bool = False,
    snapshot_episodes: Sequence[int] = (),
    returns: bool = True,
    q_table: bool = True,
    policy: bool = True,
    mean_returns: bool = False,
    record: bool = False,
    dtype: DTypeLike = np.float32,
    num_threads: int | None = None,
    executor: Executor | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
    resume: TrainResult | None = None,
) -> TrainResult:
    """Run the learner on each task, from its own copy of the initial table.

    Parameters
    ----------
    learner
        The hyper-parameters: `QLearning`, `Sarsa` or another one of `metarl_fast.learners`; if it has
        `num_states` and `num_actions`, they must be those of the tasks. Or what a meta-learner's `fit`
        returned.
    tasks
        N tasks, or a single one.
    num_episodes
        E, at least 0.
    num_steps
        Time limit of an episode, or one for each task [N]; default `tasks.horizon`. Reaching it cuts the
        episode short without being terminal: the last update still looks ahead.
    rng
        None, an integer, a SeedSequence or a Generator. The result is a function of it and of the task's id,
        and the same on any number of threads.
    initial_table
        A number, [S, A] for all tasks, [N, S, A], or a `Table`; default `learner.initial_q`. Actions that are
        not available start and stay at -inf, whatever it says; only for them it may say -inf. Of learners
        with features these are weights [F, A].
    num_runs
        R runs of each task, of independent random numbers, in an axis R after N; the first is what a single
        run gives. Repeating a task, as in `tasks[[0] * 10]`, repeats its run instead, to the last bit.
        Default: one run and no such axis.
    continuing
        The state survives the time limit; episodes are then just periods in which returns are summed.
    snapshot_episodes
        Increasing numbers 0 to E: copy the table before each of these episodes (E: at the end).
    returns, q_table, policy
        Whether to keep them: at 1e6 tasks they are what takes memory.
    mean_returns
        Whether to keep the mean of `returns` over the tasks; it takes no room for the returns themselves.
    record
        Whether to keep every step of every task as `history`: for 10 states 9 bytes a step. A longer history
        than memory holds comes shard by shard from `shards.map`, or episode by episode from `resume`.
    dtype
        float32 or float64, of the tables the learner works in.
    num_threads
        Default: OMP_NUM_THREADS, else the processors this process may use. Of each job of an executor:
        OMP_NUM_THREADS there, else one.
    executor
        Who learns, in jobs of about a second, to the same bits: anything with `submit(function, *arguments)`,
        such as `concurrent.futures.ProcessPoolExecutor` or what `metarl_fast.distributed` makes.
    checkpoint
        A folder in which each job's results are kept; the same call goes on from there after it was killed.
        It needs an `rng`.
    progress
        Called about twenty times a second with (tasks done, N); with an executor, or checkpoints, after each
        job.
    resume
        A run to go on from, of the same learner, tasks, dtype and num_runs: this one and it have the bits of
        one long run. Episodes are numbered on, in schedules and `snapshot_episodes`; `num_steps` and
        `continuing` are those of the run if nothing else is said. It must have kept its `q_table`, which is
        also what is gone on from, so it must not be changed. No `rng` and `initial_table` then.

    Returns
    -------
    TrainResult

    Raises
    ------
    ValueError, TypeError, MemoryError
        Before any work, with the offending value in the text.
    KeyboardInterrupt
        Within half a second of Ctrl-C.
    """
    batch = as_batch(tasks)
    learner = as_learner(learner)
    check_learner(learner, batch)
    runs = 1 if num_runs is None else checks.integer(num_runs, "num_runs", 1, 2**31 - 1)
    n, s, a = len(batch) * runs, batch.num_states, batch.num_actions
    shape = learner.table_shape(s, a)
    real, going_on = checks.float_type(dtype, "dtype"), checks.flag(continuing, "continuing")
    so_far = _resumed(resume, learner, batch, real, num_runs, going_on, rng, initial_table)
    first = 0 if so_far is None else so_far.num_episodes
    going_on = going_on if so_far is None else so_far.continuing
    episodes = checks.integer(num_episodes, "num_episodes", 0, 2**31 - 2 - first)
    steps = episode_steps(batch, so_far.num_steps if so_far is not None and num_steps is None else num_steps)
    wants_snapshots = not isinstance(snapshot_episodes, Sequence) or len(snapshot_episodes) > 0
    snapshots_at = (
        checks.increasing(snapshot_episodes, "snapshot_episodes", first + episodes) if wants_snapshots else []
    )
    keep_table, keep_policy = checks.flag(q_table, "q_table"), checks.flag(policy, "policy")
    keep_returns, keep_mean = checks.flag(returns, "returns"), checks.flag(mean_returns, "mean_returns")
    size = (
        n * shape[0] * a * (keep_table + len(snapshots_at)) * real.itemsize
        + n * s * 4 * keep_policy
        + n * episodes * 8 * keep_returns
        + episodes * 8 * keep_mean * shard_count(len(batch))
    )
    checks.memory(size, lambda: f"the results of {n} tasks and {episodes} episodes")
    settings, key = learner.core(first + episodes), make_key(rng if so_far is None else 0)
    where = checked_executor(executor)
    by_jobs = where is not None or checkpoint is not None
    check_repeatable(checkpoint, key if so_far is not None else rng)
    at_once = settings.tasks_at_once
    # One block of tasks goes to one thread: no need to ask the system how many there are.
    wanted = 1 if num_threads is None and n <= at_once else thread_count(num_threads)
    longest = steps if isinstance(steps, int) else int(steps.max(initial=1))
    begin, name = (
        (learner.initial_q, "initial_q") if initial_table is None else (initial_table, "initial_table")
    )
    table = initial_values(begin, name, batch, real, shape)
    if table.ndim < 3 and not isinstance(rng, Key):
        _warn_of_repeated_tasks(batch)

    def threads_for(core: _core.TaskBatch) -> int:
        count = core.num_tasks * runs
        scratch = settings.scratch(core, count, episodes, longest, going_on, keep_mean, real.itemsize)
        return check_threads(core, wanted, scratch, tasks_at_once=at_once, runs=runs)

    if size > checks.ALWAYS_FITS and batch.recipe.at_once is None and where is None:
        threads_for(batch.core)  # refused before room is made for large results

    wants: dict[str, tuple[bool, tuple[int, ...], DTypeLike]] = {
        "q_table": (keep_table, (n, *shape), real),
        "policy": (keep_policy, (n, s), np.int32),
        "returns": (keep_returns, (n, episodes), np.float64),
        "snapshots": (bool(snapshots_at), (n, len(snapshots_at), *shape), real),
    }
    before = {} if so_far is None or resume is None else so_far.carried(resume.q_table, n)
    rooms = Rooms(
        {name: np.empty(shape, kind) for name, (keep, shape, kind) in wants.items() if keep},
        np.empty((shard_count(len(batch)), episodes)) if keep_mean else None,
        room_to_carry(settings.carried(s, a, going_on), n, (s, a), real) if keep_table else {},
        History.room(n, episodes * longest, s, a, real, learner.chooses_ahead)
        if checks.flag(record, "record")
        else None,
    )
    run = _core.train_float32 if real == np.float32 else _core.train_float64
    report = checks.callback(progress, "progress")
    if by_jobs:
        _check_rewards(batch, real)
        arguments = {
            "num_episodes": episodes,
            "num_steps": steps,
            "rng": Key(key) if so_far is None else None,
            "initial_table": table if so_far is None else None,
            "num_runs": num_runs,
            "continuing": going_on,
            "snapshot_episodes": snapshots_at,
            "returns": keep_returns,
            "q_table": keep_table,
            "policy": keep_policy,
            "mean_returns": keep_mean,
            "record": rooms.history is not None,
            "dtype": real,
            "resume": resume,
        }
        TrainingJobs(train, learner, batch, arguments).fill(rooms, where, checkpoint, num_threads, report)
    for part in () if by_jobs else parts(batch, report):
        core, places = part.tasks.core, part.places
        _check_rewards(part.tasks, real)
        rows = slice(places.start * runs, places.stop * runs)
        filled = {name: array[rows] for name, array in rooms.kept.items()}
        run(
            core,
            settings,
            key,
            first + episodes,
            np.repeat(steps[places], runs) if isinstance(steps, np.ndarray) else np.asarray(steps, np.int64),
            going_on,
            table[places] if table.ndim == 3 else table,
            filled.get("q_table"),
            filled.get("policy"),
            filled.get("returns"),
            None if rooms.sums is None else rooms.sums[shards_of(places)],
            filled.get("snapshots"),
            np.array(snapshots_at, np.int64),
            threads_for(core),
            part.progress,
            num_runs=runs,
            first_episode=first,
            before={name: array[rows] for name, array in before.items()},
            after={name: array[rows] for name, array in rooms.after.items()},
            history={} if rooms.history is None else rooms.history.rows(rows),
        )
    state = RunState(batch.recipe, learner, real, num_runs, going_on, steps, first + episodes, rooms.after)
    return TrainResult(
        rooms.arrays(n, num_runs),
        tuple(snapshots_at),
        n,
        state if rooms.after else None,
        None if rooms.history is None else rooms.history.cut(num_runs),
    )


def _resumed(
    resume: Any,
    learner: Learner,
    tasks: Tasks,
    real: Any,
    num_runs: Any,
    continuing: bool,
    rng: Seed,
    initial_table: Any,
) -> RunState | None:
    """Return what to go on from, if anything; refuse what is no run, or one of other tasks and settings."""
    if resume is None:
        return None
    if not isinstance(resume, TrainResult):
        raise TypeError(f"resume is a {type(resume).__name__}, expected what train returned")
    if resume.state is None:
        raise ValueError(
            "resume cannot be continued: its q_table was not kept, or learners of its kind cannot be"
        )
    if rng is not None:
        raise ValueError(f"rng is {checks.shown(rng)}, expected None: resume goes on with its own numbers")
    if initial_table is not None:
        raise ValueError("initial_table is given beside resume, which has tables of its own")
    resume.state.check(
        learner=learner,
        dtype=real,
        num_runs=num_runs,
        continuing=continuing or resume.state.continuing,  # it need not be said again
    )
    resume.state.check_tasks(tasks.recipe)
    return resume.state


def _warn_of_repeated_tasks(tasks: Tasks) -> None:
    ids = tasks.recipe.ids
    if isinstance(ids, range):
        return
    found, counts = np.unique(ids, return_counts=True)
    if found.size < len(ids):
        most = counts.argmax()
        warnings.warn(
            f"task {found[most]} occurs {counts[most]} times: tasks of one id meet the same random numbers, "
            "so these runs are not independent; for independent runs of each task say num_runs=",
            stacklevel=_levels_to_caller(),
        )


def _levels_to_caller() -> int:
    """Return how far up the first frame outside the package is, which a warning is to name."""
    frame, levels = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "metarl_fast":
        frame, levels = frame.f_back, levels + 1
    return levels


def part_of(progress: Progress | None, place: int, number: int, size: int) -> Progress | None:
    """Return what tells `progress` of one of so many equal parts of the work, as of `size` tasks in all."""
    if progress is None:
        return None
    return lambda done, total: progress(size * (place * total + done) // max(1, number * total), size)
