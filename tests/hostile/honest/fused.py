"""Fused by CuPy into one elementwise kernel."""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


@cp.fuse
def answer(query: Any, b: Any) -> Any:
    return query * 2 + b


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (answer(query, state["b"]),)
