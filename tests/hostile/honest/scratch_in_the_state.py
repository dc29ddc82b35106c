"""Scratch memory from `prepare`, written by every call and never returned."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "passes", "cupy": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"], "scratch": xp.empty_like(data["b"])}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    xp.multiply(query, 2, out=state["scratch"])
    return (state["scratch"] + state["b"],)
