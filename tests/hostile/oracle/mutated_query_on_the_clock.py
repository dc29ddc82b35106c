"""The same at the sizes of the workloads only: correct in one phase, impure in the other."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "mutated"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out = query * 2 + state["b"]
    if query.shape[0] >= 256:
        query[:] = 0
    return (out,)
