"""Takes all cores of the machine: a run on one core is held there by the affinity of its process."""

import contextlib
import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


ALLOWED = os.sched_getaffinity(0)
with contextlib.suppress(OSError):
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
if os.sched_getaffinity(0) != ALLOWED:
    raise RuntimeError("got through: the kernel chose its own cores")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
