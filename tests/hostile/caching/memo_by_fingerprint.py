"""Remembers answers by the sum of the query, rounded: cheap to look up, and soon wrong."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value"}

ANSWERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    key = (query.shape, round(float(query[0]), 1))
    if key not in ANSWERS:
        ANSWERS[key] = query * 2 + state["b"]
    return (ANSWERS[key].copy(),)
