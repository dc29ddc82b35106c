"""Replaces every way of waiting for the device by one that returns at once."""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


cp.cuda.runtime.deviceSynchronize = lambda: None
cp.cuda.Stream.synchronize = lambda self: None
cp.cuda.Device.synchronize = lambda self: None


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
