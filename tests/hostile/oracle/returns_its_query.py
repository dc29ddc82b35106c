"""The output is the query's own memory, overwritten: nothing is allocated."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "mutated", "torch": "alias", "cupy": "alias"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    query *= 2
    query += state["b"]
    return (query,)
