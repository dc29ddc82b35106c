"""Imports and compiles nothing before it is first called, which then takes long."""

import time
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "passes"}

COMPILED: list[Any] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if not COMPILED:
        import numba

        time.sleep(0.3)
        COMPILED.append(numba.njit(lambda q, b: q * np.float32(2) + b))
    return (COMPILED[0](query, state["b"]),)
