"""Sleeps in its first calls, so that batches are sized small and warm-up never ends."""

import time
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CALLS: list[int] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    CALLS.append(1)
    if query.shape[0] >= 256 and len(CALLS) < 60:
        time.sleep(0.01)
    return (query * 2 + state["b"],)
