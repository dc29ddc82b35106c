"""The worker's own captured clock is replaced by one that runs ten times slower."""

import time
from typing import Any

from lar import worker

TARGET = "shift"
EXPECT = {"numpy": "forged"}

BEGAN = time.perf_counter_ns()


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def slow() -> int:
    return BEGAN + (time.perf_counter_ns() - BEGAN) // 10


worker._now = slow


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
