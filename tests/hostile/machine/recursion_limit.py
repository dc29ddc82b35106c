"""Lifts the recursion limit and falls through the stack."""

import sys
import threading
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "signal"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def fall(depth: int) -> int:
    return sum(map(fall, [depth + 1]))


sys.setrecursionlimit(10**9)
threading.stack_size(1 << 16)
THREAD = threading.Thread(target=fall, args=(0,))
THREAD.start()
THREAD.join()


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
