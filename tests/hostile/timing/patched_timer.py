"""Every clock of Python's `time` runs ten times slower.

The worker's own figures are compared with the supervisor's clocks and never shown.
"""

import time
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect", "jax": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def slow(clock: Any) -> Any:
    began = clock()
    return lambda: began + (clock() - began) // 10


time.perf_counter_ns, time.monotonic_ns = slow(time.perf_counter_ns), slow(time.monotonic_ns)
time.perf_counter, time.monotonic = slow(time.perf_counter), slow(time.monotonic)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
