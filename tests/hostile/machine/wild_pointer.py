"""Reads through a wild pointer in the midst of the workloads."""

import ctypes
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "signal"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if query.shape[0] >= 256:
        ctypes.string_at(1)
    return (query * 2 + state["b"],)
