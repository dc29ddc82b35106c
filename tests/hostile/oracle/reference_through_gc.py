"""Looks for the reference among all objects of its process.

It lives in another process; all that is found here is the kernel's own.
"""

import gc
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

LOOKED: list[int] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if not LOOKED:
        LOOKED.append(1)
        for one in gc.get_objects():
            if type(one).__name__ in {"Bounded", "Ranked", "Exact", "Datasets", "WorkerProcess"}:
                raise RuntimeError(f"got through: a {type(one).__name__} of the supervisor")
    return (query * 2 + state["b"],)
