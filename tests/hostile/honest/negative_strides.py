"""Returns a view that runs backwards."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return ((query[::-1] * 2 + state["b"][::-1])[::-1],)
