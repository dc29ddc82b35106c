"""The worker's clock runs ten times faster, to make the others look slow or to overflow a counter."""

import time
from typing import Any

from lar import worker

TARGET = "shift"
EXPECT = {"numpy": "forged"}

BEGAN = time.perf_counter_ns()


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def fast() -> int:
    return BEGAN + (time.perf_counter_ns() - BEGAN) * 10


worker._now = fast


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
