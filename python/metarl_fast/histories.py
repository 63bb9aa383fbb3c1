"""Learning histories for in-context learning: a dataset that is a recipe, and is made when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.contexts import Contexts
from metarl_fast.engine import Progress, episode_steps
from metarl_fast.episode_contexts import EpisodeContexts, Episodes
from metarl_fast.executors import Executor
from metarl_fast.files import Path
from metarl_fast.history_files import Dataset, write_ad, write_dpt, write_hdf5, write_minari, write_npz
from metarl_fast.history_jobs import made_by
from metarl_fast.history_recipe import HistoryRecipe
from metarl_fast.queries import Queries, queries_of
from metarl_fast.relabelling import equally_good, relabel
from metarl_fast.seeding import Seed, make_key
from metarl_fast.torch_data import dataset_of

_LONGEST = 2**22
"""Steps of a piece."""


@dataclass(frozen=True, eq=False, init=False)
class Histories(HistoryRecipe):
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
        steps, as algorithm distillation trains on (Laskin et al. 2022). At most `num_episodes`.
    begins
        What tables learners begin with: "learner", their own; "optimal", q* of each task.
    noise
        Random actions in place of some of the learner's, in each task another share of them. None: no noise.
    teacher
        Who says what should have been done at each step, whatever was done: "optimal", a learner or what a
        meta-learner's `fit` returned, as in `relabel`; what is said is the `label` of `episodes`.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> tasks = mf.Darkroom.ad().sample(1000, rng=0)
    >>> histories = mf.Histories(mf.QLearning(epsilon=0.2), tasks, 100, rng=1)
    >>> next(histories.iterate(batch=32, context=80)).state.shape
    (32, 80)
    """

    def __getitem__(self, place: int) -> Contexts:
        """Return one whole lifetime [1, T]; IndexError beyond the last."""
        index = checks.integer(place, "place", -(2**62))
        if not -len(self) <= index < len(self):
            raise IndexError(f"lifetime {index} of a dataset of {len(self)}")
        return self.context(index % len(self), 0, None)

    def context(self, place: int, start: int, length: int | None) -> Contexts:
        """Return `length` steps [1, length] of one lifetime from a step on; None for all that follow."""
        index = checks.integer(place, "place", 0, len(self) - 1)
        first = checks.integer(start, "start", 0)
        size = None if length is None else checks.integer(length, "length", 1, _LONGEST)
        piece = self.lifetimes(slice(index, index + 1), None)
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
        for places, draws in self._in_turn(mixed, rng, worker):
            piece = self.lifetimes(places, num_threads)
            for _, found in piece.cut_up(steps, size, draws if mixed else None, num_threads):
                yield found

    def episodes(
        self,
        batch: int,
        num_episodes: int,
        *,
        consecutive: bool = False,
        shuffle: bool = True,
        rng: Seed = 0,
        worker: tuple[int, int] = (0, 1),
        num_threads: int | None = None,
    ) -> Iterator[EpisodeContexts]:
        """Yield contexts of whole episodes, as transformers are trained on: `batch` of them at a time.

        Each lifetime of E episodes gives ceil(E / K) contexts. The tokens are those of `EpisodeContexts`, K
        episodes of `num_steps` + 1 each; where episodes terminate before, contexts are shorter and padded.

        Parameters
        ----------
        batch, num_episodes
            B and K; the last batch of some tasks may be smaller.
        consecutive
            Whether the episodes of a context follow each other in the lifetime; else they are a sorted
            subsample of all of it, so that a context of ten episodes shows a thousand episodes of learning.
        shuffle
            Whether lifetimes come in random order: those of up to 1,024 tasks are mixed.
        rng
            Decides the order and the subsamples; an integer where there are several workers.
        worker, num_threads
            As in `iterate`.
        """
        size, kept = (
            checks.integer(batch, "batch", 1),
            checks.integer(num_episodes, "num_episodes", 1, _LONGEST),
        )
        mixed, joined = checks.flag(shuffle, "shuffle"), checks.flag(consecutive, "consecutive")
        room = kept * (int(np.max(episode_steps(self.tasks, self.num_steps))) + 1)
        for places, draws in self._in_turn(mixed, rng, worker):
            tasks = self.tasks[places]
            made = self.history(places, num_threads=num_threads)
            label = None
            if self.teacher is not None:
                label = relabel(made, None, tasks, self.teacher, rng=self.rng, num_threads=num_threads)
            piece = Episodes(made, tasks.num_actions, label, self.every)
            rows, episodes = piece.draw(kept, joined, draws)
            order = draws.permutation(len(rows)) if mixed else np.arange(len(rows))
            for first in range(0, len(rows), size):
                some = order[first : first + size]
                yield piece.contexts(rows[some], episodes[some], tasks.ids[rows[some]], room)

    def queries(
        self,
        batch: int,
        context: int,
        *,
        shuffle: bool = True,
        rng: Seed = 0,
        worker: tuple[int, int] = (0, 1),
        num_threads: int | None = None,
    ) -> Iterator[Queries]:
        """Yield what decision-pretrained transformers learn from: steps, a state, and what is best in it.

        Each piece of `context` steps of a lifetime comes once, its steps in random order, beside a state that
        is drawn evenly from those that are not terminal (Lee et al., NeurIPS 2023). Arguments are those of
        `iterate`.
        """
        size, steps = checks.integer(batch, "batch", 1), checks.integer(context, "context", 1, _LONGEST)
        mixed = checks.flag(shuffle, "shuffle")
        for places, draws in self._in_turn(mixed, rng, worker):
            piece, plan = self.planned(places, num_threads)
            best, terminal = equally_good(plan.q_values), self.tasks[places].terminal
            for rows, found in piece.cut_up(steps, size, draws if mixed else None, num_threads):
                yield queries_of(found, terminal[rows], best[rows], draws)

    def _in_turn(
        self, mixed: bool, rng: Seed, worker: tuple[int, int]
    ) -> Iterator[tuple[slice, np.random.Generator]]:
        """Yield a worker's share of the pieces, and each one's random numbers."""
        own, workers = checks.pair(worker, "worker", 0)
        if own >= workers:
            raise ValueError(f"worker is {(own, workers)}, expected (k, n) with k below n")
        if rng is None and workers > 1:
            raise ValueError(f"rng is None, expected an integer that all {workers} workers share")
        key = make_key(rng)
        order = np.arange(len(self.pieces))
        if mixed:
            order = np.random.default_rng(key).permutation(len(self.pieces))
        for number in order[own::workers].tolist():
            yield self.pieces[number], np.random.default_rng([key, number])

    def torch(
        self, batch: int, context: int | None = None, *, num_episodes: int | None = None, **others: Any
    ) -> Any:
        """Return a torch `IterableDataset` of dicts of tensors [batch, ...]; needs torch.

        Give it to a `DataLoader` with `batch_size=None`. Each of its workers makes a share of the pieces, of
        1,024 tasks at most: more workers than pieces have nothing to do. With `torch.distributed` each
        process has its share, too, or what `worker=(k, n)` says; shares differ by a piece, so let who must
        have equally many batches stop after a number of them.

        Parameters
        ----------
        batch, context
            As in `iterate`.
        num_episodes
            In place of `context`: yield what `episodes` does.
        others
            Further arguments of `iterate` or `episodes`, such as `rng` and `shuffle`.
        """
        if (context is None) == (num_episodes is None):
            raise TypeError("expected context or num_episodes, one of them")
        if num_episodes is None:
            return dataset_of(self.iterate, batch, context, **others)
        return dataset_of(self.episodes, batch, num_episodes, **others)

    # --- files ---

    def to_npz(
        self,
        folder: Path,
        *,
        num_threads: int | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write the dataset into a folder: a file of arrays [n, T] for each piece, and an index.

        Each file is written whole or not at all, and the index after it: who is interrupted, or killed, can
        call this again, and it goes on. `np.load` reads the files; `optimal_action` is [n, T] there too.
        An `executor` makes the pieces, as in `train`; they are written here.

        Raises
        ------
        ValueError
            If the folder holds another dataset.
        OSError
            If it cannot be written.
        """
        self._write(write_npz, folder, num_threads, executor, progress)

    def to_hdf5(
        self,
        path: Path,
        *,
        num_threads: int | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write the dataset into one HDF5 file in the layout of XLand-100B; needs h5py.

        Group "k" is the k-th task, with `states`, `actions`, `rewards`, `dones` and `expert_actions` [1, T]:
        one history each, not split into episodes (Nikulin et al. 2024, arXiv 2406.08973). Until all is there
        parts lie in the folder `PATH.parts`, each whole, with an index: who is killed can call this again.

        Raises
        ------
        ValueError
            If the file, or its parts, are another dataset.
        OSError
            If it cannot be written.
        """
        self._write(write_hdf5, path, num_threads, executor, progress)

    def to_minari(
        self,
        dataset_id: str,
        *,
        num_threads: int | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        **described: Any,
    ) -> Any:
        """Write a Minari dataset, with one of its episodes for a whole lifetime, and return it; needs minari.

        What else is given describes it, such as `author` and `code_permalink`, for which Minari asks.

        `terminations` and `truncations` say where episodes end within it. `infos["next_observation"]` [T + 1,
        1] holds, after the first state, what each step led to, the last state of each episode among it.
        Until all is there parts lie beside the dataset, in `NAME.parts`: who is killed can call this again.

        Raises
        ------
        ValueError
            If the dataset, or its parts, are another one.
        OSError
            If it cannot be written.
        """
        write = partial(write_minari, described=described)
        return self._write(write, dataset_id, num_threads, executor, progress)

    def to_ad(
        self,
        folder: Path,
        *,
        num_threads: int | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write files as ad-eps, an implementation of algorithm distillation, reads them.

        For each lifetime a file `trajectories_K.npz` of states, actions, rewards and dones [E, H], and one,
        `K.metadata`, that names it and the place of the largest reward, as `goal`. Where episodes differ in
        length the arrays are [1, T].
        """
        self._write(write_ad, folder, num_threads, executor, progress)

    def _write(
        self,
        write: Callable[[Dataset, Any, int | None, Progress | None], Any],
        where: Any,
        num_threads: int | None,
        executor: Executor | None,
        progress: Progress | None,
    ) -> Any:
        with made_by(self, executor) as data:
            return write(data, where, num_threads, checks.callback(progress, "progress"))

    def to_dpt(self, path: Path, context: int, *, rng: Seed = 0, num_threads: int | None = None) -> None:
        """Write `queries` as decision-pretrained transformers read them: a pickle of a list of dicts.

        States are `factors`, actions one-hot vectors; contexts shorter than `context` are left out.
        """
        write_dpt(self.queries(256, context, rng=rng, num_threads=num_threads), self.tasks, path)
