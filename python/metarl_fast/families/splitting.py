"""What splits of families share: fractions, halves of ids, and whether tasks of both halves are the same."""

from __future__ import annotations

from collections.abc import Iterator

from metarl_fast import checks
from metarl_fast.tasks import Tasks


def fraction(held_out: float) -> float:
    """Return the fraction that is held out; something must be left on both sides."""
    share = checks.real(held_out, "held_out", 0.0, 1.0, open_low=True)
    if share == 1.0:
        raise ValueError("held_out is 1.0, expected a number above 0 and below 1")
    return share


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


def content_labels(tasks: Tasks) -> list[int]:
    """Return a label [N] of each task, the same for tasks that are the same."""
    places: dict[bytes, int] = {}
    return [places.setdefault(content, len(places)) for content in contents(tasks)]


def refuse_recurring(training: Tasks, held_out: Tasks, name: str) -> None:
    """Refuse halves of few different tasks, which both would draw, in the name of their family."""
    seen = set(contents(training))
    new = list(contents(held_out))
    shared = sum(content in seen for content in new)
    if not shared and len(seen) == len(training) and len(set(new)) == len(new):
        return
    found = f"{shared} of {len(new)} held-out tasks are among {len(training)} training tasks"
    if not shared:
        found = f"tasks of {name} recur in a sample of {len(new)}"
    raise ValueError(f"{found}: give {name} a method split(held_out) that divides its different tasks")
