"""Leaves a process behind, in a session of its own, which would disturb whoever is timed next."""

import os
import time
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
except OSError:
    pass


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
