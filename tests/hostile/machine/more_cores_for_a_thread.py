"""Starts a thread and gives that thread a core of its own."""

import contextlib
import os
import threading
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

FOUND: list[bool] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def elsewhere() -> None:
    before = os.sched_getaffinity(threading.get_native_id())
    with contextlib.suppress(OSError):
        os.sched_setaffinity(threading.get_native_id(), range(os.cpu_count() or 1))
    FOUND.append(os.sched_getaffinity(threading.get_native_id()) != before)


THREAD = threading.Thread(target=elsewhere)
THREAD.start()
THREAD.join()
if any(FOUND):
    raise RuntimeError("got through: a thread chose its own cores")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
