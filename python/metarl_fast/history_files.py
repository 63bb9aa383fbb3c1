"""Learning histories as files: NumPy shards, and the layouts that projects of in-context learning read.

Who was killed can write them again: what is there and whole is kept.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.contexts import Lifetimes
from metarl_fast.factors import factors
from metarl_fast.files import Path, whole_file
from metarl_fast.history import History
from metarl_fast.queries import Queries
from metarl_fast.shard_files import Shards
from metarl_fast.tasks import Tasks


class Dataset(Protocol):
    """What is written: lifetimes, made piece by piece."""

    @property
    def tasks(self) -> Tasks:
        """N tasks."""

    @property
    def hash(self) -> str:
        """By which files know each other."""

    @property
    def naming(self) -> dict[str, Any]:
        """What it is, in JSON types."""

    @property
    def pieces(self) -> list[slice]:
        """Places of tasks that are made at once."""

    def lifetimes(self, places: slice, num_threads: int | None) -> Lifetimes:
        """Make some of them."""


Report = Callable[[int, int], Any]

_JOINING = "joining"
"""A file that says that all parts are there, and are being put together."""

_MINARI_FILE = "main_data.hdf5"
"""What Minari calls it."""


@contextmanager
def _os_errors() -> Iterator[None]:
    """Have full disks be OSErrors where h5py has other names for them."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if "write failed" not in str(error):
            raise
        raise OSError(str(error)) from error


def write_npz(data: Dataset, folder: Path, num_threads: int | None, report: Report | None) -> None:
    """Write a file of arrays [n, T] for each piece, and an index."""
    shards = Shards(folder, data.hash, data.naming)
    for number, places in enumerate(data.pieces):
        name = f"histories-{number:05d}.npz"
        if name not in shards:
            piece = data.lifetimes(places, num_threads)
            arrays: dict[str, Any] = {
                **piece.history.arrays(),
                "optimal_action": piece.optimal_action,
                "task": piece.ids,
            }
            with shards.writing(name, len(piece.ids), int(piece.history.length.sum())) as file:
                np.savez(file, **arrays)
        if report is not None:
            report(places.stop, len(data.tasks))


def write_hdf5(data: Dataset, path: Path, num_threads: int | None, report: Report | None) -> None:
    """Write one file in XLand-100B's layout; what is done lies in `PATH.parts` until it is whole."""
    h5py = checks.require_extra("h5py", "data")
    name = os.fsdecode(path)
    if os.path.exists(name):
        with h5py.File(name, "r") as file:
            found = file.attrs.get("hash")
        if found != data.hash:
            raise ValueError(f"{name} holds another dataset, {found!r}: this is {data.hash!r}")
        return
    shards = Shards(f"{name}.parts", data.hash, data.naming)
    described = json.dumps(data.naming["tasks"])
    parts = []
    for number, places in enumerate(data.pieces):
        parts.append(f"part-{number:05d}.hdf5")
        if parts[-1] not in shards:
            piece = data.lifetimes(places, num_threads)
            with (
                shards.writing(parts[-1], len(piece.ids), int(piece.history.length.sum())) as content,
                h5py.File(content, "w") as file,
            ):
                for row, task in enumerate(range(places.start, places.stop)):
                    group = file.create_group(str(task))
                    group.attrs.update(
                        {"env-id": described, "benchmark-id": data.hash, "ruleset-id": int(piece.ids[row])}
                    )
                    for kind, array in _xland(piece, row).items():
                        chunks = (1, min(4096, array.shape[1])) if array.size else None
                        options = {"compression": "gzip", "compression_opts": 6} if chunks else {}
                        group.create_dataset(kind, data=array, chunks=chunks, **options)
        if report is not None:
            report(places.stop, len(data.tasks))
    unfinished = f"{name}.unfinished"
    try:
        with _os_errors(), h5py.File(unfinished, "w") as whole:
            whole.attrs.update({"hash": data.hash, "recipe": json.dumps(data.naming)})
            for part in parts:
                with h5py.File(str(shards.root / part), "r") as file:
                    for task in file:
                        file.copy(task, whole)
        os.replace(unfinished, name)
    finally:
        with suppress(OSError):
            os.unlink(unfinished)
    shutil.rmtree(shards.root)


