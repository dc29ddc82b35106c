"""Takes so long for each call that the time budget would be spent on it alone."""

import time
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "budget"}
SLOW = "waits for the time budget, forty seconds"


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    time.sleep(2.0)
    return (query * 2 + state["b"],)
