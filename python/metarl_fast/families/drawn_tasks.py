"""What families written in Python have drawn, kept while all of it together takes little memory."""

from __future__ import annotations

import os
import threading
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from metarl_fast.recipes import Ids, StoredRecipe

Draw = Callable[[Any, int, Sequence[int]], StoredRecipe]
"""(family, key, ids) to tasks in memory."""

MOST_BYTES = 2**28
"""What all drawn tasks that are kept may take; beyond it those used longest ago are drawn again."""

_BLOCK_BYTES, _TASK_BYTES = 4096, 256
"""What keeping a block, and a task in it, takes beside the arrays."""


class _Block:
    """Tasks that were drawn together."""

    def __init__(self, recipe: StoredRecipe, ids: Sequence[int], owner: DrawnTasks) -> None:
        self.recipe, self.ids = recipe, ids
        self.owner = weakref.ref(owner)
        self.num_bytes = recipe.num_bytes + _BLOCK_BYTES + _TASK_BYTES * len(ids)

    def rows(self, rows: Sequence[int]) -> StoredRecipe:
        """Return some of its tasks; consecutive ones are looked at and not copied."""
        first, last = rows[0], rows[-1]
        run = list(rows) == list(range(first, last + 1))
        places = slice(first, last + 1) if run else np.array(rows, np.int64)
        return self.recipe.take(places, range(len(rows)))


class _Shelf:
    """The blocks of all families, the one used longest ago first. It does not keep them alive: owners do."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._blocks: OrderedDict[int, weakref.ref[_Block]] = OrderedDict()
        self._num_bytes = 0

    def put(self, block: _Block) -> None:
        """Take note of a block, and drop others if there are too many. Under the lock, as all of these."""
        self._blocks[id(block)] = weakref.ref(block)
        self._num_bytes += block.num_bytes
        if self._num_bytes > MOST_BYTES:
            self._make_room()

    def use(self, block: _Block) -> None:
        """Remember that it was used."""
        if id(block) in self._blocks:
            self._blocks.move_to_end(id(block))

    def _make_room(self) -> None:
        """Drop the blocks used longest ago, down to three quarters: so this is seldom done."""
        alive = [block for block in (found() for found in self._blocks.values()) if block is not None]
        self._num_bytes = sum(block.num_bytes for block in alive)
        gone = 0
        while self._num_bytes > MOST_BYTES * 3 // 4 and gone < len(alive):
            block = alive[gone]
            self._num_bytes -= block.num_bytes
            owner = block.owner()
            if owner is not None:
                owner.forget(block)
            gone += 1
        self._blocks = OrderedDict((id(block), weakref.ref(block)) for block in alive[gone:])


_shelf = _Shelf()
_known: weakref.WeakValueDictionary[str, DrawnTasks] = weakref.WeakValueDictionary()


class DrawnTasks:
    """Tasks of one copy of a family under one key, drawn when somebody looks and then kept.

    Slices and copies of a batch share one of these, so none of their tasks is drawn twice. All of them
    together keep `MOST_BYTES`; what was used longest ago goes first, and is drawn again, to the same bits,
    when it is wanted again. What nobody refers to any more is gone at once. Pickled it is the family and the
    key; unpickled in a process that knows it, it is the same one.
    """

    def __init__(self, family: Any, key: int, draw: Draw, name: str | None = None) -> None:
        self.family, self.key, self._draw = family, key, draw
        self.name = uuid.uuid4().hex if name is None else name
        self._places: dict[int, tuple[_Block, int]] = {}
        self._drawing = threading.Lock()
        _known[self.name] = self

    def __reduce__(self) -> tuple[Any, ...]:
        return _known_or_new, (self.family, self.key, self._draw, self.name)

    def __deepcopy__(self, memo: dict[int, Any]) -> DrawnTasks:
        return self  # nothing that it holds is ever changed

    def stored(self, ids: Ids) -> StoredRecipe:
        """Return the tasks of these ids; what is not there is drawn, in one go."""
        wanted = list(ids) if isinstance(ids, range) else ids.tolist()
        # One draws at a time: a family may fill the same arrays for every task.
        with self._drawing:
            with _shelf.lock:
                found = {task: self._places[task] for task in wanted if task in self._places}
                for block in {id(block): block for block, _ in found.values()}.values():
                    _shelf.use(block)
            missing = [task for task in dict.fromkeys(wanted) if task not in found]
            if missing or not wanted:
                new = _Block(self._draw(self.family, self.key, missing), missing, self)
                places = {task: (new, row) for row, task in enumerate(missing)}
                found.update(places)
                with _shelf.lock:
                    self._places.update(places)
                    _shelf.put(new)
        parts = [block.rows(rows) for block, rows in _runs([found[task] for task in wanted])]
        whole = parts[0].join(parts[1:]) if len(parts) > 1 else parts[0] if parts else new.recipe
        return whole.named(ids)

    def forget(self, block: _Block) -> None:
        """Drop a block."""
        for task in block.ids:
            if self._places[task][0] is block:
                del self._places[task]


def _runs(places: list[tuple[_Block, int]]) -> Iterator[tuple[_Block, list[int]]]:
    """Yield neighbours of one block together: the block, and their rows in it."""
    for _, run in groupby(places, key=lambda place: id(place[0])):
        together = list(run)
        yield together[0][0], [row for _, row in together]


def _known_or_new(family: Any, key: int, draw: Draw, name: str) -> DrawnTasks:
    known = _known.get(name)
    return DrawnTasks(family, key, draw, name) if known is None else known


def _renew_locks() -> None:
    """In a forked child: the threads that held locks do not exist there."""
    _shelf.lock = threading.Lock()
    for drawn in list(_known.values()):
        drawn._drawing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
