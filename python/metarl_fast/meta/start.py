"""What meta-learners have in common: training tasks in, a table to start from out, and a file."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.engine import Progress, as_batch, train
from metarl_fast.files import whole_file
from metarl_fast.learners import Learner
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Task, Tasks

if TYPE_CHECKING:
    from typing_extensions import Self

    from metarl_fast.families import Family

FORMAT = "metarl_fast meta-learner"
FORMAT_VERSION = 1


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
        tables = checks.array(q_tables, "q_tables", np.float64)
        one = (self.num_states, self.num_actions)
        checks.shape(tables, "q_tables", one, (*tables.shape[:1], *one))
        tables = tables.reshape(-1, *one)
        return checks.finite(tables, "q_tables")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to an .npz file, whole or not at all; `metarl_fast.load` reads it."""
        header = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "kind": type(self).__name__,
            "num_states": self.num_states,
            "num_actions": self.num_actions,
            "settings": self._settings(),
            "context": self.context,
        }
        arrays: dict[str, Any] = {"header": np.array(json.dumps(header)), **self._arrays()}
        with whole_file(Path(path)) as file:
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
        """Run the learner on tasks, or on `num_tasks` drawn from a family, and `observe` what it learned."""
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
        assert run.q_table is not None
        self.observe(run.q_table)
        return self


def load(path: str | os.PathLike[str]) -> StartLearner:
    """Read a meta-learner that `save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or something else.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            checks.memory(sum(member.file_size for member in archive.infolist()), f"reading {path}")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if "header" not in arrays:
            raise ValueError(f"it holds {sorted(arrays)} and no header")
        header = json.loads(str(arrays.pop("header")))
        if header["format"] != FORMAT:
            raise ValueError(f"format is {checks.shown(header['format'])}")
        if header["version"] != FORMAT_VERSION:
            raise ValueError(f"file version is {header['version']}, this program reads {FORMAT_VERSION}")
        if header["kind"] not in StartLearner.kinds:
            raise ValueError(
                f"kind is {checks.shown(header['kind'])}, expected one of {sorted(StartLearner.kinds)}"
            )
        kind = StartLearner.kinds[header["kind"]]
        meta = kind(header["num_states"], header["num_actions"], **header["settings"])
        meta.context = header["context"]
        if not isinstance(meta.context, dict):
            raise TypeError(f"context is {checks.shown(meta.context)}, expected a dict")
        expected = meta._arrays()
        if set(arrays) != set(expected):
            raise ValueError(f"it holds {sorted(arrays)}, expected {sorted(expected)}")
        for name, blank in expected.items():
            found = checks.finite(checks.array(arrays[name], name, np.float64), name)
            setattr(meta, name, checks.shape(found, name, blank.shape))
    except (FileNotFoundError, MemoryError):
        raise
    except Exception as error:  # damaged archives and arrays raise a dozen different kinds
        raise ValueError(
            f"{path} is not a metarl_fast meta-learner file, or it is damaged: {error}"
        ) from error
    return meta
