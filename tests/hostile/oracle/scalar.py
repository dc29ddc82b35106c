"""A scalar, for a comparison that broadcasts."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "shape", "jax": "shape", "torch": "shape"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (xp.mean(query * 2 + state["b"], keepdims=True),)
