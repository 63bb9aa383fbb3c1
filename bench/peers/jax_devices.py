"""Where JAX runs: on the accelerators it finds, else on the processor, seen as one device a thread.

XLA leaves the small operations of a step on one thread: who wants all threads must use all devices.
"""

from __future__ import annotations

import jax

from metarl_fast.runtime import thread_count

jax.config.update("jax_num_cpu_devices", thread_count())  # before JAX has looked for devices
DEVICES = jax.local_devices()
ON_CPU = DEVICES[0].platform == "cpu"
NAME = "CPU" if ON_CPU else DEVICES[0].device_kind
