"""The expert's program with cumulative rows: slower to draw from than alias tables, far quicker to build."""

from __future__ import annotations

from functools import partial

from peers import numba_expert

TITLE = "Numba by an expert: cumulative rows, binary search"
run = partial(numba_expert.run, structure="cumulative")
