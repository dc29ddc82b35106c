"""Right answers, with the query used as scratch memory.

A harness that computes its reference from the same array, after the kernel, is fooled outright (robust-kbench); here
the array is the kernel's own copy, but `run` has promised to leave its inputs alone, and a caller relies on that.
"""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "mutated"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    query *= 2
    query += state["b"]
    return (query.copy(),)
