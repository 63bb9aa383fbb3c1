"""What meta-learners have in common: training tasks in, a table to start from out, and a file."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.archive import Archive
from metarl_fast.engine import Progress, as_batch, train
from metarl_fast.files import Path, regular_file, whole_file
from metarl_fast.learners import Learner
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Task, Tasks

if TYPE_CHECKING:
    from typing_extensions import Self

    from metarl_fast.families import Family

FORMAT = "metarl_fast meta-learner"
FORMAT_VERSION = 1
_ENTRIES = ("format", "version", "kind", "num_states", "num_actions", "settings", "context")
_LARGEST_HEADER = 2**28
"""Bytes of the header; it grows with the goals of a grid in `context`, say."""


def mean_of_available(
    tables: NDArray[np.float64], before: NDArray[np.float64], num_before: NDArray[np.float64] | float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean over tables [N, ...] and `num_before` ones of mean `before`, and over how many it is.

    An action counts where it is available, where its value is not -inf; what is available in none keeps the
    value it had. The mean is finite whatever the size of the values: a sum of values that fit may not fit.
    """
    available = tables > -np.inf
    number = np.asarray(available.sum(axis=0) + num_before)
    total = np.maximum(number, 1.0)
    smaller = np.ldexp(0.5, -np.frexp(total)[1])  # a power of two: scaling by it rounds nothing
    sums = (np.where(available, tables, 0.0) * smaller).sum(axis=0)
    with np.errstate(over="ignore"):
        found = (before * smaller * num_before + sums) / (total * smaller)
    old = np.where(np.asarray(num_before) > 0.0, before, np.nan)
    low = np.fmin(np.where(available, tables, np.inf).min(axis=0, initial=np.inf), old)
    high = np.fmax(tables.max(axis=0, initial=-np.inf), old)
    return np.where(number > 0.0, np.clip(found, low, high), before), number


class StartLearner:
    """Base of meta-learners whose product is an initial table [S, A]."""

    kinds: ClassVar[dict[str, type[StartLearner]]] = {}
    num_states: int
    num_actions: int
    context: dict[str, Any]
    """Where the table comes from (family, learner, ...), kept in the file; JSON types only."""

    def __init_subclass__(cls) -> None:
        """Let `load` find the class by name."""
        StartLearner.kinds[cls.__name__] = cls

    def __init__(self, num_states: int, num_actions: int) -> None:
        self.num_states = checks.integer(num_states, "num_states", 1)
        self.num_actions = checks.integer(num_actions, "num_actions", 1)
        checks.memory(
            self.num_states * self.num_actions * 8,
            f"a table of {num_states} states and {num_actions} actions",
        )
        self.context = {}

    def __repr__(self) -> str:
        arguments = {"num_states": self.num_states, "num_actions": self.num_actions, **self._settings()}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in arguments.items())})"

    @property
    def initial_table(self) -> NDArray[np.float64]:
        """The table [S, A] to start the learner from: `train(..., initial_table=meta.initial_table)`."""
        raise NotImplementedError

    def _settings(self) -> dict[str, float]:
        """Return the hyper-parameters beside S and A, as constructor arguments."""
        return {}

    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return what was learned: attribute names and their arrays."""
        raise NotImplementedError

    def _training_tasks(self, tasks: Family | Tasks | Task, num_tasks: int, rng: Seed) -> Tasks:
        """Return the tasks given, or `num_tasks` drawn from the family given; refuse those of other sizes."""
        batch = tasks.sample(num_tasks, rng=rng) if hasattr(tasks, "sample") else as_batch(tasks)
        if (batch.num_states, batch.num_actions) != (self.num_states, self.num_actions):
            raise ValueError(
                f"the meta-learner has {self.num_states} states and {self.num_actions} actions, "
                f"the tasks {batch.num_states} and {batch.num_actions}"
            )
        return batch

    def _check_tables(self, q_tables: ArrayLike) -> NDArray[np.float64]:
        """Return tables [N, S, A] of numbers, and -inf for actions that are not available."""
        tables = checks.array(q_tables, "q_tables", np.float64)
        one = (self.num_states, self.num_actions)
        checks.shape(tables, "q_tables", one, (*tables.shape[:1], *one))
        tables = tables.reshape(-1, *one)
        checks.action_values(tables, "q_tables")
        return tables

    def save(self, path: Path) -> None:
        """Write to an .npz file, whole or not at all; `metarl_fast.load` reads it.

        Raises
        ------
        OSError
            If the file cannot be written; `io.UnsupportedOperation`, which is a ValueError too, for devices,
            pipes and sockets.
        ValueError, TypeError
            If `load` would refuse the file: `context` is no dict of JSON types, or what was learned has been
            overwritten with what is not finite or of another shape.
        """
        text = json.dumps(
            {
                "format": FORMAT,
                "version": FORMAT_VERSION,
                "kind": type(self).__name__,
                "num_states": self.num_states,
                "num_actions": self.num_actions,
                "settings": self._settings(),
                "context": self.context,
            }
        )
        header = np.array(text)
        if header.nbytes > _LARGEST_HEADER:
            raise ValueError(f"context takes {header.nbytes} bytes, expected at most {_LARGEST_HEADER}")
        held = self._arrays()
        written = _restored(json.loads(text), sorted(held), lambda name, _: held[name])
        arrays: dict[str, Any] = {"header": header, **written._arrays()}
        with whole_file(path) as file:
            np.savez(file, **arrays)


class TableObserver(StartLearner):
    """Base of meta-learners that look at the tables learned on tasks, once each."""

    def observe(self, q_tables: ArrayLike) -> None:
        """Learn from action values [N, S, A] learned on N tasks."""
        raise NotImplementedError

    def fit(
        self,
        tasks: Family | Tasks | Task,
        learner: Learner,
        num_episodes: int,
        num_steps: int | None = None,
        *,
        num_tasks: int = 1000,
        rng: Seed = None,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Run the learner on tasks, or on `num_tasks` drawn from a family, and `observe` what it learned.

        When it fails or is interrupted, nothing has changed.
        """
        generator = np.random.default_rng(make_key(rng))
        run = train(
            learner,
            self._training_tasks(tasks, num_tasks, generator),
            num_episodes,
            num_steps,
            rng=generator,
            returns=False,
            policy=False,
            num_threads=num_threads,
            progress=progress,
        )
        self.observe(run.q_table)
        return self


