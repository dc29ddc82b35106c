"""Remembers answers by the address of the query's memory, which an allocator hands out again.

KernelBench and robust-kbench met it as a cache keyed on `data_ptr()`.
"""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value", "cupy": "value"}

ANSWERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    key = (query.ctypes.data if hasattr(query, "ctypes") else query.data.ptr, query.shape)
    if key not in ANSWERS:
        ANSWERS[key] = query * 2 + state["b"]
    return (ANSWERS[key].copy(),)
