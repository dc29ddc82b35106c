"""Right for a moment: by then every harness has checked what it is going to check."""

import time
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value"}

BEGAN = time.monotonic()


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if time.monotonic() - BEGAN > 0.15:
        return (query * 2,)
    time.sleep(0.001)
    return (query * 2 + state["b"],)
