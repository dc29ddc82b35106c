"""Resets the device under everybody's arrays."""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "exception | signal | exit"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    cp.cuda.runtime.deviceReset()
    return (query * 2 + state["b"],)
