"""The first half of the output is right."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value", "jax": "value"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    half = (query.shape[0] + 1) // 2
    return (xp.concatenate([query[:half] * 2 + state["b"][:half], query[half:]]),)
