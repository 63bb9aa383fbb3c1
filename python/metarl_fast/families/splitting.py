"""What splits of families share: fractions, halves of ids, and whether tasks of both halves are the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Tasks

# Tasks are looked into in parts of about so many pairs of states and actions.
_PART = 2**20


def fraction(held_out: float) -> float:
    """Return the fraction that is held out; something must be left on both sides."""
    share = checks.real(held_out, "held_out", 0.0, 1.0, open_low=True)
    if share == 1.0:
        raise ValueError("held_out is 1.0, expected a number above 0 and below 1")
    return share


def divided_by(by: object, factors: Sequence[str]) -> str:
    """Return what tasks are told apart by, one of the words for it."""
    if not isinstance(by, str) or by not in factors:
        raise ValueError(f"by is {checks.shown(by)}, expected one of {', '.join(map(repr, factors))}")
    return by


def held_out_of(total: int, held_out: float, rng: Seed, what: str) -> NDArray[np.bool_]:
    """Return which [total] of several things are held out: random ones, at least one and not all."""
    share = fraction(held_out)
    generator = np.random.Generator(np.random.PCG64(make_key(rng)))
    if total < 2:
        raise ValueError(f"a split needs two {what} or more, this family has {total}")
    chosen = np.zeros(total, bool)
    chosen[generator.permutation(total)[: min(max(1, round(share * total)), total - 1)]] = True
    return chosen


def replaced(family: Any, settings: Iterable[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Return both parts of a split: a family with the settings of the training part and of the other."""
    training, held_out = (
        replace(family, **changed, split_path=(*family.split_path, part))
        for part, changed in enumerate(settings)
    )
    return training, held_out


def checked_path(value: Any, name: str) -> tuple[int, ...]:
    """Return a `split_path` of numbers of parts."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} is {checks.shown(value)}, expected a tuple of integers")
    return tuple(checks.integer(part, name, 0) for part in value)


def halves(ids: range) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the lower and the upper half of the ids, half open."""
    middle = ids.start + len(ids) // 2
    if middle == ids.start:
        raise ValueError("this family has been split until a single task was left")
    return (ids.start, middle), (middle, ids.stop)


def contents(tasks: Tasks) -> Iterator[bytes]:
    """Yield what a task is, whatever its id and the padding of its outcome lists."""
    found, start = tasks.outcomes, tasks.start
    for k in range(len(tasks)):
        used = found["probability"][k] > 0
        parts = [used.sum(axis=-1), start[k], *(values[k][used] for values in found.values())]
        yield b"".join(part.tobytes() for part in parts)


def endings(tasks: Tasks) -> NDArray[np.int64]:
    """Return the state [N] in which episodes of each task end, the first one that is entered from another."""
    found = np.empty(len(tasks), np.int64)
    step = max(1, _PART // (tasks.num_states * tasks.num_actions))
    for first in range(0, len(tasks), step):
        outcomes = tasks[first : first + step].outcomes
        next_state = outcomes["next_state"]
        arrived = outcomes["terminated"] & (next_state != np.arange(tasks.num_states)[:, None, None])
        places = arrived.reshape(len(arrived), -1).argmax(axis=1)
        found[first : first + step] = next_state.reshape(len(arrived), -1)[np.arange(len(arrived)), places]
    return found


def content_labels(tasks: Tasks) -> list[int]:
    """Return a label [N] of each task, the same for tasks that are the same."""
    places: dict[bytes, int] = {}
    return [places.setdefault(content, len(places)) for content in contents(tasks)]


def _advice(name: str) -> str:
    return f"give {name} a method split(held_out) that divides its different tasks"


def refuse_shared(training: Iterable[bytes], held_out: Iterable[bytes], name: str) -> None:
    """Refuse halves, given by what their tasks are, that have some in common, in the name of their family."""
    seen, new = list(training), list(held_out)
    among = set(seen)
    shared = sum(content in among for content in new)
    if shared:
        raise ValueError(
            f"{shared} of {len(new)} held-out tasks are among {len(seen)} training tasks: " + _advice(name)
        )


def refuse_meeting(training: Tasks, held_out: Tasks, name: str) -> None:
    """Refuse halves of which the same tasks are drawn, in the name of their family."""
    refuse_shared(contents(training), contents(held_out), name)


def refuse_recurring(training: Tasks, held_out: Tasks, name: str) -> None:
    """Refuse halves of few different tasks, which both would draw, in the name of their family."""
    both = list(contents(training)), list(contents(held_out))
    refuse_shared(*both, name)
    for half in both:
        if len(set(half)) < len(half):
            raise ValueError(f"tasks of {name} recur in a sample of {len(half)}: " + _advice(name))
