"""A generator that computes its elements when they are asked for, which is off the clock."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "type"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (one * 2 + state["b"] for one in (query,))
