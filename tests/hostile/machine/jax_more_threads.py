"""Asks XLA for more threads than the run has cores."""

import contextlib
import os
from typing import Any

TARGET = "shift"
EXPECT = {"jax": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=true intra_op_parallelism_threads=8"
os.environ["PJRT_NPROC"] = "8"
ALLOWED = os.sched_getaffinity(0)
with contextlib.suppress(OSError):
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
if os.sched_getaffinity(0) != ALLOWED:
    raise RuntimeError("got through: the kernel chose its own cores")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
