"""The right answer, and wrong ones behind it: a comparison by pairs stops at the shorter side."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "count", "jax": "count"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return query * 2 + state["b"], query