def _xland(piece: Lifetimes, row: int) -> dict[str, NDArray[Any]]:
    """Return one lifetime as XLand-100B names it, [1, T] each: one history of its task."""
    past, steps = piece.history, slice(0, int(piece.history.length[row]))
    reward = past.reward[row, steps]
    half = reward.astype(np.float16)
    found = {
        "states": past.state[row, steps],
        "actions": past.action[row, steps],
        "rewards": half if (half == reward).all() else reward,  # as there, where that loses nothing
        "dones": (past.terminated | past.truncated)[row, steps],
        "expert_actions": piece.optimal_action[row, steps],
    }
    return {name: array[None] for name, array in found.items()}


def write_ad(data: Dataset, folder: Path, num_threads: int | None, report: Report | None) -> None:
    """Write a file of [episodes, steps] and one that describes it for each lifetime, as ad-eps reads them."""
    shards = Shards(folder, data.hash, data.naming)
    place_of = factors(data.tasks)
    for places in data.pieces:
        names = [f"{task:07d}" for task in range(places.start, places.stop)]
        if not all(f"{name}.metadata" in shards for name in names):
            piece = data.lifetimes(places, num_threads)
            for row, name in enumerate(names):
                arrays = _episodes_of(piece.history, row)
                steps = arrays["rewards"].size
                goal = piece.history.next_state[row, int(arrays["rewards"].ravel().argmax())] if steps else 0
                described = {
                    "algorithm": data.naming["learner"].get("type"),
                    "label": int(piece.ids[row]),
                    "ordered_trajectories": [f"trajectories_{name}.npz"],
                    "goal": place_of[int(goal)].tolist(),
                }
                content = io.BytesIO()
                np.savez(content, **arrays)
                shards.write(f"trajectories_{name}.npz", content.getvalue())
                shards.write(f"{name}.metadata", json.dumps(described).encode())
                shards.keep(f"{name}.metadata", 1, steps)
            shards.write_index()
        if report is not None:
            report(places.stop, len(data.tasks))


def _episodes_of(history: History, row: int) -> dict[str, Any]:
    """Return a lifetime's arrays [E, H], or [1, T] where episodes differ in length."""
    steps = slice(0, int(history.length[row]))
    dones = (history.terminated | history.truncated)[row, steps]
    ends = np.flatnonzero(dones) + 1
    sizes = np.diff(ends, prepend=0)
    alike = len(sizes) > 0 and (sizes == sizes[0]).all() and ends[-1] == len(dones)
    shape = (len(sizes), int(sizes[0])) if alike else (1, len(dones))
    return {
        "states": history.state[row, steps].astype(np.int64).reshape(shape),
        "actions": history.action[row, steps].astype(np.int64).reshape(shape),
        "rewards": history.reward[row, steps].reshape(shape),
        "dones": dones.reshape(shape),
    }


def write_dpt(queries: Iterator[Queries], tasks: Tasks, path: Path) -> None:
    """Write queries as a pickle of a list of dicts, as decision-pretrained transformers read them."""
    seen, one_hot = factors(tasks).astype(np.float64), np.eye(tasks.num_actions)
    found = [
        {
            "query_state": seen[batch.query_state[row]],
            "optimal_action": one_hot[batch.optimal_action[row]],
            "context_states": seen[batch.context_states[row]],
            "context_actions": one_hot[batch.context_actions[row]],
            "context_next_states": seen[batch.context_next_states[row]],
            "context_rewards": batch.context_rewards[row].astype(np.float64),
        }
        for batch in queries
        for row in range(len(batch.query_state))
        if batch.mask[row].all()  # its loader wants contexts of one length
    ]
    with whole_file(path) as file:
        pickle.dump(found, file)


