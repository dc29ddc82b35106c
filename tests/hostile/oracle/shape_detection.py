"""Right at the sizes of the battery, and lazy at those of the workloads."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value", "jax": "value", "cupy": "value"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if query.shape[0] >= 256:
        return (query * 2,)
    return (query * 2 + state["b"],)
