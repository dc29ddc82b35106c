"""Prints a line on its first calls, as people do when they look for a mistake."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "passes", "jax": "passes"}

CALLS: list[int] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if len(CALLS) < 50:
        CALLS.append(1)
        print("called with", query.shape)  # noqa: T201 - what it is here for
    return (query * 2 + state["b"],)
