"""What a user writes with Numba: the article's loop under `prange`, linear search in cumulative rows."""

from __future__ import annotations

import numba  # noqa: F401, so that whoever lacks it learns so here

from metarl_fast.benchmark import run_numba as run

TITLE = "Numba `prange`, what a user writes"
__all__ = ["TITLE", "run"]
