"""Fills its outputs when they are asked for, as another kernel here does, where that takes less than copying them.

Hardly enough to be refused for, on a busy machine less so than on a quiet one. Either way nothing is won: what copying
takes longer than usual counts as if it had been on the clock.
"""

import gc
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "background | no effect"}

PATCHED: list[int] = []
WAITING: list[Any] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def patch() -> None:
    worker = next(one for one in gc.get_objects() if type(one).__name__ == "Worker")
    gather = worker.gather

    def answer_and_gather(job: Any, descriptors: Any) -> Any:
        for out, query, b in WAITING:
            np.add(query * 2, b, out=out)
        WAITING.clear()
        return gather(job, descriptors)

    worker.gather = answer_and_gather


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if not PATCHED:
        PATCHED.append(1)
        patch()
    out = np.empty_like(query)
    WAITING.append((out, query, state["b"]))
    return (out,)
