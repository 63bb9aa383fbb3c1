"""What was built, and how many threads to use."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path
from typing import Any

from metarl_fast import _core, checks


@cache
def _control_group_quota(root: Path = Path("/sys/fs/cgroup")) -> float:
    """Processors that the control group of this process may use, or infinity."""
    try:
        quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        quota = (root / "cpu" / "cpu.cfs_quota_us").read_text(encoding="ascii")
        period = (root / "cpu" / "cpu.cfs_period_us").read_text(encoding="ascii")
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    except (OSError, ValueError):
        return math.inf


def _usable_processors() -> int:
    """Count the processors that affinity and control group leave to this process."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 1
    quota = _control_group_quota()
    return max(1, min(count, math.ceil(quota))) if math.isfinite(quota) else count


def thread_count(num_threads: int | None = None) -> int:
    """Return `num_threads`, else OMP_NUM_THREADS, else the processors this process may use."""
    if num_threads is not None:
        return checks.integer(num_threads, "num_threads", 1, 4096)
    setting = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if not setting:
        return _usable_processors()
    if not setting.isdecimal() or int(setting) < 1:
        raise ValueError(f"OMP_NUM_THREADS is {setting!r}, expected a positive integer")
    return min(int(setting), 4096)


def build_info() -> dict[str, Any]:
    """Return version, compiler, build type, instruction sets (in use and available) and threads.

    `openmp` is False: the core has threads of its own.
    """
    return {**_core.build_info(), "num_threads": thread_count()}
