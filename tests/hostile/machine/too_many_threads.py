"""Starts threads until the machine has no more."""

import threading
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}
SLOW = "starts as many threads as it is let"

STARTED: list[int] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if not STARTED:
        STARTED.append(1)
        wait = threading.Event()
        threads = []
        try:
            for _ in range(20_000):
                threads.append(threading.Thread(target=wait.wait, daemon=True))
                threads[-1].start()
        except RuntimeError:
            threads.pop()
        wait.set()
        for one in threads:
            one.join()
    return (query * 2 + state["b"],)