def write_minari(
    data: Dataset, dataset_id: str, num_threads: int | None, report: Report | None, described: dict[str, Any]
) -> Any:
    """Write a Minari dataset with one episode a lifetime, and return it; parts lie beside it until then."""
    minari = checks.require_extra("minari", "data")
    checks.require_extra("h5py", "data")
    spaces = checks.require_extra("gymnasium.spaces", "data")
    roots = checks.require_extra("minari.storage.datasets_root_dir", "data")
    try:  # who finds out at the end has worked in vain
        checks.require_extra("minari.dataset.minari_dataset", "data").parse_dataset_id(dataset_id)
    except TypeError:
        raise ValueError(f"dataset_id is {checks.shown(dataset_id)}, expected one such as NAME-v0") from None
    folder = roots.get_dataset_path(dataset_id)
    parts = folder.with_name(f"{folder.name}.parts")
    if folder.exists() and not (parts / _JOINING).exists():
        made = minari.load_dataset(dataset_id)
        if (found := made.storage.metadata.get("hash")) != data.hash:
            raise ValueError(f"{dataset_id} holds another dataset, {found!r}: this is {data.hash!r}")
        return made
    shards = Shards(parts, data.hash, data.naming)
    sides = {
        "observation_space": spaces.Discrete(data.tasks.num_states),
        "action_space": spaces.Discrete(data.tasks.num_actions),
    }
    names = []
    for number, places in enumerate(data.pieces):
        names.append(f"part-{number:05d}.hdf5")
        if names[-1] not in shards:
            piece = data.lifetimes(places, num_threads)
            with shards.writing(names[-1], len(piece.ids), int(piece.history.length.sum())) as content:
                content.write(_minari_part(piece, sides, parts))
        if report is not None:
            report(places.stop, len(data.tasks))
    shards.write(_JOINING, b"")
    if folder.exists():  # who was killed had begun it
        shutil.rmtree(folder)
    said = {"algorithm_name": str(data.naming["learner"].get("type")), "description": json.dumps(data.naming)}
    made = minari.create_dataset_from_buffers(dataset_id, buffer=[], **sides, **said | described)
    _join_minari(made.storage, [parts / name for name in names], data.hash)
    shutil.rmtree(parts)
    return minari.load_dataset(dataset_id)


@_os_errors()
def _minari_part(piece: Lifetimes, sides: dict[str, Any], root: Any) -> bytes:
    """Return some lifetimes as the file that Minari's own storage makes of them."""
    kind = checks.require_extra("minari.data_collector", "data").EpisodeBuffer
    storage = checks.require_extra("minari.dataset.minari_storage", "data").MinariStorage
    with tempfile.TemporaryDirectory(dir=root) as folder:
        storage.new(folder, **sides).update_episodes([_buffer(kind, piece, k) for k in range(len(piece.ids))])
        with open(os.path.join(folder, _MINARI_FILE), "rb") as file:
            return file.read()


@_os_errors()
def _join_minari(storage: Any, parts: list[Any], digest: str) -> None:
    """Copy the episodes of all parts, and number them anew."""
    h5py = checks.require_extra("h5py", "data")
    number = steps = 0
    with h5py.File(os.path.join(storage.data_path, _MINARI_FILE), "a", track_order=True) as whole:
        for part in parts:
            with h5py.File(str(part), "r") as file:
                for k in range(len(file)):
                    file.copy(f"episode_{k}", whole, f"episode_{number}")
                    whole[f"episode_{number}"].attrs["id"] = number
                    steps += int(whole[f"episode_{number}"].attrs["total_steps"])
                    number += 1
    storage.update_metadata({"total_episodes": number, "total_steps": steps, "hash": digest})
    storage.update_metadata({"dataset_size": storage.get_size()})


def _buffer(kind: Any, piece: Lifetimes, row: int) -> Any:
    """Return one lifetime; where an episode within it ends, the state entered is an info alone."""
    past, steps = piece.history, slice(0, int(piece.history.length[row]))
    entered = past.next_state[row, steps].astype(np.int64)
    observed = np.concatenate([past.state[row, steps].astype(np.int64), entered[-1:]])
    column = np.concatenate([observed[:1], entered])[:, None]  # T + 1, as infos are
    return kind(
        observations=observed,
        actions=past.action[row, steps].astype(np.int64),
        rewards=past.reward[row, steps].astype(np.float64),
        terminations=past.terminated[row, steps],
        truncations=past.truncated[row, steps],
        infos={"next_observation": column},
        options={"task": int(piece.ids[row])},
    )
