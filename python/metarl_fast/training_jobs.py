"""A call of `train` done in jobs: each is the same call for some tasks, and fills their rows of results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from metarl_fast.executors import Executor
from metarl_fast.files import Path
from metarl_fast.jobs import Arrays, Work, of_places, put, spread
from metarl_fast.part_files import PartFiles, digest
from metarl_fast.result_rooms import Rooms
from metarl_fast.runtime import build_info
from metarl_fast.shards import Progress, shards_of
from metarl_fast.tasks import Tasks


@dataclass(frozen=True, eq=False)
class TrainingJobs:
    """What `train` was told, checked: the learner, the tasks, and all other arguments by name.

    Arguments that are arrays with an entry for each task, and the run to resume, are cut as the tasks are.
    """

    train: Callable[..., Any]
    learner: Any
    tasks: Tasks
    arguments: Mapping[str, Any]

    def part(self, places: slice) -> Work:
        """Return the call for the tasks at some places."""
        tasks, told = self.tasks[places], of_places(self.arguments, places)
        if told["resume"] is not None:
            told["resume"] = told["resume"].to_resume(places, tasks.recipe)
        return partial(_learned, self.train, self.learner, tasks, told)

    @property
    def digest(self) -> str:
        """What names the run by all that decides its numbers."""
        told = dict(self.arguments)
        resumed = told.pop("resume")
        before = (
            None
            if resumed is None
            else resumed.to_resume(slice(0, len(self.tasks)), self.tasks.recipe).flat()
        )
        return digest(build_info()["version"], self.learner, self.tasks.recipe, told, before)

    def fill(
        self,
        rooms: Rooms,
        executor: Executor | None,
        checkpoint: Path | None,
        num_threads: int | None,
        progress: Progress | None,
    ) -> None:
        """Do the jobs and write what they return into the whole's arrays, in the order of the tasks."""
        n, runs = len(self.tasks), self.arguments["num_runs"] or 1
        whole = rooms.flat()
        jobs = spread(
            self.part,
            n,
            executor,
            bytes_of_task=sum(room.nbytes for room in whole.values()) / max(1, n),
            num_threads=num_threads,
            files=None if checkpoint is None else PartFiles(checkpoint, self.digest),
            progress=progress,
        )
        for places, arrays in jobs:
            put(arrays, whole, slice(places.start * runs, places.stop * runs))
            if rooms.sums is not None:
                put(arrays, {"return_sums": rooms.sums}, shards_of(places))


def _learned(
    train: Callable[..., Any], learner: Any, tasks: Tasks, arguments: Any, num_threads: int | None
) -> Arrays:
    found: Arrays = train(learner, tasks, **arguments, num_threads=num_threads).flat()
    return found
