"""The same JAX program on one host device a thread: XLA leaves the small operations of a step on one each."""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any

import jax
import numpy as np

from metarl_fast.benchmark import Learned, Workload
from peers.jax_scan import DEVICES, learn, random_words

if len(DEVICES) == 1:
    raise ImportError(f"with one device ({DEVICES[0].device_kind}) it is jax_scan")
TITLE = f"JAX, the same on {len(DEVICES)} devices"


@cache
def compiled(work: Workload) -> Any:
    return jax.pmap(jax.vmap(partial(learn, work)))


def run(work: Workload, seed: int, num_threads: int) -> Learned:
    words = random_words(work, seed)
    devices = math.gcd(len(words), len(DEVICES))  # `pmap` wants equal shares
    values, policy = compiled(work)(words.reshape(devices, -1, 4))
    return Learned(np.asarray(values).reshape(-1), np.asarray(policy).reshape(len(words), -1))