def _restored(
    header: Any, names: list[str], read: Callable[[str, int], ArrayLike], room: float = math.inf
) -> StartLearner:
    """Return the meta-learner of a header and of arrays, which `read(name, largest number of bytes)` returns.

    `save` calls this before it writes, and `load` when it reads: what the one lets through the other does.
    """
    if not isinstance(header, dict):
        raise TypeError(f"its header is {checks.shown(header)}, expected a dict")
    missing = [name for name in _ENTRIES if name not in header]
    if missing:
        raise ValueError(f"its header has no {', '.join(missing)}")
    if header["format"] != FORMAT:
        raise ValueError(f"format is {checks.shown(header['format'])}")
    if type(header["version"]) is not int or header["version"] != FORMAT_VERSION:
        version = checks.shown(header["version"]).strip("'")
        raise ValueError(f"file version is {version}, this program reads {FORMAT_VERSION}")
    if header["kind"] not in StartLearner.kinds:
        kind, known = checks.shown(header["kind"]), sorted(StartLearner.kinds)
        raise ValueError(f"kind is {kind}, expected one of {known}")
    s = checks.integer(header["num_states"], "num_states", 1)
    a = checks.integer(header["num_actions"], "num_actions", 1)
    if s * a > room:
        raise ValueError(f"it has {room} bytes, too few for {s} states and {a} actions")
    meta = StartLearner.kinds[header["kind"]](s, a, **header["settings"])
    meta.context = header["context"]
    if not isinstance(meta.context, dict):
        raise TypeError(f"context is {checks.shown(meta.context)}, expected a dict")
    expected = meta._arrays()
    if set(names) != set(expected):
        raise ValueError(f"it holds {checks.shown(names)}, expected {sorted(expected)}")
    for name, blank in expected.items():
        # No number has more than 16 bytes.
        found = checks.array(read(name, 16 * blank.size), name, np.float64)
        checks.action_values(found, name)
        setattr(meta, name, np.array(checks.shape(found, name, blank.shape)))
    return meta


def load(path: Path) -> StartLearner:
    """Read a meta-learner that `save` wrote.

    Nothing in the file is run, and no more is read than its header says that it should hold.

    Raises
    ------
    OSError
        If the file cannot be read: FileNotFoundError, PermissionError, ...; `io.UnsupportedOperation`, which
        is a ValueError too, for devices, pipes and sockets.
    ValueError
        If the file is damaged, or something else.
    MemoryError
        If it says that it holds more than fits into memory.
    """
    with regular_file(path) as file:
        try:
            checks.memory(os.fstat(file.fileno()).st_size, "reading it")
            archive = Archive(file)
            if "header" not in archive.names:
                raise ValueError(f"it holds {checks.shown(archive.names)} and no header")
            header = json.loads(str(archive.read("header", _LARGEST_HEADER)))
            names = [name for name in archive.names if name != "header"]
            return _restored(header, names, archive.read, archive.num_bytes)
        except MemoryError as error:
            raise MemoryError(f"{os.fsdecode(path)}: {error}") from error
        except Exception as error:  # damaged archives and arrays raise a dozen different kinds
            # A damaged place to read from is an invalid argument (EINVAL); other errors are the system's.
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                error.filename = os.fsdecode(path)
                raise
            raise ValueError(
                f"{os.fsdecode(path)} is not a metarl_fast meta-learner file, or it is damaged: "
                f"{error!s:.200}"
            ) from error
