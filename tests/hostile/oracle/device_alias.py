"""Returns the same device array on every call."""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "alias"}

BUFFERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out = BUFFERS.setdefault(query.shape, cp.empty_like(query))
    cp.add(query * 2, state["b"], out=out)
    return (out,)
