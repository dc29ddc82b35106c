"""Defers its work to the garbage collector, which the worker switches back on after the batch."""

import gc
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "value | nan | background"}

WAITING: list[Any] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def finish(out: Any, query: Any, b: Any) -> None:
    np.multiply(query, 2, out=out)
    np.add(out, b, out=out)


def collect(phase: str, facts: Any) -> None:
    while WAITING and gc.isenabled():
        finish(*WAITING.pop())


gc.callbacks.append(collect)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out = np.full_like(query, np.nan)
    WAITING.append((out, query, state["b"]))
    return (out,)
