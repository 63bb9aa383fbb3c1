"""What the core's tasks hold, written out as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.runtime import thread_count
from metarl_fast.scratch import check_scratch


def written_out(batch: _core.TaskBatch, *wanted: str) -> dict[str, NDArray[Any]]:
    """Return arrays in the core's layout (`cpp/mdp.hpp`) by name."""
    n, s, a, k = batch.num_tasks, batch.num_states, batch.num_actions, batch.num_outcomes
    outcomes = (n, s, a, k)
    layout: dict[str, tuple[tuple[int, ...], type]] = {
        "probability": (outcomes, np.float64),
        "next_state": (outcomes, np.int32),
        "reward": ((n, s, a) if batch.dense else outcomes, np.float64),
        "terminated": (outcomes, np.uint8),
        "terminal": ((n, s), np.uint8),
        "start": ((n, s), np.float64),
        "scale": ((n, s, a), np.float64),
        "reward_noise": ((n,), np.float64),
    }
    size = sum(
        int(np.prod(layout[name][0], dtype=object)) * np.dtype(layout[name][1]).itemsize for name in wanted
    )
    checks.memory(size, f"writing out {', '.join(wanted)} of {n} tasks")
    threads = check_scratch(batch, thread_count(), rows="probability" in wanted or not batch.dense)
    arrays: dict[str, Any] = {name: np.empty(*layout[name]) if name in wanted else None for name in layout}
    _core.materialise(batch, num_threads=threads, **arrays)
    return {name: found for name, found in arrays.items() if found is not None}


def stored(batch: _core.TaskBatch) -> dict[str, NDArray[Any]]:
    """Return all that it takes to store the tasks."""
    names = ["probability", "reward", "terminal", "start", "reward_noise"]
    if not batch.dense:
        names += ["next_state", "terminated"]
    if batch.by_rejection:
        names.append("scale")
    return written_out(batch, *names)


def transitions(batch: _core.TaskBatch) -> NDArray[np.float64]:
    """Return transition probabilities [N, S, A, S]."""
    if batch.dense:
        return written_out(batch, "probability")["probability"]
    outcomes = written_out(batch, "probability", "next_state")
    n, s, a, k = outcomes["probability"].shape
    checks.memory(n * s * a * s * 8, f"the dense transitions of {n} tasks")
    dense = np.zeros((n * s * a, s))
    rows = np.repeat(np.arange(n * s * a), k)
    np.add.at(dense, (rows, outcomes["next_state"].ravel()), outcomes["probability"].ravel())
    return dense.reshape(n, s, a, s)


def rewards(batch: _core.TaskBatch) -> NDArray[np.float64]:
    """Return expected rewards [N, S, A]."""
    if batch.dense:
        return written_out(batch, "reward")["reward"]
    outcomes = written_out(batch, "probability", "reward")
    return np.asarray((outcomes["probability"] * outcomes["reward"]).sum(axis=-1), np.float64)


def start(batch: _core.TaskBatch) -> NDArray[np.float64]:
    """Return start-state distributions [N, S]."""
    return written_out(batch, "start")["start"]


def terminal(batch: _core.TaskBatch) -> NDArray[np.bool_]:
    """Return whether a state ends the episode [N, S]."""
    return written_out(batch, "terminal")["terminal"].astype(bool)


def reward_noise(batch: _core.TaskBatch) -> NDArray[np.float64]:
    """Return the standard deviations of the noise on rewards [N]."""
    return written_out(batch, "reward_noise")["reward_noise"]


def available(batch: _core.TaskBatch) -> NDArray[np.bool_]:
    """Return whether an action can be taken in a state [N, S, A]."""
    if not batch.masked:
        return np.broadcast_to(np.array(True), (batch.num_tasks, batch.num_states, batch.num_actions))
    return np.asarray(np.any(written_out(batch, "probability")["probability"] > 0.0, axis=-1))


def outcomes(batch: _core.TaskBatch) -> dict[str, NDArray[Any]]:
    """Return `probability`, `next_state`, `reward` and `terminated`, each [N, S, A, K]."""
    if not batch.dense:
        found = written_out(batch, "probability", "next_state", "reward", "terminated")
        return {**found, "terminated": found["terminated"].astype(bool)}
    found = written_out(batch, "probability", "reward", "terminal")
    shape = found["probability"].shape
    return {
        "probability": found["probability"],
        "next_state": np.broadcast_to(np.arange(shape[-1], dtype=np.int32), shape),
        "reward": np.broadcast_to(found["reward"][..., None], shape),
        "terminated": np.broadcast_to(found["terminal"].astype(bool)[:, None, None, :], shape),
    }
