"""Returns a list where others return a tuple."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "passes", "jax": "passes", "torch": "passes", "cupy": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return [query * 2 + state["b"]]
