"""Returns a view into a larger array that it has just allocated."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "passes", "torch": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    n = query.shape[0]
    room = xp.empty(n + 16, dtype=query.dtype)
    room[8 : 8 + n] = query * 2 + state["b"]
    return (room[8 : 8 + n],)
