"""Learning histories for in-context learning: a dataset that is a recipe, and is made when it is read."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path as Folder
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.citation import cite, from_citation
from metarl_fast.config import from_config, to_config
from metarl_fast.contexts import Contexts, Lifetimes, every_episode
from metarl_fast.engine import HasLearner, Progress, as_learner, check_learner, episode_steps, train
from metarl_fast.files import Path, whole_file
from metarl_fast.history import History
from metarl_fast.learners import Learner, Linear, QLearning
from metarl_fast.planning import policy_iteration
from metarl_fast.seeding import Seed, make_key
from metarl_fast.shards import TASKS_PER_SHARD
from metarl_fast.tasks import Task, Tasks, as_batch

if TYPE_CHECKING:
    from typing_extensions import Self

_PIECE = 2**28
"""Bytes of histories that stand in memory at once, about."""

_LONGEST = 2**22
"""Steps of a piece."""

_INDEX = "index.json"


@dataclass(frozen=True, eq=False)
class Histories:
    """The lifetimes of a learner in each of N tasks: a dataset named by a recipe, and made anew when read.

    Nothing is stored. The same recipe gives the same steps on any machine and any number of threads.

    Parameters
    ----------
    learner
        Whose lifetimes; or what a meta-learner's `fit` returned.
    tasks
        N tasks, one lifetime each.
    num_episodes
        Episodes of a lifetime, at least 1.
    num_steps
        Of an episode, at most; default the tasks' horizon.
    rng
        Seed of the learner's random numbers.
    every
        Keep every so many-th episode of a lifetime, the first one of all among them: a long lifetime in few
        steps, as algorithm distillation trains on (Laskin et al. 2022).
    begins
        What tables learners begin with: "learner", their own; "optimal", q* of each task.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> tasks = mf.Darkroom.ad().sample(1000, rng=0)
    >>> histories = mf.Histories(mf.QLearning(epsilon=0.2), tasks, 100, rng=1)
    >>> next(histories.iterate(batch=32, context=80)).state.shape
    (32, 80)
    """

    learner: Learner
    tasks: Tasks
    num_episodes: int
    num_steps: int | None = None
    rng: int = 0
    every: int = 1
    begins: str = "learner"

    def __init__(
        self,
        learner: Learner | HasLearner,
        tasks: Tasks | Task,
        num_episodes: int,
        num_steps: int | None = None,
        *,
        rng: Seed = 0,
        every: int = 1,
        begins: str = "learner",
    ) -> None:
        batch = as_batch(tasks)
        check_learner(learner, batch)
        if begins not in ("learner", "optimal"):
            raise ValueError(f"begins is {checks.shown(begins)}, expected 'learner' or 'optimal'")
        seed = rng if isinstance(rng, int) and not isinstance(rng, bool) and rng >= 0 else make_key(rng)
        kept = {
            "learner": as_learner(learner),
            "tasks": batch,
            "num_episodes": checks.integer(num_episodes, "num_episodes", 1, 2**31 - 2),
            "num_steps": None if num_steps is None else checks.integer(num_steps, "num_steps", 1, 2**31 - 2),
            "rng": seed,
            "every": checks.integer(every, "every", 1),
            "begins": begins,
        }
        for name, value in kept.items():
            object.__setattr__(self, name, value)
        episode_steps(batch, self.num_steps)

    @classmethod
    def distilled(
        cls, tasks: Tasks | Task, num_episodes: int, num_steps: int | None = None, *, rng: Seed = 0
    ) -> Self:
        """Return lifetimes that look like learning: from the random policy to the optimal one, step by step.

        Actions are optimal but for noise whose share falls evenly from 1 to 0 (Zisman et al. 2023, "Emergence
        of in-context reinforcement learning from noise distillation", arXiv 2312.12275).
        """
        last = checks.integer(num_episodes, "num_episodes", 1, 2**31 - 2) - 1
        noise = Linear(1.0, 0.0, max(1, last))
        learner = QLearning(learning_rate=0.0, discount=0.99, epsilon=noise)
        return cls(learner, tasks, num_episodes, num_steps, rng=rng, begins="optimal")

    # --- the recipe ---

    @property
    def recipe(self) -> dict[str, Any]:
        """What names the dataset, in JSON types: the tasks' citation and all settings."""
        settings = {f.name: getattr(self, f.name) for f in fields(self)}
        return settings | {"learner": to_config(self.learner), "tasks": cite(self.tasks)}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any] | str) -> Self:
        """Return the dataset of a recipe, or of its JSON text.

        Raises
        ------
        ValueError, TypeError
            For what is no recipe.
        """
        given = json.loads(recipe) if isinstance(recipe, str) else recipe
        if not isinstance(given, Mapping) or set(given) != {f.name for f in fields(cls)}:
            raise ValueError(f"recipe is {checks.shown(recipe)}, expected what Histories.recipe says")
        made = dict(given)
        learner, tasks = from_config(made.pop("learner"), Learner), from_citation(made.pop("tasks"))
        return cls(learner, tasks, made.pop("num_episodes"), made.pop("num_steps"), **made)

    @property
    def hash(self) -> str:
        """A digest of the recipe, by which files of the dataset know each other."""
        text = json.dumps(self.recipe, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # --- reading ---

    def __len__(self) -> int:
        """N, the number of lifetimes."""
        return len(self.tasks)

    @cached_property
    def pieces(self) -> list[slice]:
        """Places of the tasks whose histories are made at once; cut at fixed places, whatever the machine."""
        longest = self.num_episodes * int(np.max(episode_steps(self.tasks, self.num_steps)))
        size = TASKS_PER_SHARD
        while size > 1 and size * longest * 20 > _PIECE:
            size //= 2
        return [slice(k, min(k + size, len(self))) for k in range(0, len(self), size)]

    def history(
        self, places: slice | ArrayLike, *, num_threads: int | None = None, progress: Progress | None = None
    ) -> History:
        """Learn some of the lifetimes anew and return their steps."""
        some = self.tasks[places]  # type: ignore[index]
        table = self._optimal(some).q_values if self.begins == "optimal" else None
        run = train(
            self.learner,
            some,
            self.num_episodes,
            self.num_steps,
            rng=self.rng,
            initial_table=table,
            record=True,
            returns=False,
            q_table=False,
            policy=False,
            num_threads=num_threads,
            progress=progress,
        )
        return run.history if self.every == 1 else every_episode(run.history, self.every)

    def _lifetimes(self, places: slice, num_threads: int | None) -> Lifetimes:
        tasks = self.tasks[places]
        made = self.history(places, num_threads=num_threads)
        return Lifetimes(made, tasks.ids, self._optimal(tasks).policy, self.every)

    def _optimal(self, tasks: Tasks) -> Any:
        gamma = self.learner.discount if self.learner.discount < 1.0 else 0.99
        return policy_iteration(tasks.segment(0), gamma)

    def __getitem__(self, place: int) -> Contexts:
        """Return one whole lifetime [1, T]."""
        index = checks.integer(place, "place", -len(self), len(self) - 1) % len(self)
        return self.context(index, 0, None)

    def context(self, place: int, start: int, length: int | None) -> Contexts:
        """Return `length` steps [1, length] of one lifetime from a step on; None for all that follow."""
        index = checks.integer(place, "place", 0, len(self) - 1)
        first = checks.integer(start, "start", 0)
        size = None if length is None else checks.integer(length, "length", 1, _LONGEST)
        piece = self._lifetimes(slice(index, index + 1), None)
        size = max(1, int(piece.history.length[0]) - first) if size is None else size
        return piece.contexts(np.zeros(1, np.int64), np.array([first]), size)

    def iterate(
        self,
        batch: int,
        context: int,
        *,
        shuffle: bool = True,
        rng: Seed = 0,
        worker: tuple[int, int] = (0, 1),
        num_threads: int | None = None,
    ) -> Iterator[Contexts]:
        """Yield all steps once, in pieces of `context` steps of one lifetime each, `batch` of them at a time.

        Parameters
        ----------
        batch, context
            B and C; the last batch of some tasks may be smaller, the last piece of a lifetime shorter.
        shuffle
            Whether tasks and pieces come in random order: pieces of up to 1,024 tasks are mixed.
        rng
            Decides the order, and where in a lifetime its first piece begins; an integer where there are
            several workers, who must agree.
        worker
            (k, n): yield what is the k-th of n workers' share.
        num_threads
            As in `train`.
        """
        size, steps = checks.integer(batch, "batch", 1), checks.integer(context, "context", 1, _LONGEST)
        mixed = checks.flag(shuffle, "shuffle")
        own, others = checks.pair(worker, "worker", 0)
        key = make_key(rng)
        generator = np.random.default_rng(key)
        order = generator.permutation(len(self.pieces)) if mixed else np.arange(len(self.pieces))
        for number in order[own :: max(1, others)].tolist():
            piece = self._lifetimes(self.pieces[number], num_threads)
            draws = np.random.default_rng([key, number])
            rows, starts = piece.cut(steps, draws if mixed else None)
            for first in range(0, len(rows), size):
                some = slice(first, first + size)
                yield piece.contexts(rows[some], starts[some], steps)

    def torch(self, batch: int, context: int, *, rng: Seed = 0, shuffle: bool = True) -> Any:
        """Return a torch `IterableDataset` of dicts of tensors [batch, context]; needs torch.

        Give it to a `DataLoader` with `batch_size=None`. Each of its workers makes a share of the pieces.
        """
        data = checks.require_extra("torch.utils.data", "torch")
        torch = checks.require_extra("torch", "torch")
        histories = self

        class Dataset(data.IterableDataset):  # type: ignore[misc,name-defined]
            def __iter__(self) -> Iterator[dict[str, Any]]:
                info = data.get_worker_info()
                share = (0, 1) if info is None else (info.id, info.num_workers)
                for found in histories.iterate(batch, context, shuffle=shuffle, rng=rng, worker=share):
                    yield {
                        f.name: torch.from_numpy(_for_torch(getattr(found, f.name))) for f in fields(found)
                    }

        return Dataset()

    # --- files ---

    def to_npz(
        self, folder: Path, *, num_threads: int | None = None, progress: Progress | None = None
    ) -> None:
        """Write the dataset into a folder: a file of arrays [n, T] for each piece, and an index.

        Each file is written whole or not at all, and the index after it: who is interrupted, or killed, can
        call this again, and it goes on. `np.load` reads the files; `optimal_action` is [n, T] there too.

        Raises
        ------
        ValueError
            If the folder holds another dataset.
        OSError
            If it cannot be written.
        """
        report = checks.callback(progress, "progress")
        root = Folder(os.fsdecode(folder))
        root.mkdir(parents=True, exist_ok=True)
        index = self._index_in(root)
        for number, places in enumerate(self.pieces):
            name = f"histories-{number:05d}.npz"
            if name not in index["files"]:
                piece = self._lifetimes(places, num_threads)
                arrays = {f.name: getattr(piece.history, f.name) for f in fields(History)}
                arrays |= {"optimal_action": piece.optimal_action, "task": piece.ids}
                content = io.BytesIO()
                np.savez(content, **arrays)
                with whole_file(str(root / name)) as file:
                    file.write(content.getbuffer())
                index["files"][name] = {"tasks": len(piece.ids), "steps": int(piece.history.length.sum())}
                with whole_file(str(root / _INDEX)) as file:
                    file.write(json.dumps(index, indent=1).encode())
            if report is not None:
                report(places.stop, len(self))

    def _index_in(self, root: Folder) -> dict[str, Any]:
        try:
            index: dict[str, Any] = json.loads((root / _INDEX).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"hash": self.hash, "recipe": self.recipe, "files": {}}
        if index.get("hash") != self.hash:
            raise ValueError(f"{root} holds another dataset, {index.get('hash')!r}: this is {self.hash!r}")
        index["files"] = {name: found for name, found in index["files"].items() if (root / name).exists()}
        return index


def _for_torch(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of a type that torch indexes with."""
    return array.astype(np.int64) if array.dtype.kind == "u" else array
